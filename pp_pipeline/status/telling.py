"""A status in words: what `pp status` and its page say of each thing, line by line."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pp_pipeline.status.gathering import Status

if TYPE_CHECKING:
    from pp_pipeline.defs.alerting.runs import RunRow

_MOST_LINES = 3


class Row(NamedTuple):
    """A line about something; `what` is '' where it goes on about the same. `is_odd`: it is not as it should be."""

    what: str
    text: str
    is_odd: bool = False


def rows_of(status: Status) -> list[Row]:
    """All lines but those of the queues and of what needs a person."""
    return [
        *_named("last run", [_run_row(run) for run in status.runs] or [Row("", "none yet")]),
        *_named("days", _day_rows(status)),
        *_named("files", _file_rows(status)),
        Row("batches", _counts(status.batches) or "none was sealed yet"),
        Row("tried today", _tried(status) or "nothing"),
        Row("unsettled", _counts(status.unsettled) or "none failed or is unknown", bool(status.unsettled)),
        *_named("switches", _switch_rows(status)),
    ]


def _named(what: str, rows: "Sequence[Row] | Iterator[Row]") -> Iterator[Row]:
    for place, row in enumerate(rows):
        yield row._replace(what="" if place else what)


def _run_row(run: "RunRow") -> Row:
    days = run.first if run.first == run.last else f"{run.first} to {run.last}"
    seconds = f", {(run.ended_at - run.started_at).seconds} s" if run.ended_at and run.started_at else ""
    begun = f", {_moment(run.started_at)}" if run.started_at else ""
    return Row("", f"{run.job}{f' {days}' if days else ''}: {run.status.lower()}{begun}{seconds}", run.has_failed)


def _day_rows(status: Status) -> Iterator[Row]:
    built, today = status.built, status.today
    if built.busy:
        yield Row("", f"not looked at: {built.busy}", True)
    elif built.newest_day is None:
        yield Row("", f"none is built; `pp run --from {today} --to {today}` begins")
    elif not built.not_holding:
        yield Row("", f"built to {built.newest_day}; all hold")
    else:
        yield Row("", f"built to {built.newest_day}; the next run builds more than its day:", True)
        yield from (Row("", f"- {reason}") for reason in _few(built.not_holding))


def _file_rows(status: Status) -> Iterator[Row]:
    files = status.files
    if not files.newest:
        yield Row("", "none came yet")
    else:
        yield Row("", f"newest {files.newest}, {files.newest_outcome}; {_counts(files.counts)}")
    yield from (Row("", line, True) for line in _few(files.missing))


def _switch_rows(status: Status) -> Iterator[Row]:
    if not status.switches:
        yield Row("", "none is on")
    for one in status.switches:
        name = one.name.replace("pause:", "pause of ").replace(":", " ").replace("kill_switch", "kill switch")
        since = f" since {_moment(one.since)}" if one.since else ""
        yield Row("", f"{name}{since}{f', by {one.by}' if one.by else ''}", True)


def _tried(status: Status) -> str:
    return ", ".join(f"{one.channel}: {one.count} {one.state} ({one.target})" for one in status.sent_today)


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"... and {more} more (`pp status --json`)"] if more > 0 else [])]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
