"""`pp send`: the sending job alone, in this process, for a range of days."""

from collections import Counter
from typing import Any

from pp_pipeline.commands.acting_day import acting_day, asked_days
from pp_pipeline.commands.output import err, guarded, out, print_json, print_line, print_table
from pp_pipeline.commands.sent import check_roads, is_sound, print_sending
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError


@guarded
def send_days(first: str, last: str, today: str | None, as_json: bool) -> int:
    """Deliver what the batches of the days allow.

    Returns: 0 all is well, 1 something failed or is not known, or the ledger is not to be sent by.
    """
    settings = Settings.from_environment()
    acting_on = acting_day(settings, load_merchants(settings), today)
    from_day, to_day = asked_days(first, last, acting_on)
    check_roads(settings)

    from pp_pipeline.commands.dagster_home import prepare_dagster_home
    from pp_pipeline.commands.runs import JobRunner

    prepare_dagster_home(settings)
    say = err.print if as_json else out.print
    runner = JobRunner(settings, acting_on, say)
    from_day = max(from_day, runner.location.first_day)  # before it there are no partitions, and no batches
    report: dict[str, Any] = {"from": from_day, "to": to_day, "today": acting_on}
    if to_day < from_day:
        raise SettingsError(f"--to {to_day} lies before the day of the first order file ({from_day})")
    report |= runner.send(from_day, to_day)
    standing = runner.standing(from_day, to_day)
    report |= {name: standing[name] for name in ("batches", "missing_files", "ledger")}
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    return 0 if report["succeeded"] and not report["ledger"] and is_sound(report) else 1


def _print_report(report: dict[str, Any]) -> None:
    out.print()
    states = ("sent", "ready", "waiting", "blocked")
    print_table(
        f"Batches of {report['from']} to {report['to']}",
        ["batch", *states, "rows", "done"],
        [[row[column] for column in ("name", *states, "rows", "rows_done")] for row in report["batches"]],
    )
    out.print()
    totals = Counter({state: sum(row[state] for row in report["batches"]) for state in states})
    print_sending(report)
    if totals["waiting"]:
        print_line(f"{totals['waiting']} batches wait for approval: `pp batches --waiting`, then `pp approve`.")
    if totals["blocked"]:
        print_line(f"{totals['blocked']} batches are blocked; `pp batches` says why.")
    for line in report["ledger"]:
        print_line(line, "red")
    warnings = [check["text"] for check in report["sending_checks"] if check["severity"] == "warn"]
    for line in [*report["missing_files"], *warnings]:
        print_line(line, "yellow")
    if not report["succeeded"]:
        print_line("The sending job failed; what it had claimed stands in the ledger and is not sent twice.", "red")
