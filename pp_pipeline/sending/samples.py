"""Messages that no shopper gets: proofs, about an order that nobody made, and what is looked at by `pp render`.

What is looked at may be about a real order. It carries neither the address nor the key of a contact, so no link in it
speaks for anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from pp_pipeline.contact_keys import contact_key, is_contact_key
from pp_pipeline.conversations.wordings import Wording
from pp_pipeline.ledger.coupons import Coupon
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.contact_facts import read_contact
from pp_pipeline.sending.couponing import REHEARSAL
from pp_pipeline.sending.orders import read_order
from pp_pipeline.sending.planned import ContactFacts, Order, OrderLine, PlannedMessage, RecommendedProduct
from pp_pipeline.sending.recommended import recommended_products
from pp_pipeline.sending.recommending import Wanted
from pp_pipeline.warehouse import Connection

SECRET = b"of messages that are only looked at"
_EMAIL, _PHONE = "somebody@example.com", "+12015550123"


@dataclass(frozen=True)
class Facts:
    """What a message to be looked at is about: an order and its contact, as they were known on a day."""

    day: date
    order: Order | None = field(default=None, repr=False)
    """None: the built-in one."""
    contact: ContactFacts = field(default=ContactFacts(), repr=False)
    recommended: tuple[RecommendedProduct, ...] = ()


def real_facts(
    connection: Connection, merchants: Mapping[str, Merchant], merchant: str, day: date | None, who: str, number: str
) -> Facts | None:
    """The newest purchase of a merchant, or the order that is asked for; None where there is none.

    Args:
        day: as of which; None for the newest day of which an order is known.
        who: an address or contact key whose order it is to be; '' for anybody's.
        number: of the order, which then need not be a purchase; '' for the newest.
    """
    if not connection.table_exists("order_versions"):
        return None
    day = day or connection.rows("select max(known_on) from order_versions where merchant = ?", (merchant,))[0][0]
    if day is None:
        return None
    asked = {"order_number = ?": number, "contact_key = ?" if is_contact_key(who) else "email = ?": who}
    conditions = [condition for condition, value in asked.items() if value] + ([] if number else ["is_purchase"])
    sql = f"""
        with versions as (
            select *, row_number() over (partition by order_number order by known_on desc) as recency
            from order_versions
            where merchant = ? and known_on <= ?
        )
        select order_number, contact_key
        from versions
        where recency = 1 and contact_key is not null and {" and ".join(conditions)}
        order by ordered_on desc, order_number desc
        limit 1
    """
    found = connection.rows(sql, (merchant, day, *filter(None, asked.values())))
    if not found:
        return None
    ((order_number, contact_key),) = found
    wanted = Wanted(merchant, order_number, contact_key)
    return Facts(
        day,
        read_order(connection, merchant, order_number, day),
        read_contact(connection, merchant, contact_key),
        recommended_products(connection, [wanted], merchants, day).get(wanted, ()),
    )


def sample_message(wording: Wording, merchant: Merchant, secret: bytes, to: str, day: date, key: str) -> PlannedMessage:
    """A message about an order that nobody made, with a code that no shop takes.

    Args:
        to: an address, or of a conversation that writes texts a phone number (E.164).
    """
    is_text = wording.channel == "sms"
    use = wording.conversation.coupon_of(wording.step)
    lines = (
        OrderLine("SAMPLE-1", "Notebook, lined", "Paper", 2, 695),
        OrderLine("SAMPLE-2", "Desk lamp", "Furnishings", 1, 4_900),
    )
    order = Order(
        number="SAMPLE",
        date=day - timedelta(days=7),
        ship_date=day - timedelta(days=5),
        status="shipped",
        total_cents=sum(line.quantity * (line.unit_price_cents or 0) for line in lines),
        currency=merchant.currency,
        attributes={"first_name": "Alex"},
        lines=lines,
    )
    return PlannedMessage(
        key=key,
        merchant=merchant.merchant,
        contact_key=contact_key(secret, merchant.merchant, to),
        email=None if is_text else to,
        run_key="",
        conversation=wording.conversation.conversation,
        step=wording.step,
        occurrence=1,
        pass_number=1,
        channel=wording.channel,
        template=wording.template,
        event_id="",
        order_number=None,
        due_on=day,
        order=order,
        contact=ContactFacts(first_name="Alex", phone=to if is_text else ""),
        coupon=Coupon(REHEARSAL + key[:8], day + timedelta(days=use.min_days_valid)) if use else None,
    )


def sample_facts(merchant: Merchant, day: date) -> Facts:
    """What nobody bought, with articles that nobody sells."""
    articles = (("SAMPLE-3", "Fountain pen, fine nib", 2_450), ("SAMPLE-4", "Ink, midnight blue", 1_290))
    recommended = tuple(
        RecommendedProduct(sku, name, "Paper", None, None, cents, merchant.currency, "bought_together")
        for sku, name, cents in articles
    )
    return Facts(day, recommended=recommended)


def message_about(facts: Facts, wording: Wording, merchant: Merchant, locale: str | None = None) -> PlannedMessage:
    """A message about those facts, with a code that no shop takes.

    Args:
        locale: None for the contact's own.
    """
    name = f"sample-{wording.name.replace('/', '-')}"
    to = _PHONE if wording.channel == "sms" else _EMAIL
    message = sample_message(wording, merchant, SECRET, to, facts.day, name)
    contact = replace(facts.contact, phone=_PHONE)
    return replace(
        message,
        order=facts.order or message.order,
        contact=contact if locale is None else replace(contact, locale=locale),
        recommended=facts.recommended if wording.conversation.kind == "commercial" else (),
    )
