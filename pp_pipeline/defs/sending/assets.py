"""Batches are sealed at the end of the daily job; deliveries are what the sending job hands on."""

from collections import Counter
from collections.abc import Callable, Iterable

import dagster as dg

from pp_pipeline.alerting.batch_troubles import LARGE, large_words
from pp_pipeline.correcting.approving import Standing
from pp_pipeline.defs.location import SINGLE_RUN, Location, day_range
from pp_pipeline.landing.days import days_between
from pp_pipeline.ledger.witness import words
from pp_pipeline.pages.links import why_not_url
from pp_pipeline.sending.batches import BatchState, batch_states, difference_counts
from pp_pipeline.sending.sealing import seal_batches
from pp_pipeline.sending.sender import send


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `sending`."""

    @dg.asset(
        group_name="sending",
        deps=["planned_messages", "all_events", "segment_snapshots"],
        partitions_def=location.days,
        backfill_policy=SINGLE_RUN,
        kinds={"python"},
    )
    def batches(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """What each day wants delivered per conversation, relay and snapshot, sealed with a hash.

        A plan that changed is a new version, with what it differs in from the ledger; `pp batches --on DAY --rows`
        names the rows. Old or large batches wait for `pp approve`.
        """
        first, last = day_range(context)
        with location.ledger() as ledger:
            summary = seal_batches(
                ledger,
                location.warehouse,
                location.settings,
                first,
                last,
                location.merchants,
                location.today(),
            )
            states = batch_states(ledger, location.settings, first, last, location.today())
        for day in days_between(first, last):
            of_day = [(batch, state) for batch, state in states if batch.day == day]
            metadata = {
                "batches": len(of_day),
                "rows": sum(batch.row_count for batch, _ in of_day),
                **{
                    f"batches {word}": sum(state.state == word for _, state in of_day)
                    for word in ("ready", "waiting", "sent", "blocked")
                },
                **_held_back(state for _, state in of_day),
                **_too_large(of_day),
                **difference_counts([batch for batch, _ in of_day]),
                "why not": dg.MetadataValue.url(why_not_url(location.settings.pages_port, "", day)),
            }
            context.add_asset_metadata(metadata, partition_key=day.isoformat())
        return dg.MaterializeResult(metadata={"newly sealed": len(summary.sealed)})

    @dg.asset(
        group_name="sending",
        deps=["batches"],
        partitions_def=location.days,
        backfill_policy=SINGLE_RUN,
        kinds={"python"},
    )
    def deliveries(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """What was handed on: messages, events and snapshots, each once. The ledger decides, not this asset.

        Materializing a day twice, or two days at once, delivers nothing twice.
        """
        first, last = day_range(context)
        with location.ledger() as ledger:
            summary = send(
                location.settings, ledger, location.warehouse, first, last, location.today(),
                progress=_Progress(context.log.info),
            )  # fmt: skip
        for day, metadata in summary.by_day(location.merchants).items():
            context.add_asset_metadata(metadata, partition_key=day.isoformat())
        lapsed = {"claims that lapsed": summary.lapsed_count} if summary.lapsed_count else {}
        lacking = {"nothing is sent": words(summary.lacking)} if summary.lacking else {}
        return dg.MaterializeResult(metadata={**lapsed, **lacking})

    return [batches, deliveries]


def _held_back(states: Iterable[BatchState]) -> dict[str, str]:
    """Why batches of a day are blocked or wait, as `incomplete_day 3, paused 1`; nothing where none is."""
    reasons = Counter(state.reason for state in states if state.reason)
    return {"held back by": ", ".join(f"{word} {count}" for word, count in sorted(reasons.items()))} if reasons else {}


def _too_large(of_day: Iterable[Standing]) -> dict[str, str]:
    """The figures of a day's unusually large batches; nothing where none is."""
    told = [large_words(*one) for one in of_day if one[1].reason == LARGE]
    return {"unusually large": "; ".join(told)} if told else {}


class _Progress:
    """Says how far a sending is, at each tenth: every line is an event that Dagster keeps."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._tenth = say, 0

    def __call__(self, done: int, total: int) -> None:
        tenth = done * 10 // max(total, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            self._say(f"{done} of {total} deliveries looked at")
