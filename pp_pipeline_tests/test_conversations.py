"""Loading conversations: the simplest shape, and plain words for everything else (DESIGN 4, 9)."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.channel_roads import Channels
from pp_pipeline.conversations.loading import ConversationError, load_conversations
from pp_pipeline.conversations.tables import TABLES, conversation_tables
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending_policy import SendingPolicy, Sunset
from pp_pipeline.settings import Settings

HELLO = """\
conversation: hello
kind: commercial
scope: order
threads:
  - thread: write
    steps:
      - trigger: [thank_you, review_request]
      - id: greet
        message: {channel: email, template: hello}
"""
TEXT = "{{ unsubscribe_url }} {{ merchant.postal_address }}\n"
MJML = """\
<mjml>
  <mj-head><mj-title>Hello</mj-title><mj-preview>Hello</mj-preview></mj-head>
  <mj-body><mj-section><mj-column>
    <mj-text>{{ unsubscribe_url }} {{ merchant.postal_address }}</mj-text>
  </mj-column></mj-section></mj-body>
</mjml>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one sound conversation."""
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "conversation.yml").write_text(HELLO)
    (tmp_path / "hello" / "hello.txt.j2").write_text(TEXT)
    (tmp_path / "hello" / "hello.mjml.j2").write_text(MJML)
    (tmp_path / "__pycache__").mkdir()
    return tmp_path


def change(folder: Path, before: str, after: str, name: str = "conversation.yml") -> None:
    path = folder / "hello" / name
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def complaint(folder: Path) -> str:
    with pytest.raises(ConversationError) as caught:
        load_conversations(folder)
    return str(caught.value)


def test_one_row_per_event_that_begins_a_run(folder: Path) -> None:
    change(folder, "scope: order", "scope: order\nentries: once\nlive_from: 2026-07-04\nexit_when: [canceled]")
    tables = conversation_tables(load_conversations(folder))
    rest = ("order", "once", date(2026, 7, 4), "none", 0, True)
    assert tables["conversation_programs"] == [
        ("hello", 1, "hello/write", 0, 1, None, "thank_you", *rest),
        ("hello", 1, "hello/write", 0, 1, None, "review_request", *rest),
    ]
    assert tables["conversation_deeds"] == [
        ("hello", "hello/write", 0, 0, "greet", 1, 1, 0, None, "email", "hello", None, None, None, None, 0),
    ]
    assert tables["conversation_exits"] == [("hello", "canceled", "")]


def test_what_is_left_out_has_its_usual_meaning(folder: Path) -> None:
    change(folder, "kind: commercial\nscope: order\n", "")
    conversation = load_conversations(folder)[0]
    assert (conversation.kind, conversation.scope, conversation.entries) == (
        "commercial",
        "contact",
        "unlimited",
    )
    assert (conversation.exit_when, conversation.live_from, conversation.goal) == ([], None, "none")
    assert (conversation.events, conversation.step) == (["thank_you", "review_request"], "greet")


def test_no_conversations_are_empty_tables(tmp_path: Path) -> None:
    assert conversation_tables(load_conversations(tmp_path)) == {name: [] for name in TABLES}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "scope: order",
            "scope: shop",
            "hello/conversation.yml:3: scope: is 'shop'; allowed is 'contact', 'order' or 'line'",
        ),
        (
            "kind: commercial",
            "kind: advert",
            ":2: kind: is 'advert'; allowed is 'commercial' or 'transactional'",
        ),
        ("scope: order", "entries: twice", ":3: entries: is 'twice'; allowed is 'once' or 'unlimited'"),
        (
            "scope: order",
            "exit_when: [canceled, shipped]",
            ":3: exit_when[2]: is 'shipped'; allowed is 'canceled', 'returned', 'partly_returned', 'refunded', "
            "'purchased_again' or 'unsubscribed'",
        ),
        ("scope: order", "exit_when: canceled", ":3: exit_when: is 'canceled'; allowed is a list"),
        ("scope: order", "goal: opened", ":3: goal: is 'opened'; allowed is 'none' or 'purchased_again'"),
        ("scope: order", "live_from: soon", ":3: live_from: is 'soon'; allowed is a day such as 2026-07-04"),
        ("scope: order", "scop: order", "'scop' is not known here; allowed are conversation, kind,"),
        ("scope: order", "exit_when: [{segmnt: loyal}]", ":3: exit_when[1]: 'segmnt' is not known here"),
        ("scope: order", "pause_when: [canceled]", ":3: pause_when[1]: is 'canceled'; allowed is 'open_ticket' or"),
        (
            "kind: commercial",
            "kind: commercial\nmax_pause_days: 0",
            ":3: max_pause_days: is 0; input should be greater",
        ),
        (
            "      - id",
            "      - wait: {at: 10:00}\n      - id",
            'is 600; allowed is a time of day such as "09:30", in quotes',
        ),
        ("      - id", "      - wait: {at: '24:00'}\n      - id", "is '24:00'; allowed is a time of day such as"),
        (
            "channel: email",
            "channel: fax",
            ":9: threads[1].steps[2].message.channel: is 'fax'; allowed is 'email' or 'sms'",
        ),
        ("template: hello", "template: hello, passes: 6, after: 1", "message.passes: is 6; input should be less than"),
        ("template: hello", "template: hello, passes: 2", "passes above 1 and after (days between them) go together"),
        (
            "template: hello",
            "template: ../hello",
            "template: is '../hello'; allowed is a name of lower-case letters",
        ),
        (
            "template: hello",
            "template: hello, before: 7",
            "'before' is not known here; allowed are channel, template",
        ),
        ("id: greet\n        message", "message", ":8: threads[1].steps[2]: a message needs an id"),
        (
            "trigger: [thank_you, review_request]",
            "trigger: []",
            ":5: threads[1]: no thread's trigger names an event, so nobody can enter",
        ),
        ("trigger: [thank_you, review_request]", "trigger: [a, a]", "the trigger names an event twice"),
        ("trigger: [thank_you, review_request]", "trigger: [1]", "trigger[1]: is 1; allowed is a name of"),
        (
            "      - trigger: [thank_you, review_request]\n",
            "",
            ":5: threads[1]: a thread begins with its trigger ([] for none), and has no other",
        ),
        (
            "    steps:",
            "    rank: 0\n    steps:",
            ":6: threads[1].rank: is 0; input should be greater than or equal to 1",
        ),
        ("threads:", "thread:", "'thread' is not known here; allowed are"),
        ("conversation: hello\n", "", ":1: conversation: is missing"),
        ("conversation: hello", "conversation: other", ":1: conversation: is 'other' in the folder 'hello'"),
        ("conversation: hello", "conversation: Hello", "is 'Hello'; allowed is a name of lower-case letters"),
        ("scope: order", "scope: [order", "hello/conversation.yml:4: is not valid YAML"),
        (
            "scope: order",
            "kind: transactional",
            "hello/conversation.yml:3: is not valid YAML: 'kind' stands twice",
        ),
        (
            "scope: order",
            "scope: 2026-13-45",
            "hello/conversation.yml: is not valid YAML: month must be in 1..12",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_plainly(folder: Path, before: str, after: str, words: str) -> None:
    change(folder, before, after)
    assert words in complaint(folder)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            "      - id: greet\n        message: {channel: email, template: hello}\n",
            "the id 'greet' stands twice",
        ),
        (
            "      - go_to: write.hello\n",
            ":10: threads[1].steps[3].go_to: no step of the thread 'write' has the id 'hello'",
        ),
        ("      - go_to: more\n", "steps[3].go_to: there is no thread 'more'; the threads are write"),
        ("      - go_to: Write\n", "steps[3].go_to: is 'Write'; allowed is a thread, or thread.id of a step"),
        ("      - go_to: write\n", "steps[3]: this goes round without a wait of at least a day"),
        ("      - go_to: write\n        times: 2\n", "steps[3]: this goes round without a wait of at least a day"),
        (
            "      - wait: {days: 1}\n      - go_to: write\n",
            "steps[4]: this goes round for ever; lead back by a go_to with",
        ),
        ("      - exit: true\n      - wait: {days: 1}\n", ":11: threads[1].steps[4]: nobody comes to this step"),
        ("  - thread: more\n    steps: [trigger: []]\n", ":10: threads[2]: nobody comes to the thread 'more'"),
        ("  - thread: write\n    steps: [trigger: [x]]\n", ":10: threads[2].thread: the thread 'write' is there twice"),
        ("      - wait: {}\n", "steps[3].wait: a wait needs days (1 or more), a weekday, or a time of"),
        ("      - wait: {days: 1}\n        times: 2\n", "steps[3]: 'times' belongs to go_to, not to wait"),
        ("      - wait: {days: 1}\n        exit: true\n", "steps[3]: a step is one of trigger, wait, message, split"),
        ("      - action: {fire: x}\n", "steps[3]: an action needs an id, unique in the conversation"),
        ("      - id: a\n        action: {fire: thank_you}\n", "'thank_you' would begin this conversation again"),
        (
            "      - id: a\n        action: {}\n",
            "steps[3].action: an action is one of fire, set, draw; this one is none",
        ),
        ("      - id: a\n        action: {fire: x, set: {a: b}}\n", "this one is fire and set"),
        ("      - split: []\n", "steps[3].split: is a list; list should have at least 1 item"),
    ],
)
def test_steps_that_do_not_fit_together_are_refused(folder: Path, more: str, words: str) -> None:
    path = folder / "hello" / "conversation.yml"
    path.write_text(path.read_text() + more)
    assert words in complaint(folder)


def test_a_time_of_day_counts_from_its_wait_to_the_next(folder: Path) -> None:
    path = folder / "hello" / "conversation.yml"
    message = "      - id: {0}\n        message: {{channel: email, template: hello}}\n"
    steps = ["      - wait: {days: 1, at: '10:00'}\n", message.format("one"), "      - wait: {at: '09:00'}\n"]
    steps += [message.format("two"), "      - wait: {days: 1}\n", message.format("three")]
    path.write_text(path.read_text() + "".join(steps))
    deeds = conversation_tables(load_conversations(folder))["conversation_deeds"]
    assert [(deed[4], deed[7], deed[8]) for deed in deeds] == [
        *[("greet", 0, None), ("one", 1, "10:00"), ("two", 1, "10:00"), ("three", 2, None)],
    ]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("{opened: greeting}", "split[1].when: opened: no message has the id 'greeting'; the messages are greet"),
        ("{not: {clicked: hi}}", "split[1].when: clicked: no message has the id 'hi'"),
        ("{line_status: shipped}", "split[1].when: line_status needs `scope: line`; order_status asks for the order"),
        ("{}", "split[1].when: a condition asks one thing, but asks nothing; put several into `all` or `any`"),
        ("{bought: true, ticket: open}", "when: a condition asks one thing, but bought and ticket stand side by side"),
        ("{opened: greet, link: x}", "when: 'link' belongs to clicked, not to opened"),
        ("{profile: country}", "when: profile needs `is`, the value that the field has to have"),
        (
            "{profile: points, is: '5'}",
            "when: profile: 'points' can't be asked for; of the contacts feed's",
        ),
        ("{order_status: lost}", "when: order_status is 'lost'; allowed is not_set, misc,"),
        ("{bougth: true}", "when: 'bougth' is not known here; allowed are all, any, not, opened"),
        (f"{{all: [{', '.join(['{any: [{bought: true}, {ticket: open}]}'] * 7)}]}}", "in more than 64 ways"),
    ],
)
def test_a_condition_that_asks_nothing_is_refused(folder: Path, condition: str, words: str) -> None:
    path = folder / "hello" / "conversation.yml"
    more = (
        f"      - split:\n          - {{when: {condition}, thread: more}}\n  - thread: more\n    steps: [trigger: []]\n"
    )
    path.write_text(path.read_text() + more)
    told = complaint(folder)
    assert words in told
    assert told.startswith("hello/conversation.yml:11: threads[1].steps[3].split[1]")


def test_a_conversation_with_too_many_ways_is_refused(folder: Path) -> None:
    path = folder / "hello" / "conversation.yml"
    split = "      - split:\n          - {when: {bought: true}, thread: more}\n"
    back = "      - wait: {days: 1}\n      - go_to: write\n        times: 12\n"
    more = "  - thread: more\n    steps:\n      - trigger: []\n"
    path.write_text(path.read_text() + split + back + more + back)
    assert "hello/conversation.yml:4: has more than 2,000 different paths" in complaint(folder)


@pytest.mark.parametrize(
    ("fires", "words"),
    [
        ({"a": "b", "b": "c", "c": "d"}, []),
        (
            {"a": "b", "b": "a"},
            ["a/conversation.yml:7: threads[1].steps[1]: waits for what b does, in a ring", "b/conversation.yml:7"],
        ),
        (
            {"a": "b", "b": "c", "c": "d", "d": "e"},
            ["d/conversation.yml:7: threads[1].steps[1]: is number 4 in a chain; at most 3"],
        ),
    ],
)
def test_conversations_fire_for_one_another_in_chains_of_three(
    folder: Path, fires: dict[str, str], words: list[str]
) -> None:
    for name, fired in fires.items():
        (folder / name).mkdir()
        text = HELLO.replace("conversation: hello", f"conversation: {name}").replace("[thank_you,", f"[to_{name},")
        (folder / name / "conversation.yml").write_text(f"{text}      - id: a\n        action: {{fire: to_{fired}}}\n")
        for ending, content in {"txt.j2": TEXT, "mjml.j2": MJML}.items():
            (folder / name / f"hello.{ending}").write_text(content)
    if not words:
        assert len(load_conversations(folder)) == 1 + len(fires)
        return
    lines = complaint(folder).splitlines()
    assert [line[: len(word)] for line, word in zip(lines, words, strict=True)] == words


@pytest.mark.parametrize("content", ["", "hello", "- hello", "conversation: hello"])
def test_a_file_that_says_nothing_is_refused(folder: Path, content: str) -> None:
    (folder / "hello" / "conversation.yml").write_text(content)
    assert "hello/conversation.yml" in complaint(folder)


def test_a_file_that_is_not_utf_8_is_refused(folder: Path) -> None:
    (folder / "hello" / "conversation.yml").write_bytes(b"conversation: h\xff")
    assert complaint(folder) == "hello/conversation.yml: is not UTF-8"


def test_a_folder_without_a_file_is_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert complaint(folder) == "empty/conversation.yml: is not there; a conversation's folder holds one"


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    change(folder, "scope: order", "scope: shop")
    change(folder, "channel: email", "channel: fax")
    (folder / "empty").mkdir()
    assert len(complaint(folder).splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "before", "after", "words"),
    [
        ("hello.mjml.j2", "<mj-title>Hello</mj-title>", "", "hello/hello.mjml.j2:1: has no subject; write <mj-title>"),
        ("hello.mjml.j2", "<mj-preview>Hello<", "<mj-preview> <", "hello/hello.mjml.j2:1: has no preheader; write"),
        ("hello.txt.j2", "{{ unsubscribe_url }}", "", "hello.mjml.j2:1: its text part does not show unsubscribe_url"),
        ("hello.mjml.j2", "{{ unsubscribe_url }}", "", "its HTML does not show unsubscribe_url"),
        ("hello.mjml.j2", "{{ merchant.postal_address }}", "", "its HTML does not show merchant.postal_address"),
        ("hello.txt.j2", " {{ merchant", "\n\n{{ 1 + {{ merchant", "hello/hello.txt.j2:3: "),
        (
            "hello.txt.j2",
            "{{ merchant",
            "{{ 1 | nothing }}{{ merchant",
            "hello/hello.txt.j2:1: No filter named 'nothing'",
        ),
        (
            "hello.txt.j2",
            "{{ merchant",
            '{% include "none.txt.j2" %}{{ merchant',
            "hello.txt.j2:1: the template file none.",
        ),
        ("hello.mjml.j2", "<mj-text>", "<mj-txt>", "hello/hello.mjml.j2:4: <mj-txt> is not for messages"),
    ],
)
def test_a_template_that_cannot_be_sent_is_refused(
    folder: Path, name: str, before: str, after: str, words: str
) -> None:
    change(folder, before, after, name)
    told = complaint(folder)
    assert told.startswith("hello/conversation.yml:9: threads[1].steps[2].message: ")
    assert words in told


def test_a_template_file_that_is_not_there_is_refused(folder: Path) -> None:
    (folder / "hello" / "hello.mjml.j2").unlink()
    assert "the template file hello/hello.mjml.j2 is not there" in complaint(folder)


def test_the_footer_may_stand_in_a_file_that_is_included(folder: Path) -> None:
    text = "{{ unsubscribe_url }} {{ merchant.postal_address }}"
    (folder / "blocks").mkdir()
    (folder / "blocks" / "footer.mjml.j2").write_text(f"<mj-text>{text}</mj-text>")
    change(folder, f"<mj-text>{text}</mj-text>", '<mj-include path="../blocks/footer.mjml.j2" />', "hello.mjml.j2")
    (folder / "hello" / "hello.txt.j2").unlink()
    assert len(load_conversations(folder)) == 1


def test_transactional_messages_need_no_footer(folder: Path) -> None:
    change(folder, "kind: commercial", "kind: transactional")
    change(folder, "{{ unsubscribe_url }}", "", "hello.txt.j2")
    assert len(load_conversations(folder)) == 1


@pytest.mark.parametrize(
    ("words_of_message", "words"),
    [
        ("coupon: spring", "message.coupon: is 'spring'; allowed are `word: value` pairs"),
        ("coupon: {fallback: WELCOME5}", "message.coupon.pool: is missing"),
        ("coupon: {pool: Spring}", "message.coupon.pool: is 'Spring'; allowed is a name of lower-case letters"),
        ("coupon: {pool: spring, code: x}", "'code' is not known here; allowed are pool, fallback, min_days_valid"),
        ("coupon: {pool: spring, min_days_valid: -1}", "min_days_valid: is -1; input should be greater than or equal"),
        ("coupon: {pool: spring, fallback: 55555}", "coupon.fallback: is no code; allowed is one line of up to 200"),
        ("coupon: {pool: spring, fallback: ' 55555'}", "coupon.fallback: is no code"),
        ("offer: 3", "message.offer: is 3"),
    ],
)
def test_a_coupon_that_cannot_be_drawn_is_refused(folder: Path, words_of_message: str, words: str) -> None:
    change(folder, "template: hello", f"template: hello, {words_of_message}")
    told = complaint(folder)
    assert words in told
    assert told.startswith("hello/conversation.yml:9: ")
    assert "55555" not in told


@pytest.mark.parametrize("word", ["coupon: {pool: spring}", "offer: true"])
def test_a_transactional_message_carries_no_offer(folder: Path, word: str) -> None:
    change(folder, "kind: commercial", "kind: transactional")
    change(folder, "template: hello", f"template: hello, {word}")
    name = word.partition(":")[0]
    assert complaint(folder) == (
        f"hello/conversation.yml:9: threads[1].steps[2].message.{name}: a transactional message carries no offer; "
        f"take {name} away, or make the conversation commercial"
    )


@pytest.mark.parametrize(
    ("declared", "shown", "words"),
    [
        (False, "{{ coupon.code }}", "uses coupon, but the message declares none; add `coupon: {pool: ...}` to it"),
        (False, "{% if coupon %}x{% endif %}", "uses coupon, but the message declares none"),
        (True, "", "its text part does not show coupon.code; the message declares a coupon"),
        (True, "{{ coupon.expires_on }}", "its HTML does not show coupon.code; the message declares a coupon"),
        (True, "{{ coupon.code }}{{ coupon['amount'] }}", "uses coupon.amount; allowed are code, expires_on"),
        (True, "{{ coupon['code'] }}{{ coupon.expires_on }}", ""),
    ],
)
def test_templates_show_the_coupon_that_is_declared_in_both_parts(
    folder: Path, declared: bool, shown: str, words: str
) -> None:
    if declared:
        change(folder, "template: hello", "template: hello, coupon: {pool: spring}")
    for name in ("hello.txt.j2", "hello.mjml.j2"):
        change(folder, "{{ unsubscribe_url }}", "{{ unsubscribe_url }}" + shown, name)
    if not words:
        assert load_conversations(folder)[0].message.has_offer
        return
    told = complaint(folder)
    assert words in told
    place = "hello/conversation.yml:9: threads[1].steps[2].message: hello/hello."
    assert all(line.startswith(place) for line in told.splitlines())


def test_one_click_unsubscribing_needs_https(folder: Path) -> None:
    merchants = load_merchants(_shipped())
    plain = {"main": merchants["main"].model_copy(update={"unsubscribe_url": "http://example.com/u"})}
    with pytest.raises(ConversationError, match=r"merchants/main.yml: unsubscribe_url: .* needs https.*hello"):
        load_conversations(folder, plain)
    change(folder, "kind: commercial", "kind: transactional")
    assert len(load_conversations(folder, plain)) == 1


def test_what_a_sunset_rule_exempts_has_to_be_there(folder: Path) -> None:
    policy = SendingPolicy(sunset=Sunset(days=90, exempt=("hello", "farewell")))
    merchants = {"main": load_merchants(_shipped())["main"].model_copy(update={"sending": policy})}
    with pytest.raises(ConversationError) as error:
        load_conversations(folder, merchants)
    assert str(error.value) == "merchants/main.yml: sending.sunset.exempt: there is no conversation farewell"


def test_the_shipped_conversations_can_be_used() -> None:
    settings = _shipped()
    found = load_conversations(settings.conversations_dir, load_merchants(settings))
    assert [(each.conversation, each.events, each.scope, each.entries, each.exit_when) for each in found] == [
        ("loyal_thanks", ["loyal_customers"], "contact", "once", []),
        ("review_by_text", ["ask_by_text"], "order", "unlimited", ["canceled", "returned", "unsubscribed"]),
        ("review_request", ["review_request"], "order", "unlimited", ["canceled", "returned", "unsubscribed"]),
        ("thank_you", ["thank_you"], "order", "unlimited", ["canceled", "returned"]),
        ("win_back", ["win_back"], "contact", "unlimited", ["unsubscribed"]),
    ]


def _shipped(**changes: Any) -> Settings:
    return Settings(home=Path("unused"), **changes)


def test_who_writes_by_two_channels_has_a_road_for_both_or_none(folder: Path) -> None:
    change(folder, "kind: commercial", "kind: transactional")
    text = (folder / "hello" / "conversation.yml").read_text()
    (folder / "hello" / "conversation.yml").write_text(
        f"{text}      - id: ring\n        message: {{channel: sms, template: ring}}\n"
    )
    (folder / "hello" / "ring.sms.j2").write_text("Your order {{ order.number }} is on its way.")
    main = load_merchants(_shipped())["main"]
    mail = {"via": "smtp", "host": "smtp.example.com"}
    phone = {"via": "twilio", "account": f"AC{'0' * 32}", "token": "TWILIO"}
    for roads in ({}, {"email": mail, "sms": phone}):
        both = main.model_copy(update={"channels": Channels.model_validate(roads)})
        assert len(load_conversations(folder, {"main": both})) == 1
    one = main.model_copy(update={"channels": Channels.model_validate({"email": mail})})
    with pytest.raises(ConversationError) as error:
        load_conversations(folder, {"main": one})
    assert str(error.value) == (
        "merchants/main.yml: channels: hello writes by email and sms, and there is a road for email alone; "
        "declare one for each, or none"
    )
