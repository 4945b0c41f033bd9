"""The preview of a campaign: its releases, and where everybody else of the list stands.

The rules are those of dbt's macros (dbt/macros/campaign_*.sql), asked of all orders at once: no order is told a
reason that the queue does not go by.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.configuration import Configuration
from pp_pipeline.conversations.takers import takers_of
from pp_pipeline.portions import portions
from pp_pipeline.preview.table import Preview, PreviewRow, State, in_order
from pp_pipeline.warehouse import Warehouse
from pp_pipeline.why.history import History, in_force
from pp_pipeline.why.rules import Rules
from pp_pipeline.why.words import audience_values, basis_missing, days, outside_window, value_words

_CONTACTS_AT_ONCE = 5_000
# One row per contact of the list on the last day: of its orders the one that waits, else the newest.
_STANDING = """
{%- set parameters = var('asked_campaign') -%}
with days as (select {{ last_day() }} as as_of),
{{ everyone_as_of('days') }},
candidates as (
    select distinct order_id from {{ ref('order_versions') }} where {{ of_merchant(parameters) }}
),
{{ campaign_versions(parameters) }},
{{ campaign_stretches(parameters) }},
{{ campaign_walk(parameters) }},
standing as (
    select
        *,
        case
            when gone_on <= {{ last_day() }} then 'gone'
            when is_queued and starts_on <= {{ last_day() }} then 'waits'
            when is_queued then 'not_active'
            when not_wanted is not null then 'unwanted'
            else 'outside'
        end as standing
    from walked
    where from_on <= {{ last_day() }} and (stretch_until_on is null or stretch_until_on > {{ last_day() }})
),
chosen as (
    select
        contact_list.merchant,
        contact_list.contact_key,
        contact_list.email,
        standing.version_id,
        standing.standing,
        standing.not_wanted,
        standing.basis_date,
        standing.due_on,
        standing.gone_on,
        standing.status,
        standing.is_eligible,
        row_number() over (
            partition by contact_list.contact_id
            order by
                case when standing.standing = 'waits' then 0 else 1 end,
                case when standing.standing = 'waits' then standing.due_on end,
                standing.ordered_on desc,
                case when standing.could_enter_on is not null then 0 else 1 end,
                standing.order_id
        ) as place
    from contact_list
    inner join standing on contact_list.contact_id = standing.contact_id
    where contact_list.merchant = {{ text(parameters.merchant) }}
)
select
    chosen.merchant, chosen.contact_key, chosen.email, versions.order_number, chosen.standing, chosen.not_wanted,
    chosen.basis_date, chosen.due_on, chosen.gone_on, chosen.status, chosen.is_eligible
