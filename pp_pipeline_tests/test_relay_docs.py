"""docs/relays.md names every kind of relay and every field of each."""

import re
from pathlib import Path

import pytest

from pp_pipeline.relay_roads import RELAY_ROADS

_DOCUMENT = (Path(__file__).parents[1] / "docs" / "relays.md").read_text()
_HEADINGS = {
    "webhook": "Webhooks",
    "listrak": "Listrak",
    "klaviyo": "Klaviyo",
    "audience_file": "Audience files",
    "members_file": "Members files",
}
_OF_ALL = {"relay", "via"}


def _fields(heading: str) -> dict[str, str]:
    """The first table of a section: field and default."""
    section = _DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = section.partition("| field |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|", table, re.MULTILINE)
    return {name: default for names, default in rows for name in re.findall(r"`(\w+)`", names)}


@pytest.mark.parametrize("via", _HEADINGS)
def test_every_field_of_a_relay_stands_in_its_table(via: str) -> None:
    shape = RELAY_ROADS[via].model_fields
    by_http = _fields("By HTTP")
    stated = _fields(_HEADINGS[via])
    assert stated.keys() == shape.keys() - _OF_ALL - by_http.keys()
    for name, default in stated.items():
        assert (default == "required") is shape[name].is_required(), name
        if isinstance(shape[name].default, str):
            assert shape[name].default == default.strip("`"), name


def test_every_kind_of_relay_stands_there() -> None:
    stated = re.findall(r"^\| \[?`(\w+)`", _DOCUMENT.partition("\n## ")[0], re.MULTILINE)[1:]
    assert stated == list(RELAY_ROADS)
