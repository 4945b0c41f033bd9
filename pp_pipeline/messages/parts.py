"""A message's template as it is rendered: its parts, each compiled when it is first asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jinja2 import Template

from pp_pipeline.messages.sandbox import MessageEnvironment


class Part:
    """One part of a message: Jinja, compiled when it is first rendered."""

    def __init__(self, environment: MessageEnvironment, source: str, name: str) -> None:
        self.environment, self.source, self.name = environment, source, name

    def render(self, values: Mapping[str, Any]) -> str:
        """The text that it makes of a message's values."""
        return self._template.render(values)

    @cached_property
    def _template(self) -> Template:
        code = self.environment.compile(self.source, self.name)
        return Template.from_code(self.environment, code, self.environment.globals)


@dataclass(frozen=True)
class EmailTemplate:
    """A message's e-mail.

    Attributes:
        locale: of its file; '' for the merchant's.
        files: all that it is made of, the message's own first.
    """

    name: str
    locale: str
    files: tuple[str, ...]
    subject: Part
    preheader: Part
    html: Part
    text: Part


@dataclass(frozen=True)
class SmsTemplate:
    """A message's text for phones; `locale` and `files` as of e-mails."""

    name: str
    locale: str
    files: tuple[str, ...]
    text: Part
