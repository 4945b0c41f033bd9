"""The text part of an e-mail that has none of its own: made of the compiled HTML, once per template.

The HTML still has words for its Jinja, so loops and conditions come to stand in the text where they stood, and no value
passes through here. What text can't show is left out: the head, styles, pictures, the preheader, and whatever has the
class `html-only`.
"""

import re
from html.parser import HTMLParser

from pp_pipeline.messages.jinja_masks import WORD, Masks

HTML_ONLY = "html-only"
_BLOCKS = {
    "address", "blockquote", "body", "caption", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "table", "td",
    "th", "tr", "ul",
}  # fmt: skip
_VOID = {
    "area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr",
}  # fmt: skip
_SKIPPED = {"head", "style", "title"}
# Each begins where blanks begin: from within a long run of them it would be tried again and again.
_MANY_LINES = re.compile(r"(?<![ \t])[ \t]*+\n(?:[ \t]*+\n)++")
_BLANKS = re.compile(r"\s+")
_PIECES = re.compile(r"(ppx\d+xpp)")
_LINE_ENDS = re.compile(r"(?<![ \t|])[ \t]++(?:\|[ \t]*+)*+\n")


def text_of_html(masked: str, masks: Masks) -> str:
    """Text with words for the Jinja of the HTML that has the same words."""
    reader = _TextReader(masks)
    reader.feed(masked)
    reader.close()
    return "".join(reader.written)


def tidy(text: str) -> str:
    """The text without blanks (or empty cells) at the ends of lines, at most one blank line between two others."""
    return _LINE_ENDS.sub("\n", _MANY_LINES.sub("\n\n", text)).replace("  | ", " | ").strip() + "\n"


class _TextReader(HTMLParser):
    """Writes the text of a page as it goes through it. Jinja's tags are written where they come, and take no room.

    Attributes:
        open: the open elements: name, whether it is left out, whether it is a table of data.
        line: what stands in the line that is being written, without Jinja's tags.
    """

    def __init__(self, masks: Masks) -> None:
        super().__init__()
        self.masks = masks
        self.written: list[str] = []
        self.open: list[tuple[str, bool, bool]] = []
        self.line = ""
        self.link = ("", 0, "")

    def _write(self, text: str) -> None:
        self.written.append(text)
        shown = WORD.sub(lambda found: "" if self.masks.is_tag(int(found[1])) else found[0], text)
        self.line = (self.line + shown).rpartition("\n")[2]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _VOID:
            if tag == "br" and not self._is_left_out():
                self._write(", " if self._is_in_data() else "\n")
            return
        is_left_out = (
            self._is_left_out()
            or tag in _SKIPPED
            or HTML_ONLY in given.get("class", "").split()
            or given.get("style", "").startswith("display:none")
        )
        self.open.append((tag, is_left_out, tag == "table" and given.get("role") != "presentation"))
        if is_left_out:
            return
        if tag == "a":
            self.link = (given.get("href", ""), len(self.written), self.line)
        elif tag in ("td", "th") and self._is_in_data():
            if self.line.strip():
                self._write(" | ")
        elif tag in ("tr", "li") and (tag == "li" or self._is_in_data()):
            self._end_line()
            self._write("- " if tag == "li" else "")
        elif tag in _BLOCKS:
            self._end_line()
            if given.get("style", "").startswith("border-top:"):  # mj-divider
                self._write("--")

    def handle_endtag(self, tag: str) -> None:
        while self.open and tag not in _VOID:
            ended, is_left_out, _ = self.open.pop()
            if not is_left_out:
                self._end(ended)
            if ended == tag:
                return

    def _end(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        elif tag in ("tr", "li") and (tag == "li" or self._is_in_data()):
            self._end_line()
        elif tag in _BLOCKS and not self._is_in_data():
            self._end_line()
            self._write("\n")

    def _end_link(self) -> None:
        address, start, line = self.link
        words = "".join(self.written[start:]).strip()
        if words and address and words != address:
            del self.written[start:]
            self.line = line
            self._write(f"{words} ({address})" if line.strip(" -") or self._is_in_data() else f"{words}: {address}")

    def _end_line(self) -> None:
        if self.line.strip():
            self._write("\n")

    def handle_data(self, data: str) -> None:
        if self._is_left_out():
            return
        for piece in _PIECES.split(data):
            text = piece if WORD.fullmatch(piece) else _BLANKS.sub(" ", piece)
            self._write(text.lstrip() if not self.line or self.line.endswith(" ") else text)

    def handle_comment(self, data: str) -> None:
        """For Outlook alone; but MJML puts there what stands between sections, such as `{% if %}`."""
        for found in WORD.finditer(data):
            if self.masks.is_tag(int(found[1])):
                self._write(found[0])

    def _is_left_out(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def _is_in_data(self) -> bool:
        return any(is_data for _, _, is_data in self.open)
