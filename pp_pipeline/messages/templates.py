"""The templates of messages: which files a message is, and what they are compiled to (docs/messages.md).

A message `we_miss_you` of the conversation `win_back` is, in the folder `win_back/`:

- `we_miss_you.mjml.j2`: the e-mail, with subject (`mj-title`) and preheader (`mj-preview`);
- `we_miss_you.txt.j2`: its text part, if it is not to be made from the HTML;
- `we_miss_you.sms.j2` instead of both, where the channel is sms.

`we_miss_you.de.mjml.j2` is the same in German; a file without a locale is in the merchant's.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

from jinja2 import TemplateSyntaxError, nodes

from pp_pipeline.messages.content import FOLDER, Contents
from pp_pipeline.messages.locales import WORDS_FILE, Words, fallbacks, known_locale, language
from pp_pipeline.messages.mjml import MAX_FILES, MjmlError, MjmlMessage
from pp_pipeline.messages.parts import EmailTemplate, Part, SmsTemplate
from pp_pipeline.messages.sandbox import MessageEnvironment
from pp_pipeline.messages.text_part import text_of_html

MJML, TEXT, SMS = "mjml", "txt", "sms"
_REVIEW_BY = re.compile(r"\{#-?\s*review_by:\s*(.*?)\s*-?#\}", re.DOTALL)


class TemplateError(ValueError):
    """A template that can't be used; the text has a line for each thing to put right, with file and line."""


def templates_of(conversations_dir: Path) -> "Templates":
    """The templates of a checkout as they are now; what is compiled of them is kept as long as no file changes."""
    kinds = ("**/*.j2", WORDS_FILE, f"{FOLDER}/*.yml")
    paths = [path for kind in kinds for path in conversations_dir.glob(kind)]
    files = sorted(
        (path.relative_to(conversations_dir).as_posix(), path.read_bytes()) for path in paths if path.is_file()
    )
    return _templates_of(tuple(files))


@lru_cache(maxsize=16)
def _templates_of(files: tuple[tuple[str, bytes], ...]) -> "Templates":
    return Templates(dict(files))


