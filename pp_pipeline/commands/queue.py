"""`pp queue`: a campaign's queue on a day: who waits, what moved, and what the campaign is warned of."""

from datetime import date, timedelta
from typing import Any

from pp_pipeline.campaigns.books import books, stale_days
from pp_pipeline.campaigns.parameters import Campaign, load_campaigns
from pp_pipeline.campaigns.queues import movements_on, newest_built_day, queue_days, waiting_orders
from pp_pipeline.campaigns.warnings import findings
from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import counted, err, guarded, out, print_json, print_line, print_table
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.takers import takers_of
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.files import first_day
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.warehouse import Connection, Warehouse

DAYS_SHOWN = 7
_WAITING_COLUMNS = ["due_on", "order_number", "email", "basis_date", "basis_source", "entered_on"]
_MOVEMENT_COLUMNS = ["movement", "reason", "order_number", "email", "due_on"]


@guarded
def show_queue(name: str, on: str | None, limit: int, as_json: bool) -> int:
    """Print who waits at the end of a day, who moved on it, and counts of the days before."""
    settings = Settings.from_environment()
    with err.status("reading the campaigns ..."):
        campaign, manifest = _campaign(settings, name.removeprefix("queue_"))
    settings.check_built()
    with Ledger(settings) as ledger, Warehouse(settings).connect() as connection:
        newest = newest_built_day(connection, campaign.queue)
        if newest is None:
            raise SettingsError(f"{campaign.queue} was never built; `pp run --from DAY --to DAY` builds it")
        day = parse_day(on) if on else newest
        if day > newest:
            raise SettingsError(f"{campaign.queue} is built up to {newest}; {day} lies after it")
        waiting = waiting_orders(connection, campaign.queue, day).to_dict("records")
        moved = movements_on(connection, campaign.queue, day).to_dict("records")
        counts = queue_days(connection, campaign.queue, day - timedelta(days=DAYS_SHOWN - 1), day)
        warnings = _warnings(
            settings,
            connection,
            campaign,
            manifest,
            first_day(settings, ledger, all_feeds(load_merchants(settings))) or day,
        )
    days = [{"day": one, **vars(count)} for one, count in counts.items()]
    if as_json:
        print_json(
            {
                "campaign": campaign.name,
                "on": day,
                "warnings": warnings,
                "waiting": waiting,
                "movements": moved,
                "days": days,
            }
        )
        return 0
    print_line(campaign.summary(), "dim")
    for warning in warnings:
        print_line(f"warning: {warning}", "yellow")
    out.print()
    title = f"{campaign.name}: {counted(len(waiting), 'order waits', 'orders wait')} at the end of {day}"
    _print_rows(title, _WAITING_COLUMNS, waiting, limit)
    out.print()
    _print_rows(f"Movements on {day}", _MOVEMENT_COLUMNS, moved, limit)
    out.print()
    print_table(
        f"The {DAYS_SHOWN} days up to {day}",
        ["day", "entered", "moved", "left", "waiting"],
        [[one["day"], one["entered"], one["moved"], _reasons(one["left"]), one["waiting"]] for one in days],
    )
    return 0


def _campaign(settings: Settings, name: str) -> tuple[Campaign, dict[str, Any]]:
    """The campaign and the manifest that it stands in.

    Raises:
        SettingsError: there is none of that name; the text says which there are.
    """
    project = DbtProject(settings)
    names = project.campaign_names()
    if name not in names:
        raise SettingsError(f"there is no campaign '{name}'; known are {', '.join(names)}")
    manifest = project.manifest()
    segments = project.segment_names()
    campaigns = load_campaigns(manifest, merchants=load_merchants(settings), segments=segments)
    return next(campaign for campaign in campaigns if campaign.name == name), manifest


def _warnings(
    settings: Settings, connection: Connection, campaign: Campaign, manifest: dict[str, Any], begins: date
) -> list[str]:
    """What the campaign's checks would say: a warning is carried wherever a campaign is shown (DESIGN 3)."""
    merchants = load_merchants(settings)
    conversations = load_conversations(settings.conversations_dir, merchants)
    takers = takers_of(campaign.event, merchants[campaign.merchant], conversations)
    wanted = [book for book in books(manifest, begins, {}) if book.model == campaign.queue]
    stale = {found.model: found for found in stale_days(connection, wanted)}
    today = acting_day(settings, merchants, None)
    return [one.text for one in findings(connection, campaign, takers, stale, today) if not one.passed]


def _print_rows(title: str, columns: list[str], records: list[dict[Any, Any]], limit: int) -> None:
    print_table(title, columns, [[record[column] for column in columns] for record in records[:limit]])
    if len(records) > limit:
        print_line(f"... and {len(records) - limit} more (--limit, --json)", "dim")


def _reasons(left: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(left.items())) or "-"
