"""`pp run`: the Dagster jobs in this process, for a range of days."""

import time
from typing import Any

from pp_pipeline.commands.output import err, guarded, out, print_json, print_table
from pp_pipeline.settings import Settings, SettingsError, parse_day


def run_days(first: str, last: str, today: str | None, send: bool, as_json: bool) -> int:
    """Build the days, and deliver where asked for. Returns the exit code."""
    return guarded(lambda: _run_days(first, last, today, send, as_json))


def _run_days(first: str, last: str, today: str | None, send: bool, as_json: bool) -> int:
    settings = Settings.from_environment()
    from_day, to_day = parse_day(first), parse_day(last)
    if from_day > to_day:
        raise SettingsError(f"--from {from_day} lies after --to {to_day}")
    if today and settings.live:
        raise SettingsError("--today is refused in live mode (PP_LIVE=1): what goes out goes out today")
    say = err.print if as_json else out.print
    started = time.monotonic()
    say(f"pp run: {from_day} to {to_day}, home {settings.home}")

    from pp_pipeline.commands.dagster_home import prepare_dagster_home
    from pp_pipeline.commands.runs import JobRunner

    prepare_dagster_home(settings)
    runner = JobRunner(settings, today=parse_day(today) if today else None, say=say)
    acting_on = runner.today
    if to_day > acting_on:
        raise SettingsError(f"--to {to_day} lies after today ({acting_on}); for a rehearsal, say --today {to_day}")
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
    report["seconds"] = round(time.monotonic() - started, 1)
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    return 0 if report["succeeded"] else 1


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
        ["conversation, relay or snapshot", "sent", "ready", "waiting", "blocked", "rows", "rows sent"],
        [[row[column] for column in ("name", "sent", "ready", "waiting", "blocked", "rows", "rows_sent")]
         for row in report["batches"]],
    )  # fmt: skip
    for check in report["checks"]:
        colour = "red" if check["severity"] == "error" else "yellow"
        out.print(f"[{colour}]{check['severity']}[/]", f"{check['asset']} {check['check']}:", end=" ")
        out.print(check["text"], markup=False)
    out.print()
    waiting = sum(row["waiting"] for row in report["batches"])
    if waiting:
        out.print(f"{waiting} batches wait for approval: nothing old or unusually large goes by itself.")
        out.print("See them with `pp batches --waiting`, let them go with `pp approve`.")
    if "delivered" in report:
        out.print(f"Delivered now: {report['delivered']} (to {report['outbox']}).")
    word = "done" if report["succeeded"] else "[red]failed[/]"
    out.print(f"{word} in {report['seconds']} s")
