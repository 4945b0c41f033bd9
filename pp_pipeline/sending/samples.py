"""Messages to be looked at, not sent: about the newest real order, or about one that nobody made.

They carry neither the address nor the key of a contact, so no link in them speaks for anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from pp_pipeline.contact_keys import is_contact_key
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.contact_facts import read_contact
from pp_pipeline.sending.orders import read_order
from pp_pipeline.sending.planned import ContactFacts, Order, PlannedMessage, RecommendedProduct
from pp_pipeline.sending.proofs import sample_message
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


def sample_facts(merchant: Merchant, day: date) -> Facts:
    """What nobody bought, with articles that nobody sells."""
    articles = (("SAMPLE-3", "Fountain pen, fine nib", 2_450), ("SAMPLE-4", "Ink, midnight blue", 1_290))
    recommended = tuple(
        RecommendedProduct(sku, name, "Paper", None, None, cents, merchant.currency, "bought_together")
        for sku, name, cents in articles
    )
    return Facts(day, recommended=recommended)


def message_about(
    facts: Facts, conversation: Conversation, merchant: Merchant, locale: str | None = None
) -> PlannedMessage:
    """A conversation's message about those facts, with a code that no shop takes.

    Args:
        locale: None for the contact's own.
    """
    name = f"sample-{conversation.conversation}-{conversation.message.template}"
    to = _PHONE if conversation.message.channel == "sms" else _EMAIL
    message = sample_message(conversation, merchant, SECRET, to, facts.day, name)
    contact = replace(facts.contact, phone=_PHONE)
    return replace(
        message,
        order=facts.order or message.order,
        contact=contact if locale is None else replace(contact, locale=locale),
        recommended=facts.recommended if conversation.kind == "commercial" else (),
    )
