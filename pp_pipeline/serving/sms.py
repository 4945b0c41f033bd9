"""What people answer by SMS: words that stop and start advertising, and all else, which is kept as an answer."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pp_pipeline.contact_keys import phone_key
from pp_pipeline.landing.addresses import read_phone
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.contact_facts import newest_row_first
from pp_pipeline.serving.intake import LOG
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse

Word = Literal["stop", "start", "help", ""]

# Without accents and signs; the whole answer has to be one of them: "please don't stop" is none.
_STOP = (
    "stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "opt out", "optout", "revoke",
    "stopp", "abmelden", "abbestellen", "aufhoren", "aufhoeren", "ende",
    "arret", "arreter", "arretez", "desabonner", "desinscrire", "fin",
    "parar", "alto", "baja", "cancelar", "detener", "salir",
)  # fmt: skip
_START = ("start", "unstop")
_HELP = ("help", "info", "hilfe", "aide", "ayuda")
_ASKED: tuple[tuple[Word, tuple[str, ...]], ...] = (("stop", _STOP), ("start", _START), ("help", _HELP))
_WORDS: dict[str, Word] = {word: asked for asked, words in _ASKED for word in words}
_LOCK_WAIT_SECONDS = 2.0


def word_of(body: str) -> Word:
    """What an answer asks for, if it is nothing but one of the words."""
    letters = unicodedata.normalize("NFKD", body.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _WORDS.get(" ".join(re.findall(r"\w+", plain)), "")


@dataclass(frozen=True)
class SmsMessage:
    """An inbound message: who sent it (E.164), what it says, and its number at the provider."""

    phone: str = field(repr=False)
    body: str = field(repr=False)
    number: str


def read_message(content: Any, merchant: Merchant) -> SmsMessage | None:
    """An inbound message as it was posted; nothing where it can't be one."""
    if not isinstance(content, Mapping):
        return None
    sender, body, number = (content.get(name) for name in ("from", "body", "id"))
    if not (isinstance(sender, str) and isinstance(body, str) and isinstance(number, str | int)):
        return None
    phone, _ = read_phone(sender, merchant.country)
    return SmsMessage(phone, body, str(number)) if phone else None


def keys_of_phones(
    settings: Settings, secret: bytes, merchant: Merchant, phones: Collection[str]
) -> dict[str, list[str]]:
    """Of each number its own key, then those of the contacts who have that number now, as far as the warehouse can be
    asked this very moment: what is said by SMS must not wait for a build, nor be lost by whatever ails a database."""
    keys = {phone: [phone_key(secret, merchant.merchant, phone)] for phone in phones}
    if not keys or settings.target == "spark" or not settings.has_warehouse:
        return keys
    name = merchant.merchant
    try:
        with Warehouse(settings, _LOCK_WAIT_SECONDS).connect() as connection:
            if connection.table_exists("contact_rows"):
                sql = _CONTACTS_OF_PHONE.format(newest_row_first(connection))
                for phone in keys:
                    found = connection.rows(sql, (name, name, phone, phone))
                    keys[phone] += sorted(key for (key,) in found)
    except Exception as error:
        LOG.warning("the warehouse could not be asked whose numbers these are: %s", type(error).__name__)
    return keys


_CONTACTS_OF_PHONE = """
select contact_key from (
    select contact_key, phone, row_number() over (partition by contact_key order by {}) as place
    from contact_rows
    where merchant = ? and contact_key in (select contact_key from contact_rows where merchant = ? and phone = ?)
) as newest
where place = 1 and phone = ?
"""
