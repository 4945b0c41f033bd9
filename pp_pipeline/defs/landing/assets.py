"""Order files in: every day's accepted contents, typed, with what was refused and quarantined beside them."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from pp_pipeline.correcting.touched import touched
from pp_pipeline.defs.location import SINGLE_RUN, Location, day_range
from pp_pipeline.landing.completeness import MissingFile, acting_now, completeness
from pp_pipeline.landing.days import days_between
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.files import unread_files
from pp_pipeline.landing.load import load_days
from pp_pipeline.landing.page import page_file, write_page
from pp_pipeline.landing.quarantine import quarantine_lines
from pp_pipeline.landing.result import LandingResult
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.known_secret import known_secret

DAYS_LOOKED_BACK = 7
LINES_TOLD = 20  # of the rows in quarantine; the page has all rules


class LandingConfig(dg.Config):
    """What a run of the landing asset may be told."""

    read_through: str | None = None
    """Last file date (YYYY-MM-DD) whose new or changed contents are taken in; default the run's last day."""


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `landing`."""

    @dg.asset(
        group_name="landing",
        partitions_def=location.days,
        backfill_policy=SINGLE_RUN,
        kinds={"python", "csv"},
        check_specs=[
            dg.AssetCheckSpec(
                "order_files_are_sound",
                asset="order_file_rows",
                description="No file in the inbox is refused. A refused file leaves its day as it was.",
            ),
            dg.AssetCheckSpec(
                "order_rows_are_sound",
                asset="order_file_rows",
                description="No row of these days is in quarantine. The other rows of the file went on.",
            ),
            dg.AssetCheckSpec(
                "due_files_are_there",
                asset="order_file_rows",
                description="No file of these days or of the last 7 is overdue. What lacks one sends only "
                "transactional messages.",
            ),
        ],
    )
    def order_file_rows(context: dg.AssetExecutionContext, config: LandingConfig) -> Iterator[Any]:
        """The rows of all accepted order files of a day: the union of the newest accepted content of each file.

        Every accepted content is archived by its hash; a corrected file replaces its own rows only.
        """
        first, last = day_range(context)
        if config.read_through:
            # Later days were landed before; they are built again from what is in force.
            last = min(last, date.fromisoformat(config.read_through))
        with location.ledger() as ledger:
            known_secret(location.settings, ledger)  # another secret would make every contact a new one
            correction = _correction(context, location, ledger, first, last)
            result = load_days(
                location.settings, ledger, location.warehouse.connect, first, last, location.merchants,
                today=location.today(),
                progress=lambda what, done, of: context.log.info(f"{what}: {done} of {of} days"),
            )  # fmt: skip
            standing = unread_files(location.settings, ledger, location.merchants, through=location.today())
            page = _write_page(context, location, ledger, result)
            missing = files_missing(location, ledger, first, last)
        for day in result.days:
            context.add_asset_metadata(
                {"dagster/partition_row_count": day.row_count, "files": list(day.file_names)},
                partition_key=day.day.isoformat(),
            )
        yield dg.MaterializeResult(
            metadata={
                "files accepted": len(result.accepted),
                "files refused": len(result.refused),
                "rows quarantined": sum(file.quarantined_count for file in result.files),
                "orders without contact": sum(file.without_contact_count for file in result.accepted),
                "forgotten rows": sum(file.forgotten_count for file in result.accepted),
                "files vanished from the inbox": list(result.vanished),
                "names not understood": list(result.unrecognised),
                "files still being written": [f.name for f in result.files if f.outcome == "left_for_later"],
                **correction,
                "great expectations": dg.MetadataValue.md(_rules_table(result)),
                **page,
            }
        )
        # Also what an earlier run refused: the check stays red until a better content comes.
        reasons = [file.reason for file in result.refused] + [file.reason for file in standing if file.refused_before]
        reasons += [f"{file.name}: {STILL_HOLDS}" for file in result.accepted if file.keeps_forgotten]
        reasons += _dated_after(result.later, location)
        refusals = list(dict.fromkeys([*reasons, *result.problems]))
        yield dg.AssetCheckResult(
            check_name="order_files_are_sound",
            passed=not refusals,
            severity=dg.AssetCheckSeverity.ERROR,
            description="\n".join(refusals) or f"no file is refused; {len(result.accepted)} accepted in this run",
        )
        with location.warehouse.connect() as connection:
            quarantined = quarantine_lines(connection, first, last)
        yield dg.AssetCheckResult(
            check_name="order_rows_are_sound",
            passed=not quarantined,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(quarantined[:LINES_TOLD]) + _and_more(quarantined) or "no row in quarantine",
        )
        yield dg.AssetCheckResult(
            check_name="due_files_are_there",
            passed=not missing,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(map(str, missing)) or "no file is overdue",
        )

    return [order_file_rows]


STILL_HOLDS = "holds somebody who is forgotten, and can't be replaced in the inbox; delete it, or let it be written to"


def _correction(
    context: dg.AssetExecutionContext, location: Location, ledger: Ledger, first: date, last: date
) -> dict[str, dg.MetadataValue]:
    """What the corrected and late files that this run takes in touch, told before they are."""
    unread = unread_files(location.settings, ledger, location.merchants, through=last)
    files = [one.file for one in unread if first <= one.file.file_date and not one.refused_before]
    tools = LoadTools(location.settings, location.merchants, location.today())
    with location.warehouse.connect() as connection:
        found = touched(tools, ledger, connection, location.campaigns, files)
    if found is None:
        return {}
    context.log.info(found.words())
    campaigns = {name: day.isoformat() for name, day in found.campaigns.items()}
    counted = {"orders that differ": dg.MetadataValue.int(found.order_count)} if found.is_compared else {}
    return {
        "corrected or late files": dg.MetadataValue.json(list(found.files)),
        "campaigns touched, from": dg.MetadataValue.json(campaigns),
        **counted,
    }


def _write_page(
    context: dg.AssetExecutionContext, location: Location, ledger: Ledger, result: LandingResult
) -> dict[str, dg.MetadataValue]:
    """Where the page of the gate is. It is for reading: that it can't be written stops no day."""
    try:
        path = write_page(
            location.settings, ledger, location.warehouse.connect, location.merchants, location.today(), result.rules
        )
    except OSError as error:
        context.log.warning(f"{page_file(location.settings)} can't be written ({type(error).__name__})")
        return {}
    return {"page": dg.MetadataValue.path(str(path))}


def files_missing(location: Location, ledger: Ledger, first: date, last: date) -> list[MissingFile]:
    """The overdue files of a range of days and of the last 7."""
    today = location.today()
    days = {*days_between(first, last), *days_between(today - timedelta(days=DAYS_LOOKED_BACK - 1), today)}
    missing = completeness(location.merchants, ledger).missing_of_days(days)
    return [one for one in missing if one.is_overdue(acting_now(location.settings, location.merchants[one.merchant]))]


def _dated_after(names: Sequence[str], location: Location) -> list[str]:
    today = location.today()
    return [
        f"{name}: is dated after today ({today}) and is not taken in; correct the date in its name"
        for name in names
        for day in [read_name(name, location.feeds).file_date]
        if day is not None and day > today
    ]


def _and_more(lines: Sequence[str]) -> str:
    return f"\nand {len(lines) - LINES_TOLD} more: see `pp files --page`" if len(lines) > LINES_TOLD else ""


def _rules_table(result: LandingResult) -> str:
    lines = ["| suite | column | rule | judged | broken |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {rule.suite} | {rule.column} | {rule.description} | {rule.judged_count} | {rule.broken_count} |"
        for rule in result.rules
    ]
    return "\n".join(lines)
