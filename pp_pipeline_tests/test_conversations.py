"""Loading conversations: the simplest shape, and plain words for everything else (DESIGN 4, 9)."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.conversations.loading import (
    MESSAGE_COLUMNS,
    ConversationError,
    conversation_messages,
    load_conversations,
)
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


def test_one_row_per_message_and_event(folder: Path) -> None:
    change(folder, "scope: order", "scope: order\nentries: once\nlive_from: 2026-07-04\nexit_when: [canceled]")
    frame = conversation_messages(load_conversations(folder))
    assert list(frame.columns) == list(MESSAGE_COLUMNS)
    rest = ("greet", "email", "hello", "commercial", "order", "once", date(2026, 7, 4), " canceled ")
    assert [tuple(row) for row in frame.itertuples(index=False)] == [
        ("hello", "thank_you", *rest),
        ("hello", "review_request", *rest),
    ]


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


def test_no_conversations_are_an_empty_table(tmp_path: Path) -> None:
    frame = conversation_messages(load_conversations(tmp_path))
    assert list(frame.columns) == list(MESSAGE_COLUMNS)
    assert frame.empty


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "scope: order",
            "scope: line",
            "hello/conversation.yml:3: scope: is 'line'; allowed is 'contact' or 'order'",
        ),
        (
            "kind: commercial",
            "kind: advert",
            ":2: kind: is 'advert'; allowed is 'commercial' or 'transactional'",
        ),
        ("scope: order", "entries: twice", ":3: entries: is 'twice'; allowed is 'once' or 'unlimited'"),
        (
            "scope: order",
            "exit_when: [canceled, unsubscribed]",
            ":3: exit_when[2]: is 'unsubscribed'; allowed is 'canceled', 'returned', 'partly_returned' or 'refunded'",
        ),
        ("scope: order", "exit_when: canceled", ":3: exit_when: is 'canceled'; allowed is a list"),
        ("scope: order", "goal: opened", ":3: goal: is 'opened'; allowed is 'none' or 'purchased_again'"),
        ("scope: order", "live_from: soon", ":3: live_from: is 'soon'; allowed is a day such as 2026-07-04"),
        ("scope: order", "scop: order", "'scop' is not known here; allowed are conversation, kind,"),
        ("scope: order", "pause_when: [canceled]", "'pause_when' is not carried out yet"),
        (
            "channel: email",
            "channel: fax",
            ":9: threads[1].steps[2].message.channel: is 'fax'; allowed is 'email' or 'sms'",
        ),
        ("template: hello", "template: hello, passes: 2", "message.passes: is 2; allowed is 1"),
        (
            "template: hello",
            "template: ../hello",
            "template: is '../hello'; allowed is a name of lower-case letters",
        ),
        (
            "template: hello",
            "template: hello, after: 7",
            "'after' is not known here; allowed are channel, template",
        ),
        ("id: greet\n        message", "message", ":8: threads[1].steps[2]: a message needs an id"),
        (
            "trigger: [thank_you, review_request]",
            "trigger: []",
            "threads[1].steps[1]: the trigger names no event",
        ),
        ("trigger: [thank_you, review_request]", "trigger: [a, a]", "the trigger names an event twice"),
        ("trigger: [thank_you, review_request]", "trigger: [1]", "trigger[1]: is 1; allowed is a name of"),
        (
            "trigger: [thank_you, review_request]",
            "wait: {days: 3}",
            "'wait' is not carried out yet; allowed is one thread",
        ),
        (
            "      - trigger: [thank_you, review_request]\n",
            "",
            "the thread's steps are message; allowed is one thread",
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
            "      - id: again\n        message: {channel: email, template: hello}\n",
            "the thread's steps are trigger, message, message; allowed is one thread of a trigger",
        ),
        ("      - go_to: write.greet\n", "'go_to' is not carried out yet"),
        (
            "  - thread: more\n    steps:\n      - trigger: [thank_you]\n",
            "has 2 threads; allowed is one thread",
        ),
        ("      - action: {fire: x}\n      - exit: true\n", "'exit' is not carried out yet"),
    ],
)
def test_more_than_the_simplest_shape_is_refused(folder: Path, more: str, words: str) -> None:
    path = folder / "hello" / "conversation.yml"
    path.write_text(path.read_text() + more)
    assert words in complaint(folder)


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
    change(folder, "scope: order", "scope: line")
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
    assert told.startswith("hello/conversation.yml: message greet: ")
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
        f"hello/conversation.yml:9: message greet: {name}: a transactional message carries no offer; "
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
    assert all(line.startswith("hello/conversation.yml: message greet: hello/hello.") for line in told.splitlines())


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
        ("review_request", ["review_request"], "order", "unlimited", ["canceled", "returned"]),
        ("thank_you", ["thank_you"], "order", "unlimited", ["canceled", "returned"]),
        ("win_back", ["win_back"], "contact", "unlimited", []),
    ]


def _shipped(**changes: Any) -> Settings:
    return Settings(home=Path("unused"), **changes)
