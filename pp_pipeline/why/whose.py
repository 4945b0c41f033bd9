"""Telling apart what was another contact's: an order can come to belong to somebody else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from pp_pipeline.why.entries import Entry, Outgoing
from pp_pipeline.why.story import QueueStanding, RunStanding

E = TypeVar("E", bound=Entry)
S = TypeVar("S", QueueStanding, RunStanding)


@dataclass(frozen=True)
class Whose:
    """Says of whom something was told, where it is not who the story is about.

    Attributes:
        contact_key: who it is about: the contact, or the one to whom the order belongs now; None where there is none.
        emails: addresses of contacts, by key.
    """

    contact_key: str | None
    emails: Mapping[str | None, str | None]

    def marked(self, entries: Iterable[E]) -> list[E]:
        """The entries; those of others say whose they were."""
        return [self._marked_entry(one) for one in entries]

    def standing(self, standing: S, contact_key: str | None) -> S:
        """How something of a contact stands now."""
        return replace(standing, text=self._marked(standing.text, contact_key))

    def _marked_entry(self, entry: E) -> E:
        text = self._marked(entry.text, entry.contact_key, isinstance(entry, Outgoing))
        return entry if text is entry.text else replace(entry, text=text)

    def _marked(self, text: str, contact_key: str | None, is_outgoing: bool = False) -> str:
        if None in (contact_key, self.contact_key) or contact_key == self.contact_key:
            return text
        other = self.emails.get(contact_key) or "another contact"
        return text if other in text else f"{text} ({'to' if is_outgoing else 'of'} {other})"
