"""What every page of `pp pages` has: the frame, and the list of all pages."""

from pathlib import Path

from pp_pipeline.html_pages import HtmlPages

_PAGES = HtmlPages(Path(__file__).parent / "templates")
CONTENT_SECURITY_POLICY = _PAGES.content_security_policy
TITLES = {"/why": "Why", "/status": "Status"}
"""The pages by their paths, in the order in which every page lists them."""


def page(template: str, path: str, **values: object) -> str:
    """A page; `path` is that of the page that is open."""
    return _PAGES.render(template, titles=TITLES, path=path, **values)
