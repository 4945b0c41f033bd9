"""From MJML with Jinja to HTML with Jinja, once per template (docs/messages.md).

A message includes shared parts by `<mj-include path="../blocks/footer.mjml.j2" />`, as editors of MJML understand it:
relative to the file that includes. The files are read and checked here, each complaint with file and line, because the
compiler behind says neither and leaves out in silence what it does not know.
"""

import posixpath
import re
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from mjml import mjml2html

from pp_pipeline.messages.formats import is_link
from pp_pipeline.messages.jinja_masks import WORD, Masks

if TYPE_CHECKING:
    from pp_pipeline.messages.templates import Templates

MAX_FILES = 100
"""Of one message, a file that is included twice counted twice: files that include each other could be without end."""
_CONTENT = (
    "mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer", "mj-table", "mj-social", "mj-navbar",
    "mj-accordion", "mj-carousel",
)  # fmt: skip
_PARENTS: dict[str, str] = {
    "mjml": "",
    "mj-head": "mjml",
    "mj-body": "mjml",
    "mj-wrapper": "mj-body",
    "mj-section": "mj-body mj-wrapper",
    "mj-hero": "mj-body mj-wrapper",
    "mj-group": "mj-section",
    "mj-column": "mj-section mj-group",
    **dict.fromkeys(_CONTENT, "mj-column mj-hero"),
    "mj-social-element": "mj-social",
    "mj-navbar-link": "mj-navbar",
    "mj-accordion-element": "mj-accordion",
    "mj-accordion-title": "mj-accordion-element",
    "mj-accordion-text": "mj-accordion-element",
    "mj-carousel-image": "mj-carousel",
    **dict.fromkeys(("mj-attributes", "mj-breakpoint", "mj-font", "mj-preview", "mj-style", "mj-title"), "mj-head"),
    "mj-class": "mj-attributes",
    "mj-all": "mj-attributes",
    "mj-raw": "mjml mj-head mj-body mj-wrapper mj-section mj-group mj-column mj-hero",
    "mj-include": "mj-head mj-body mj-wrapper mj-section mj-group mj-column mj-hero",
}
_FRAMES = {
    "mjml",
    "mj-head",
    "mj-attributes",
    "mj-body",
    "mj-wrapper",
    "mj-section",
    "mj-group",
    "mj-column",
    "mj-hero",
}
_REFUSED = {"script", "iframe", "object", "embed", "form", "input", "textarea", "select", "base"}
_LINKS = {"href", "src", "background"}
_TEXTS = {"alt", "title", "aria-label", "lang", "dir"}
_LINK_IN_HTML = re.compile(r'\b((?:href|src|background)=")([^"]*ppx\d+xpp[^"]*)"')
_PADDING = "&#847;&zwnj;&nbsp;" * 60  # behind the preheader, so that mail programs show nothing of the body there


class MjmlError(ValueError):
    """A file that can't be compiled; the text names file and line and says what to do."""


class MjmlMessage:
    """A message's file and all that it includes, read, checked and compiled.

    Attributes:
        subject, preheader: Jinja of plain text: what stands in `mj-title` and `mj-preview`.
        html: Jinja of HTML.
        masked: the HTML with words for its Jinja, for whoever makes text of it; `masks` puts it back.
        files: the names of all files that were read, the message's first.

    Raises:
        MjmlError: all that is wrong, a line each.
    """

    def __init__(self, templates: "Templates", name: str) -> None:
        self.templates, self.masks = templates, Masks(templates.html)
        self.files: list[str] = []
        self.problems: list[str] = []
        self.head: dict[str, str] = {}
        source = self.assembled(name, [], f"{name}:1", [])
        for element, word in (("mj-title", "subject"), ("mj-preview", "preheader")):
            if source and not self.head.get(element, "").strip():
                self.problems.append(f"{name}:1: has no {word}; write <{element}>…</{element}> into its <mj-head>")
        if self.problems:
            raise MjmlError("\n".join(self.problems))
        try:
            self.masked = mjml2html(source, fonts={})
        except ValueError as error:
            raise MjmlError(f"{name}:1: the MJML can't be compiled: {error}") from None
        self.subject, self.preheader = (
            self.masks.put_back(unescape(self.head[element])) for element in ("mj-title", "mj-preview")
        )
        self.html = self.masks.put_back(_LINK_IN_HTML.sub(r'\1{% filter link %}\2{% endfilter %}"', self.masked))

    def assembled(self, name: str, including: list[str], place: str, stack: list[str]) -> str:
        """A file's masked source with all that it includes in place.

        Args:
            including: the files that led here.
            place: where it is included.
            stack: the elements that are open there.
        """
        if name in including:
            self.problems.append(f"{place}: includes {name}, which includes it again")
            return ""
        if len(self.files) >= MAX_FILES:
            if len(self.files) == MAX_FILES:  # told once
                self.problems.append(f"{place}: includes more than {MAX_FILES} files")
                self.files.append(name)
            return ""
        self.files.append(name)
        try:
            masked = self.masks.hide(self.templates.source(self.templates.html, name), name)
        except KeyError:
            self.problems.append(f"{place}: the template file {name} is not there")
        except ValueError as error:
            self.problems.append(str(error))
        else:
            return _Reader(self, name, [*including, name], stack).read(masked)
        return ""

    def hold(self, element: str, text: str) -> str:
        """Keep subject or preheader; what stands in the HTML in its place."""
        self.head[element] = " ".join(text.split())
        return self.masks.word("{{ subject }}" if element == "mj-title" else "{{ preheader }}" + _PADDING)


