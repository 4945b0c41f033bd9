"""What is told at each sending. It never stops a run."""

import dagster as dg

from pp_pipeline.defs.location import Location
from pp_pipeline.ledger.witness import Witness, words
from pp_pipeline.sending.coupon_pools import coupon_warnings


def checks(location: Location) -> list[dg.AssetChecksDefinition]:
    """The checks of the step `sending`."""

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

    return [coupons_in_stock, ledger_is_whole]
