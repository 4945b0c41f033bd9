"""How templates write money, days and links: filters, in the locale of the message."""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import pass_context
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Context
from markupsafe import Markup

# A link begins with one of these; what a browser would drop or read otherwise (blanks, control characters) is no part.
_LINK = re.compile(r"(https?://[^\s/?#\x00-\x1f\x7f]|mailto:[^\s]|tel:[+\d])[^\s\x00-\x1f\x7f]*", re.IGNORECASE)


@pass_context
def money(context: Context, cents: int, currency: str) -> str:
    """An amount in cents as people of the message's locale write it: `$1,234.50`, `1.234,50 €`."""
    return money_in(context["locale"], cents, currency)


@pass_context
def long_date(context: Context, day: date) -> str:
    """A day as people of the message's locale write it: `July 4, 2026`, `4. Juli 2026`."""
    return long_date_in(context["locale"], day)


@lru_cache(maxsize=10_000)
def money_in(locale: str, cents: int, currency: str) -> str:
    """As the filter `money`."""
    if not currency:
        raise TemplateRuntimeError("the currency is not known")
    return format_currency(Decimal(cents) / 100, currency, locale=locale)


@lru_cache(maxsize=10_000)
def long_date_in(locale: str, day: date) -> str:
    """As the filter `long_date`."""
    return format_date(day, "long", locale=locale)


def is_link(address: str) -> bool:
    """Whether an address is one that people can follow: http, https, mailto or tel."""
    return _LINK.fullmatch(address) is not None


def link(address: str | Markup) -> str | Markup:
    """The address as it is, if people can follow it; every `href` and `src` of a template passes here.

    Raises:
        SecurityError: such as of `javascript:`, which a product's row may hold as its url.
    """
    if not is_link(address.unescape() if isinstance(address, Markup) else address):
        raise SecurityError("no link")
    return address
