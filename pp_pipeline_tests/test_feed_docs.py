"""docs/feeds.md says of each kind of feed what the declaration says."""

from pathlib import Path

import pytest

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS

_DOCUMENT = Path(__file__).parents[1] / "docs" / "feeds.md"


def tables() -> dict[str, str]:
    """A Markdown section for each kind of feed."""
    sections = {}
    for kind in KINDS_OF_FEEDS.values():
        lines = [f"### {kind.kind}", "", kind.description, f"Lands in `{kind.table}`.", ""]
        lines += ["| column | what it holds | rule |", "| --- | --- | --- |"]
        for column in kind.columns:
            name = f"`{column.name}`" + ("" if column.may_be_absent else " *")
            lines.append(f"| {name} | {column.description} | `{column.rule}` |")
        sections[kind.kind] = "\n".join([*lines, ""])
    return sections


@pytest.mark.parametrize("kind", KINDS_OF_FEEDS)
def test_the_document_holds_the_declared_columns(kind: str) -> None:
    assert tables()[kind] in _DOCUMENT.read_text(encoding="utf-8")


def test_the_document_names_every_field_of_a_feed() -> None:
    text = _DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in Feed.model_fields if name != "merchant" and f"| `{name}` |" not in text] == []
