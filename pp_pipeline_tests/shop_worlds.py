"""The files of one busy shop: several random worlds together, as one merchant."""

from datetime import date

from pp_pipeline_tests.drawn_worlds import drawn_worlds
from pp_pipeline_tests.facts_oracle import OrderFile, Row


def shop_files(seed_number: int, first: date, last: date, worlds: int = 12) -> list[OrderFile]:
    """The files dated first..last of that many worlds.

    Order numbers are told apart by the world. Every other world has contacts of its own; the other half share
    theirs, so that orders of one contact meet.
    """
    rows_of: dict[tuple[date, str, str], list[Row]] = {}
    for place, world in enumerate(drawn_worlds(worlds, seed_number)):
        for file in world.files:
            if first <= file.file_date <= last:
                rows = [_row(row, place) for row in file.rows]
                rows_of.setdefault((file.file_date, file.name, file.kind), []).extend(rows)
    return [OrderFile(name, day, tuple(rows), kind) for (day, name, kind), rows in sorted(rows_of.items())]


def _row(row: Row, place: int) -> Row:
    of_the_world = {"order_number": f"{place}-{row['order_number']}"}
    if "email" in row and place % 2 == 0 and "relay" not in row["email"]:
        of_the_world["email"] = row["email"].replace("@", f".{place}@")
    return {**row, **of_the_world}
