"""Texts that templates show by name, such as how to use what was bought (docs/content.md).

    conversations/content/help.yml      `{% set help = content("help") %}` in a template

A file has a text for all (`general`) and texts for categories and single articles. A message speaks of one article,
that of its order's largest line: its own text is shown, else that of its category, else the general one. An entry is
taken as a whole: no title of one stands over the text of another.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pp_pipeline.messages.content_files import ContentError, ContentFile, Entry, read_content_file
from pp_pipeline.sending.planned import Order, OrderLine
from pp_pipeline.yaml_file import YamlFile

FOLDER = "content"
"""Of a checkout's conversations."""
_ASKED = re.compile(r'content\("(.*)"\)')


@dataclass(frozen=True)
class Chosen:
    """What a message shows of a file: `place` is `product <SKU>`, `category <name>` or `general`."""

    place: str
    words: Mapping[str, str]
    """title, text, link_text and link; blank where there is none."""


@dataclass(frozen=True)
class Contents:
    """The content files of a checkout, by name, and what is wrong with them."""

    files: Mapping[str, ContentFile]
    sources: Mapping[str, YamlFile] = field(default_factory=dict, repr=False)
    """Where they stand, for what is said of their lines."""
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, files: Mapping[str, bytes]) -> "Contents":
        """Those among the files of a checkout's conversations, by their paths; there may be none."""
        found: dict[str, ContentFile] = {}
        sources: dict[str, YamlFile] = {}
        problems: list[str] = []
        for path, content in sorted(files.items()):
            if path.startswith(f"{FOLDER}/"):
                name = path.removeprefix(f"{FOLDER}/").removesuffix(".yml")
                try:
                    found[name], sources[name] = read_content_file(path, content)
                except ContentError as error:
                    problems += str(error).splitlines()
        return cls(found, sources, tuple(problems))

    def choose(self, name: str, order: Order | None, locale: str, own_locale: str, site_url: str) -> Chosen | None:
        """What a message shows under a name; None where the file has nothing for it in its language.

        Args:
            order: what the message is about.
            locale, own_locale: the language of the message, and of what carries no locale.
            site_url: the merchant's, for links that begin with `/`.

        Raises:
            KeyError: there is no file of that name.
        """
        file, line = self.files[name], largest_line(order)
        steps: list[tuple[str, Entry | None]] = [("general", file.general)]
        if line and line.category:
            steps.insert(0, (f"category {line.category}", file.categories.get(line.category.strip())))
        if line and line.sku:
            steps.insert(0, (f"product {line.sku}", file.products.get(line.sku.strip())))
        for place, entry in steps:
            text = entry.in_language(locale, own_locale) if entry else None
            if entry and text:
                fed = getattr(line, file.product_link) if line and file.product_link else None
                link = (text.link or entry.link or fed or "") if text.link_text else ""
                words = {"title": text.title, "text": text.text, "link_text": text.link_text if link else ""}
                return Chosen(place, words | {"link": site_url + link if link.startswith("/") else link})
        return None


def largest_line(order: Order | None) -> OrderLine | None:
    """The line that a message speaks of: the one with the largest amount, the first of equals."""
    return (
        max(order.lines, key=lambda line: line.quantity * (line.unit_price_cents or 0), default=None) if order else None
    )


def content_names(names_used: Collection[str]) -> list[str]:
    """The content that a template asks for: `help` of `content("help")` among the names that it uses."""
    return sorted(found[1] for each in names_used if (found := _ASKED.fullmatch(each)))


def content_problems(names_used: Collection[str], contents: Contents) -> Iterator[tuple[str, str]]:
    """What is wrong with the content that a template asks for, each with the name that it uses."""
    if "content(...)" in names_used:
        yield "content(...)", 'asks for content by a name that is not written out; write one such as content("help")'
    there = ", ".join(contents.files) or "none yet"
    for name in content_names(names_used):
        if name not in contents.files and not contents.problems:
            asked = f'content("{name}")'
            yield asked, f"asks for {asked}; there is {there}. Write {FOLDER}/{name}.yml, or take it out"
