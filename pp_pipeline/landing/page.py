"""The page of the gate: what came in in the last 30 days, for people, in one HTML file without anything from outside.

It holds names of files, counts, lines and the kinds of bad cells, never a value.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pp_pipeline.landing.completeness import Completeness, MissingFile, completeness
from pp_pipeline.landing.file_stories import FileStory, feed_name, file_stories
from pp_pipeline.landing.gate import RuleOutcome
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.landing.quarantine import BrokenRule, broken_rules, words_of_kind
from pp_pipeline.merchants import Merchant, zone_of_days
from pp_pipeline.settings import Settings, utc_now

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger
    from pp_pipeline.warehouse import Connection

DAYS_SHOWN = 30


@dataclass
class PageDay:
    """A day of the page: its files, what of those in force is in quarantine, and which due files it lacks."""

    day: date
    files: list[FileStory]
    broken: list[BrokenRule]
    missing: list[MissingFile]

    @property
    def row_count(self) -> int:
        """Rows of the files in force that were taken."""
        return sum(file.row_count or 0 for file in self._in_force) - self.quarantined_count

    @property
    def quarantined_count(self) -> int:
        """Rows of them that were not."""
        return sum(file.quarantined_count or 0 for file in self._in_force)

    @property
    def _in_force(self) -> list[FileStory]:
        return [file for file in self.files if file.outcome in ("accepted", "vanished")]


def page_file(settings: Settings) -> Path:
    """Where the page is written."""
    return settings.home / "reports" / "landing.html"


def write_page(
    settings: Settings,
    ledger: "Ledger",
    connect: Callable[[], AbstractContextManager["Connection"]],
    merchants: Mapping[str, Merchant],
    today: date,
    rules: Sequence[RuleOutcome] | None = None,
) -> Path:
    """Write the page, whole or not at all. Returns its path.

    Args:
        settings: the home.
        ledger: knows every content.
        connect: opens the warehouse, which knows the quarantine.
        merchants: by name.
        today: the newest of the days shown.
        rules: what Great Expectations judged in the load that has just ended; None: what the last load left.

    Raises:
        OSError: it can't be written.
        WarehouseError: the warehouse can't be opened.
    """
    from pp_pipeline.html_pages import templates_of

    first = today - timedelta(days=DAYS_SHOWN - 1)
    stories = file_stories(settings, ledger, merchants, today)
    broken: dict[date, list[BrokenRule]] = {}
    if settings.has_warehouse:
        with connect() as connection:
            broken = broken_rules(connection, first, today)
    days = _days(stories.files, broken, completeness(merchants, ledger), first, today)
    templates = templates_of(Path(__file__).parent)
    zone = ZoneInfo(zone_of_days(merchants))
    templates.filters["moment"] = lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""
    templates.filters["held"] = words_of_kind
    templates.filters["said"] = lambda rule: rule.removeprefix("is_").replace("_", " ")
    text = templates.get_template("page.html.j2").render(
        days=days,
        first=first,
        today=today,
        written_at=utc_now(),
        zone=zone.key,
        refused=[file for file in stories.files if file.is_standing],
        waiting=[file for file in stories.files if file.outcome == "waiting"],
        vanished=[file for file in stories.files if file.outcome == "vanished"],
        unnamed=[*stories.misnamed, *stories.unrecognised],
        rules=_together(_kept_rules(settings, rules)),
        due=[(feed_name(feed), feed) for feed in all_feeds(merchants) if feed.due],
    )
    path = page_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def _kept_rules(settings: Settings, rules: Sequence[RuleOutcome] | None) -> Sequence[RuleOutcome]:
    """The verdicts of the load, written down beside the page; or, asked for later, those of the last load."""
    path = page_file(settings).with_name("rules.json")
    if rules:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([asdict(rule) for rule in rules]), encoding="utf-8")
        return rules
    try:
        return [RuleOutcome(**rule) for rule in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):  # there was none, or one of another version
        return ()


def _together(rules: Sequence[RuleOutcome]) -> list[RuleOutcome]:
    """One outcome for each rule, the most broken first: a large load judges in portions."""
    found: dict[tuple[str, str, str], RuleOutcome] = {}
    for rule in rules:
        key = (rule.suite, rule.column, rule.rule)
        last = found.get(key, replace(rule, judged_count=0, broken_count=0))
        found[key] = replace(
            last,
            judged_count=last.judged_count + rule.judged_count,
            broken_count=last.broken_count + rule.broken_count,
        )
    return sorted(found.values(), key=lambda rule: -rule.broken_count)


def _days(
    files: Sequence[FileStory],
    broken: Mapping[date, list[BrokenRule]],
    complete: Completeness,
    first: date,
    last: date,
) -> list[PageDay]:
    """The days of the page that have files or come after one that has, newest first."""
    by_day: dict[date, list[FileStory]] = {}
    for file in files:
        if first <= file.file_date <= last:
            by_day.setdefault(file.file_date, []).append(file)
    if not by_day:
        return []
    shown = (last - timedelta(days=back) for back in range((last - min(by_day)).days + 1))
    return [
        PageDay(
            day,
            sorted(by_day.get(day, []), key=lambda file: file.name),
            broken.get(day, []),
            complete.missing_of_days([day]),
        )
        for day in shown
    ]
