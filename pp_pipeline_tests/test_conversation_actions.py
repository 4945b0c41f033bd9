"""Actions of conversations: what is refused, how draws are counted, and when others see what was done (DESIGN 4)."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.drawing import step_words
from pp_pipeline.conversations.levels import levels
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.tables import conversation_tables
from pp_pipeline_tests.conversation_examples import Step, bought, known, message, talk, thread, wait
from pp_pipeline_tests.conversation_facts import ContactRow
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, Case, ConversationPipeline, conversation_pipeline_on
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.test_conversations import HELLO, complaint, folder  # noqa: F401  (a fixture)
from pp_pipeline_tests.worked_examples import january

_DRAW = "      - id: gift\n        action: {draw: {pool: spring}}\n"
_SHOWS = "      - id: show\n        message: {channel: email, template: hello, coupon: {drawn: gift}}\n"
_SPLIT = "      - split: [{when: {bought: true}, thread: more}]\n"
_MORE = "  - thread: more\n    steps:\n      - trigger: []\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            "      - id: a\n        action: {set: {country: US}}\n",
            ":11: threads[1].steps[3].action: 'country' is for the contacts feed alone to state; of its columns",
        ),
        ("      - id: a\n        action: {set: {locale: english}}\n", "locale is 'english'; allowed is a language"),
        (
            "      - id: a\n        action: {set: {loyalty_member: 'yes'}}\n",
            "loyalty_member is 'yes'; allowed is 'true'",
        ),
        ("      - id: a\n        action: {set: {stage: 2}}\n", "action.set.stage: is 2; allowed is a text, in quotes"),
        ("      - id: a\n        action: {set: {}}\n", "action.set: is a dict"),
        (
            "      - id: a\n        action: {set: {stage: x}}\n"
            "      - split: [{when: {profile: stage, is: x}, thread: more}]\n" + _MORE,
            "steps[4].split[1].when: profile: this conversation sets 'stage' itself; ask for what led to it instead",
        ),
        (_DRAW, ":11: threads[1].steps[3].action.draw: no message shows this coupon; write `coupon: {drawn: gift}`"),
        (_SHOWS, "steps[3].message.coupon.drawn: no action with the id 'gift' draws a coupon; none does"),
        (_SHOWS + _DRAW, "steps[3].message.coupon.drawn: a way leads here past 'gift', which draws the coupon"),
        (_SPLIT + _DRAW + _MORE + _SHOWS, "threads[2].steps[2].message.coupon.drawn: a way leads here past 'gift'"),
        (
            "      - id: gift\n        action: {draw: {pool: spring, fallback: 5}}\n" + _SHOWS,
            "steps[3].action.draw.fallback: is no code",
        ),
        (
            _DRAW + _SHOWS.replace("{drawn: gift}", "{drawn: gift, pool: spring}"),
            "message.coupon: 'pool' is not known here; allowed are drawn",
        ),
    ],
)
def test_an_action_that_cannot_be_carried_out_is_refused(folder: Path, more: str, words: str) -> None:  # noqa: F811
    path = folder / "hello" / "conversation.yml"
    path.write_text(path.read_text() + more)
    for name in ("hello.txt.j2", "hello.mjml.j2"):
        template = folder / "hello" / name
        template.write_text(template.read_text().replace("{{ unsub", "{{ coupon.code }} {{ unsub"))
    assert words in complaint(folder)


def test_a_transactional_conversation_draws_no_coupon(folder: Path) -> None:  # noqa: F811
    path = folder / "hello" / "conversation.yml"
    path.write_text(HELLO.replace("kind: commercial", "kind: transactional") + _DRAW + _SHOWS)
    assert "steps[4].message.coupon: a transactional message carries no offer" in complaint(folder)


def test_a_message_shows_what_the_last_visit_of_the_action_drew() -> None:
    """In a loop every round draws anew; the passes of a message show what it shows."""
    steps: list[Step] = [
        {"id": "gift", "action": {"draw": {"pool": "spring"}}},
        message("one", coupon={"drawn": "gift"}, passes=2, after=3),
        wait(5),
        message("two", coupon={"drawn": "gift"}),
        {"go_to": "write", "times": 1},
        message("own", coupon={"pool": "summer"}),
    ]
    conversation = Conversation.model_validate({"conversation": "talk", **talk(thread("write", ["purchase"], *steps))})
    deeds = conversation_tables([conversation])["conversation_deeds"]
    assert [(deed[4], deed[5], deed[6], deed[11]) for deed in deeds] == [
        *[("one", 1, 1, 1), ("one", 1, 2, 1), ("two", 1, 1, 1)],
        *[("one", 2, 1, 2), ("one", 2, 2, 2), ("two", 2, 1, 2), ("own", 1, 1, None)],
    ]
    pools = [use.pool for step in ("one", "two", "own") if (use := conversation.coupon_of(step))]
    assert pools == ["spring", "spring", "summer"]


def conversation(name: str, event: str, *steps: Step, asks: str = "") -> Conversation:
    """A conversation that writes at the end, and nothing to those of whom the field `asks` is `x`."""
    threads = [thread("write", [event], *steps, message("letter"))]
    if asks:
        threads[0]["steps"].insert(-1, {"split": [{"when": {"profile": asks, "is": "x"}, "thread": "leave"}]})
        threads.append(thread("leave", [], {"exit": True}))
    return Conversation.model_validate({"conversation": name, **talk(*threads)})


def sets(field: str, value: str = "x", name: str = "mark") -> Step:
    return {"id": name, "action": {"set": {field: value}}}


def test_who_asks_for_a_field_comes_after_who_sets_it(folder: Path) -> None:  # noqa: F811
    one, two = conversation("one", "purchase", sets("stage")), conversation("two", "purchase", asks="stage")
    assert levels([two, one]) == {"one": 1, "two": 2}
    for name, own, other in (("a", "one", "two"), ("b", "two", "one")):
        (folder / name).mkdir()
        ring = (
            f"      - split: [{{when: {{profile: {other}, is: x}}, thread: more}}]\n" + _MORE + "      - exit: true\n"
        )
        action = f"      - id: mark\n        action: {{set: {{{own}: x}}}}\n"
        text = HELLO.replace("conversation: hello", f"conversation: {name}").replace("[thank_you,", f"[to_{name},")
        (folder / name / "conversation.yml").write_text(text + action + ring)
        for file in ("hello.txt.j2", "hello.mjml.j2"):
            (folder / name / file).write_text((folder / "hello" / file).read_text())
    place, told = "conversation.yml:12: threads[1].steps[4]", "in a ring of conversations; take one action out"
    assert complaint(folder).splitlines() == [
        f"a/{place}: waits for what b does, {told}",
        f"b/{place}: waits for what a does, {told}",
    ]
    (folder / "b" / "conversation.yml").write_text(HELLO.replace("conversation: hello", "conversation: b"))
    assert len(load_conversations(folder)) == 3


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"fire": "later"}, "fire later"),
        ({"set": {"stage": "second", "locale": "de"}}, "set stage = second, locale = de"),
        ({"draw": {"pool": "spring"}}, "draw a code of spring"),
    ],
)
def test_a_picture_says_what_an_action_does(action: dict[str, Any], words: str) -> None:
    talked = conversation("talk", "purchase", {"id": "act", "action": action})
    assert step_words(talked.steps[1]) == words


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConversationPipeline:
    return conversation_pipeline_on(request.param, request, tmp_path_factory)


def test_others_see_what_was_set_and_fired_the_day_after(pipeline: ConversationPipeline) -> None:
    """Relays take the events of the third in a chain too, though no conversation may."""
    fires = {"id": "tell", "action": {"fire": "second"}}
    third = {"id": "tell", "action": {"fire": "for_relays"}}
    conversations = [
        conversation("one", "purchase", sets("stage", "y"), sets("stage", "x", "again"), fires),
        conversation("on_the_day", "purchase", asks="stage"),
        conversation("the_day_after", "purchase", wait(1), asks="stage"),
        conversation("by_event", "second", {"id": "tell", "action": {"fire": "third"}}, asks="stage"),
        conversation("last", "third", third),
    ]
    pipeline.begin_anew(
        [Case({"conversation": "none", **talk(thread("none", ["none"]))}, known(*bought("A", 1)))], conversations
    )
    pipeline.build(FIRST, LAST)
    with pipeline.warehouse.connect() as connection:
        messages = connection.rows("select conversation, due_on from planned_messages")
        events = connection.rows(
            "select event_name, conversation, occurred_on, order_number from all_events order by occurred_on"
        )
        fields = connection.rows("select field, value, conversation, occurred_on from set_fields order by place")
    assert sorted((name, day.day) for name, day in messages) == [("last", 3), ("on_the_day", 1), ("one", 1)]
    assert [(name, fired_by, day.day, order) for name, fired_by, day, order in events] == [
        ("purchase", None, 1, "A"),
        ("second", "one", 2, "A"),
        ("third", "by_event", 3, "A"),
        ("for_relays", "last", 4, "A"),
    ]
    assert [(*told, day.day) for *told, day in fields] == [("stage", "y", "one", 2), ("stage", "x", "one", 2)]


_GOLD, _SILVER = '{"tier": "gold"}', '{"tier": "silver"}'


class Told(NamedTuple):
    """What is set and stated of the field `tier`, by day, and whether `gold` counts on the day on which it is asked."""

    name: str
    sets: dict[int, str]
    rows: dict[int, str]
    asked_on: int
    is_gold: bool

    def case(self) -> Case:
        """A conversation that asks on that day, and writes to those who are gold; another one sets."""
        asks = [wait(self.asked_on - 1)] if self.asked_on > 1 else []
        split = {"split": [{"when": {"profile": "tier", "is": "gold"}, "thread": "gold"}]}
        threads = [thread("ask", ["purchase"], *asks, split), thread("gold", [], message("letter"))]
        steps: list[Step] = []
        for place, (day, value) in enumerate(self.sets.items()):
            before = max([1, *[other for other in self.sets if other < day]])
            steps += [*([wait(day - before)] if day > before else []), sets("tier", value, f"a{place}")]
        facts = known(*bought("A", 1))
        facts.contacts = [ContactRow(january(day), "ann", attributes=stated) for day, stated in self.rows.items()]
        setter = {"conversation": "setter", **talk(thread("set", ["purchase"], *steps))}
        return Case({"conversation": "talk", **talk(*threads)}, facts, others=(setter,) if self.sets else ())


FIELDS = (
    Told("seen the day after", {1: "gold"}, {}, 2, True),
    Told("not on the day itself", {1: "gold"}, {}, 1, False),
    Told("a file states it by itself", {}, {2: _GOLD}, 2, True),
    Told("of one day what was set counts", {3: "gold"}, {3: _SILVER}, 5, True),
    Told("and nothing of the file", {3: "silver"}, {3: _GOLD}, 5, False),
    Told("a file of the next day is newer", {3: "gold"}, {4: _SILVER}, 5, False),
    Told("not before it is there", {3: "gold"}, {6: _SILVER}, 5, True),
    Told("what is set later is newer than a file", {4: "gold"}, {3: _SILVER}, 5, True),
    Told("a file that leaves it blank says nothing", {3: "gold"}, {5: '{"tier": ""}'}, 6, True),
    Told("the newest file alone says what files say", {}, {2: _GOLD, 4: "{}"}, 5, False),
    Told("what was set last counts", {2: "silver", 4: "gold"}, {}, 6, True),
    Told("and not what was set before", {2: "gold", 4: "silver"}, {}, 6, False),
)


def test_the_newest_word_on_a_profile_field_counts(pipeline: ConversationPipeline) -> None:
    cases = [told.case() for told in FIELDS]
    expected = [case.in_slot(slot).expected() for slot, case in enumerate(cases)]
    assert [bool(plan) for plan in expected] == [told.is_gold for told in FIELDS]
    assert pipeline.planned(cases) == expected
