"""Who fires each event and who takes it (DESIGN 5): conversations here, relays, or both."""

from collections.abc import Sequence
from typing import Any

import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.takers import EventWay, as_markdown, event_ways, takers_of
from pp_pipeline.merchants import Merchant
from pp_pipeline_tests.landing_shop import merchant
from pp_pipeline_tests.test_conversations_across import campaign, conversation

WIN_BACK = campaign("win_back")


def klaviyo(*events: str, **words: Any) -> dict[str, Any]:
    return {"relay": "klaviyo", "via": "klaviyo", "api_key": "KEY", "events": list(events), **words}


def outbox(*events: str) -> dict[str, Any]:
    return {"relay": "files", "events": list(events)}


def shop(*relays: dict[str, Any], **words: Any) -> Merchant:
    return merchant(relays=relays, **words)


def way(event: str, shops: Sequence[Merchant], conversations: Sequence[Conversation] = ()) -> EventWay:
    """The way of an event of the first merchant."""
    found = event_ways([WIN_BACK], conversations, {each.merchant: each for each in shops})
    return next(one for one in found if (one.event, one.merchant) == (event, shops[0].merchant))


@pytest.mark.parametrize(
    ("relay", "conversations", "here", "relays", "warns"),
    [
        (klaviyo("win_back"), [], (), ("klaviyo",), False),
        (klaviyo(), [conversation("back", "win_back")], ("back.ask",), (), False),
        (klaviyo("win_back"), [conversation("back", "win_back")], ("back.ask",), ("klaviyo",), True),
        (klaviyo("win_back", also_here=["win_back"]), [conversation("back", "win_back")], ("back.ask",), ("klaviyo",),
         False),
        (outbox("win_back"), [conversation("back", "win_back")], ("back.ask",), ("files",), False),
        (outbox(), [], (), (), False),
    ],
    ids=["a platform", "a conversation", "both", "both, declared", "files write to nobody", "nobody"],
)  # fmt: skip
def test_an_event_goes_to_a_platform_to_a_conversation_or_to_both(
    relay: dict[str, Any], conversations: list[Conversation], here: tuple[str], relays: tuple[str], warns: bool
) -> None:
    found = way("win_back", [shop(relay)], conversations)
    assert (found.fired_by, found.conversations, found.relays) == (("campaign win_back",), here, relays)
    assert found.is_taken == bool(here or relays)
    assert found.rivalry.startswith("back.ask and relay klaviyo may both write about win_back") == warns
    assert found.lost == ""


def test_what_nothing_fires_is_told_with_who_waits_for_it() -> None:
    conversations = [
        conversation("one", "win_back", "later"),
        conversation("two", "later"),
        conversation("three", "pay"),
    ]
    found = event_ways([WIN_BACK], conversations, {"main": shop(outbox("gone", "purchase"))})
    assert {one.event: one.lost for one in found if one.lost} == {
        "gone": "relay files of main waits for gone, which no campaign, order event or action fires",
        "pay": "three.ask waits for pay, which no campaign, order event or action fires",
    }
    assert next(one.fired_by for one in found if one.event == "later") == ("conversation one",)


def test_a_relay_takes_the_events_of_its_own_merchant_alone() -> None:
    shops = [shop(merchant="main"), shop(klaviyo("win_back"), merchant="second")]
    assert takers_of("win_back", shops[0], []) == []
    assert way("win_back", shops).relays == ()
    of_second = way("win_back", shops[::-1])
    assert (of_second.relays, of_second.fired_by) == (("klaviyo",), ())  # the campaign is the other merchant's
    assert of_second.lost


def test_what_a_conversation_waits_for_need_not_be_fired_for_every_merchant() -> None:
    shops = {name: shop(merchant=name) for name in ("main", "second")}
    found = event_ways([WIN_BACK], [conversation("back", "win_back")], shops)
    assert [one.merchant for one in found if one.event == "win_back"] == ["main"]


def test_each_event_is_told_in_a_line() -> None:
    shops = [shop(outbox("purchase"))]
    ways = [way(event, shops, [conversation("hello", "purchase")]) for event in ("purchase", "shipped")]
    assert as_markdown(ways).splitlines() == [
        "- **purchase** of main, from orders: hello.ask, relay files",
        "- **shipped** of main, from orders: nobody",
    ]


def test_also_here_names_events_of_the_relay() -> None:
    with pytest.raises(ValueError, match="also_here: purchase is not among the events"):
        shop(klaviyo("win_back", also_here=["purchase"]))
