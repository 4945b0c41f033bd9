"""Addresses of pages, for links from elsewhere: they name no person."""

from datetime import date
from urllib.parse import urlencode

HOST, PORT = "127.0.0.1", 3001
"""Where `pp ui` opens the pages unless it is told otherwise."""


def why_not_url(name: str, on: date) -> str:
    """The page that asks why somebody did not get something on a day."""
    return f"http://{HOST}:{PORT}/why?{urlencode({'name': name, 'on': on.isoformat()})}"
