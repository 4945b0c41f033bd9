"""Addresses of pages, for links from elsewhere: they name no person."""

from datetime import date
from urllib.parse import urlencode

HOST = "127.0.0.1"


def why_not_url(port: int, name: str, on: date) -> str:
    """The page that asks why somebody did not get something on a day.

    Args:
        port: that of the pages (`Settings.pages_port`).
    """
    return f"http://{HOST}:{port}/why?{urlencode({'name': name, 'on': on.isoformat()})}"
