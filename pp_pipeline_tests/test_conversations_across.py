"""What conversations, campaigns and segments must have of one another."""

from typing import Any

import pytest

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.conversations.across import problems_across, unfired_events
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline_tests.conversation_examples import message, talk, thread


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


@pytest.mark.parametrize(
    ("conversations", "campaigns", "words"),
    [
        (
            [
                conversation("one", "win_back", flow_type="win_back"),
                conversation("two", "purchase", flow_type="win_back"),
            ],
            [campaign("win_back")],
            "two/conversation.yml: flow_type: one holds contacts for 'win_back' too, from purchase on; keep one, or",
        ),
        (
            [
                conversation("one", "purchase", "later", flow_type="thanks"),
                conversation("two", "later", flow_type="win_back"),
                conversation("three", "purchase", flow_type="win_back"),
            ],
            [],
            "three/conversation.yml: flow_type: two holds contacts for 'win_back' too, from purchase on",
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
            [],
            [campaign("early", event="again"), campaign("late", event="again", wait_days=120)],
            "campaigns early and late: both fire `again` for the same orders of main",
        ),
        (
            [],
            [
                campaign("early", event="again", active_to="2026-02-01"),
                campaign("late", event="again", active_from="2026-02-02"),
            ],
            "",
        ),
        ([], [campaign("few", event="again", audience="order_count = 1"), campaign("all", event="again")], ""),
        (
            [conversation("one", "purchase", exit_when=[{"segment": "gone"}])],
            [],
            "one/conversation.yml: segment: there is no segment 'gone'; there are loyal",
        ),
        ([conversation("one", "purchase", exit_when=[{"segment": "loyal"}])], [], ""),
    ],
)
def test_two_for_one_purpose_and_unknown_segments_are_refused(
    conversations: list[Conversation], campaigns: list[Campaign], words: str
) -> None:
    found = problems_across(conversations, campaigns, ["loyal"])
    assert len(found) == bool(words)
    assert "".join(found).startswith(words)


def test_an_event_that_nothing_fires_is_told() -> None:
    conversations = [
        conversation("one", "win_back", "later"),
        conversation("two", "later"),
        conversation("three", "pay"),
    ]
    assert unfired_events(conversations, [campaign("win_back")]) == {"three": ["pay"]}
    assert unfired_events(conversations, []) == {"one": ["win_back"], "three": ["pay"]}
