"""The slow reading of what plan and ledger differ in, row by row, with what the history knows of its files (DESIGN 7).

`docs/corrections.md` says it in words. Of the product it takes the contact keys alone.
"""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from pp_pipeline.contact_keys import contact_key
from pp_pipeline_tests.facts_oracle import OrderFile
from pp_pipeline_tests.histories import PEOPLE, Content, Files, Said, date_of
from pp_pipeline_tests.history_checkout import EVENTS, MERCHANTS
from pp_pipeline_tests.history_shop import SECRET, HistoryShop
from pp_pipeline_tests.orders_oracle import Orders

_TABLES = ("external_events", "conversation_actions_1", "conversation_actions_2", "conversation_actions_3")


class Place(NamedTuple):
    """A batch."""

    day: date
    kind: str
    name: str
    merchant: str


class Plan:
    """What the warehouse plans, read table by table.

    Attributes:
        days: the batch of each delivery, by its key.
        members: how many a snapshot has.
    """

    def __init__(self, shop: HistoryShop) -> None:
        self.days: dict[str, Place] = {}
        for key, day, conversation, merchant in shop.rows(
            "select message_id, due_on, conversation, merchant from planned_messages"
        ):
            self.days[key] = Place(day, "messages", conversation, merchant)
        for table in _TABLES:
            for key, name, day, merchant in shop.rows(
                f"select event_id, event_name, occurred_on, merchant from {table}"
            ):
                if merchant == "main" and name in EVENTS:
                    self.days[f"hub:{key}"] = Place(day, "events", "hub", merchant)
        snapshots = shop.rows("select snapshot_on, count(*) from segment_repeat where merchant = 'main' group by 1")
        self.members = dict(snapshots)
        built = [day for (day,) in shop.rows("select day from built_days where model = 'segment_repeat'")]
        for day in [day for day in built if self.members and day >= min(self.members)]:
            self.days[f"hub:repeat:{day}:main"] = Place(day, "snapshot", "hub:repeat", "main")


def place_of(row: Any) -> Place:
    """The batch that a delivery of the ledger belongs to."""
    match row.kind:
        case "message":
            return Place(row.due_on, "messages", row.conversation, row.merchant)
        case "event":
            return Place(row.due_on, "events", row.channel, row.merchant)
    return Place(row.due_on, "snapshot", "hub:repeat", row.merchant)


class Difference:
    """Plan and ledger held against each other; `rows` has the batch and the category of each delivery, by its key."""

    def __init__(self, plan: Plan, ledger: Mapping[str, Any], files: Files) -> None:
        self._files = files
        self._keys = {
            contact_key(SECRET.encode(), merchant, f"{who}@example.com"): f"{who}@example.com"
            for merchant in MERCHANTS
            for who in PEOPLE
        }
        self._restated = self._all_restated()
        self.rows: dict[str, tuple[Place, str]] = {}
        for key, place in plan.days.items():
            row = ledger.get(key)
            category = "new" if row is None else row.state if row.state in ("sent", "skipped") else "open"
            if row is not None and row.state != "skipped" and row.due_on != place.day:
                category = "moved"
            self.rows[key] = place, category
        for key, row in ledger.items():
            if key not in plan.days and row.state != "skipped":
                self.rows[key] = place_of(row), self._gone(row)

    def _gone(self, row: Any) -> str:
        if row.state != "sent":
            return "no longer due"
        day = place_of(row).day
        return "overtaken" if self._changed_on(row, day) == day else "sent in error"

    def _changed_on(self, row: Any, day: date) -> date | None:
        """The date of the file that took it out: the newest that says otherwise of the order, else of the contact; of
        a snapshot the newest that says anything else."""
        if row.kind == "snapshot":
            contents = ((date_of(name), self._then_and_now(name, row)) for name in self._files.seen)
            return max((on for on, (then, now) in contents if on <= day and then != now), default=None)
        subjects = [("number", row.order_number), ("email", self._keys.get(row.contact_key or ""))]
        for column, value in subjects:
            changed = []
            for name in sorted(self._files.seen, key=lambda name: (date_of(name), name), reverse=True):
                number = self._differs(name, row, column, value) if value and date_of(name) <= day else None
                if number:
                    changed.append((name, number))
            if changed:
                new = [name for name, number in changed if (row.merchant, number, name) not in self._restated]
                name = new[0] if new and len(changed) > 1 else changed[0][0]
                return date_of(name)
        return None

    def _differs(self, name: str, row: Any, column: str, value: str) -> str | None:
        """The order that a file says otherwise of than it did when the delivery was claimed."""
        then, now = (
            [said for said in content if said.merchant == row.merchant and getattr(said, column) == value]
            for content in self._then_and_now(name, row)
        )
        for some, others in ((now, then), (then, now)):
            for said in some:
                if said not in others:
                    return said.number
        return None

    def _then_and_now(self, name: str, row: Any) -> tuple[Content, Content]:
        """What a file said when a delivery was claimed, and what it says."""
        contents = self._files.accepted(name)
        then = [seen.said or () for seen in contents if seen.at <= row.claimed_at]
        return then[-1] if then else (), contents[-1].said or () if contents else ()

    def _all_restated(self) -> set[tuple[str, str, str]]:
        """Merchant, order and file of each version that says what the one before it said."""
        found = set()
        for merchant in MERCHANTS:
            files = [OrderFile(name, date_of(name), _rows(content, merchant)) for name, content in
                     self._files.in_force().items()]  # fmt: skip
            for number, versions in Orders(files).history.items():
                for before, after in pairwise(versions):
                    if before.version.fields == after.version.fields:
                        found.add((merchant, number, after.version.told.file))
        return found


def _rows(content: tuple[Said, ...], merchant: str) -> tuple[dict[str, str], ...]:
    return tuple(said.row() for said in content if said.merchant == merchant)
