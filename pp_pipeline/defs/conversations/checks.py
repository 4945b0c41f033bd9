"""What a data team should know about its conversations, though nothing is broken."""

import dagster as dg

from pp_pipeline.conversations.across import unfired_events
from pp_pipeline.defs.location import Location


def checks(location: Location) -> list[dg.AssetChecksDefinition]:
    """The checks of the step `conversations`. They never stop a run."""

    @dg.asset_check(
        asset="conversation_programs",
        description="Every event that a conversation waits for is fired by something.",
    )
    def events_are_fired() -> dg.AssetCheckResult:
        missed = unfired_events(location.conversations, location.campaigns)
        told = "; ".join(f"{name} waits for {', '.join(events)}" for name, events in missed.items())
        return dg.AssetCheckResult(
            passed=not missed,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{told}: no campaign, order event or action fires it" if missed else "all are",
        )

    return [events_are_fired]
