"""Pages out of a folder of templates: one style, no scripts, nothing from elsewhere."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


class HtmlPages:
    """The templates of a folder, and the `style.css` beside them, which stands in every page.

    Attributes:
        content_security_policy: the header that allows the style and forms to where the page comes from, no more.
    """

    def __init__(self, folder: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._style = (folder / "style.css").read_text(encoding="utf-8")
        style_hash = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{style_hash}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )

    def render(self, template: str, **values: object) -> str:
        """A page; every text in it is escaped."""
        return self._environment.get_template(template).render(style=self._style, **values)
