"""Whom a draft would reach: in a shadow home, so nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pp_pipeline.preview import Asked, Preview, make_preview
from pp_pipeline.settings import Settings
from pp_pipeline.shadow import shadow_home
from pp_pipeline.starting.drafts import Draft
from pp_pipeline.warehouse import Warehouse

DAYS_AHEAD = 30
Say = Callable[[str], None]


@dataclass(frozen=True)
class Members:
    """A segment's members on a day, as merchant and contact key."""

    on: date
    members: list[tuple[str, str]]


def can_look_ahead(settings: Settings) -> bool:
    """Whether there are built days to look at; shadows are not made on Spark."""
    if settings.target == "spark" or not settings.has_warehouse:
        return False
    with Warehouse(settings).connect() as connection:
        return connection.table_exists("landed_days")


def look_ahead(settings: Settings, checkout: Path, draft: Draft, today: date, say: Say) -> Preview | Members:
    """What a draft does today and in the days to come, if nothing comes in; of a segment its members today.

    Args:
        checkout: a folder with the draft in it.

    Raises:
        See `make_preview` and `shadow_home`: the checkout is judged there, and its SQL is run.
    """
    if draft.kind == "segment":
        return _members(settings, checkout, draft.name, today, say)
    last = today + timedelta(days=DAYS_AHEAD - 1)
    if draft.kind == "campaign":
        asked = Asked(today, last, campaign=draft.name, checkout=checkout)
    else:
        asked = Asked(today, last, conversation=draft.name, checkout=checkout)
    return make_preview(settings, asked, say)


def _members(settings: Settings, checkout: Path, name: str, today: date, say: Say) -> Members:
    model = f"segment_{name}"
    with (
        shadow_home(settings, first=today, last=today, checkout=checkout, models=[model], say=say) as shadow,
        Warehouse(shadow).connect() as connection,
    ):
        sql = f"select merchant, contact_key from {model} where snapshot_on = ? order by merchant, contact_key"
        return Members(today, [(merchant, key) for merchant, key in connection.rows(sql, (today,))])
