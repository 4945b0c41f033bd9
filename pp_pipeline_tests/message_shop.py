"""A shop's messages without a warehouse or a ledger, for tests of templates and their rendering."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.link_policy import LinkPolicy
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.problems import template_problems
from pp_pipeline.messages.render import Renderer
from pp_pipeline.messages.templates import templates_of
from pp_pipeline.sending.outlets.outlet import EmailDraft, SmsDraft
from pp_pipeline.sending.planned import ContactFacts, Order, OrderLine, PlannedMessage

DAY = date(2026, 7, 10)
WORDS = """\
en: {total: Total, reply_stop: Reply STOP to opt out}
de: {total: Summe, reply_stop: Abmelden mit STOP}
de_CH: {total: Total}
he: {total: סך הכול, reply_stop: השיבו STOP להסרה}
"""
FOOTER = '<mj-text>{{ merchant.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>'
MERCHANT = Merchant(
    merchant="main",
    zone="UTC",
    currency="USD",
    sender_name="Corner Shop",
    sender_email="shop@example.com",
    postal_address="1 Corner Street",
    unsubscribe_url="https://example.com/unsubscribe",
    site_url="https://example.com",
    sms_sender="CornerShop",
    links=LinkPolicy(tags={}),
)


def mjml(body: str, subject: str = "Hello", preheader: str = "Hello", root: str = "<mjml>") -> str:
    """A message of one column, from the third line on."""
    return (
        f"{root}<mj-head><mj-title>{subject}</mj-title><mj-preview>{preheader}</mj-preview></mj-head>\n"
        f"<mj-body><mj-section><mj-column>\n{body}\n{FOOTER}\n</mj-column></mj-section></mj-body></mjml>\n"
    )


def conversation(kind: str = "commercial") -> Conversation:
    """The one conversation, `hello`."""
    message = {"id": "greet", "message": {"channel": "email", "template": "hello"}}
    thread = {"thread": "write", "steps": [{"trigger": ["thank_you"]}, message]}
    return Conversation.model_validate({"conversation": "hello", "kind": kind, "threads": [thread]})


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Files by their names below the folder of conversations."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def renderer(
    folder: Path, body: str = "", *, kind: str = "commercial", files: Mapping[str, str] | None = None, **merchant: Any
) -> Renderer:
    """A renderer of one message with this body, or of these files."""
    write(folder, files if files is not None else {"hello/hello.mjml.j2": mjml(f"<mj-text>{body}</mj-text>")})
    merchants = {"main": MERCHANT.model_copy(update=merchant)}
    return Renderer(folder, {"hello": conversation(kind)}, merchants, b"a secret of enough characters")


def message(name: str = "Ann", *, locale: str = "", lines: tuple[OrderLine, ...] = (), **more: Any) -> PlannedMessage:
    """A planned message about an order."""
    total = sum(line.quantity * (line.unit_price_cents or 0) for line in lines) or 1250
    order = Order("A1", date(2026, 7, 4), None, "shipped", total, "USD", {"color": "blue"}, lines)
    fields = {"channel": "email", "email": "ann@example.com", "order": order} | more
    return PlannedMessage(
        key="k" * 32,
        merchant="main",
        contact_key="c1",
        run_key="r1",
        conversation="hello",
        step="greet",
        occurrence=1,
        pass_number=1,
        template="hello",
        event_id="e1",
        order_number="A1",
        due_on=DAY,
        contact=ContactFacts(first_name=name, phone="+12015550123", locale=locale),
        **fields,
    )


def line(name: str | None, sku: str = "S1", price: int = 1250) -> OrderLine:
    """A line of an order."""
    return OrderLine(sku, name, "Paper", 1, price)


def email(made: Renderer, planned: PlannedMessage | None = None) -> EmailDraft:
    """The e-mail of a planned message."""
    draft = made.render(planned or message())
    assert isinstance(draft, EmailDraft)
    return draft


def sms(made: Renderer, planned: PlannedMessage | None = None) -> SmsDraft:
    """The text of a planned message."""
    draft = made.render(planned or message(channel="sms"))
    assert isinstance(draft, SmsDraft)
    return draft


def problems(folder: Path, kind: str = "commercial", **more: Any) -> list[str]:
    """What is wrong with the message's templates."""
    return template_problems(templates_of(folder), "hello", "hello", kind, **more)
