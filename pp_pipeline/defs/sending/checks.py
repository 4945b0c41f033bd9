"""What is told at each sending. It never stops a run."""

from datetime import date

import dagster as dg

from pp_pipeline.alerting.batch_troubles import large_troubles, old_troubles, stuck_troubles
from pp_pipeline.alerting.trouble import Trouble
from pp_pipeline.correcting.approving import Standing
from pp_pipeline.correcting.gone import gone_words, sent_and_gone
from pp_pipeline.defs.location import Location
from pp_pipeline.ledger.inspecting import count_unsettled
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.witness import Witness, words
from pp_pipeline.messages.review import review_warnings
from pp_pipeline.sending.batches import batch_states, difference_counts
from pp_pipeline.sending.coupon_pools import coupon_warnings
from pp_pipeline.settings import utc_now

_EARLIEST, _LATEST = date(2000, 1, 1), date(9999, 12, 31)
_MOST_CAUSES = 100


def checks(location: Location) -> list[dg.AssetChecksDefinition]:
    """The checks of the step `sending`."""

    def _states(ledger: Ledger) -> list[Standing]:
        return batch_states(ledger, location.settings, _EARLIEST, _LATEST, location.today())

    @dg.asset_check(asset="deliveries", name="coupons_in_stock")
    def coupons_in_stock() -> dg.AssetCheckResult:
        """Each pool that messages draw from holds 50 codes or more, and as many as were drawn in the last 14 days."""
        with location.ledger() as ledger:
            warnings = coupon_warnings(ledger, location.conversations, location.today())
        return dg.AssetCheckResult(
            passed=not warnings,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(warnings) or "no pool is low",
        )

    @dg.asset_check(asset="deliveries", description="The ledger holds the newest claim and batch that were seen in it")
    def ledger_is_whole() -> dg.AssetCheckResult:
        with location.ledger() as ledger, ledger.reading() as connection:
            missing = Witness.of(location.settings).missing(connection)
        text = words(missing) if missing else "it holds what this home has seen in it"
        return dg.AssetCheckResult(passed=not missing, description=text)

    @dg.asset_check(asset="batches", description="No batch waits for approval because it is old")
    def no_batch_is_old() -> dg.AssetCheckResult:
        with location.ledger() as ledger:
            return _of_batches(old_troubles(_states(ledger)), "none waits because it is old")

    @dg.asset_check(asset="batches", description="No batch waits for approval because it is unusually large")
    def no_batch_is_large() -> dg.AssetCheckResult:
        with location.ledger() as ledger:
            return _of_batches(large_troubles(_states(ledger)), "none is unusually large")

    @dg.asset_check(
        asset="batches",
        description="Nothing stands still: ready or held for hours, a file overdue, deliveries that were interrupted",
    )
    def no_batch_is_stuck() -> dg.AssetCheckResult:
        with location.ledger() as ledger:
            states = _states(ledger)
            found = stuck_troubles(location.settings, ledger, location.merchants, states, utc_now())
        return _of_batches(found, "none is stuck")

    @dg.asset_check(asset="batches", description="No plan that was sealed in the last 7 days lacks what was sent by it")
    def nothing_sent_in_error() -> dg.AssetCheckResult:
        with location.ledger() as ledger:
            found = sent_and_gone(ledger, location.settings, utc_now())
        return dg.AssetCheckResult(
            passed=not found, severity=dg.AssetCheckSeverity.WARN, description=gone_words(found),
            metadata={name: found_count for name, found_count in difference_counts(found).items()
                      if name in ("overtaken", "sent in error")},
        )  # fmt: skip

    @dg.asset_check(
        asset="batches",
        description="No template or content is past its day of review, older than the product data it speaks of, or "
        "links to a bare home page",
    )
    def messages_are_up_to_date() -> dg.AssetCheckResult:
        with location.warehouse.connect() as connection:
            found = review_warnings(
                location.settings.conversations_dir,
                location.conversations,
                location.merchants,
                location.today(),
                connection,
            )
        lines = [str(each) for each in found]
        return dg.AssetCheckResult(
            passed=not lines,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(lines) or "nothing has to be looked at again",
        )

    @dg.asset_check(asset="deliveries", description="Of every delivery it is known what became of it, and none failed")
    def deliveries_are_known() -> dg.AssetCheckResult:
        with location.ledger() as ledger, ledger.reading() as connection:
            counts = count_unsettled(connection)
        told = ", ".join(f"{count} {state} ({target})" for (target, state), count in counts.items())
        text = f"{told}; `pp ledger` shows the oldest, and what to do" if counts else "none is unknown or failed"
        return dg.AssetCheckResult(passed=not counts, severity=dg.AssetCheckSeverity.WARN, description=text)

    return [
        *(coupons_in_stock, ledger_is_whole, no_batch_is_old, no_batch_is_large, no_batch_is_stuck),
        *(nothing_sent_in_error, messages_are_up_to_date, deliveries_are_known),
    ]


def _of_batches(found: list[Trouble], all_is_well: str) -> dg.AssetCheckResult:
    """A warning for what stands still, with the days and the commands to go on."""
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(str(each) for each in found) or all_is_well,
        metadata={each.kind: dg.MetadataValue.json(list(each.causes[-_MOST_CAUSES:])) for each in found},
    )
