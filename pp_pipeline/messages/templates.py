"""The templates of messages: which files a message is, and what they are compiled to (docs/messages.md).

A message `we_miss_you` of the conversation `win_back` is, in the folder `win_back/`:

- `we_miss_you.mjml.j2`: the e-mail, with subject (`mj-title`) and preheader (`mj-preview`);
- `we_miss_you.txt.j2`: its text part, if it is not to be made from the HTML;
- `we_miss_you.sms.j2` instead of both, where the channel is sms.

`we_miss_you.de.mjml.j2` is the same in German; a file without a locale is in the merchant's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from jinja2 import Template, TemplateSyntaxError, nodes

from pp_pipeline.messages.content import Contents
from pp_pipeline.messages.locales import Words, fallbacks, known_locale, language
from pp_pipeline.messages.mjml import MjmlError, MjmlMessage
from pp_pipeline.messages.sandbox import MessageEnvironment
from pp_pipeline.messages.text_part import text_of_html

MJML, TEXT, SMS = "mjml", "txt", "sms"
_REVIEW_BY = re.compile(r"\{#-?\s*review_by:\s*(.*?)\s*-?#\}", re.DOTALL)


class TemplateError(ValueError):
    """A template that can't be used; the text has a line for each thing to put right, with file and line."""


@dataclass(frozen=True)
class EmailTemplate:
    """A message's e-mail, compiled."""

    name: str
    locale: str
    """Of the file; '' for the merchant's."""
    subject: Template
    preheader: Template
    html: Template
    text: Template
    trees: tuple[nodes.Template, ...] = field(repr=False)
    """What the parts use: subject and preheader, HTML, text."""


@dataclass(frozen=True)
class SmsTemplate:
    """A message's text for phones, compiled."""

    name: str
    locale: str
    text: Template
    trees: tuple[nodes.Template, ...] = field(repr=False)


