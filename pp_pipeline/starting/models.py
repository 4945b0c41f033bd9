"""The dbt models of campaigns and segments, as a person would write them by hand."""

from collections.abc import Mapping
from typing import Any

from pp_pipeline.starting.drafts import Draft, place_of


def campaign_draft(name: str, comment: str, parameters: Mapping[str, Any]) -> Draft:
    """A campaign's model: a comment, if there is one, and the macro call with the parameters in their order."""
    head = [f"{{# {comment} #}}"] if comment else []
    given = [f"    {key} = {_literal(value)}," for key, value in parameters.items()]
    text = "\n".join([*head, "{{ campaign(", *given, ") }}", ""])
    return Draft("campaign", name, {place_of("campaign", name): text})


def segment_draft(name: str, condition: str) -> Draft:
    """A segment's model."""
    text = f"{{{{ segment(condition = {_literal(condition)}) }}}}\n"
    return Draft("segment", name, {place_of("segment", name): text})


def _literal(value: Any) -> str:
    """A value as dbt's Jinja reads it: texts in quotes, conditions (which have quotes inside) in double ones."""
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    if not isinstance(value, str):
        return str(value)
    mark = "'" if value.replace("_", "").replace("-", "").isalnum() else '"'
    return mark + value.replace("\\", "\\\\").replace(mark, f"\\{mark}") + mark
