"""`pp status`: how things stand, on one screen."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import counted, guarded, out, print_json, print_line, print_table
from pp_pipeline.configuration import Configuration
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline.status.gathering import DAYS_AHEAD, Status, as_record, gather
from pp_pipeline.status.telling import rows_of

if TYPE_CHECKING:
    from pp_pipeline.alerting.trouble import Trouble
    from pp_pipeline.defs.alerting.runs import RunRow

_MOST_QUEUES = 12


@guarded
def show_status(today: str | None, as_json: bool) -> int:
    """Print how things stand. Returns 0, 1: something needs a person, 2: could not be tried."""
    settings = Settings.from_environment()
    configuration = Configuration(settings)
    day = acting_day(settings, configuration.merchants, today)
    if today:
        configuration = Configuration(settings.model_copy(update={"today": day}))
    status = look(configuration, day)
    if as_json:
        print_json(as_record(status))
    else:
        _print(settings, status)
    return 1 if status.troubles else 0


def look(configuration: Configuration, today: date) -> Status:
    """How an installation stands on a day, its runs included.

    Raises:
        see `gather`.
    """
    return gather(configuration, today, utc_now(), *_runs(configuration.settings))


def _runs(settings: Settings) -> tuple[list["RunRow"], list["Trouble"]]:
    """The newest run of each job that builds or sends, and those that failed; nothing before the first run."""
    if not (settings.dagster_home / "dagster.yaml").exists():
        return [], []
    from dagster import DagsterInstance

    from pp_pipeline.commands.dagster_home import prepare_dagster_home
    from pp_pipeline.defs.alerting.runs import failed_troubles, newest_run
    from pp_pipeline.defs.jobs import DAILY, SENDING

    prepare_dagster_home(settings)
    with DagsterInstance.get() as instance:
        runs = [run for job in (DAILY, SENDING) if (run := newest_run(instance, job))]
        return runs, failed_troubles(instance, utc_now())


def _print(settings: Settings, status: Status) -> None:
    mode = "live" if settings.live else "rehearsal: nothing leaves this machine"
    print_line(f"{status.today}, {settings.environment}, {mode}", "bold")
    print_line(str(settings.home), "dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows_of(status):
        grid.add_row(row.what, Text(row.text, style="yellow" if row.is_odd else ""))
    out.print(grid)
    _print_queues(status)
    if not status.troubles:
        print_line("All is well.", "green")
        return
    print_line(counted(len(status.troubles), "thing needs a person", "things need a person"), "bold red")
    for each in status.troubles:
        print_line(f"- {each}")


def _print_queues(status: Status) -> None:
    shown = status.built.queues[:_MOST_QUEUES]
    until = status.today + timedelta(days=DAYS_AHEAD)
    if shown:
        rows = [[one.campaign, one.waiting, one.due_soon, one.built_to or "was never built"] for one in shown]
        print_table("Queues", ["campaign", "waiting", f"due by {until}", "built to"], rows)
    if more := len(status.built.queues) - len(shown):
        print_line(f"... and {more} more (--json)", "dim")
