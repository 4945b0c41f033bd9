"""What was sent and is planned no more, as it was counted when days were sealed: for the check of the batches."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.batches import Batch, difference_counts, newest_batches
from pp_pipeline.sending.gates import Gates
from pp_pipeline.settings import Settings

DAYS_TOLD = 7
_EARLIEST, _LATEST = date(2000, 1, 1), date(9999, 12, 31)


def sent_and_gone(ledger: Ledger, settings: Settings, now: datetime) -> list[Batch]:
    """The newest versions, sealed in the last `DAYS_TOLD` days, that lack something that was sent for their day.

    What is longer known is told no more: what was sent can't be called back.
    """
    newest = newest_batches(ledger, Gates(settings, ledger), _EARLIEST, _LATEST)
    return [batch for batch in newest if batch.unplanned_count and batch.sealed_at >= now - timedelta(days=DAYS_TOLD)]


def gone_words(found: Sequence[Batch]) -> str:
    """What was found, and the command that lists it."""
    if not found:
        return f"no plan that was sealed in the last {DAYS_TOLD} days lacks what was sent by it"
    counts = difference_counts(found)
    first, last = min(batch.day for batch in found), max(batch.day for batch in found)
    days = f"--on {first}" + (f" --to {last}" if last > first else "")
    return (
        f"{counts['sent in error']} sent in error, {counts['overtaken']} overtaken by a file of their day: sent, and "
        f"planned no more. `pp batches {days} --rows` lists them with the file and line that caused it"
    )
