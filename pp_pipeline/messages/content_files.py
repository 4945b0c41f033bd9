"""Files of content: what may stand in them, and what is refused with its place (docs/content.md)."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pp_pipeline.messages.locales import fallbacks, known_locale, language
from pp_pipeline.yaml_file import YamlFile, YamlFileError

_PATH = re.compile(r"content/[a-z][a-z0-9_]*\.yml")
_WORDS = Annotated[str, StringConstraints(strict=True, strip_whitespace=True)]
_LINK = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, pattern=r"^(https?://[^\s/]\S*|/\S*)?$")]


class ContentError(ValueError):
    """A content file that can't be used; the text has a line for each thing to put right."""


class _Part(BaseModel):
    """What it does not know it refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Part):
    """What is shown, of which the text alone is needed. A link that begins with `/` is one of the merchant's site."""

    title: _WORDS = ""
    text: Annotated[_WORDS, Field(min_length=1)]
    link_text: _WORDS = ""
    link: _LINK = ""

    @model_validator(mode="after")
    def _link_says_something(self) -> Self:
        if self.link and not self.link_text:
            raise ValueError("has a link without link_text; write what the link says")
        return self


class Entry(Text):
    """The text of an article, a category or everything, and the same in other languages.

    Attributes:
        review_by: a day by which somebody is to look at it again.
        reviewed_on: when somebody last did.
        locales: by locale (`de`, `de_AT`), written as keys of the entry.
    """

    review_by: date | None = None
    reviewed_on: date | None = None
    locales: Mapping[str, Text] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_locales(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        if "locales" in given:
            raise ValueError("locales: write each locale as a word of the entry itself, such as de: {text: ...}")
        locales = {key: value for key, value in given.items() if key not in cls.model_fields and _is_locale(key)}
        return {key: value for key, value in given.items() if key not in locales} | {"locales": locales}

    def in_language(self, locale: str, own_locale: str) -> Text | None:
        """The entry as a message in that locale shows it: in the locale, in its language, or as it stands where that is
        the language; else None, as nobody is to read two languages in one message.

        Args:
            own_locale: the locale of what carries none.
        """
        text = next((self.locales[each] for each in fallbacks(locale) if each in self.locales), None)
        return text or (self if language(locale) == language(own_locale) else None)


class ContentFile(_Part):
    """A content file: `product_link` says which link of the products feed stands in where an entry has none."""

    product_link: Literal["how_to_url", "care_url"] | None = None
    general: Entry | None = None
    categories: Mapping[_WORDS, Entry] = Field(default_factory=dict)
    products: Mapping[_WORDS, Entry] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _links_lead_somewhere(self) -> Self:
        for place, entry in self.entries():
            for text in (entry, *entry.locales.values()):
                if text.link_text and not (text.link or entry.link or self.product_link):
                    raise ValueError(f"{' '.join(place)}: has link_text without a link, and there is no product_link")
        return self

    def entries(self) -> Iterator[tuple[tuple[str, ...], Entry]]:
        """All entries, each with the keys that lead to it."""
        if self.general:
            yield ("general",), self.general
        yield from ((("categories", name), entry) for name, entry in self.categories.items())
        yield from ((("products", sku), entry) for sku, entry in self.products.items())


def read_content_file(path: str, content: bytes) -> tuple[ContentFile, YamlFile]:
    """A file, and where its parts stand.

    Args:
        path: below the conversations, such as `content/help.yml`.

    Raises:
        ContentError: all that is wrong, a line each.
    """
    try:
        source = YamlFile.of(path, content)
    except YamlFileError as error:
        raise ContentError(str(error)) from None
    return _checked(path, source), source


def _checked(path: str, source: YamlFile) -> ContentFile:
    if not _PATH.fullmatch(path):
        raise ContentError(f"{path}: its name is not lower-case letters, digits and _; rename it, such as to help.yml")
    if not isinstance(source.content, dict) or not set(source.content) & {"general", "categories", "products"}:
        raise ContentError(f"{path}: holds no texts; write general, categories or products (docs/content.md)")
    odd = [f"{path}:{source.line(at)}: '{at[-1]}' is read as no text; put it in quotes" for at in _odd_keys(source)]
    if odd:
        raise ContentError("\n".join(odd))
    try:
        return ContentFile.model_validate(source.content)
    except ValidationError as error:
        raise ContentError(
            "\n".join(_plain(path, source, fault) for fault in error.errors(include_url=False))
        ) from None


def _is_locale(key: Any) -> bool:
    return isinstance(key, str) and known_locale(key) == key


def _odd_keys(source: YamlFile) -> Iterator[tuple[Any, ...]]:
    """Keys that YAML takes for a number, a day or a yes, such as the SKU 1001 and the locale `no`."""

    def keys(place: tuple[Any, ...], content: Any) -> Iterator[tuple[Any, ...]]:
        for key, value in content.items() if isinstance(content, dict) else ():
            if not isinstance(key, str):
                yield (*place, key)
            yield from keys((*place, key), value)

    return keys((), source.content)


def _plain(file: str, source: YamlFile, fault: Any) -> str:
    """A complaint of pydantic in the words of whoever wrote the file; what is written is not shown, it may be long."""
    path = [part for part in fault["loc"] if part not in ("locales", "[key]")]
    where = f"{file}:{source.line(path)}: " + (f"{'.'.join(map(str, path))}: " if path else "")
    match fault["type"]:
        case "value_error":
            return where + str(fault["ctx"]["error"])
        case "missing" | "string_too_short":
            return where + "is missing; an entry without a text shows nothing"
        case "extra_forbidden":
            return where + "is not known here; " + _ALLOWED.get(len(path), _ALLOWED[0])
        case "string_type":
            return where + "is no text; put it in quotes"
        case "literal_error":
            return where + "is not known; allowed are how_to_url and care_url"
        case "string_pattern_mismatch":
            return where + "is no link; begin it with https://, or with / for a page of the merchant's site"
        case kind if kind.startswith("date"):
            return where + "is no day; write one such as 2027-03-01"
        case _:
            return where + "is no mapping of words; see docs/content.md"


_ALLOWED = {
    0: "an entry has title, text, link_text, link, review_by, reviewed_on and locales such as de or de_AT",
    1: "allowed are product_link, general, categories and products",
}
