"""The types of cells that feeds have: how each is read, which kinds keep its rule, and what it is stored as."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pp_pipeline.contact_keys import is_contact_key
from pp_pipeline.landing import cells
from pp_pipeline.landing.addresses import read_email, read_phone
from pp_pipeline.landing.cells import Cell
from pp_pipeline.landing.money import read_money
from pp_pipeline.landing.times import read_day, read_instant
from pp_pipeline.landing.words import bare_word

if TYPE_CHECKING:
    from pp_pipeline.landing.row_context import RowContext

Reader = Callable[[str, "RowContext"], Cell]


@dataclass(frozen=True)
class CellType:
    """A type of cell.

    Attributes:
        rule: what its rule is called, without "or blank".
        accepts: kinds of `cells.KINDS` that keep the rule, blank aside.
        sql_types: of the columns that it fills; with more than one its value is a tuple.
        read: from the text, and from what the merchant and the feed say, to value and kind.
        when_blank: the value of a blank and of an absent column.
        says_or_blank: whether the rule of a column that may be blank says so in its name.
    """

    rule: str
    accepts: tuple[str, ...]
    sql_types: tuple[str, ...]
    read: Reader
    when_blank: Any = None
    says_or_blank: bool = True


def _words(*words: str, **spellings: str) -> Reader:
    known = {bare_word(word): word for word in words} | spellings
    return lambda text, _: cells.read_word(text, known)


def _words_or_unread(*words: str) -> Reader:
    read = _words(*words)

    def read_or_unread(text: str, context: "RowContext") -> Cell:
        value, kind = read(text, context)
        return (UNREAD if value is None and kind != "blank" else value), kind

    return read_or_unread


def _read_order_contact(text: str, context: "RowContext") -> Cell:
    """`(contact_key, email, email as given, is eligible)`; an order without a contact just has nobody."""
    email, kind = read_email(text)
    if email is None:
        return (None, None, text, True), kind
    return (context.contact_key(email), email, text, context.is_eligible(email)), kind


def _read_contact(text: str, context: "RowContext") -> Cell:
    email, kind = read_email(text)
    return ((context.contact_key(email), email) if email else None), kind


def _read_contact_key(text: str, context: "RowContext") -> Cell:
    text = text.strip().lower()
    if not text:
        return None, "blank"
    return (text, "identifier") if is_contact_key(text) else (None, cells.misfit(text))


def _read_refund(text: str, context: "RowContext") -> Cell:
    cents, kind = read_money(text, context.feed.decimal)
    return (abs(cents) if cents is not None else None), kind


def _read_line_status(text: str, context: "RowContext") -> Cell:
    """As a status, but a blank says nothing: a line's status is then its order's, an order's that of its lines."""
    value, kind = cells.read_status(text, context.feed.status_map)
    return (None if kind == "blank" else value), kind


def _read_phone(text: str, context: "RowContext") -> Cell:
    number, kind = read_phone(text, context.country)
    return (number, text.strip()), kind


# Marketing may be addressed to a person only with consent that somebody can show (DESIGN 5).
UNREAD = "?"  # a word of a suppression that is none of ours
CONSENTS = ("explicit", "soft_opt_in", "implied", "none")
FEEDBACK_EVENTS = (
    "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "sms_reply", "review_left",
    "ticket_opened", "ticket_closed", "site_action", "preference_set",
)  # fmt: skip
CHANNELS = ("email", "sms")
MESSAGE_KINDS = ("commercial", "transactional")
BOUNCES = ("hard", "soft")
SUPPRESSION_REASONS = ("unsubscribed", "complained", "bounced", "manual", "deleted")

