"""docs/guards.md holds the table of guards, and every field of a merchant's policy."""

from pathlib import Path
from typing import get_args

import yaml

from pp_pipeline.sending.guards import GUARDS, DeliveryKind
from pp_pipeline.sending_policy import SendingPolicy

_DOCUMENT = Path(__file__).parents[1] / "docs" / "guards.md"


def table() -> str:
    """The guards as a Markdown table."""
    kinds = get_args(DeliveryKind)
    lines = [f"| guard | {' | '.join(kinds)} | holds when |", "| --- " * (len(kinds) + 2) + "|"]
    for guard in GUARDS:
        lines.append(f"| `{guard.name}` | {' | '.join(map(guard.acts_on, kinds))} | {guard.about} |")
    return "\n".join([*lines, ""])


def test_the_document_holds_the_table_of_guards() -> None:
    assert table() in _DOCUMENT.read_text(encoding="utf-8")


def test_the_document_names_every_field_of_the_policy() -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in SendingPolicy.model_fields if f"| `{name}` |" not in text] == []


def test_the_example_in_the_document_can_be_loaded() -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")
    example = text[text.index("    sending:\n") :].split("\n\n", 1)[0]
    policy = SendingPolicy.model_validate(yaml.safe_load(example)["sending"])
    assert policy.model_fields_set == set(SendingPolicy.model_fields)
