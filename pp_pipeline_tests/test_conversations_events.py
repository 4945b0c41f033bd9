"""Order events and planned messages (DESIGN 3 and 4): the cases of `event_cases`, which all share one run."""

from hashlib import md5

import pytest

from pp_pipeline_tests.event_cases import CONVERSATIONS, EVENT_CASES, MESSAGE_CASES, files_of
from pp_pipeline_tests.fact_event_cases import FACT_EVENT_CASES, fact_files_of
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.whole_way import WholeWay, whole_way_on
from pp_pipeline_tests.worked_examples import january, row

FIRST, LAST = january(1), january(20)
ALL_EVENT_CASES = (*EVENT_CASES, *FACT_EVENT_CASES)


@pytest.fixture(scope="module", params=TARGETS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    """An installation that has run all cases; an order of the third message case is `A/m2`."""
    way = whole_way_on(request.param, request, tmp_path_factory)
    way.begin_anew(CONVERSATIONS, ineligible_emails=("*@relay.example.com",))
    cases = {f"e{place}": case.says for place, case in enumerate(ALL_EVENT_CASES)}
    cases |= {f"m{place}": case.says for place, case in enumerate(MESSAGE_CASES)}
    cases |= {"ids": {5: row("A", 5), 7: row("A", 5, "shipped", shipped=7)}, "e\u0301'": {5: row("A", 5)}}
    told = {f"e{place}": case.told for place, case in enumerate(ALL_EVENT_CASES)}
    way.run([*files_of(cases), *fact_files_of(told)], FIRST, LAST)
    return way


@pytest.mark.parametrize("place", range(len(ALL_EVENT_CASES)), ids=lambda place: ALL_EVENT_CASES[place].name)
def test_order_events_fire_as_the_case_says(place: int, way: WholeWay) -> None:
    found = way.rows(
        "select occurred_on, event_name from external_events where order_number = ? and campaign is null",
        (f"A/e{place}",),
    )
    order = ("purchase", "payment_received", "shipped", "delivered", "refunded", "canceled", "returned")
    found.sort(key=lambda event: (event[0], order.index(event[1])))
    assert tuple(f"{day.day} {name}" for day, name in found) == ALL_EVENT_CASES[place].events


@pytest.mark.parametrize("place", range(len(MESSAGE_CASES)), ids=lambda place: MESSAGE_CASES[place].name)
def test_messages_are_planned_as_the_case_says(place: int, way: WholeWay) -> None:
    case = MESSAGE_CASES[place]
    found = way.rows(
        "select due_on, order_number from planned_messages where conversation = ? and order_number like ?"
        " order by 1, 2",
        (case.conversation, f"%/m{place}"),
    )
    assert tuple(f"{day.day} {number.partition('/')[0]}" for day, number in found) == case.messages


def test_an_event_carries_who_and_what_it_is_about(way: WholeWay) -> None:
    place = next(place for place, case in enumerate(EVENT_CASES) if case.name.startswith("another address"))
    columns = "campaign, merchant, email, order_number, sku, contact_key"
    found = way.rows(f"select {columns} from external_events where order_number = ?", (f"A/e{place}",))
    order_event = next(event for event in found if event[0] is None)
    assert order_event[1:5] == ("main", f"ann.e{place}@example.com", f"A/e{place}", None)
    keys = dict(way.rows("select email, contact_key from order_versions where order_number = ?", (f"A/e{place}",)))
    assert order_event[5] == keys[f"ann.e{place}@example.com"]


def test_a_release_fires_the_campaigns_event(way: WholeWay) -> None:
    released = "select event_id, 'recent_order', campaign, contact_key, email, order_number, movement_on"
    released += " from queue_recent_order where reason = 'released'"
    fired = "select event_id, event_name, campaign, contact_key, email, order_number, occurred_on"
    fired += " from external_events where campaign = 'recent_order'"
    assert sorted(way.rows(fired)) == sorted(way.rows(released))
    assert way.rows("select count(*) from queue_recent_order where (event_id is null) = (reason = 'released')") == [
        (0,)
    ]


def test_of_two_events_of_an_order_on_one_day_the_smaller_id_acts(way: WholeWay) -> None:
    place = next(place for place, case in enumerate(MESSAGE_CASES) if case.name.startswith("two events of an order"))
    events = "select min(event_id) from external_events where campaign is null and order_number = ?"
    acted = "select event_id from planned_messages where conversation = 'per_order' and order_number = ?"
    assert way.rows(acted, (f"A/m{place}",)) == way.rows(events, (f"A/m{place}",))


def test_a_run_key_is_the_contact_or_the_contact_and_order(way: WholeWay) -> None:
    of_contacts = "conversation in ('each_time', 'once', 'from_the_7th') and run_key <> contact_key"
    of_orders = "conversation like 'per_order%' and run_key <> contact_key || ':' || order_number"
    for wrong in (of_contacts, of_orders):
        assert way.rows(f"select count(*) from planned_messages where {wrong}") == [(0,)]


def test_the_ids_are_what_they_always_were(way: WholeWay) -> None:
    """They are kept in ledgers and by relays: another hash writes to everyone again."""
    for order_number in ("A/ids", "A/e\u0301'"):
        found = dict(
            way.rows("select event_name, event_id from external_events where order_number = ?", (order_number,))
        )
        assert {name: found[name] for name in IDS[order_number]} == IDS[order_number]
    messages = "select conversation, message_id from planned_messages where order_number = 'A/ids' and due_on = ?"
    assert dict(way.rows(messages, (january(7),))).items() >= IDS["messages of A/ids"].items()


IDS = {
    "A/ids": {
        "purchase": "8d94f43a0fd8b5c459c0d0e2e48c4667",
        "shipped": "7c1f686520c05598f8db4b195af256db",
        "each_order": "88baaee65ea6b5109350b87edcbc3bee",
    },
    "A/e\u0301'": {"purchase": "4fab8801db5e5a00c0d382cd84f782ff"},
    "messages of A/ids": {"per_order": "a4cf9e88c4b8cab90bd77ce129b47368"},
}


def test_the_ids_are_md5_over_fields_with_their_lengths() -> None:
    order = IDS["A/ids"]
    assert order["purchase"] == hashed("main", "order", "purchase", "A/ids", None)
    assert order["shipped"] == hashed("main", "order", "shipped", "A/ids", None)
    assert order["each_order"] == hashed("main", "release", "each_order", "A/ids", None)
    assert IDS["A/e\u0301'"]["purchase"] == hashed("main", "order", "purchase", "A/e\u0301'", None)
    assert IDS["messages of A/ids"]["per_order"] == hashed("per_order", order["shipped"], "letter", "1", "1")


def hashed(*fields: str | None) -> str:
    """Each field with its length in characters before it; `-` stands for none."""
    written = "".join("-:" if field is None else f"{len(field)}:{field}" for field in fields)
    return md5(written.encode(), usedforsecurity=False).hexdigest()


def test_an_id_does_not_hang_on_the_day(way: WholeWay) -> None:
    """The same order, stated two days later in another installation. (The last test: it begins anew.)"""
    expected = dict(way.rows("select event_name, event_id from external_events where order_number = 'A/ids'"))
    way.begin_anew(CONVERSATIONS)
    way.run(files_of({"ids": {7: row("A", 7, "shipped", shipped=7, email="ben@example.com")}}), january(6), january(12))
    found = dict(way.rows("select event_name, event_id from external_events where order_number = 'A/ids'"))
    assert found == {name: expected[name] for name in found}
    assert found.keys() >= {"purchase", "shipped", "each_order"}