_ANY_WORD = ("word", "text", "number", "date", "control_characters")
_ANYTHING = ("address", "text", "number", "date", "control_characters", "too_long")
CELL_TYPES = {
    # read by the row reader: which merchants there are is not a matter of one merchant's feed
    "merchant": CellType("is_a_declared_merchant", ("merchant",), ("text not null",), lambda text, _: (text, "")),
    "identifier": CellType("is_an_identifier", ("identifier",), ("text",), lambda text, _: cells.read_identifier(text)),
    "text": CellType("is_any_text", ("text",), ("text",), lambda text, _: cells.read_text(text), "", False),
    "order_contact": CellType(
        "is_any_text", _ANYTHING, ("text", "text", "text not null", "boolean not null"), _read_order_contact,
        (None, None, "", True), False,
    ),
    "contact": CellType("is_an_address", ("address",), ("text", "text"), _read_contact, (None, None)),
    "contact_key": CellType("is_a_contact_key", ("identifier",), ("text",), _read_contact_key),
    "instant": CellType(
        "is_a_date_or_time", ("date_read", "time_read"), ("timestamp", "date"),
        lambda text, context: read_instant(text, context.times), (None, None),
    ),
    "day": CellType(
        "is_a_date", ("date_read", "time_read"), ("date",), lambda text, context: read_day(text, context.times)
    ),
    "status": CellType(
        "is_a_known_status", ("status",), ("text",),
        lambda text, context: cells.read_status(text, context.feed.status_map), None, False,
    ),
    "line_status": CellType("is_a_known_status", ("status",), ("text",), _read_line_status, None, False),
    "money": CellType(
        "is_an_amount", ("money",), ("bigint",), lambda text, context: read_money(text, context.feed.decimal)
    ),
    # shops write what they gave back with and without a minus
    "refund": CellType("is_an_amount", ("money",), ("bigint",), _read_refund),
    "integer": CellType("is_a_whole_number", ("integer",), ("bigint",), lambda text, _: cells.read_integer(text)),
    "quantity": CellType("is_a_whole_number", ("integer",), ("bigint",), lambda text, _: cells.read_quantity(text), 1),
    "decimal": CellType("is_a_number", ("decimal",), ("double precision",), lambda text, _: cells.read_decimal(text)),
    "currency": CellType(
        "is_a_currency", ("currency",), ("text not null",),
        lambda text, context: cells.read_currency(text, context.currency),
    ),
    "yes_or_no": CellType("is_yes_or_no", ("yes_or_no",), ("boolean",), lambda text, _: cells.read_yes_or_no(text)),
    "phone": CellType("is_a_phone_number", ("phone",), ("text", "text"), _read_phone, (None, "")),
    "country": CellType("is_a_country", ("country",), ("text",), lambda text, _: cells.read_country(text)),
    "locale": CellType("is_a_locale", ("locale",), ("text",), lambda text, _: cells.read_locale(text)),
    "zone": CellType("is_a_time_zone", ("zone",), ("text",), lambda text, _: cells.read_zone(text)),
    "link": CellType("is_a_link", ("link",), ("text",), lambda text, _: cells.read_link(text)),
    "channel": CellType("is_a_channel", ("word",), ("text",), _words(*CHANNELS)),
    "message_kind": CellType("is_a_message_kind", ("word",), ("text",), _words(*MESSAGE_KINDS)),
    "consent": CellType("is_a_consent", ("word",), ("text",), _words(*CONSENTS)),
    "feedback_event": CellType("is_a_feedback_event", ("word",), ("text",), _words(*FEEDBACK_EVENTS)),
    "bounce": CellType("is_a_bounce", ("word",), ("text",), _words(*BOUNCES)),
    # of a contact who may not be written to, a slip in the rest of the row must not open the way
    "any_channel": CellType("is_any_text", _ANY_WORD, ("text",), _words_or_unread(*CHANNELS), None, False),
    "any_message_kind": CellType("is_any_text", _ANY_WORD, ("text",), _words_or_unread(*MESSAGE_KINDS), None, False),
    "any_reason": CellType("is_any_text", _ANY_WORD, ("text",), _words_or_unread(*SUPPRESSION_REASONS), None, False),
    "any_instant": CellType(
        "is_any_text", (*_ANY_WORD, "date_read", "time_read", "out_of_range"), ("timestamp", "date"),
        lambda text, context: read_instant(text, context.times), (None, None), False,
    ),
    "any_yes_or_no": CellType(
        "is_any_text", (*_ANY_WORD, "yes_or_no"), ("boolean",), lambda text, _: cells.read_yes_or_no(text), None, False
    ),
}  # fmt: skip
