"""The page that tells why: a life as a timeline, and why somebody did not get something on a day.

What is asked comes by POST, so that no address stands in a URL, a log or the browser's history.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from pp_pipeline.merchants import Merchant
from pp_pipeline.pages.rendering import page
from pp_pipeline.settings import Settings, parse_day
from pp_pipeline.warehouse import WarehouseError
from pp_pipeline.why.entries import Entry, Outgoing
from pp_pipeline.why.negative import Answer, answer_words, why_not
from pp_pipeline.why.story import Story
from pp_pipeline.why.telling import tell_story

PATH = "/why"
_OPEN_DAYS = 60
"""So many days of a life are open at first, the newest; those before are folded."""
_WAIT_SECONDS = 5.0
"""So long a browser is kept waiting for the warehouse, and `pp pages` from ending, while a run writes it."""
_FIELDS = ("who", "merchant", "name", "on", "since")


class Line(NamedTuple):
    """A line of the timeline: what happened, and the line of the file behind it, where the line before says another."""

    kind: str
    text: str
    source: str


class Part(NamedTuple):
    """Lines of a day about one order, or ('') about the contact itself."""

    order_number: str
    lines: list[Line]


class Day(NamedTuple):
    """What happened on a day."""

    on: date
    parts: list[Part]


@dataclass(frozen=True)
class WhyPage:
    """The page over one installation.

    Attributes:
        today: the day as of which batches are judged.
    """

    settings: Settings
    merchants: Mapping[str, Merchant]
    today: Callable[[], date]
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def asked(self, form: Mapping[str, str]) -> str:
        """The page with the answer to a form, whose fields may be missing.

        Raises:
            WarehouseError: a run has the warehouse, or other questions come first.
            SettingsError and the like: what a person can put right; the text says how.
        """
        given = {name: form.get(name, "").strip() for name in _FIELDS}
        given["merchant"] = given["merchant"] or next(iter(self.merchants))
        if not given["who"]:
            return self._page(given)
        since = parse_day(given["since"]) if given["since"] else None
        on = parse_day(given["on"]) if given["on"] else self.today()
        if not self._one_at_a_time.acquire(timeout=_WAIT_SECONDS):
            raise WarehouseError("another question is being answered; ask again in a moment")
        try:
            asked = tell_story(self.settings, given["who"], given["merchant"], self.today(), _WAIT_SECONDS)
        finally:
            self._one_at_a_time.release()
        answer = why_not(asked, given["name"], on) if asked and given["name"] else None
        return self._page(given, asked.story if asked else None, answer, since, is_asked=True)

    def problem(self, form: Mapping[str, str], text: str) -> str:
        """The page with what is wrong with the question."""
        given = {name: form.get(name, "") for name in _FIELDS}
        return self._page(given, problem=text)

    def _page(
        self,
        given: Mapping[str, str],
        story: Story | None = None,
        answer: Answer | None = None,
        since: date | None = None,
        is_asked: bool = False,
        problem: str = "",
    ) -> str:
        life = story.life() if story else []
        days = _days(life, since)
        return page(
            "why.html.j2",
            PATH,
            given=given,
            merchants=list(self.merchants),
            story=story,
            older=days[:-_OPEN_DAYS],
            newer=days[-_OPEN_DAYS:],
            left_out=sum(1 for _, entry in life if since and entry.on < since),
            standing=_standing(story) if story else [],
            answer=answer,
            answer_words=answer_words(answer) if answer else "",
            is_asked=is_asked,
            problem=problem,
        )


def _days(life: list[tuple[str, Entry]], since: date | None) -> list[Day]:
    told = [one for one in life if since is None or one[1].on >= since]
    return [
        Day(on, [Part(number, _lines([entry for _, entry in some])) for number, some in groupby(of_day, itemgetter(0))])
        for on, of_day in groupby(told, key=lambda one: one[1].on)
    ]


def _lines(entries: Iterable[Entry]) -> list[Line]:
    lines = []
    source = ""
    for entry in entries:
        kind = f"outgoing {entry.state}" if isinstance(entry, Outgoing) else ""
        behind = str(entry.source) if entry.source else ""
        lines.append(Line(kind, entry.text, behind if behind != source else ""))
        source = behind or source
    return lines


def _standing(story: Story) -> list[Part]:
    """Where the orders wait now, and the contact itself."""
    found = [Part("", [Line("", run.text, "") for run in story.contact.runs])] if story.contact else []
    for order in story.orders:
        waits = [f"queue {queue.campaign}: {queue.text}" for queue in order.queues if queue.state == "waiting"]
        lines = [Line("", text, "") for text in [*waits, *(run.text for run in order.runs)]]
        found.append(Part(order.order_number, lines))
    return [part for part in found if part.lines]
