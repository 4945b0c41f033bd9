"""What documents and code refer to in the documents is there."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_DOCUMENTS = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s:#]*)#?([^)\s:]*)\)")
_IN_CODE = re.compile(r"docs/[a-z-]+\.md")


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for name, anchor in _LINK.findall(document.read_text(encoding="utf-8")):
        target = document.parent / name if name else document
        assert target.exists(), name
        assert not anchor or anchor in _anchors(target), f"{name}#{anchor}"


def test_documents_that_code_names_are_there() -> None:
    files = [path for kind in ("*.py", "*.yml", "*.sql", "*.j2") for path in (_ROOT / "pp_pipeline").rglob(kind)]
    named = {name for path in files for name in _IN_CODE.findall(path.read_text(encoding="utf-8"))}
    assert "docs/guards.md" in named
    assert [name for name in sorted(named) if not (_ROOT / name).exists()] == []
