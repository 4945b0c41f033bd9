"""A preview as one page that needs nothing else: no script, no font, no picture from anywhere."""

from pathlib import Path

from pp_pipeline.preview.table import STATES, Preview

MOST_ROWS = 2_000
"""Rows of the page by state: more of them no browser shows in good time. The CSV has all."""

_TITLES = {"gets": "What goes out", "waits": "Waits", "left": "Left before", "never": "Never came in"}


def page_text(preview: Preview) -> str:
    """The page, as HTML."""
    from pp_pipeline.html_pages import templates_of

    sections = [(state, _TITLES[state], [row for row in preview.rows if row.state == state]) for state in STATES]
    template = templates_of(Path(__file__).parent).get_template("page.html.j2")
    return template.render(preview=preview, counts=preview.counts(), titles=_TITLES, sections=sections, most=MOST_ROWS)
