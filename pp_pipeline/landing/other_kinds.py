"""The kinds of feeds beside the orders: contacts, products, and what happens to orders and messages."""

from pp_pipeline.landing.feed_columns import MERCHANT, ORDER_NUMBER, FeedColumn, FeedKind, column

_EMAIL = column(
    "email",
    "contact",
    "The contact's address.",
    may_be_blank=False,
    may_be_absent=False,
    stored=("contact_key", "email"),
)


def _day(name: str, description: str) -> FeedColumn:
    return column(f"{name}_date", "day", description, stored=(f"{name}_on",))


def _consents() -> tuple[FeedColumn, ...]:
    """Per channel and kind of message: the basis, since when, and what shows it."""
    found: list[FeedColumn] = []
    for channel in ("email", "sms"):
        for kind in ("commercial", "transactional"):
            name = f"{channel}_{kind}_consent"
            words = f"for {kind} messages by {channel}"
            found += [
                column(name, "consent", f"Consent {words}: explicit, soft_opt_in, implied or none."),
                column(
                    f"{name}_at",
                    "instant",
                    f"Since when there is consent {words}.",
                    stored=(f"{name}_at", f"{name}_on"),
                ),
                column(f"{name}_evidence", "text", f"What shows the consent {words}, such as a form and its version."),
            ]
    return tuple(found)


CONTACTS = FeedKind(
    "contacts",
    "contact_rows",
    "What the shop knows of its contacts; a row replaces the contact's former one as a whole. Further columns are "
    "profile fields.",
    (
        MERCHANT,
        _EMAIL,
        column("first_name", "text", "First name."),
        column("last_name", "text", "Last name."),
        column("phone", "phone", "Phone number, with the country code or in the way of the merchant's country.",
               stored=("phone", "phone_as_given")),
        column("country", "country", "Two letters, such as US."),
        column("zone", "zone", "IANA zone, such as America/New_York."),
        column("locale", "locale", "Language, or language and country, such as en_US."),
        column("birthday", "day", "Birthday, with any year."),
        *_consents(),
        column("notification_preference", "text", "How the contact wants to be told, in the shop's words."),
        column("loyalty_member", "yes_or_no", "Whether the contact is in the loyalty programme."),
        column("points", "integer", "Loyalty points."),
        column("pending_points", "integer", "Loyalty points that are not yet confirmed."),
        _day("points_expire", "When points expire."),
    ),
)  # fmt: skip
PRODUCTS = FeedKind(
    "products",
    "product_rows",
    "The shop's products; a row replaces the product's former one as a whole.",
    (
        MERCHANT,
        column("sku", "identifier", "The article, as in the orders.", rule="is_a_sku", may_be_blank=False,
               may_be_absent=False),
        column("name", "text", "Name of the article."),
        column("category", "text", "Category of the article."),
        column("url", "link", "Its page in the shop."),
        column("image", "link", "Its picture."),
        column("price", "money", "Price of one piece.", stored=("price_cents",)),
        column("supply_days", "integer", "How many days one piece lasts."),
        column("replenish_group", "text", "Articles of a group replenish each other."),
        column("refill_of", "identifier", "SKU that this article refills."),
        column("accessory_of", "identifier", "SKU that this article goes with."),
        column("how_to_url", "link", "Page that shows how to use it."),
        column("care_url", "link", "Page that shows how to care for it."),
    ),
)  # fmt: skip
SHIPMENTS = FeedKind(
    "shipments",
    "shipment_rows",
    "Parcels; a row replaces what was known of the same parcel.",
    (
        MERCHANT,
        ORDER_NUMBER,
        column("shipment_number", "identifier", "The parcel, where an order has several."),
        column("carrier", "text", "Who carries it."),
        column("tracking_url", "link", "Where it can be followed."),
        _day("shipped", "When it left."),
        _day("estimated_delivery", "When it is expected."),
        _day("delivered", "When it arrived."),
        column("exception", "text", "What holds it up."),
    ),
)
RETURNS = FeedKind(
    "returns",
    "return_rows",
    "Returns; a row replaces what was known of the same return, line and SKU.",
    (
        MERCHANT,
        ORDER_NUMBER,
        column("return_number", "identifier", "The return, where an order has several."),
        column("line", "integer", "Line of the order."),
        column("sku", "identifier", "Article that comes back.", rule="is_a_sku"),
        column("quantity", "integer", "How many pieces."),
        column("reason", "text", "Why."),
        column("label_url", "link", "Where its label can be had."),
        _day("started", "When it was asked for."),
        _day("received", "When it arrived."),
        _day("refunded", "When the money was given back."),
        column("refunded_amount", "refund", "How much was given back.", stored=("refunded_cents",)),
    ),
)
PAYMENTS = FeedKind(
    "payments",
    "payment_rows",
    "Payments that were received.",
    (
        MERCHANT,
        ORDER_NUMBER,
        column("paid_at", "instant", "When.", may_be_blank=False, may_be_absent=False, stored=("paid_at", "paid_on")),
        column("amount", "money", "How much.", stored=("amount_cents",)),
        column("currency", "currency", "Three letters; blank is the merchant's currency."),
    ),
)
FEEDBACK = FeedKind(
    "feedback",
    "feedback_rows",
    "What contacts did with messages and on the site.",
    (
        MERCHANT,
        column("event", "feedback_event", "delivered, opened, clicked, bounced, complained, unsubscribed, sms_reply, "
               "review_left, ticket_opened, ticket_closed, site_action or preference_set.",
               may_be_blank=False, may_be_absent=False),
        _EMAIL,
        column("contact_key", "contact_key", "The contact's key, where a program knows no more: it stands in place of "
               "the address, which is then blank."),
        column("occurred_at", "instant", "When.", may_be_blank=False, may_be_absent=False,
               stored=("occurred_at", "occurred_on")),
        column("feedback_id", "identifier", "Number of the event at its source: told twice, it counts once."),
        column("message_id", "identifier", "The message that it is about."),
        column("channel", "channel", "email or sms."),
        column("is_machine_open", "yes_or_no", "Whether a program opened it, not a person."),
        column("link", "text", "Which link was clicked."),
        column("bounce", "bounce", "hard or soft."),
        column("reply", "text", "Text of an SMS reply."),
        column("rating", "decimal", "Rating of a review."),
        column("order_number", "identifier", "The order that it is about."),
        column("sku", "identifier", "The article that it is about.", rule="is_a_sku"),
        column("ticket_number", "identifier", "The ticket that was opened or closed."),
        column("action", "text", "What was done on the site; of preference_set what was set to what, such as "
               "notification_preference=sms."),
    ),
)  # fmt: skip
SUPPRESSIONS = FeedKind(
    "suppressions",
    "suppression_rows",
    "Contacts who may not be written to, from the shop or the e-mail provider.",
    (
        MERCHANT,
        _EMAIL,
        column("channel", "any_channel", "email or sms; blank, or another word: every channel."),
        column("message_kind", "any_message_kind", "commercial or transactional; blank: commercial for unsubscribed, "
               "else both; another word: both. A complaint or a bounce counts for both."),
        column("reason", "any_reason", "unsubscribed, complained, bounced, manual or deleted; blank, or another word: "
               "manual."),
        column("suppressed_at", "any_instant", "Since when, or when it was lifted; blank, or no date: the beginning of "
               "the file date.", stored=("suppressed_at", "suppressed_on")),
        column("is_lifted", "any_yes_or_no", "true: the contact may be written to again on that channel, about that "
               "kind (blank: every; another word: the row lifts nothing), as far as what was said before goes; never "
               "after a complaint."),
    ),
)  # fmt: skip
