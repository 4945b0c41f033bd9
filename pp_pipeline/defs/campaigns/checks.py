"""The campaigns' warnings as asset checks. They never stop a run."""

from collections.abc import Iterator

import dagster as dg

from pp_pipeline.campaigns.books import stale_days
from pp_pipeline.campaigns.warnings import CHECKS, checks_of, findings
from pp_pipeline.conversations.loading import conversation_messages
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
        takers = event_takers(location)
        with location.warehouse.connect() as connection:
            stale = {found.model: found for found in stale_days(connection, location.books)}
            for campaign in location.campaigns:
                for finding in findings(
                    connection, campaign, takers.get(campaign.event, set()), stale, location.today()
                ):
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


def event_takers(location: Location) -> dict[str, set[str]]:
    """Who takes each event: conversations by their triggers, relays by the merchants' files."""
    takers: dict[str, set[str]] = {}
    messages = conversation_messages(location.conversations)
    for conversation, event in zip(messages["conversation"], messages["event_name"], strict=True):
        takers.setdefault(event, set()).add(conversation)
    for merchant in location.merchants.values():
        for relay in merchant.relays:
            for event in relay.events:
                takers.setdefault(event, set()).add(f"relay {relay.relay}")
    return takers
