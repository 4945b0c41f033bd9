"""Pages out of a folder of templates: one style, no scripts, nothing from elsewhere."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates_of(folder: Path) -> Environment:
    """The templates of pages in a folder: every text that they show is escaped, every name must be known."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class HtmlPages:
    """The templates of a folder, and the `style.css` beside them, which stands in every page.

    Attributes:
        content_security_policy: the header that allows the style and forms to where the page comes from, no more.
    """

    def __init__(self, folder: Path) -> None:
        self._templates = templates_of(folder)
        self._style = (folder / "style.css").read_text(encoding="utf-8")
        style_hash = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{style_hash}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )

    def render(self, template: str, **values: object) -> str:
        """A page; every text in it is escaped."""
        return self._templates.get_template(template).render(style=self._style, **values)
