"""What a sending did, for people and programs: what became of its deliveries, and by which road they went."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.lane import BatchReport

OUTBOX = "rehearsal: outbox"
"""The road of what nothing leaves the machine by."""


@dataclass(frozen=True)
class SendSummary:
    """What a sending did."""

    reports: list[BatchReport] = field(default_factory=list)
    lapsed_count: int = 0
    """Claims of an earlier sending that were never settled and are `unknown` now."""
    lacking: list[str] = field(default_factory=list)
    """What the ledger lacks of what this home has seen in it: then nothing was sent."""

    @property
    def outcomes(self) -> Counter[str]:
        """Deliveries by state."""
        return by_state(_reasons(self.reports))

    @property
    def sent_count(self) -> int:
        """Messages, events and snapshots that went."""
        return self.outcomes["sent"]

    def by_day(self, merchants: Mapping[str, Merchant]) -> dict[date, dict[str, Any]]:
        """What each day's batches came to, for the metadata of an asset; what is empty is left out.

        `deliveries <state>` and `batches <state>` are counts, `reasons` deliveries by state and reason, `roads` what
        was sent by each road on which something was to go, `not sent to the end` says why, by batch.
        """
        days: dict[date, list[BatchReport]] = {}
        for report in self.reports:
            days.setdefault(report.batch.day, []).append(report)
        return {day: _metadata(reports, merchants) for day, reports in days.items()}


def by_state(reasons: Mapping[str, int]) -> Counter[str]:
    """Counts by state, out of those by state and reason (`skipped: suppressed`)."""
    total: Counter[str] = Counter()
    for words, count in reasons.items():
        total[words.partition(":")[0]] += count
    return total


def road_of(report: BatchReport, merchants: Mapping[str, Merchant]) -> str:
    """By what a batch's deliveries go, such as `live: email of main by smtp`."""
    batch = report.batch
    merchant = merchants.get(batch.id.merchant)
    if batch.release.target == "rehearsal" or merchant is None:
        return OUTBOX
    if batch.id.kind == "messages":
        via = merchant.channels.road(report.channel).via
        return f"live: {report.channel} of {merchant.merchant} by {via}" if via != "outbox" else OUTBOX
    name = batch.id.name.partition(":")[0]
    via = next(relay.via for relay in merchant.relays if relay.relay == name)
    return f"live: relay {name} of {merchant.merchant} by {via}"


def _reasons(reports: Iterable[BatchReport]) -> Counter[str]:
    return sum((report.outcomes for report in reports), Counter())


def _metadata(reports: list[BatchReport], merchants: Mapping[str, Merchant]) -> dict[str, Any]:
    reasons = _reasons(reports)
    roads: Counter[str] = Counter()
    for report in reports:
        if report.outcomes or report.state.state == "ready":
            roads[road_of(report, merchants)] += report.outcomes["sent"]
    problems = [f"{report.batch}: {report.problem}" for report in reports if report.problem]
    return {
        **{f"deliveries {state}": count for state, count in by_state(reasons).items()},
        **{f"batches {state}": count for state, count in Counter(each.state.state for each in reports).items()},
        **({"reasons": dict(reasons)} if reasons else {}),
        **({"roads": dict(roads)} if roads else {}),
        **({"not sent to the end": problems} if problems else {}),
    }
