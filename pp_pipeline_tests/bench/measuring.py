"""How long a build takes, and what it takes: seconds, processor seconds, memory, rows."""

import contextlib
import os
import platform
import resource
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from pp_pipeline_tests.bench.queues import KINDS

_MB = 1024 * 1024


@dataclass(frozen=True)
class Measurement:
    """One campaign built for a range of days in one pass.

    Attributes:
        seconds: what dbt says the model took, until the rows stand in the table.
        processor_seconds: of all threads of this process; less telling where a server does the work.
        peak_memory_mb: of this process.
        rows: movements in the range.
    """

    project: str
    campaign: str
    kind: str
    days: int
    seconds: float
    processor_seconds: float
    peak_memory_mb: int
    rows: int


@dataclass(frozen=True)
class Cost:
    """What a piece of work cost this process."""

    seconds: float
    processor_seconds: float
    peak_memory_mb: int


def cost_of(work: Callable[[], float]) -> Cost:
    """Runs work that returns its own seconds (what its caller would count, start-up aside)."""
    _forget_peak()
    before = _processor_seconds()
    seconds = work()
    return Cost(seconds, _processor_seconds() - before, _peak_memory_mb())


def machine() -> str:
    """What the figures were measured on: processors, memory, versions; no names."""
    system = platform.uname()
    words = [f"{_processors()} processors", f"{_memory_gb():.0f} GB memory", f"{system.system} {system.machine}"]
    words += [f"Python {platform.python_version()}"]
    words += [f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dbt-duckdb")]
    return ", ".join(words)


def table(measurements: Iterable[Measurement]) -> str:
    """A Markdown table: per project and kind of campaign, one day beside the range, and the ratio of the two."""
    found = list(measurements)
    all_days = sorted({one.days for one in found})
    heads = ["kind of campaign", "campaigns"]
    for days in all_days:
        heads += [f"{_of(days)}: s", "slowest s", "processor s", "rows", "peak MB"]
    if len(all_days) > 1:
        heads += [f"{all_days[-1]} days : 1 day"]
    projects = list(dict.fromkeys(one.project for one in found))
    if len(projects) > 1:
        heads.insert(0, "dbt project")
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for project in projects:
        for kind in (*KINDS, "all"):
            of_kind = [one for one in found if one.project == project and kind in (one.kind, "all")]
            if of_kind:
                cells = [project] * (len(projects) > 1) + _cells(kind, of_kind, all_days)
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cells(kind: str, of_kind: list[Measurement], all_days: list[int]) -> list[str]:
    cells = [kind, str(len({one.campaign for one in of_kind}))]
    means = []
    for days in all_days:
        ones = [one for one in of_kind if one.days == days]
        seconds = [one.seconds for one in ones]
        means.append(sum(seconds) / len(ones))
        cells += [f"{means[-1]:.2f}", f"{max(seconds):.2f}"]
        cells += [f"{sum(one.processor_seconds for one in ones) / len(ones):.2f}"]
        cells += [f"{sum(one.rows for one in ones) // len(ones):,}", f"{max(one.peak_memory_mb for one in ones):,}"]
    return cells + [f"{means[-1] / means[0]:.1f}"] * (len(all_days) > 1)


def middle(costs: list[Cost]) -> Cost:
    """The median of each figure; of memory the largest."""
    return Cost(
        median(cost.seconds for cost in costs),
        median(cost.processor_seconds for cost in costs),
        max(cost.peak_memory_mb for cost in costs),
    )


def _of(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _forget_peak() -> None:
    """Linux forgets the peak when asked; elsewhere the peak is that of the whole process so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory_mb() -> int:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _MB / 1024
