"""`pp run`: the Dagster jobs in this process, for a range of days."""

import time
from typing import Any

from pp_pipeline.commands.acting_day import acting_day, asked_days
from pp_pipeline.commands.fetch import fetch_before_run
from pp_pipeline.commands.output import err, guarded, out, print_json, print_table
from pp_pipeline.commands.sent import check_roads, is_sound, print_sending
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings


@guarded
def run_days(first: str, last: str, today: str | None, send: bool, as_json: bool) -> int:
    """Build the days, and deliver where asked for. Returns the exit code."""
    settings = Settings.from_environment()
    acting_on = acting_day(settings, load_merchants(settings), today)
    from_day, to_day = asked_days(first, last, acting_on)
    if send:
        check_roads(settings)
    say = err.print if as_json else out.print
    started = time.monotonic()
    say(f"pp run: {from_day} to {to_day}, home {settings.home}", markup=False)

    fetch_before_run(settings, say)
    from pp_pipeline.commands.dagster_home import prepare_dagster_home
    from pp_pipeline.commands.runs import JobRunner
    from pp_pipeline.landing.files import scan_inbox
    from pp_pipeline.landing.plain_feeds import all_feeds

    prepare_dagster_home(settings)
    runner = JobRunner(settings, acting_on, say)
    days = runner.range_of(from_day, to_day)
    for reason in days.reasons:
        say(f"  {reason}", style="dim", markup=False)
    say(f"  builds {days.first} to {days.last}")
    report: dict[str, Any] = {
        "from": days.first,
        "to": days.last,
        "today": acting_on,
        "reasons": days.reasons,
    }
    report |= runner.build(days)
    if send and report["succeeded"]:
        say("  delivers what the batches allow")
        report |= runner.send(days.first, days.last)
    report |= runner.standing(days.first, days.last)
    report["not_understood"] = list(scan_inbox(settings, all_feeds(load_merchants(settings))).unrecognised)
    report["seconds"] = round(time.monotonic() - started, 1)
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    # Refused files and other checks of severity error: the run went on, and a scheduler should say so.
    has_no_errors = all(check["severity"] != "error" for check in report["checks"])
    is_well = has_no_errors and not report["ledger"] and ("delivered" not in report or is_sound(report))
    return 0 if report["succeeded"] and is_well else 1


def _print_report(report: dict[str, Any]) -> None:
    out.print()
    print_table(
        f"Queues at the end of {report['to']}",
        ["campaign", "waiting", "entered", "released", "left otherwise", "fires"],
        [[row[column] for column in ("campaign", "waiting", "entered", "released", "other", "event")]
         for row in report["queues"]],
    )  # fmt: skip
    out.print()
    print_table(
        f"Batches of {report['from']} to {report['to']}",
        ["conversation, relay or snapshot", "sent", "ready", "waiting", "blocked", "rows", "done"],
        [[row[column] for column in ("name", "sent", "ready", "waiting", "blocked", "rows", "rows_done")]
         for row in report["batches"]],
    )  # fmt: skip
    for check in [*report["checks"], *report.get("sending_checks", [])]:
        colour = "red" if check["severity"] == "error" else "yellow"
        out.print(f"[{colour}]{check['severity']}[/]", f"{check['asset']} {check['check']}:", end=" ")
        out.print(check["text"], markup=False)
    out.print()
    for line in report["ledger"] if "sending_checks" not in report else ():  # else its check has said so
        out.print(line, markup=False, style="red")
    if report["missing_files"]:
        out.print("Batches wait for files that are due:")
        for line in report["missing_files"]:
            out.print(f"  {line}", markup=False)
    for name in report["not_understood"]:
        out.print(f"No feed takes {name}: see `pp feeds` for the names that they take.", markup=False)
    if "delivered" in report:
        print_sending(report)
    word = "done" if report["succeeded"] else "[red]failed[/]"
    out.print(f"{word} in {report['seconds']} s")
