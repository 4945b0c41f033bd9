"""A claim: what a sender asks for, what is judged of it, and what it then holds (DESIGN 5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, text

from pp_pipeline.ledger.schema import claims
from pp_pipeline.ledger.witness import Mark
from pp_pipeline.sending.batches import Batch
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import Planned

_CLAIM_ORDER_LOCK = 7_202_612


@dataclass(frozen=True)
class Candidate:
    """Something that a batch wants delivered. What has a default is of messages."""

    batch: Batch
    item: Planned
    message_kind: str | None = None
    has_offer: bool = False
    max_defer_days: int = 3
    max_pause_days: int = 14


@dataclass(frozen=True)
class Claim:
    """What one sender holds for a while: `candidates` are its own to deliver, until `lease_until`."""

    token: str
    target: DeliveryTarget
    candidates: Sequence[Candidate]
    lease_until: datetime
    decided: Mapping[str, Outcome] = field(default_factory=dict)
    """What was skipped or deferred at once, by key."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Candidates that a closed gate holds, by key: `kill_switch`, `restored_ledger`, `superseded`, `paused`. The
    ledger has no row."""
    mark: Mark | None = None
    """The claim as the witness knows it; None where nothing is to be delivered."""


@dataclass(frozen=True)
class Judgement:
    """What becomes of what a claim took, by key: what must not go now, and what goes otherwise than it was planned
    (a snapshot without some members, a message with its coupon)."""

    decided: dict[str, Outcome] = field(default_factory=dict)
    changed: dict[str, Candidate] = field(default_factory=dict)


# Judges what a claim of some token took, at a moment, in the claim's transaction.
Judge = Callable[[Connection, str, Sequence[Candidate], datetime], Judgement]


def write_claim(connection: Connection, token: str, target: DeliveryTarget, delivery_count: int, now: datetime) -> int:
    """Write a claim's row, in the caller's transaction; its number.

    Numbers are committed in their order, whoever writes them: the witness keeps the largest, and a backup that holds
    it must hold those before it.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(text(f"select pg_advisory_xact_lock({_CLAIM_ORDER_LOCK})"))
    values = {"token": token, "target": target, "claimed_at": now, "delivery_count": delivery_count}
    return connection.execute(insert(claims).values(**values)).inserted_primary_key[0]  # type: ignore[index]
