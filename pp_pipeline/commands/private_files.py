"""Files that a person asks for, of rows about people: whole or not at all, for their owner's eyes only."""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pp_pipeline.settings import SettingsError

# What a spreadsheet takes a cell for a formula by. Order numbers and addresses come from outside.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_privately(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file by a function that is given where to; one that is there is replaced.

    Raises:
        SettingsError: it can't be written.
    """
    place = path.resolve()  # of a link the file is meant
    draft = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            write(draft)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"{path} can't be written: {error.strerror}") from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV. A text that a spreadsheet would take for a formula gets a ' in front of it.

    Raises:
        SettingsError: it can't be written.
    """

    def write(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_cell(value) for value in row] for row in rows)

    write_privately(path, write)


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_BEGINS_FORMULA) else value
