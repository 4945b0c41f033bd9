"""Why a plan differs from the ledger: the file and line that made it so.

A plan is a function of the files and the configuration (DESIGN 1). So what is planned otherwise than at some moment
was made so by a content that came since and is dated up to the day, or by the configuration. Of the contents the one
counts whose rows of the order, or else of its contact, are others than then; of several the newest that
says something new.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pp_pipeline.landing.content_changes import Change, ContentChanges, Subject
from pp_pipeline.landing.file_ledger import FileRecord
from pp_pipeline.merchants import Merchant
from pp_pipeline.portions import portions
from pp_pipeline.sending.plan import marks
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection

_LOOKUP_SIZE = 5_000
# Of a version: where it was stated, and not what.
_WHERE_STATED = {"known_on", "order_file", "order_file_line", "stated_on", "stated_file", "version_id"}


@dataclass(frozen=True)
class Unexplained:
    """Something whose cause is asked for: what changed `since` a moment for an order, or its contact, up to a day."""

    merchant: str
    order_number: str | None
    contact_key: str | None
    since: datetime
    until: date

    def subjects(self) -> list[Subject]:
        """By what rows speak of it: its order first."""
        values = (("order_number", self.order_number), ("contact_key", self.contact_key))
        return [Subject(self.merchant, column, value) for column, value in values if value]


@dataclass(frozen=True)
class Cause:
    """Why, in words; and the file and line that did it, where one did. `line` of a file that no longer states the
    order is the line of its former content."""

    text: str
    file: str = ""
    line: int | None = None
    file_date: date | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line} " if self.line else f"{self.file} " if self.file else ""
        return f"{place}{self.text}".strip()


CONFIGURATION = Cause("the configuration changed: no file of its days did")
UNTRACED = Cause("no row of the order or its contact changed: the configuration did, or a file about something else")


def stated(file: str | None, line: int | None) -> Cause:
    """The cause of what is planned as it always was: the line that states its order."""
    return Cause("states the order", file, line) if file else Cause("")


def find_causes(
    connection: Connection,
    settings: Settings,
    merchants: Mapping[str, Merchant],
    records: Sequence[FileRecord],
    asked: Iterable[Unexplained],
) -> dict[Unexplained, Cause]:
    """The cause of each, as far as contents tell it."""
    asked = list(asked)
    subjects = {subject for one in asked for subject in one.subjects()}
    contents = ContentChanges(settings, merchants, records, subjects)
    changes = {one: _changes(contents, one) for one in asked}
    several = [found for found in changes.values() if len(found) > 1]
    is_restated = _restated(connection, {each.order_number for found in several for each in found if each.order_number})
    return {one: _cause(contents, one, changes[one], is_restated) for one in asked}


def _changes(contents: ContentChanges, one: Unexplained) -> list[Change]:
    return next((found for subject in one.subjects() if (found := contents.of(subject, one.since, one.until))), [])


def _cause(
    contents: ContentChanges, one: Unexplained, changes: Sequence[Change], is_restated: Callable[[str, Change], bool]
) -> Cause:
    if not changes:
        files = contents.changed_files(one.since, one.until)
        if files and not one.subjects():  # a snapshot: of many contacts
            return Cause("has another content now", files[0].name, None, files[0].file_date)
        return UNTRACED if files else CONFIGURATION
    change = next((each for each in changes if not is_restated(one.merchant, each)), changes[0])
    what = "it" if change.order_number == one.order_number else "its contact"
    if change.order_number and change.order_number != one.order_number:
        what = f"order {change.order_number} of its contact"
    text = f"no longer states {what} (its line before)" if change.is_withdrawn else f"says otherwise of {what} now"
    text = f"states {what} now" if change.is_first else text
    return Cause(text, change.file, change.line, change.file_date)


def _restated(connection: Connection, order_numbers: Collection[str]) -> Callable[[str, Change], bool]:
    """Whether a file states an order just as the version before it: then another file was the cause."""
    if not order_numbers or not connection.table_exists("order_versions"):
        return lambda _merchant, _change: False
    said = [name for name in connection.columns("order_versions") if name not in _WHERE_STATED]
    restated: set[tuple[str, str, str]] = set()
    for part in portions(sorted(order_numbers), _LOOKUP_SIZE):
        sql = f"""
            select order_file, merchant, order_number, {", ".join(said)} from order_versions
            where order_number in ({marks(part)}) order by merchant, order_number, known_on
        """
        before: tuple[object, ...] = ()
        for file, merchant, order_number, *rest in connection.rows(sql, part):
            now = (merchant, order_number, *rest)
            if now == before:
                restated.add((merchant, order_number, file))
            before = now
    return lambda merchant, change: (merchant, change.order_number or "", change.file) in restated