class Templates:
    """The templates of a checkout, by the names of their files; each is compiled once, when it is first asked for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.html = MessageEnvironment(self._loaded, is_html=True)
        self.text = MessageEnvironment(self._loaded, is_html=False)
        self.words = Words.read(files.get(WORDS_FILE))
        self.contents = Contents.read(files)
        self._files: dict[tuple[str, str, str, str], tuple[str, str]] = {}
        self._sources: dict[str, str] = {}
        self._emails: dict[str, EmailTemplate] = {}
        self._texts: dict[str, Part] = {}

    def email(self, message: str, contact_locale: str = "", merchant_locale: str = "") -> tuple[EmailTemplate, str]:
        """The e-mail `conversation/template` for a contact, and the locale that it is to be formatted in.

        Raises:
            TemplateError: the file is not there or can't be used.
        """
        name, locale = self._file(message, MJML, contact_locale, merchant_locale)
        return self.email_file(message, name), locale

    def sms(self, message: str, contact_locale: str = "", merchant_locale: str = "") -> tuple[SmsTemplate, str]:
        """As `email`, of a text message."""
        name, locale = self._file(message, SMS, contact_locale, merchant_locale)
        return self.sms_file(message, name), locale

    def variants(self, message: str, form: str) -> list[str]:
        """The files of a message in all locales, the one without a locale first."""
        wanted = re.compile(rf"{re.escape(message)}(\.\w+)?\.{form}\.j2")
        return sorted((name for name in self.files if wanted.fullmatch(name)), key=lambda name: (len(name), name))

    def locale_of_file(self, message: str, name: str, form: str) -> str:
        """What stands between the template's name and the ending: `de_AT`, or ''."""
        return name.removeprefix(message).removesuffix(f".{form}.j2").removeprefix(".")

    def _file(self, message: str, form: str, contact_locale: str, merchant_locale: str) -> tuple[str, str]:
        """The file for a contact, and the locale of the message: the contact's or merchant's, if in its language."""
        theirs, ours = known_locale(contact_locale), known_locale(merchant_locale)
        key = (message, form, theirs, ours)
        if key not in self._files:
            for locale in [*fallbacks(theirs), *fallbacks(ours), ""]:
                name = f"{message}.{locale}.{form}.j2" if locale else f"{message}.{form}.j2"
                if name in self.files:
                    break
            else:
                raise TemplateError(f"the template file {message}.{form}.j2 is not there")
            written_in = locale or ours
            is_same = (each for each in (theirs, ours, written_in) if language(each) == language(written_in))
            self._files[key] = (name, next(is_same))
        return self._files[key]

    def email_file(self, message: str, name: str) -> EmailTemplate:
        """The e-mail in a file.

        Raises:
            TemplateError: all that is wrong with it.
        """
        if name not in self._emails:
            self._emails[name] = self._compiled(message, name)
        return self._emails[name]

    def sms_file(self, message: str, name: str) -> SmsTemplate:
        """The text message in a file.

        Raises:
            TemplateError: all that is wrong with it.
        """
        files = self._text_files(name)
        return SmsTemplate(name, self.locale_of_file(message, name, SMS), files, self._written(name))

    def _compiled(self, message: str, name: str) -> EmailTemplate:
        try:
            compiled = MjmlMessage(self, name)
        except MjmlError as error:
            raise TemplateError(str(error)) from None
        parts = {
            "subject": Part(self.text, compiled.subject, name),
            "preheader": Part(self.text, compiled.preheader, name),
            "html": Part(self.html, compiled.html, name),
        }
        written = name.removesuffix(f"{MJML}.j2") + f"{TEXT}.j2"
        files = tuple(compiled.files)
        if written in self.files:
            files += self._text_files(written)
            parts["text"] = self._written(written)
        else:
            # Made text has its line ends where they belong; written text has some only to set off tags.
            environment = self.text.overlay(trim_blocks=False, lstrip_blocks=False)
            made = compiled.masks.put_back(text_of_html(compiled.masked, compiled.masks))
            parts["text"] = Part(environment, made, name)
        return EmailTemplate(name, self.locale_of_file(message, name, MJML), files, **parts)

    def _written(self, name: str) -> Part:
        """A text as it is written."""
        if name not in self._texts:
            self._texts[name] = Part(self.text, self.source(self.text, name), name)
        return self._texts[name]

    def source(self, environment: MessageEnvironment, name: str) -> str:
        """The text of a file that is sound Jinja by itself.

        Raises:
            KeyError: there is none of that name.
            TemplateError: it can't be used.
        """
        if name not in self._sources:
            source = self.read(name)
            try:
                environment.compile(source, name)
            except TemplateSyntaxError as error:
                raise TemplateError(f"{name}:{error.lineno}: {error.message}") from None
            except (RecursionError, SyntaxError):  # of Jinja, or of the Python that it makes
                raise TemplateError(f"{name}:1: is nested too deeply") from None
            self._sources[name] = source
        return self._sources[name]

    def _text_files(self, name: str, including: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A text and what it includes: by plain names, and without going round."""
        files = (name,)
        for found in self.text.parse(self.source(self.text, name), name).find_all(nodes.Include):
            wanted = found.template.value if isinstance(found.template, nodes.Const) else None
            if not isinstance(wanted, str):
                raise TemplateError(f"{name}:{found.lineno}: include a file by its name, in quotes")
            if wanted in (name, *including):
                raise TemplateError(f"{name}:{found.lineno}: includes {wanted}, which includes it again")
            if wanted not in self.files:
                raise TemplateError(f"{name}:{found.lineno}: the template file {wanted} is not there")
            files += self._text_files(wanted, (*including, name))
            if len(files) > MAX_FILES:
                raise TemplateError(f"{name}:{found.lineno}: includes more than {MAX_FILES} files")
        return files

    def review_by(self, name: str) -> tuple[date | None, int]:
        """The day in `{# review_by: 2027-03-01 #}` of a file, and its line; none where it says none.

        Raises:
            TemplateError: it is no day.
        """
        source = self.read(name)
        found = _REVIEW_BY.search(source)
        if not found:
            return None, 1
        line = source.count("\n", 0, found.start()) + 1
        try:
            return date.fromisoformat(found[1]), line
        except ValueError:
            raise TemplateError(f"{name}:{line}: review_by is no day such as 2027-03-01") from None

    def _loaded(self, name: str) -> str | None:
        """For includes of texts."""
        return self.read(name) if name in self.files else None

    def read(self, name: str) -> str:
        """A file as it is.

        Raises:
            KeyError: there is none of that name.
            TemplateError: it is not UTF-8.
        """
        try:
            return self.files[name].decode("utf-8")
        except UnicodeDecodeError:
            raise TemplateError(f"{name}:1: is not UTF-8") from None
