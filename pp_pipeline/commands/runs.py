"""The Dagster jobs, run in this process and told to a person step by step."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, cast

import dagster as dg

from pp_pipeline.build_range import BuildRange, build_range
from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.campaigns.queues import QueueDay, queue_days
from pp_pipeline.commands.batches import lines_of_ledger, lines_of_missing_files
from pp_pipeline.commands.output import quiet_libraries
from pp_pipeline.definitions import build_definitions
from pp_pipeline.defs.jobs import DAILY, SENDING, range_tags
from pp_pipeline.defs.location import Location
from pp_pipeline.sending.batches import Batch, BatchState, batch_states
from pp_pipeline.sending.summary import by_state
from pp_pipeline.settings import Settings, SettingsError

_STATES = ("sent", "skipped", "deferred", "held", "failed", "unknown")


class JobRunner:
    """Runs the jobs of one installation in this process; they show up in the Dagster UI like any run."""

    def __init__(self, settings: Settings, today: date, say: Callable[..., None]) -> None:
        self.settings = settings.model_copy(update={"today": today})
        self.location = Location(self.settings)
        self.today = self.location.today()
        self._say = say
        self._definitions = build_definitions(self.settings, {"console": _progress_logger(say)})
        self._instance = dg.DagsterInstance.get()
        quiet_libraries()

    def range_of(self, first: date, last: date) -> BuildRange:
        """What has to be built when first..last are asked for; days before the first order file hold nothing.

        Raises:
            SettingsError: all of the days lie before it.
        """
        if last < self.location.first_day:
            raise SettingsError(f"--to {last} lies before the first order file ({self.location.first_day})")
        with self.location.ledger() as ledger:
            return build_range(
                self.settings,
                ledger,
                self.location.warehouse,
                self.location.books,
                self.location.merchants,
                max(first, self.location.first_day),
                last,
            )

    def build(self, days: BuildRange) -> dict[str, Any]:
        """Run the daily job over the days. Returns `succeeded`, `checks` (the failed ones), and the id of the `run`."""
        config = {"ops": {"order_file_rows": {"config": {"read_through": days.read_through.isoformat()}}}}
        result = self._execute(DAILY, days.first, days.last, config)
        return {"succeeded": result.success, "run": result.run_id, "checks": _failed_checks(result)}

    def send(self, first: date, last: date) -> dict[str, Any]:
        """Run the sending job over the days.

        Returns:
            `succeeded`, `delivered`, `outcomes` (a row for each state and reason), `roads` (what was sent by each),
            `problems` (why batches did not go to their end), `lapsed` (claims of an earlier sending whose outcome
            nobody knows), `outbox`, `sending_checks` (the failed ones), and `sending_run`, the run's id.
        """
        result = self._execute(SENDING, first, last, {})
        reasons: Counter[str] = Counter()
        roads: Counter[str] = Counter()
        problems: list[str] = []
        lapsed = 0
        for event in result.asset_materializations_for_node("deliveries"):
            told = {name: value.value for name, value in event.metadata.items()}
            reasons.update(_counts(told.get("reasons")))
            roads.update(_counts(told.get("roads")))
            problems += cast("list[str]", told.get("not sent to the end", []))
            lapsed = cast("int", told.get("claims that lapsed", 0))  # of the whole sending; each day has it
        return {
            "succeeded": result.success, "sending_run": result.run_id, "delivered": by_state(reasons)["sent"],
            "outcomes": _outcome_rows(reasons), "lapsed": lapsed, "roads": dict(roads), "problems": problems,
            "outbox": str(self.settings.outbox), "sending_checks": _failed_checks(result),
        }  # fmt: skip

    def standing(self, first: date, last: date) -> dict[str, Any]:
        """How the queues and batches stand: `queues` and `batches`, a row for each, the `missing_files` that
        blocked batches wait for, and what is wrong with the `ledger` as a whole."""
        location = self.location
        with location.warehouse.connect() as connection:
            queues = [
                _queue_row(campaign, queue_days(connection, campaign.queue, first, last))
                for campaign in location.campaigns
                if connection.table_exists(campaign.queue)
            ]
        with location.ledger() as ledger:
            states = batch_states(ledger, self.settings, first, last, self.today)
        missing = lines_of_missing_files(self.settings, states)
        lacking = lines_of_ledger(self.settings)
        return {"queues": queues, "batches": _batch_rows(states), "missing_files": missing, "ledger": lacking}

    def _execute(self, job: str, first: date, last: date, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
        return self._definitions.resolve_job_def(job).execute_in_process(
            instance=self._instance,
            run_config={**config, "loggers": {"console": {}}},
            tags=range_tags(first, last),
            raise_on_error=False,
        )


def _queue_row(campaign: Campaign, days: Mapping[date, QueueDay]) -> dict[str, Any]:
    released = sum(day.left.get("released", 0) for day in days.values())
    return {
        "campaign": campaign.name,
        "event": campaign.event,
        "waiting": list(days.values())[-1].waiting,
        "entered": sum(day.entered for day in days.values()),
        "released": released,
        "other": sum(sum(day.left.values()) for day in days.values()) - released,
    }


def _batch_rows(states: Sequence[tuple[Batch, BatchState]]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for batch, state in states:
        name = f"{batch.id.kind} {batch.id.name}"
        row = rows.setdefault(
            name, {"name": name, "sent": 0, "ready": 0, "waiting": 0, "blocked": 0, "rows": 0, "rows_done": 0}
        )
        row[state.state] += 1
        row["rows"] += batch.row_count
        row["rows_done"] += batch.row_count if state.state == "sent" else 0
    return [rows[name] for name in sorted(rows)]


def _counts(value: Any) -> dict[str, int]:
    return cast("dict[str, int]", value or {})


def _outcome_rows(reasons: Mapping[str, int]) -> list[dict[str, Any]]:
    """By state as the ledger orders them, then the most frequent reason first."""
    rows = []
    for words, count in sorted(reasons.items(), key=lambda each: (-each[1], each[0])):
        state, _, reason = words.partition(": ")
        rows.append({"state": state, "reason": reason, "count": count})
    return sorted(rows, key=lambda row: _STATES.index(row["state"]))


def _failed_checks(result: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    return [
        {
            "asset": evaluation.asset_key.path[-1],
            "check": evaluation.check_name,
            "severity": evaluation.severity.value.lower(),
            "text": evaluation.description or "",
        }
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    ]


def _progress_logger(say: Callable[..., None]) -> dg.LoggerDefinition:
    """A logger that prints a line per finished step, and errors whole; Dagster keeps everything else."""

    def progress(_context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("pp_pipeline.progress", logging.DEBUG)
        logger.addHandler(_StepHandler(say))
        return logger

    return dg.LoggerDefinition(progress, description="A line per step.")


class _StepHandler(logging.Handler):
    def __init__(self, say: Callable[..., None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        if event is None:
            if record.levelno == logging.INFO and meta.get("step_key"):
                self._say(f"    {meta['orig_message']}", style="dim", markup=False)
        elif event.event_type_value == "STEP_START":
            self._say(f"  {event.step_key} ...", markup=False)
        elif event.event_type_value == "STEP_SUCCESS":
            seconds = event.event_specific_data.duration_ms / 1000
            self._say(f"  {event.step_key} done in {seconds:.1f} s", style="dim", markup=False)
        elif event.event_type_value == "STEP_FAILURE":
            error = event.event_specific_data.error
            words = (error.cause or error).message.removeprefix("dagster._core.definitions.events.Failure: ")
            self._say(f"  {event.step_key} failed: {words.strip()}", style="red", markup=False)
            self._say(f"  Nothing after it ran. The whole trace: `pp ui`, run {meta['run_id']}", style="dim")