class Templates:
    """The templates of a checkout; each is compiled once, when it is first asked for."""

    def __init__(self, conversations_dir: Path) -> None:
        self.folder = conversations_dir
        self.html = MessageEnvironment(conversations_dir, is_html=True)
        self.text = MessageEnvironment(conversations_dir, is_html=False)
        self._files: dict[tuple[str, str, str, str], tuple[str, str]] = {}
        self._emails: dict[str, EmailTemplate] = {}
        self._texts: dict[str, SmsTemplate] = {}

    @cached_property
    def words(self) -> Words:
        """The words that all messages share."""
        return Words.read(self.folder)

    @cached_property
    def contents(self) -> Contents:
        """The texts that templates show by name."""
        return Contents.read(self.folder)

    def email(self, message: str, contact_locale: str = "", merchant_locale: str = "") -> tuple[EmailTemplate, str]:
        """The e-mail `conversation/template` for a contact, and the locale that it is to be formatted in.

        Raises:
            TemplateError: the file is not there or can't be used.
        """
        name, locale = self._file(message, MJML, contact_locale, merchant_locale)
        if name not in self._emails:
            self._emails[name] = self.compile_email(message, name)
        return self._emails[name], locale

    def sms(self, message: str, contact_locale: str = "", merchant_locale: str = "") -> tuple[SmsTemplate, str]:
        """As `email`, of a text message."""
        name, locale = self._file(message, SMS, contact_locale, merchant_locale)
        if name not in self._texts:
            self._texts[name] = self.compile_sms(message, name)
        return self._texts[name], locale

    def uses(self, message: str, channel: str, word: str) -> bool:
        """Whether a message uses a name, such as `recommended`, in any of its locales.

        Raises:
            TemplateError: a file can't be used.
        """
        files = self.variants(message, SMS if channel == "sms" else MJML)
        compile_file = self.compile_sms if channel == "sms" else self.compile_email
        trees = [tree for name in files for tree in compile_file(message, name).trees]
        return any(node.name == word for tree in trees for node in tree.find_all(nodes.Name))

    def variants(self, message: str, form: str) -> list[str]:
        """The files of a message in all locales, the one without a locale first."""
        folder, _, template = message.rpartition("/")
        found = sorted(path.name for path in (self.folder / folder).glob(f"{template}.*{form}.j2"))
        wanted = re.compile(rf"{re.escape(template)}(\.\w+)?\.{form}\.j2")
        return sorted(
            (f"{folder}/{name}" for name in found if wanted.fullmatch(name)), key=lambda name: (len(name), name)
        )

    def locale_of_file(self, message: str, name: str, form: str) -> str:
        """What stands between the template's name and the ending: `de_AT`, or ''."""
        return name.removeprefix(message).removesuffix(f".{form}.j2").removeprefix(".")

    def _file(self, message: str, form: str, contact_locale: str, merchant_locale: str) -> tuple[str, str]:
        """The file for a contact, and the locale of the message: the contact's, if the file is in its language."""
        key = (message, form, contact_locale, merchant_locale)
        if key not in self._files:
            theirs, ours = known_locale(contact_locale), known_locale(merchant_locale)
            for locale in [*fallbacks(theirs), *fallbacks(ours), ""]:
                name = f"{message}.{locale}.{form}.j2" if locale else f"{message}.{form}.j2"
                if (self.folder / name).is_file():
                    break
            else:
                raise TemplateError(f"the template file {message}.{form}.j2 is not there")
            written_in = locale or ours
            self._files[key] = (name, theirs if language(theirs) == language(written_in) else written_in)
        return self._files[key]

    def compile_email(self, message: str, name: str) -> EmailTemplate:
        """Compile an e-mail's file.

        Raises:
            TemplateError: all that is wrong with it.
        """
        try:
            compiled = MjmlMessage(self.folder, name, self.html)
        except MjmlError as error:
            raise TemplateError(str(error)) from None
        locale = self.locale_of_file(message, name, MJML)
        written = name.removesuffix(f"{MJML}.j2") + f"{TEXT}.j2"
        has_text = (self.folder / written).is_file()
        # Made text has its line ends where they belong; written text has some only to set off tags.
        environment = self.text if has_text else self.text.overlay(trim_blocks=False, lstrip_blocks=False)
        made = "" if has_text else compiled.masks.put_back(text_of_html(compiled.masked, compiled.masks))
        text = self._source(written) if has_text else made
        sources = {"subject": compiled.subject, "preheader": compiled.preheader}
        parts = {part: self._compiled(self.text, source, name) for part, source in sources.items()}
        trees = (
            self.text.parse(compiled.subject + compiled.preheader, name),
            self.html.parse(compiled.html, name),
            *self._text_trees(text, written if has_text else name),
        )
        return EmailTemplate(
            name, locale, **parts, html=self._compiled(self.html, compiled.html, name),
            text=self._compiled(environment, text, written if has_text else name), trees=trees,
        )  # fmt: skip

    def compile_sms(self, message: str, name: str) -> SmsTemplate:
        """Compile a text message's file.

        Raises:
            TemplateError: all that is wrong with it.
        """
        source = self._source(name)
        trees = tuple(self._text_trees(source, name))
        return SmsTemplate(
            name, self.locale_of_file(message, name, SMS), self._compiled(self.text, source, name), trees
        )

    def review_by(self, name: str) -> tuple[date | None, int]:
        """The day in `{# review_by: 2027-03-01 #}` of a file, and its line; none where it says none.

        Raises:
            TemplateError: it is no day.
        """
        source = self._source(name)
        found = _REVIEW_BY.search(source)
        if not found:
            return None, 1
        line = source.count("\n", 0, found.start()) + 1
        try:
            return date.fromisoformat(found[1]), line
        except ValueError:
            raise TemplateError(f"{name}:{line}: review_by is no day such as 2027-03-01") from None

    def _source(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise TemplateError(f"{name}:1: is not UTF-8") from None

    def _compiled(self, environment: MessageEnvironment, source: str, name: str) -> Template:
        try:
            code = environment.compile(source, name)
        except TemplateSyntaxError as error:
            raise TemplateError(f"{error.name or name}:{error.lineno}: {error.message}") from None
        return Template.from_code(environment, code, environment.globals)

    def _text_trees(self, source: str, name: str, including: tuple[str, ...] = ()) -> Iterator[nodes.Template]:
        """A text's tree and those of what it includes, by plain names and without going round."""
        try:
            tree = self.text.parse(source, name)
        except TemplateSyntaxError as error:
            raise TemplateError(f"{name}:{error.lineno}: {error.message}") from None
        yield tree
        for found in tree.find_all(nodes.Include):
            wanted = found.template.value if isinstance(found.template, nodes.Const) else None
            if not isinstance(wanted, str):
                raise TemplateError(f"{name}:{found.lineno}: include a file by its name, in quotes")
            if wanted in (name, *including):
                raise TemplateError(f"{name}:{found.lineno}: includes {wanted}, which includes it again")
            if not (self.folder / wanted).is_file():
                raise TemplateError(f"{name}:{found.lineno}: the template file {wanted} is not there")
            yield from self._text_trees(self._source(wanted), wanted, (*including, name))
