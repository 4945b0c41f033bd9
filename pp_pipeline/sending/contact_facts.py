"""What is known now of the contacts that messages and segments go to: name, phone, zone, consents, newest purchase.

Read set-based for all messages of a load, from the landed contacts feed and the order versions, on the newest files.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

from pp_pipeline.landing.cell_types import CHANNELS, MESSAGE_KINDS
from pp_pipeline.sending.engagement import Engagement, read_engagement
from pp_pipeline.sending.plan import marks
from pp_pipeline.sending.planned import Consent, ContactFacts
from pp_pipeline.warehouse import Connection

ONE_CONTACT = "select cast(? as text) as merchant, cast(? as text) as contact_key"
"""Asks for the contact that its parameters name."""
_SCOPES = tuple(product(CHANNELS, MESSAGE_KINDS))
_WORDS = ("first_name", "phone", "locale", "zone", "country")
_CONSENT_COLUMNS = tuple(
    f"{channel}_{kind}_consent{suffix}" for channel, kind in _SCOPES for suffix in ("", "_on", "_evidence")
)


def read_contacts(
    connection: Connection, days: list[date], with_engagement: bool = False
) -> dict[tuple[str, str], ContactFacts]:
    """The facts of the contacts of the days' messages, by merchant and contact key.

    Args:
        with_engagement: whether feedback is looked through, too.
    """
    asked = f"select distinct merchant, contact_key from planned_messages where due_on in ({marks(days)})"
    return _read(connection, asked, days, read_engagement(connection, days) if with_engagement else Engagement())


def read_contact(connection: Connection, merchant: str, contact_key: str) -> ContactFacts:
    """The facts of one contact, without what it did with messages."""
    return _read(connection, ONE_CONTACT, (merchant, contact_key), Engagement())[merchant, contact_key]


def _read(
    connection: Connection, asked: str, params: Sequence[object], engagement: Engagement
) -> dict[tuple[str, str], ContactFacts]:
    """The facts of the contacts of a query for merchant and contact_key."""
    bought = _last_purchases(connection, asked, params)
    rows = read_contact_rows(connection, asked, params, (*_WORDS, *_CONSENT_COLUMNS, "file_date"))
    set_locales = _set_locales(connection, asked, params)
    nothing = (*(None,) * (len(_WORDS) + len(_CONSENT_COLUMNS)), date.min)
    found = {}
    for merchant, contact_key in connection.rows(asked, params):
        contact = merchant, contact_key
        cells = rows.get(contact, nothing)
        words = {name: cell or "" for name, cell in zip(_WORDS, cells, strict=False)}
        set_on, locale = set_locales.get(contact, (date.min, ""))
        if locale and (not words["locale"] or cells[-1] <= set_on):
            words["locale"] = locale
        found[contact] = ContactFacts(
            **words,
            consents=_consents(cells[len(_WORDS) : -1]),
            last_purchase_on=bought.get(contact),
            engaged_on=engagement.last_on.get(contact),
            heard=engagement.heard.get(merchant, {}),
        )
    return found


def read_email_consents(connection: Connection, days: list[date]) -> dict[tuple[str, str], Consent]:
    """The consents to commercial e-mail of the members of the days' segments, by merchant and contact key."""
    asked = f"select distinct merchant, contact_key from segment_snapshots where snapshot_on in ({marks(days)})"
    names = [f"email_commercial_consent{suffix}" for suffix in ("", "_on", "_evidence")]
    rows = read_contact_rows(connection, asked, days, names)
    return {
        contact: Consent(basis, since, bool(evidence)) for contact, (basis, since, evidence) in rows.items() if basis
    }


def newest_row_first(connection: Connection) -> str:
    """The order of a contact's rows in the contacts feed in which the one that counts is the first: that of its newest
    file date, then of the last file by name, then the last in it."""
    bytewise = 'feed_file collate "C"' if connection.dialect == "postgres" else "feed_file"
    return f"file_date desc, {bytewise} desc, row_in_file desc"


def read_contact_rows(
    connection: Connection, asked: str, params: Sequence[object], columns: Sequence[str]
) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The row of each contact that counts now.

    Args:
        asked: a query of the merchants and contact keys that are asked for, with `params` as its parameters.
    """
    if not connection.table_exists("contact_rows"):
        return {}
    sql = f"""
        with asked as ({asked}),
        ranked as (
            select
                contacts.*,
                row_number() over (
                    partition by contacts.merchant, contacts.contact_key order by {newest_row_first(connection)}
                ) as recency
            from contact_rows as contacts
            inner join asked on contacts.merchant = asked.merchant and contacts.contact_key = asked.contact_key
        )
        select merchant, contact_key, {", ".join(columns)}
        from ranked
        where recency = 1
    """
    return {(merchant, contact_key): tuple(cells) for merchant, contact_key, *cells in connection.rows(sql, params)}


def _set_locales(
    connection: Connection, asked: str, params: Sequence[object]
) -> dict[tuple[str, str], tuple[date, str]]:
    """The locale that conversations last set for contacts, and the day: of one day that counts more than the contacts
    feed's (contact_answers.sql asks for all profile fields so)."""
    if not connection.table_exists("set_fields"):
        return {}
    bytewise = ' collate "C"' if connection.dialect == "postgres" else ""
    sql = f"""
        select fields.merchant, fields.contact_key, fields.occurred_on, fields.value
        from set_fields as fields
        inner join ({asked}) as asked on fields.merchant = asked.merchant and fields.contact_key = asked.contact_key
        where fields.field = 'locale'
        order by fields.occurred_on, fields.conversation{bytewise}, fields.run_event_id{bytewise}, fields.place
    """
    found = connection.rows(sql, params)
    return {(merchant, contact): (seen_on - timedelta(days=1), locale) for merchant, contact, seen_on, locale in found}


def _consents(cells: Sequence[Any]) -> dict[tuple[str, str], Consent]:
    found = {}
    for place, scope in enumerate(_SCOPES):
        basis, since, evidence = cells[3 * place : 3 * place + 3]
        if basis:
            found[scope] = Consent(basis, since, bool(evidence))
    return found


def _last_purchases(connection: Connection, asked: str, params: Sequence[object]) -> dict[tuple[str, str], date]:
    sql = f"""
        with asked as ({asked}),
        their_orders as (
            select distinct versions.merchant, versions.order_number
            from order_versions as versions
            inner join asked on versions.merchant = asked.merchant and versions.contact_key = asked.contact_key
        ),
        ranked as (
            select
                versions.*,
                row_number() over (
                    partition by versions.merchant, versions.order_number order by versions.known_on desc
                ) as recency
            from order_versions as versions
            inner join their_orders
                on versions.merchant = their_orders.merchant and versions.order_number = their_orders.order_number
        )
        select merchant, contact_key, max(ordered_on)
        from ranked
        where recency = 1 and is_purchase
        group by merchant, contact_key
    """
    return {(merchant, contact_key): day for merchant, contact_key, day in connection.rows(sql, params)}
