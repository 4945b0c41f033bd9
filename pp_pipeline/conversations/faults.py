"""What is wrong between files that people wrote, told with file, line and field.

Such faults are found on what was read, without the files at hand; for the line the file is read once more, only when
something is wrong.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pp_pipeline.yaml_file import YamlFile

FILE_NAME = "conversation.yml"
_CAMPAIGNS = "dbt/models/campaigns"


class Fault(NamedTuple):
    """Something that is wrong at one word of one file.

    `file` is `<conversation>/conversation.yml` in the folder of the conversations, or a campaign's model in the
    checkout. `path` are the keys and list places that lead to the word, or the campaign's parameter.
    """

    file: str
    path: tuple[str | int, ...]
    text: str


def fault_of_conversation(name: str, path: tuple[str | int, ...], text: str) -> Fault:
    """A fault in a conversation's file."""
    return Fault(f"{name}/{FILE_NAME}", path, text)


def fault_of_campaign(name: str, parameter: str, text: str) -> Fault:
    """A fault in a campaign's model."""
    return Fault(f"{_CAMPAIGNS}/queue_{name}.sql", (parameter,), text)


def told(fault: Fault, folder: Path) -> str:
    """The fault as people read it: `win_back/conversation.yml:4: flow_type: ...`.

    Args:
        folder: where its file stands.
    """
    path = folder / fault.file
    if path.suffix == ".sql":
        line = _line_of_parameter(path.read_text(encoding="utf-8"), str(fault.path[0]))
    else:
        line = YamlFile.read(path).line(fault.path)
    return f"{where(fault.file, line, fault.path)}{fault.text}"


def where(file: str, line: int, path: Sequence[str | int]) -> str:
    """What the words about a fault begin with: file, line and field; list places count from 1."""
    field = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"{file}:{line}: " + (f"{field}: " if field else "")


def _line_of_parameter(model: str, parameter: str) -> int:
    stated = re.compile(rf"\b{re.escape(parameter)}\s*=")
    return next((number for number, line in enumerate(model.splitlines(), 1) if stated.search(line)), 1)
