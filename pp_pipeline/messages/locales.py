"""In which locale a message is written: the contact's, else the merchant's, and the words that all messages share.

A message is in one language as a whole: its file decides, and the shared words, money and days follow it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from pp_pipeline.yaml_file import YamlFile, YamlFileError

WORDS_FILE = "words.yml"
COMPLETE = "en"
"""The locale whose words all others have to have."""


@lru_cache(maxsize=1_000)
def known_locale(written: str) -> str:
    """A locale as we write it (`de_AT`) of how somebody wrote it (`de-at`); '' where there is none of that name."""
    try:
        return str(Locale.parse(written.replace("-", "_")))
    except (ValueError, TypeError, UnknownLocaleError):
        return ""


def fallbacks(locale: str) -> list[str]:
    """A locale and the more general ones behind it: `de_AT`, `de`; none of ''."""
    parts = locale.split("_") if locale else []
    return ["_".join(parts[:count]) for count in range(len(parts), 0, -1)]


def language(locale: str) -> str:
    """Its language: `de` of `de_AT`."""
    return locale.partition("_")[0]


@lru_cache(maxsize=1_000)
def direction(locale: str) -> str:
    """`ltr` or `rtl` (Arabic, Hebrew and others)."""
    return Locale.parse(locale).text_direction


@dataclass(frozen=True)
class Words:
    """The words that all messages share, by locale, and what is wrong with their file."""

    by_locale: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, content: bytes | None) -> "Words":
        """The file's; no words at all where there is no file."""
        if content is None:
            return cls()
        try:
            file = YamlFile.of(WORDS_FILE, content)
        except YamlFileError as error:
            return cls(problems=(str(error),))
        return cls._of(file)

    @classmethod
    def _of(cls, file: YamlFile) -> "Words":
        content = file.content if isinstance(file.content, dict) else {}
        problems, found = list[str](), dict[str, Mapping[str, str]]()
        wanted = set(content[COMPLETE]) if isinstance(content.get(COMPLETE), dict) else set()
        if not wanted:
            problems.append(f"{WORDS_FILE}:1: has no words for {COMPLETE}; all locales are compared with them")
        for locale, words in content.items():
            place = f"{WORDS_FILE}:{file.line((str(locale),))}: {locale}"
            if known_locale(str(locale)) != locale:
                problems.append(
                    f"{place}: is no locale; write one such as de or de_AT, in quotes where YAML needs them"
                )
            elif not isinstance(words, dict) or not all(isinstance(text, str) and text for text in words.values()):
                problems.append(f"{place}: allowed are `name: text` lines")
            else:
                general = found.get(language(locale), {}) if language(locale) != locale else {}
                found[locale] = {**general, **words}
                if missing := wanted - set(found[locale]):
                    problems.append(f"{place}: lacks {', '.join(sorted(missing))}; {COMPLETE} has them")
                if unknown := set(words) - wanted:
                    problems.append(f"{place}: {', '.join(sorted(unknown))} is not among the words of {COMPLETE}")
        return cls(found, tuple(problems))

    @property
    def names(self) -> set[str]:
        """What each locale has a word for."""
        return set(self.by_locale.get(COMPLETE, {}))

    def of(self, locale: str) -> Mapping[str, str] | None:
        """The words of a locale or, for de_AT, of de; never of another language."""
        return next((self.by_locale[each] for each in fallbacks(locale) if each in self.by_locale), None)