class _Reader(HTMLParser):
    """Goes through one file: checks it, and writes it anew with its includes."""

    def __init__(self, message: MjmlMessage, name: str, including: list[str], stack: list[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.message, self.name, self.including = message, name, including
        self.outer, self.stack = len(stack), list(stack)
        self.written: list[str] = []

    def read(self, masked: str) -> str:
        self.feed(masked)
        self.close()
        for tag in self.stack[self.outer :]:
            self._complain(f"<{tag}> is not closed")
        return "".join(self.written)

    def _complain(self, text: str) -> None:
        self.message.problems.append(f"{self.name}:{self.getpos()[0]}: {text}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "hr", "img", "col", "meta", "link", "wbr", "mj-include"):
            self._complain(f"<{tag}> is not closed; write <{tag} … />")
            return
        self._check(tag, attrs)
        self.stack.append(tag)
        self.written.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, attrs)
        if tag != "mj-include":
            self.written.append(self.get_starttag_text() or "")
            return
        given = dict(attrs)
        path = given.get("path") or ""
        if set(given) != {"path"} or not path or WORD.search(path):
            self._complain('write <mj-include path="../blocks/….mjml.j2" />, with nothing else')
            return
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(self.name), path))
        if wanted.startswith(("..", "/")):
            self._complain(f"includes {path}, which is not in the folder of the conversations")
            return
        place = f"{self.name}:{self.getpos()[0]}"
        self.written.append(self.message.assembled(wanted, self.including, place, self.stack))

    def handle_endtag(self, tag: str) -> None:
        if len(self.stack) == self.outer or self.stack[-1] != tag:
            inner = f"; <{self.stack[-1]}> is open" if len(self.stack) > self.outer else ""
            self._complain(f"</{tag}> closes nothing{inner}")
            return
        self.stack.pop()
        if tag in ("mj-title", "mj-preview") and "mj-head" in self.stack:
            self.written.append(self.message.hold(tag, self._taken_back(tag)))
        self.written.append(f"</{tag}>")

    def _taken_back(self, tag: str) -> str:
        """What was written since the element began."""
        start = max(place for place, piece in enumerate(self.written) if piece.startswith(f"<{tag}"))
        text = "".join(self.written[start + 1 :])
        del self.written[start + 1 :]
        return text

    def handle_data(self, data: str) -> None:
        parent = self.stack[-1] if self.stack else ""
        if data.strip() and parent in {"", *_FRAMES}:
            what = "Jinja" if WORD.search(data) else "text"
            self._complain(f"{what} stands between elements, where MJML shows none; put it into <mj-raw>…</mj-raw>")
        if parent in ("style", "mj-style") and not self.message.masks.is_harmless(data):
            self._complain("a style shows a value of the message; it may show merchant.brand_color alone")
        self.written.append(data)

    def handle_entityref(self, name: str) -> None:
        self.written.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.written.append(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        if data.startswith("[if"):  # for Outlook
            self.written.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self._complain("a message has no <!doctype>; it begins with <mjml>")

    def _check(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "mj-attributes" not in self.stack:  # there each element stands for its defaults
            self._check_place(tag)
        for name, value in attrs:
            self._check_attribute(name, value)

    def _check_place(self, tag: str) -> None:
        parent = next((each for each in reversed(self.stack)), "")
        if tag in _REFUSED or (tag.startswith("mj") and tag not in _PARENTS):
            self._complain(f"<{tag}> is not for messages")
        elif tag in _PARENTS and not (tag == "mjml" and not parent) and parent not in _PARENTS[tag].split():
            allowed = " or ".join(f"<{each}>" for each in _PARENTS[tag].split()) or "the top"
            self._complain(f"<{tag}> stands in {f'<{parent}>' if parent else 'no element'}; its place is {allowed}")
        elif tag not in _PARENTS and parent in {"", *_FRAMES}:
            self._complain(f"<{tag}> is no MJML; put it into <mj-text> or <mj-raw>")

    def _check_attribute(self, name: str, value: str | None) -> None:
        if WORD.search(name) or value is None:
            self._complain(f"`{self.message.masks.put_back(name)}`: Jinja stands in the quoted values of attributes")
        elif name.startswith("on"):
            self._complain(f"{name} is not for messages: mail programs run no scripts")
        elif "\n" in value or "\\" in value:
            self._complain(f"{name}: write the value in one line, without a backslash")
        elif WORD.search(value) and f'{name}="' not in (self.get_starttag_text() or "").lower():
            self._complain(f'{name}: quote the value: {name}="…"')
        elif name in _LINKS and not WORD.search(value) and not is_link(value):
            self._complain(f"{name}: is no link; begin with https://, mailto: or tel:")
        elif name not in _LINKS | _TEXTS and not self.message.masks.is_harmless(value):
            self._complain(f"{name}: shows a value of the message; only {', '.join(sorted(_LINKS | _TEXTS))} may")
