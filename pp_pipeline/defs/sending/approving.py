"""The job `approve`: `pp approve` from the Launchpad, for teams that work in the UI. A dry run by itself."""

from datetime import date

import dagster as dg
from pydantic import Field

from pp_pipeline.correcting.approving import Decision, carry_out, decide, listing_of, named_batches
from pp_pipeline.correcting.listing import Listing
from pp_pipeline.defs.location import Location
from pp_pipeline.sending.batches import batch_states
from pp_pipeline.sending.releases import ApprovalError
from pp_pipeline.settings import SettingsError, parse_day

APPROVE = "approve"
DECIDE = "decide"  # its only op; Dagster loads no location where an op is named like a job
_EARLIEST, _LATEST = date(2000, 1, 1), date(9999, 12, 31)
_MOST_SHOWN = 100
_HASH_LENGTH = 12


class ApproveConfig(dg.Config):
    """Which batches, and what becomes of them. Without hashes it is all that waits of the days."""

    hashes: list[str] = Field([], description="Hashes of batches, or their beginnings, from `pp batches --waiting`.")
    first_day: str = Field("", description="Without hashes: what waits for approval from this day on.")
    last_day: str = Field("", description="Without hashes: what waits for approval up to this day.")
    by: str = Field(description="Who approves; stands in the ledger.")
    due_from: str = Field("", description="What is due before this day is never sent.")
    never: bool = Field(False, description="Approve nothing: what is left of them is never sent.")
    confirm: bool = Field(False, description="Do it. Otherwise it is only shown what would be done.")


def jobs(location: Location) -> list[dg.JobDefinition]:
    """The job that approves."""

    @dg.op(name=DECIDE, description="Shows what waits and what it differs in from the ledger, and approves it.")
    def decide_op(context: dg.OpExecutionContext, config: ApproveConfig) -> None:
        try:
            _run(location, context, config)
        except (ApprovalError, SettingsError) as error:
            raise dg.Failure(str(error), allow_retries=False) from None

    @dg.job(
        name=APPROVE,
        description="Lets batches that wait for approval go, or marks them as never to be sent. Run it from the "
        "Launchpad: without `confirm: true` it only shows what it would do. Nothing is sent by it.",
        executor_def=dg.in_process_executor,
    )
    def approve_job() -> None:
        decide_op()

    return [approve_job]


def _run(location: Location, context: dg.OpExecutionContext, config: ApproveConfig) -> None:
    first = parse_day(config.first_day) if config.first_day else _EARLIEST
    last = parse_day(config.last_day) if config.last_day else _LATEST
    if not (config.hashes or config.first_day or config.last_day):
        raise ApprovalError("say which: `hashes`, or `first_day` and `last_day`")
    with location.ledger() as ledger:
        known = batch_states(ledger, location.settings, _EARLIEST, _LATEST, location.today())
        named = named_batches(ledger, known, config.hashes) if config.hashes else []
        if not config.hashes:
            named = [one for one in known if one[1].state == "waiting" and first <= one[0].day <= last]
        decision = decide(named, parse_day(config.due_from) if config.due_from else None, config.never)
        context.add_output_metadata(_metadata(decision, listing_of(location.settings, ledger, decision)))
        for word, some in (("goes", decision.approved), ("never goes", decision.never)):
            for batch, _ in some[:_MOST_SHOWN]:
                context.log.info(f"{word}: {batch}, {batch.row_count} rows, {batch.new_count} new")
        if not config.confirm:
            context.log.info("nothing was done: run it again with `confirm: true`")
            return
        done = carry_out(location.settings, ledger, decision, config.by, location.today())
    context.log.info(f"{len(done.approved)} batches approved, {done.never_count} deliveries are never to be sent")


def _metadata(decision: Decision, listing: Listing) -> dict[str, dg.MetadataValue]:
    """What is decided on, in numbers, and the rows that differ; no addresses."""
    counts = {category: dg.MetadataValue.int(count) for category, count in listing.counts().items() if count}
    rows = [
        dg.TableRecord(
            {
                "day": row.batch.day.isoformat(),
                "batch": f"{row.batch.kind} {row.batch.name}",
                "category": row.category,
                "order": row.order_number or "",
                "why": row.why,
            }
        )
        for row in listing.remarkable()[:_MOST_SHOWN]
    ]
    columns = [dg.TableColumn(name) for name in ("day", "batch", "category", "order", "why")]
    table = dg.MetadataValue.table(rows, dg.TableSchema(columns))
    return {
        "batches to approve": dg.MetadataValue.int(len(decision.approved)),
        "batches never to go": dg.MetadataValue.int(len(decision.never)),
        "their hashes": dg.MetadataValue.json([batch.hash[:_HASH_LENGTH] for batch, _ in decision.all]),
        **counts,
        "rows that differ": table,
    }
