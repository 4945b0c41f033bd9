"""The campaigns' warnings as asset checks. They never stop a run."""

from collections.abc import Iterator

import dagster as dg

from pp_pipeline.campaigns.books import stale_days
from pp_pipeline.campaigns.warnings import CHECKS, checks_of, findings
from pp_pipeline.conversations.takers import takers_of
from pp_pipeline.defs.location import Location


def checks(location: Location) -> list[dg.AssetChecksDefinition]:
    """One check operation for all campaigns; it reads the warehouse once."""
    specs = [
        dg.AssetCheckSpec(name, asset=campaign.queue, description=CHECKS[name])
        for campaign in location.campaigns
        for name in checks_of(campaign)
    ]
    if not specs:
        return []

    @dg.multi_asset_check(specs=specs, can_subset=True, name="campaign_warnings")
    def campaign_warnings(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        selected = context.selected_asset_check_keys
        with location.warehouse.connect() as connection:
            stale = {found.model: found for found in stale_days(connection, location.books)}
            for campaign in location.campaigns:
                takers = takers_of(campaign.event, location.merchants[campaign.merchant], location.conversations)
                for finding in findings(connection, campaign, takers, stale, location.today()):
                    key = dg.AssetCheckKey(dg.AssetKey(campaign.queue), finding.check)
                    if key in selected:
                        yield dg.AssetCheckResult(
                            asset_key=key.asset_key,
                            check_name=key.name,
                            passed=finding.passed,
                            severity=dg.AssetCheckSeverity.WARN,
                            description=finding.text,
                        )

    return [campaign_warnings]
