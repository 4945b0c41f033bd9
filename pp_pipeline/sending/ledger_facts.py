"""What the ledger knows of those whom one claim is about: read once per claim, in its transaction (DESIGN 5)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from pp_pipeline.ledger.schema import deliveries, suppressions
from pp_pipeline.ledger.suppressions import in_force
from pp_pipeline.portions import portions
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.planned import Planned, PlannedMessage, contact_keys

_LOOKUP_SIZE = 1_000
# May have left the house, or is about to.
GONE_OUT = ("claimed", "sent", "unknown")

# conversation, run key, step, occurrence, pass
MessageStep = tuple[str, str, str, int, int]


@dataclass(frozen=True)
class KnownStep:
    """A delivery of some step of a run, under whatever id."""

    key: str
    state: str
    due_on: date | None
    event_id: str | None


@dataclass(frozen=True)
class Recent:
    """A message that a contact got lately, or may have got; `at` by the clock that caps go by."""

    channel: str
    message_kind: str
    has_offer: bool
    at: datetime


@dataclass
class LedgerFacts:
    """Of the contacts and runs of one claim. What the claim itself lets go is added while it is judged."""

    suppressed: frozenset[tuple[str, str, str]] = frozenset()
    """(contact_key, channel, kind of message), '' for every one."""
    steps: Mapping[MessageStep, Sequence[KnownStep]] = field(default_factory=dict)
    recent: dict[str, list[Recent]] = field(default_factory=dict)
    """By contact key, back to the `since` that was asked for."""
    sent_today: dict[tuple[str, str], int] = field(default_factory=dict)
    """Messages of a merchant on a channel since its midnight; only where a daily ceiling is set."""

    def is_suppressed(self, contact_key: str, channel: str, kind: str = "") -> bool:
        """Whether a contact must not be written to on a channel about a kind; a relay's `kind` is ''."""
        return any((contact_key, one, other) in self.suppressed for one in ("", channel) for other in {"", kind})

    def let_go(self, item: PlannedMessage, message_kind: str, has_offer: bool, moment: datetime) -> None:
        """A message of this claim goes: what follows it in the claim is judged by that."""
        self.recent.setdefault(item.contact_key, []).append(Recent(item.channel, message_kind, has_offer, moment))
        place = (item.merchant, item.channel)
        if place in self.sent_today:
            self.sent_today[place] += 1


def read_facts(
    connection: Connection,
    target: DeliveryTarget,
    items: Sequence[Planned],
    token: str,
    recent_since: datetime | None,
    ceilings: Mapping[tuple[str, str], datetime],
) -> LedgerFacts:
    """The facts for a claim's items.

    Args:
        token: the claim's; its own deliveries are left out.
        recent_since: how far back caps look; None when no merchant has any.
        ceilings: midnight by merchant and channel, where a daily ceiling is set.
    """
    contacts = sorted({contact_key for item in items for contact_key in contact_keys(item)})
    messages = [item for item in items if isinstance(item, PlannedMessage)]
    recent: dict[str, list[Recent]] = {}
    if recent_since is not None:
        writable = sorted({item.contact_key for item in messages})
        recent = _recent(connection, target, writable, token, recent_since)
    return LedgerFacts(
        suppressed=frozenset(_suppressed(connection, contacts)),
        steps=_steps(connection, target, messages, token),
        recent=recent,
        sent_today={
            place: _count_since(connection, target, *place, midnight, token) for place, midnight in ceilings.items()
        },
    )


def _suppressed(connection: Connection, contacts: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for part in portions(contacts, _LOOKUP_SIZE):
        query = select(suppressions.c.contact_key, suppressions.c.channel, suppressions.c.kind).where(
            suppressions.c.contact_key.in_(part), in_force()
        )
        yield from ((row.contact_key, row.channel, row.kind) for row in connection.execute(query))


def _steps(
    connection: Connection, target: DeliveryTarget, messages: Sequence[PlannedMessage], token: str
) -> dict[MessageStep, list[KnownStep]]:
    columns = [deliveries.c[name] for name in ("conversation", "run_key", "step", "occurrence", "pass")]
    found: dict[MessageStep, list[KnownStep]] = {}
    for part in portions(sorted({item.run_key for item in messages}), _LOOKUP_SIZE):
        query = select(
            *columns, deliveries.c.key, deliveries.c.state, deliveries.c.due_on, deliveries.c.event_id
        ).where(deliveries.c.target == target, deliveries.c.run_key.in_(part), deliveries.c.claim != token)
        for *step, key, state, due_on, event_id in connection.execute(query):
            known = KnownStep(key, state, due_on, event_id)
            found.setdefault((step[0], step[1], step[2], step[3], step[4]), []).append(known)
    return found


def _recent(
    connection: Connection, target: DeliveryTarget, contacts: Sequence[str], token: str, since: datetime
) -> dict[str, list[Recent]]:
    found: dict[str, list[Recent]] = {}
    for part in portions(contacts, _LOOKUP_SIZE):
        columns = (deliveries.c.channel, deliveries.c.message_kind, deliveries.c.has_offer, deliveries.c.acted_at)
        query = select(deliveries.c.contact_key, *columns).where(
            deliveries.c.target == target,
            deliveries.c.kind == "message",
            deliveries.c.contact_key.in_(part),
            deliveries.c.state.in_(GONE_OUT),
            deliveries.c.acted_at >= since,
            deliveries.c.claim != token,
        )
        for contact_key, channel, message_kind, has_offer, at in connection.execute(query):
            found.setdefault(contact_key, []).append(Recent(channel, message_kind or "commercial", has_offer, at))
    return found


def _count_since(
    connection: Connection, target: DeliveryTarget, merchant: str, channel: str, midnight: datetime, token: str
) -> int:
    query = (
        select(func.count())
        .select_from(deliveries)
        .where(
            deliveries.c.target == target,
            deliveries.c.merchant == merchant,
            deliveries.c.channel == channel,
            deliveries.c.acted_at >= midnight,
            deliveries.c.state.in_(GONE_OUT),
            deliveries.c.kind == "message",
            deliveries.c.claim != token,
        )
    )
    return connection.execute(query).scalar_one()
