"""What can come about in a case, in words: the measure of what the random worlds reach."""

from collections.abc import Iterable

from pp_pipeline_tests.cases import Case, sorted_book
from pp_pipeline_tests.queue_oracle import Movement, QueueOracle

EVERYTHING_THAT_CAN_HAPPEN = {
    "nothing",
    "waits by order_date",
    "waits by ship_date",
    "waits by status_change",
    "waits by delivered_date",
    "waits by transit",
    "entered",
    "entered from before active_from",
    "entered before its basis date",
    "entered again after canceled",
    "entered again after withdrawn",
    "entered again after superseded",
    "moved",
    "moved to another due date",
    "moved to another contact",
    "left canceled",
    "left withdrawn",
    "left superseded",
    "left expired",
    "left filtered",
    "left released",
    "expired after a hold",
    "expired with wait 0",
    "released after a hold",
    "released with wait 0",
    "released late",
    "released on the day of entering",
    "released on the day of a move",
    "left after a change of the basis source alone",
}


def happenings(case: Case) -> set[str]:
    """What comes about in the oracle's book of a case, in words of `EVERYTHING_THAT_CAN_HAPPEN`."""
    oracle = case.oracle()
    words: set[str] = set()
    for rows in by_order(oracle.movements(case.days[1])):
        for before, row in zip([None, *rows], rows, strict=False):
            words |= {f"waits by {row.basis_source}", " ".join([row.movement, row.reason or ""]).strip()}
            if before is None or row.movement == "entered":
                words |= _of_entering(oracle, before, row)
            elif row.movement == "moved":
                words |= {"moved to another due date"} if before.due_on != row.due_on else set()
                words |= {"moved to another contact"} if before.email != row.email else set()
            else:
                words |= _of_leaving(oracle, before, row)
    return words or {"nothing"}


def by_order(book: Iterable[Movement]) -> list[list[Movement]]:
    """The rows of each order, in the order of happening."""
    rows_of: dict[str, list[Movement]] = {}
    for row in sorted_book(book):
        rows_of.setdefault(row.order_number, []).append(row)
    return list(rows_of.values())


def _of_entering(oracle: QueueOracle, before: Movement | None, row: Movement) -> set[str]:
    words = {f"entered again after {before.reason}"} if before else set()
    if row.basis_date < oracle.campaign.active_from:
        words.add("entered from before active_from")
    if row.basis_date > row.movement_on:
        words.add("entered before its basis date")
    return words


def _of_leaving(oracle: QueueOracle, before: Movement, row: Movement) -> set[str]:
    words: set[str] = set()
    was_held = any(
        known.on <= row.movement_on and known.version.fields.status in oracle.campaign.hold_statuses
        for known in oracle.orders.history[row.order_number]
    )
    if row.reason in ("expired", "released"):
        words |= {f"{row.reason} with wait 0"} if oracle.campaign.wait_days == 0 else set()
        words |= {f"{row.reason} after a hold"} if was_held and row.movement_on > row.due_on else set()
    if row.reason == "released":
        words |= {"released late"} if row.movement_on > row.due_on else set()
        if before.movement_on == row.movement_on:
            words.add("released on the day of " + ("a move" if before.movement == "moved" else "entering"))
    if before.basis_source != row.basis_source:
        words.add("left after a change of the basis source alone")
    return words
