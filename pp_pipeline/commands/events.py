"""`pp events`: each event, who fires it, and who takes it: conversations here, relays, or both."""

from dataclasses import asdict

from pp_pipeline.campaigns.parameters import load_campaigns
from pp_pipeline.commands.output import guarded, print_json, print_line, print_table
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.takers import event_ways
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings


@guarded
def show_events(as_json: bool) -> int:
    """Print the table, and below it what somebody should look at. Returns 1 where there is something, else 0."""
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    conversations = load_conversations(settings.conversations_dir, merchants)
    project = DbtProject(settings)
    campaigns = load_campaigns(project.manifest(), merchants=merchants, segments=project.segment_names())
    ways = event_ways(campaigns, conversations, merchants)
    warnings = list(dict.fromkeys(text for way in ways for text in (way.lost, way.rivalry) if text))
    if as_json:
        print_json({"events": [asdict(way) for way in ways], "warnings": warnings})
        return 1 if warnings else 0
    columns = ["event", "merchant", "fired by", "taken here by", "relays told"]
    rows = [
        [way.event, way.merchant, *(", ".join(names) or "-" for names in (way.fired_by, way.conversations, way.relays))]
        for way in ways
    ]
    print_table("Events", columns, rows)
    for text in warnings:
        print_line(text, "yellow")
    return 1 if warnings else 0