from chosen
inner join {{ ref('order_versions') }} as versions on chosen.version_id = versions.version_id
where chosen.place = 1
order by versions.order_number
"""
_RELEASES = """
select merchant, contact_key, email, order_number, movement_on, due_on, basis_date, basis_source, event_id
from {queue}
where reason = 'released' and movement_on between ? and ?
order by movement_on, order_number
"""
_LEFT = """
select order_number, reason, movement_on, due_on
from {queue}
where movement = 'left' and movement_on <= ?
order by movement_on
"""


def preview_campaign(configuration: Configuration, name: str, first: date, last: date, merchant: str = "") -> Preview:
    """The preview of a campaign out of a home whose queue is built through `last`, such as a shadow.

    Args:
        merchant: only contacts of this one; '' for all.
    """
    campaign = next(one for one in configuration.campaigns if one.name == name)
    parameters = campaign.model_dump(mode="json", exclude={"name", "config_hash"})
    variables = {"from_day": first.isoformat(), "to_day": last.isoformat(), "asked_campaign": parameters}
    sql = configuration.project.compiled(_STANDING, variables)
    with Warehouse(configuration.settings).connect() as connection:
        releases = connection.frame(_RELEASES.format(queue=campaign.queue), (first, last)).to_dict("records")
        left = {row[0]: Left(*row[1:]) for row in connection.rows(_LEFT.format(queue=campaign.queue), (last,))}
        standing = connection.frame(sql).to_dict("records")
    got = {row["contact_key"] for row in releases}
    others = [row for row in standing if row["contact_key"] not in got]
    values = _audience_values(configuration, campaign, others, left)
    teller = _Teller(campaign, last, left, values)
    rows = [_release(campaign, row) for row in releases] + [teller.row(row) for row in others]
    return Preview(
        kind="campaign",
        name=name,
        first=first,
        last=last,
        summary=campaign.summary(),
        notes=_notes(configuration, campaign),
        rows=in_order(row for row in rows if merchant in ("", row.merchant)),
    )


def _notes(configuration: Configuration, campaign: Campaign) -> list[str]:
    merchant = configuration.merchants[campaign.merchant]
    takers = takers_of(campaign.event, merchant, configuration.conversations)
    notes = [f"{campaign.event} is taken by {', '.join(takers) or 'nobody: nothing would go out'}"]
    if campaign.is_customers_of_last_days:
        notes.append(f"`{campaign.name}` waits 0 days: it fires for everyone who ordered in the last 10 days")
    return notes


def _release(campaign: Campaign, row: dict[Any, Any]) -> PreviewRow:
    late = (row["movement_on"] - row["due_on"]).days
    return PreviewRow(
        state="gets",
        reason="released",
        merchant=row["merchant"],
        contact_key=row["contact_key"],
        email=row["email"],
        on=row["movement_on"],
        due_on=row["due_on"],
        what=campaign.event,
        order_number=row["order_number"],
        event_id=row["event_id"],
        text=f"{row['basis_source']} {row['basis_date']}" + (f", {days(late)} late" if late else ""),
    )


class Left(NamedTuple):
    """How an order left the queue, the last time."""

    reason: str
    on: date
    due_on: date


class _Teller:
    """Says why a contact gets nothing, by the one of its orders that says the most."""

    def __init__(
        self, campaign: Campaign, last: date, left: Mapping[str, Left], values: Mapping[tuple[str, date], str]
    ) -> None:
        self._campaign, self._last, self._left, self._values = campaign, last, left, values

    def row(self, row: dict[Any, Any]) -> PreviewRow:
        state, reason, on, text = self._told(row)
        return PreviewRow(
            state=state,
            reason=reason,
            merchant=row["merchant"],
            contact_key=row["contact_key"],
            email=row["email"],
            on=on,
            due_on=row["due_on"] if state == "waits" else None,
            order_number=row["order_number"],
            text=text,
        )

    def _told(self, row: dict[Any, Any]) -> tuple[State, str, date | None, str]:
        campaign, left = self._campaign, self._left.get(row["order_number"])
        if row["standing"] == "waits":
            if row["due_on"] <= self._last:
                return "waits", "held", None, f"due since {row['due_on']}, held while its status is {row['status']}"
            return "waits", "waiting", None, f"waits until {row['due_on']}"
        if row["standing"] == "not_active":
            return "never", "not_active", None, f"the campaign is active from {campaign.active_from}"
        if left and row["standing"] == "gone":
            return "left", left.reason, left.on, f"left on {left.on}, {left.reason}{self._for_good(row, left)}"
        reason, text = self._not_wanted(row) if row["not_wanted"] else self._outside(row)
        if left is None:
            return "never", reason, None, text
        is_same = left.reason == row["not_wanted"]
        return "left", reason if is_same else left.reason, left.on, f"left on {left.on}, {left.reason}; now: {text}"

    def _for_good(self, row: dict[Any, Any], left: Left) -> str:
        """What is to be said of leaving for good besides the word."""
        if left.reason == "expired":
            late = (left.on - left.due_on).days
            return f", {days(late)} late: the campaign allows {days(self._campaign.max_days_late)}"
        if left.reason == "filtered":
            judged = self._values.get((row["contact_key"], left.on)) or "it was not on the list that day"
            return f": not in the audience ({self._campaign.audience}): {judged}"
        return ""

    def _outside(self, row: dict[Any, Any]) -> tuple[str, str]:
        word = "after_window" if row["basis_date"] > self._campaign.active_from else "before_window"
        return word, outside_window(self._campaign, row["basis_date"])

    def _not_wanted(self, row: dict[Any, Any]) -> tuple[str, str]:
        """A word and a sentence; `withdrawn` has no one cause, so its causes are the words."""
        if row["not_wanted"] == "canceled":
            return "canceled", f"its status is {row['status']}"
        if row["not_wanted"] == "superseded":
            age = "an older" if self._campaign.repeat_orders == "first" else "a newer"
            return "superseded", f"{age} order of the contact counts"
        if not row["is_eligible"]:
            return "ineligible", "it is declared no shopper's purchase"
        return "no_basis_date", basis_missing(self._campaign)


def _audience_values(
    configuration: Configuration, campaign: Campaign, others: list[dict[Any, Any]], left: Mapping[str, Left]
) -> dict[tuple[str, date], str]:
    """What the audience was judged on, in words, for those who were filtered: by contact and day."""
    filtered = {
        (row["merchant"], row["contact_key"], found.on): row["order_number"]
        for row in others
        if row["standing"] == "gone" and (found := left[row["order_number"]]).reason == "filtered"
    }
    if not filtered or campaign.audience is None:
        return {}
    rules = Rules(configuration.project, [campaign])
    rules.load()
    asked, told = sorted(filtered), {}
    with Warehouse(configuration.settings).connect() as connection:
        versions = History(connection, campaign.merchant).versions(filtered.values())
        for part in portions(asked, _CONTACTS_AT_ONCE):
            for (key, on), purchases in rules.audience_facts(connection, campaign, part).items():
                version = in_force(versions[filtered[campaign.merchant, key, on]], on)
                told[key, on] = value_words(audience_values(campaign.audience, purchases, version))
    return told
