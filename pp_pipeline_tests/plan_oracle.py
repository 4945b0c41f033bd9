"""The slow reading of what differs between two plans, and of what a home plans: for the tests of `pp diff`."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from pp_pipeline.comparing.plan_rows import PlanRow
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse

Pair = tuple[PlanRow | None, PlanRow | None]


def slowly(before: Iterable[PlanRow], after: Iterable[PlanRow]) -> Counter[Pair]:
    """The pairs, by looking at every row of one plan for every row of the other."""
    rows = set(before), set(after)
    left, right = (sorted(own - rows[1 - side], key=lambda row: (row.day, row.key)) for side, own in enumerate(rows))
    found: Counter[Pair] = Counter()
    for alike in (("kind", "name", "key"), ("kind", "name", "place", "day"), ("kind", "name", "place")):
        for one in list(left):
            for other in right:
                if all(getattr(one, each) == getattr(other, each) for each in alike):
                    found[one, other] += 1
                    left.remove(one)
                    right.remove(other)
                    break
    return found + Counter((row, None) for row in left) + Counter((None, row) for row in right)


def plan_of(settings: Settings, campaigns: Iterable[str]) -> list[PlanRow]:
    """Every row that a home plans, read table by table, with who waits at the end of all."""
    with Warehouse(settings).connect() as connection:
        found = [row for name in campaigns for row in _of_campaign(connection, name)]
        for name, key, day, contact, text, order, event, *place in connection.rows(
            "select conversation, message_id, due_on, contact_key, channel || ' ' || template, order_number, event_id, "
            "run_key, step, occurrence, pass from planned_messages"
        ):
            found.append(
                PlanRow("conversation", name, key, day, contact, text, order, event, " ".join(map(str, place)))
            )
        for name, key, day, contact, order in connection.rows(
            "select event_name, event_id, occurred_on, contact_key, order_number from external_events "
            "where campaign is null"
        ):
            found.append(PlanRow("event", name, key, day, contact, "", order, key, key))
        for name, day, contact in connection.rows("select segment, snapshot_on, contact_key from segment_snapshots"):
            key = f"{day} main {contact}"
            found.append(PlanRow("segment", name, key, day, contact, "", None, None, key))
    return found


def _of_campaign(connection: Connection, name: str) -> list[PlanRow]:
    waiting: dict[str, PlanRow] = {}
    released = []
    for order, movement, reason, day, due_on, contact, event in connection.rows(
        "select order_number, movement, reason, movement_on, due_on, contact_key, event_id "
        f"from queue_{name} order by movement_on, case movement when 'left' then 1 else 0 end"
    ):
        waiting[order] = PlanRow("waiting", name, order, due_on, contact, "", order, None, order)
        if movement == "left":
            del waiting[order]
        if reason == "released":
            released.append(PlanRow("campaign", name, event, day, contact, "", order, event, event))
    return released + list(waiting.values())


def changes(pairs: Iterable[Pair], first: date, last: date) -> dict[tuple[str, str], Counter[str]]:
    """By kind and name, how many of the pairs are new, gone, moved or changed on the days first..last."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for before, after in pairs:
        row = after or before
        assert row
        days = {each.day for each in (before, after) if each}
        if row.kind == "waiting" or any(first <= day <= last for day in days):
            both = "moved" if len(days) == 2 else "changed"
            word = both if before and after else "new" if after else "gone"
            found.setdefault((row.kind, row.name), Counter())[word] += 1
    return found
