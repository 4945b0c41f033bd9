"""What conversations, campaigns and segments must have of one another."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.conversations.across import problems_across
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.settings import Settings
from pp_pipeline_tests.conversation_examples import message, talk, thread, wait


def campaign(name: str, **words: Any) -> Campaign:
    defaults: dict[str, Any] = {
        **{"event": name, "merchant": "main", "wait_days": 90, "date_basis": "order_date", "audience": None},
        **{"ship_trigger": "ship_date_only", "transit_days": None, "active_from": "2026-01-01", "active_to": None},
        **{"back_populate_days": 0, "repeat_orders": "restart", "max_days_late": 10},
        **{"stop_statuses": [], "hold_statuses": [], "config_hash": ""},
    }
    return Campaign.model_validate({"name": name, **defaults, **words})


def conversation(name: str, event: str, fires: str | None = None, **words: Any) -> Conversation:
    action = [{"id": "tell", "action": {"fire": fires}}] if fires else []
    return Conversation.model_validate(
        {"conversation": name, **talk(thread("ask", [event], message("ask"), *action)), **words}
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", checkout=tmp_path)


def write_files(settings: Settings, conversations: list[Conversation], campaigns: list[Campaign]) -> None:
    """The files that the lines are looked up in."""
    for each in conversations:
        path = settings.conversations_dir / each.conversation / "conversation.yml"
        path.parent.mkdir(parents=True)
        stated = each.model_dump(mode="json", exclude_none=True, exclude_defaults=True, by_alias=True)
        path.write_text(yaml.safe_dump(stated, sort_keys=False))
    for each in campaigns:
        path = settings.dbt_dir / "models" / "campaigns" / f"queue_{each.name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{{{{ campaign(\n    wait_days = {each.wait_days},\n    event = '{each.event}',\n) }}}}\n")


SPLIT = {"split": [{"when": {"all": [{"bought": True}, {"not": {"segment": "gone"}}]}, "thread": "ask"}]}


@pytest.mark.parametrize(
    ("conversations", "campaigns", "words"),
    [
        (
            [
                conversation("one", "win_back", flow_type="win_back"),
                conversation("two", "purchase", flow_type="win_back"),
            ],
            [campaign("win_back")],
            "two/conversation.yml:2: flow_type: one holds contacts for 'win_back' too, from purchase on; keep one, or",
        ),
        (
            [
                conversation("one", "purchase", "later", flow_type="thanks"),
                conversation("two", "later", flow_type="win_back"),
                conversation("three", "purchase", flow_type="win_back"),
            ],
            [],
            "three/conversation.yml:2: flow_type: two holds contacts for 'win_back' too, from purchase on",
        ),
        (
            [
                conversation("one", "win_back", flow_type="win_back"),
                conversation("two", "purchase", flow_type="win_back"),
            ],
            [campaign("win_back", date_basis="ship_date")],
            "",
        ),
        ([conversation("one", "purchase"), conversation("two", "purchase")], [], ""),
        (
            [conversation("one", "purchase", flow_type="win_back")],
            [campaign("win_back")],
            "one/conversation.yml:2: flow_type: the campaign win_back holds the same orders of main for 'win_back' "
            "too; begin with its event, take the campaign away, or name their purposes apart",
        ),
        ([conversation("one", "shipped", flow_type="win_back")], [campaign("win_back")], ""),
        (
            [
                conversation("one", "win_back", "later", flow_type="first_letter"),
                conversation("two", "later", flow_type="win_back"),
            ],
            [campaign("win_back")],
            "",
        ),
        (
            [],
            [campaign("early", event="again"), campaign("late", event="again", wait_days=120)],
            "dbt/models/campaigns/queue_late.sql:3: event: the campaign early fires `again` for the same orders of "
            "main too; keep one of the two",
        ),
        (
            [],
            [
                campaign("early", event="again", active_to="2026-02-01"),
                campaign("late", event="again", active_from="2026-02-02"),
            ],
            "",
        ),
        (
            [],
            [campaign("few", event="again", audience="order_count = 1"), campaign("all", event="again")],
            "dbt/models/campaigns/queue_all.sql:3: event: the campaign few fires `again` for the same orders",
        ),
        (
            [],
            [
                campaign("few", event="again", audience="order_count = 1"),
                campaign("many", event="again", audience="order_count > 1"),
            ],
            "",
        ),
        (
            [conversation("one", "purchase", exit_when=["canceled", {"segment": "gone"}])],
            [],
            "one/conversation.yml:4: exit_when[2].segment: there is no segment 'gone'; there are loyal",
        ),
        (
            [
                Conversation.model_validate(
                    {
                        "conversation": "one",
                        **talk(thread("write", ["purchase"], message("hi"), SPLIT), thread("ask", [], wait(1))),
                    }
                )
            ],
            [],
            "one/conversation.yml:16: threads[1].steps[3].split[1].when.all[2].not.segment: there is no segment 'gone'",
        ),
        ([conversation("one", "purchase", exit_when=[{"segment": "loyal"}])], [], ""),
    ],
)
def test_two_for_one_purpose_and_unknown_segments_are_refused(
    settings: Settings, conversations: list[Conversation], campaigns: list[Campaign], words: str
) -> None:
    write_files(settings, conversations, campaigns)
    found = problems_across(settings, conversations, campaigns, ["loyal"])
    assert len(found) == bool(words)
    assert "".join(found).startswith(words)
