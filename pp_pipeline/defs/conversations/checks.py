"""What a data team should know about its conversations and events, though nothing is broken."""

from collections.abc import Collection

import dagster as dg

from pp_pipeline.conversations.takers import event_ways
from pp_pipeline.defs.location import Location


def checks(location: Location) -> list[dg.AssetChecksDefinition]:
    """The checks of the step `conversations`. They never stop a run."""

    @dg.asset_check(
        asset="conversation_programs",
        description="Every event that a conversation or a relay waits for is fired by something.",
    )
    def events_are_fired() -> dg.AssetCheckResult:
        ways = event_ways(location.campaigns, location.conversations, location.merchants)
        lost = dict.fromkeys(way.lost for way in ways if way.lost)
        return _warning(lost, "all are")

    @dg.asset_check(
        asset="external_events",
        description="No contact can be written to twice about one event: by a conversation here and by a platform "
        "that a relay tells of it, unless the relay's also_here says so. `pp events` shows who takes what.",
    )
    def events_are_taken_once() -> dg.AssetCheckResult:
        ways = event_ways(location.campaigns, location.conversations, location.merchants)
        untaken = ", ".join(dict.fromkeys(way.event for way in ways if not way.is_taken))
        rivalries = [way.rivalry for way in ways if way.rivalry]
        return _warning(rivalries, f"none can; taken by nobody: {untaken or 'none'}")

    return [events_are_fired, events_are_taken_once]


def _warning(lines: Collection[str], all_is_well: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not lines, severity=dg.AssetCheckSeverity.WARN, description=".\n".join(lines) or all_is_well
    )
