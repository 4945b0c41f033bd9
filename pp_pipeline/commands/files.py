"""`pp files`: what came in and what became of it."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from rich.text import Text

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import counted, guarded, moment, older_ones, out, print_json, print_line
from pp_pipeline.landing.file_stories import FileStories, FileStory, feed_name, file_stories
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant, load_merchants, zone_of_days
from pp_pipeline.settings import Settings, SettingsError, parse_day


@guarded
def show_files(
    day: str | None,
    first: str | None,
    last: str | None,
    feed: str | None,
    refused: bool,
    name: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """List contents, newest first, each with what it is to others.

    Returns 1 while the inbox holds something refused or not understood.
    """
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    wanted = _days(day, first, last)
    _check_feed(feed, merchants)
    with Ledger(settings) as ledger:
        stories = file_stories(settings, ledger, merchants, acting_day(settings, merchants, None))
    found = [
        one for one in stories.files
        if wanted[0] <= one.file_date <= wanted[1]
        and (feed is None or feed in (one.feed, one.feed.rpartition(".")[2]))
        and (not refused or one.outcome == "refused")
        and (name is None or one.name == name)
    ]  # fmt: skip
    has_faults = bool(stories.misnamed or stories.unrecognised or any(one.is_standing for one in stories.files))
    if as_json:
        print_json(
            {
                "files": [vars(one) for one in found],
                "misnamed": [{"name": one, "reason": reason} for one, reason in stories.misnamed],
                "unrecognised": [{"name": one, "reason": reason} for one, reason in stories.unrecognised],
            }
        )
        return int(has_faults)
    _print_stories(found, limit if name is None else len(found), ZoneInfo(zone_of_days(merchants)))
    if name is None:
        _print_names(stories)
    return int(has_faults)


@guarded
def write_files_page(as_json: bool) -> int:
    """Write the page of the gate and print its path."""
    from pp_pipeline.landing.page import write_page
    from pp_pipeline.warehouse import Warehouse

    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    with Ledger(settings) as ledger:
        path = write_page(
            settings, ledger, Warehouse(settings).connect, merchants, acting_day(settings, merchants, None)
        )
    if as_json:
        print_json({"page": str(path)})
    else:
        out.out(str(path), highlight=False)
    return 0


def _days(day: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    if day and (first or last):
        raise SettingsError("say --day, or --from and --to")
    days = (parse_day(day or first or "0001-01-01"), parse_day(day or last or "9999-12-31"))
    if days[0] > days[1]:
        raise SettingsError(f"--from {days[0]} lies after --to {days[1]}")
    return days


def _check_feed(feed: str | None, merchants: dict[str, Merchant]) -> None:
    names = [feed_name(one) for one in all_feeds(merchants)]
    if feed is not None and feed not in {*names, *(name.rpartition(".")[2] for name in names)}:
        raise SettingsError(f"there is no feed '{feed}'; there are {', '.join(names)}")


def _print_stories(found: Sequence[FileStory], limit: int, zone: ZoneInfo) -> None:
    shown = found[:limit]
    print_line(counted(len(found), "content", "contents") + (", newest first" if found else ""), "bold")
    if not found:
        print_line("none: files come into PP_HOME/inbox and are read by `pp run`", "dim")
    has_feeds = any("." in one.feed for one in shown)  # the name of a plain feed's file begins with it
    header = ["date", "outcome", "rows", "quarantined", "bytes", "first seen", *(["feed"] if has_feeds else []), "file"]
    rows = [
        [str(one.file_date), _word(one), _count(one.row_count), _count(one.quarantined_count), f"{one.size:,}",
         moment(one.first_seen_at, zone), *([one.feed] if has_feeds else []), one.name]
        for one in shown
    ]  # fmt: skip
    widths = [max(len(row[place]) for row in [header, *rows]) for place in range(len(header))]
    for place, row in enumerate([header, *rows] if rows else []):
        cells = [
            cell.rjust(width) if name in ("bytes", "rows", "quarantined") else cell.ljust(width)
            for name, cell, width in zip(header, row, widths, strict=True)
        ]
        out.print(Text("  ".join(cells).rstrip(), style="" if place else "dim"), soft_wrap=True)
        if place and shown[place - 1].relations:
            print_line(f"            {'; '.join(shown[place - 1].relations)}", "dim")
    if len(shown) < len(found):
        print_line(older_ones(len(found) - len(shown), "--limit, --json"), "dim")
    refusals = {one.reason: one.is_standing for one in reversed(shown) if one.outcome == "refused"}
    if refusals:
        out.print()
        print_line("Refused", "bold")
    for reason, is_standing in refusals.items():
        print_line(f"{reason} {'(still in the inbox)' if is_standing else '(no longer in the inbox)'}")


def _word(story: FileStory) -> str:
    return "waiting (unread)" if story.outcome == "waiting" else story.outcome


def _print_names(stories: FileStories) -> None:
    names = [*stories.misnamed, *stories.unrecognised]
    if names:
        out.print()
        print_line("In the inbox, and not understood", "bold")
    for _, reason in names:
        print_line(reason)


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
