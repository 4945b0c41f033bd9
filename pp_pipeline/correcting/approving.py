"""A person's word about batches that wait: what goes, and what is never to go (DESIGN 5 and 7).

All rows of a batch are due on its day. So a cut-off divides batches, not rows: those of earlier days are
marked never to be sent, the others are approved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import select

from pp_pipeline.correcting.listing import Listing, list_rows
from pp_pipeline.correcting.never import mark_never
from pp_pipeline.ledger.schema import batches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant, load_merchants
from pp_pipeline.sending.adoptable import Wanted, pages
from pp_pipeline.sending.adopting import PAGE_ROWS
from pp_pipeline.sending.batches import Batch, BatchState, are_newest
from pp_pipeline.sending.plan import BatchId, planned_batches
from pp_pipeline.sending.planned import Planned
from pp_pipeline.sending.releases import ApprovalError, approve
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline.warehouse import Connection, Warehouse

Standing = tuple[Batch, BatchState]

_SHORTEST_PREFIX = 4


@dataclass(frozen=True)
class Decision:
    """What a person's word comes to: batches to approve, batches of which nothing more is to be sent, and those that
    need neither."""

    approved: Sequence[Standing]
    never: Sequence[Standing]
    nothing_to_do: Sequence[Standing] = ()

    @property
    def all(self) -> list[Standing]:
        """The batches of which something becomes."""
        return sorted([*self.approved, *self.never], key=lambda one: one[0].id)


@dataclass(frozen=True)
class Done:
    """What was written: the approved batches, and how many deliveries are never to be sent."""

    approved: Sequence[Batch]
    never_count: int


def decide(named: Sequence[Standing], due_from: date | None = None, never: bool = False) -> Decision:
    """What becomes of the batches that are named.

    Args:
        due_from: the cut-off: what is due earlier is never sent.
        never: nothing of them is ever sent.
    """
    approved, stopped, nothing = [], [], []
    for batch, state in named:
        if never or (due_from is not None and batch.day < due_from):
            chosen = nothing if state.state == "sent" else stopped
        else:
            may_be_approved = batch.release.approved_at is None and state.state in ("waiting", "blocked")
            chosen = approved if may_be_approved else nothing
        chosen.append((batch, state))
    return Decision(approved, stopped, nothing)


def carry_out(settings: Settings, ledger: Ledger, decision: Decision, by: str, today: date) -> Done:
    """Write a decision into the ledger. Nothing is sent by it.

    Raises:
        ApprovalError: one of the batches is no longer what is planned, so nothing of the decision is written; or it
            changed in this very moment, and what was decided of the batches before it is written.
    """
    merchants = load_merchants(settings) if decision.never else {}
    _check_unchanged(settings, ledger, merchants, decision)
    never_count = 0
    for day, batches_of_day in groupby((batch for batch, _ in decision.never), key=lambda batch: batch.day):
        of_day = {batch.id: batch for batch in batches_of_day}
        items: dict[BatchId, list[Planned]] = {identity: [] for identity in of_day}
        with Warehouse(settings).connect() as connection:
            _check_planned(connection, merchants, list(of_day.values()))
            for page in pages(connection, Wanted(day, day), merchants, PAGE_ROWS):
                for identity, item in page:
                    if identity in items:
                        items[identity].append(item)
        for identity, batch in of_day.items():
            never_count += mark_never(ledger, batch, items[identity], by, today, utc_now())
    return Done([approve(ledger, settings, batch.hash, by) for batch, _ in decision.approved], never_count)


def _check_unchanged(settings: Settings, ledger: Ledger, merchants: Mapping[str, Merchant], decision: Decision) -> None:
    """Refuse a decision as a whole, rather than in the middle of it."""
    some = [batch for batch, _ in decision.all]
    with ledger.reading() as reading:
        newest = are_newest(reading, some)
    for batch in some:
        if batch.number not in newest:
            raise ApprovalError(f"{batch} is no longer what is planned: look at the newest version first")
    if decision.never:
        with Warehouse(settings).connect() as connection:
            _check_planned(connection, merchants, [batch for batch, _ in decision.never])


def _check_planned(connection: Connection, merchants: Mapping[str, Merchant], some: Sequence[Batch]) -> None:
    days = sorted({batch.day for batch in some})
    hashes = {each.id: each.hash for each in planned_batches(connection, days[0], days[-1], merchants, days)}
    for batch in some:
        if hashes.get(batch.id) != batch.hash:
            raise ApprovalError(f"the plan of {batch} is no longer what was sealed: run its day (`pp run`) first")


def listing_of(settings: Settings, ledger: Ledger, decision: Decision) -> Listing:
    """The rows that a decision is about, with what they differ in from the ledger; none where nothing is built."""
    if not settings.has_warehouse:
        return Listing([], frozenset())
    merchants = load_merchants(settings)
    with Warehouse(settings).connect() as connection:
        return list_rows(ledger, connection, settings, merchants, [batch for batch, _ in decision.all])


def named_batches(ledger: Ledger, known: Sequence[Standing], hashes: Sequence[str]) -> list[Standing]:
    """The batches that the hashes name, each once; every one of them is clear before any is approved.

    Raises:
        ApprovalError: a hash names none, more than one, or a version that is no longer the newest.
    """
    found: dict[int, Standing] = {}
    for given in hashes:
        prefix = given.strip().lower()
        if len(prefix) < _SHORTEST_PREFIX or not set(prefix) <= set("0123456789abcdef"):
            raise ApprovalError(f"'{given}' is no batch hash; give at least its first {_SHORTEST_PREFIX} characters")
        matches = [one for one in known if one[0].hash.startswith(prefix)]
        if len(matches) > 1:
            raise ApprovalError(f"{len(matches)} batches have a hash that begins with '{prefix}'; give more of it")
        if not matches:
            raise ApprovalError(_why_unknown(ledger, known, prefix))
        found[matches[0][0].number] = matches[0]
    return sorted(found.values(), key=lambda one: one[0].id)


def _why_unknown(ledger: Ledger, known: Sequence[Standing], prefix: str) -> str:
    with ledger.reading() as connection:
        query = select(batches).where(batches.c.hash.startswith(prefix)).order_by(batches.c.id.desc()).limit(1)
        old = connection.execute(query).first()
    if old is None:
        return f"no batch has a hash that begins with '{prefix}'; `pp batches --waiting` lists them"
    identity = BatchId(old.day, old.kind, old.name, old.merchant)
    newest = next(batch for batch, _ in known if batch.id == identity)
    rows = f"{newest.row_count} {'row' if newest.row_count == 1 else 'rows'}"
    return (
        f"'{prefix}' is version {old.version} of {newest.id}, and no longer what is planned: approve version "
        f"{newest.version}, {newest.hash[:12]}, with {rows}, {newest.new_count} of them new"
    )
