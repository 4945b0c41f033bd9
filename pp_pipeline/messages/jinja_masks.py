"""Jinja in a file of MJML, set aside while the MJML is compiled and put back afterwards.

MJML knows nothing of Jinja, and a value of a message is never to pass its parser: so each expression and each tag
becomes a word that no parser stumbles over, and the compiled HTML gets them back where the words came to stand.
"""

import re
from dataclasses import dataclass, field

from jinja2 import Environment, TemplateSyntaxError, nodes

WORD = re.compile(r"ppx(\d+)xpp")
_ENDS = {"variable_begin": "variable_end", "block_begin": "block_end", "comment_begin": "comment_end"}
_SAFE_NAMES = frozenset(("loop", "start", "end", "direction"))


@dataclass
class Masks:
    """What was set aside of all files of one message, by the number in its word."""

    environment: Environment
    kept: list[str] = field(default_factory=list)

    def hide(self, source: str, name: str) -> str:
        """The source with words for its Jinja; lines stay where they are, comments go.

        Raises:
            TemplateSyntaxError: what is no Jinja.
        """
        written: list[str] = []
        piece, end, line = "", "", 1
        for number, kind, value in self.environment.lex(source, name):
            if not end:
                written.append("\n" * (number - line))  # what a `-` of a tag took away
                line = max(line, number)
            if end or kind in _ENDS:
                end = end or _ENDS[kind]
                piece += value
                if kind == end:
                    if kind != "comment_end":
                        written.append(self.word(piece))
                    newlines = "\n" * piece.count("\n")
                    written.append(newlines)
                    line += len(newlines)
                    piece, end = "", ""
            else:
                written.append(value if kind == "data" else self.word(value))
                line += value.count("\n")
        return "".join(written)

    def word(self, piece: str) -> str:
        """The word for a piece of Jinja."""
        self.kept.append(piece.rstrip("\n"))
        return f"ppx{len(self.kept) - 1}xpp"

    def put_back(self, text: str) -> str:
        """The text with its Jinja where the words stand."""
        return WORD.sub(lambda found: self.kept[int(found[1])], text)

    def is_tag(self, number: int) -> bool:
        """Whether it is a tag (`{% %}`), not an expression."""
        return self.kept[number].startswith("{%")

    def is_harmless(self, text: str) -> bool:
        """Whether a text prints nothing that comes out of data, so that it may stand in a style."""
        return all(self._is_harmless(self.kept[int(number)]) for number in WORD.findall(text))

    def _is_harmless(self, piece: str) -> bool:
        if piece in ("{{ start }}", "{{ end }}"):  # nearly all
            return True
        try:
            tree = self.environment.parse(piece)
        except TemplateSyntaxError:  # a tag by itself
            return False
        brand = {
            id(found.node)
            for found in tree.find_all(nodes.Getattr)
            if isinstance(found.node, nodes.Name) and (found.node.name, found.attr[:11]) == ("merchant", "brand_color")
        }
        return all(name.name in _SAFE_NAMES or id(name) in brand for name in tree.find_all(nodes.Name))
