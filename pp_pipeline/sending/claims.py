"""Claiming and settling deliveries in the ledger (DESIGN 5): claim, commit, deliver, settle.

A delivery's key is unique per target, and a claim is committed before the provider is called: whoever
else comes finds it taken. A claim that was not settled in time is `unknown`: it may have been delivered,
so it is never tried again by itself. `failed` and `deferred` are taken up again until they are too old.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, case, func, or_, select, update

from pp_pipeline.ledger.schema import batches, deliveries, suppressions
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import in_force
from pp_pipeline.sending.batches import KILL_SWITCH, Batch, DeliveryTarget, is_newest
from pp_pipeline.sending.outlets import Outcome
from pp_pipeline.sending.planned import Planned, PlannedMessage, contact_keys, ledger_columns

MAX_DEFER_DAYS = 3
_AGAIN = ("failed", "deferred")
_LOOKUP_SIZE = 1_000

# conversation, run key, step, occurrence, pass
MessageStep = tuple[Any, ...]


@dataclass(frozen=True)
class Claim:
    """What one sender holds for a while: `items` are its own to deliver, until `lease_until`."""

    token: str
    target: DeliveryTarget
    items: list[Planned]
    lease_until: datetime
    suppressions: frozenset[tuple[str, str]] = frozenset()
    """Of the contacts in it: (contact_key, channel), '' for every channel."""
    sent_before: Mapping[MessageStep, Sequence[date]] = field(default_factory=dict)
    """Due days of messages of the same run key, step, occurrence and pass that went, or may have, under another id."""
    closed_gate: str = ""
    """Why nothing was claimed: `kill_switch`, or `superseded` by a newer version of the batch."""

    def is_suppressed(self, contact_key: str, channel: str) -> bool:
        """Whether a contact of this claim must not be written to on a channel, or told of to a relay."""
        return not self.suppressions.isdisjoint({(contact_key, ""), (contact_key, channel)})


@dataclass(frozen=True)
class Claimer:
    """Claims and settles for one target."""

    ledger: Ledger
    target: DeliveryTarget
    lease: timedelta

    def lapse(self, now: datetime) -> int:
        """Mark what was claimed and not settled in time as `unknown`; how many there were."""
        with self.ledger.writing() as connection:
            lapsed = connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.target == self.target,
                    deliveries.c.state == "claimed",
                    deliveries.c.lease_until < now,
                )
                .values(state="unknown", reason="lease_expired", settled_at=now)
            )
            return lapsed.rowcount

    def claim(self, batch: Batch, items: Sequence[Planned], kind: str, today: date, now: datetime) -> Claim:
        """Claim what nobody has claimed before, and what may be tried again; committed on return.

        `kind` is the kind of message (`commercial`, `transactional`), '' for events and snapshots.
        """
        token = uuid4().hex
        lease_until = now + self.lease
        claim = {"state": "claimed", "claim": token, "claimed_at": now, "lease_until": lease_until}
        keys = [item.key for item in items]
        with self.ledger.writing() as connection:
            if self.ledger.switch_is_on(KILL_SWITCH, connection):
                return Claim(token, self.target, [], lease_until, closed_gate=KILL_SWITCH)
            if not is_newest(connection, batch):
                return Claim(token, self.target, [], lease_until, closed_gate="superseded")
            self.ledger.insert_new(
                connection,
                deliveries,
                [
                    {"target": self.target, "key": item.key, "batch": batch.number, **claim} | ledger_columns(item)
                    for item in sorted(items, key=lambda item: item.key)  # two senders lock in one order
                ],
            )
            self._take_up_again(connection, keys, claim, today, now)
            mine = set(connection.scalars(select(deliveries.c.key).where(deliveries.c.claim == token)))
            held = [item for item in items if item.key in mine]
            found = frozenset(_suppressed(connection, held, kind))
            sent_before = self._sent_before(connection, token, held)
        return Claim(token, self.target, held, lease_until, found, sent_before)

    def settle(self, claim: Claim, outcomes: Mapping[str, Outcome], now: datetime) -> None:
        """Write down what became of the deliveries of a claim.

        A lease that ran out meanwhile made them `unknown`; whoever delivered them knows better. A delivery
        that a person has settled since then stays as it is.
        """
        if not outcomes:
            return
        statement = (
            update(deliveries)
            .where(
                deliveries.c.target == self.target,
                deliveries.c.key == bindparam("settled_key"),
                deliveries.c.claim == claim.token,
                or_(
                    deliveries.c.state == "claimed",
                    (deliveries.c.state == "unknown") & (deliveries.c.reason == "lease_expired"),
                ),
            )
            .values(
                state=bindparam("new_state"),
                reason=bindparam("new_reason"),
                provider_id=bindparam("new_provider_id"),
                settled_at=now,
            )
        )
        with self.ledger.writing() as connection:
            connection.execute(
                statement,
                [
                    {
                        "settled_key": key,
                        "new_state": outcome.state,
                        "new_reason": outcome.reason,
                        "new_provider_id": outcome.provider_id or None,
                    }
                    for key, outcome in sorted(outcomes.items())
                ],
            )

    def finish(self, batch: Batch, keys: Sequence[str], now: datetime) -> bool:
        """Mark the batch as finished if nothing is left to do for any of its keys; whether that is so."""
        with self.ledger.writing() as connection:
            settled = 0
            for start in range(0, len(keys), _LOOKUP_SIZE):
                settled += connection.execute(
                    select(func.count())
                    .select_from(deliveries)
                    .where(
                        deliveries.c.target == self.target,
                        deliveries.c.key.in_(keys[start : start + _LOOKUP_SIZE]),
                        deliveries.c.state.in_(("sent", "skipped", "unknown")),
                    )
                ).scalar_one()
            if settled < len(keys):
                return False
            connection.execute(
                update(batches).where(batches.c.id == batch.number).values(finished_at=now, finished_for=self.target)
            )
            return True

    def _sent_before(
        self, connection: Connection, token: str, items: Sequence[Planned]
    ) -> dict[MessageStep, list[date]]:
        run_keys = sorted({item.run_key for item in items if isinstance(item, PlannedMessage)})
        columns = [deliveries.c[name] for name in ("conversation", "run_key", "step", "occurrence", "pass")]
        found: dict[MessageStep, list[date]] = {}
        for start in range(0, len(run_keys), _LOOKUP_SIZE):
            query = select(*columns, deliveries.c.due_on).where(
                deliveries.c.target == self.target,
                deliveries.c.run_key.in_(run_keys[start : start + _LOOKUP_SIZE]),
                deliveries.c.state.in_(("claimed", "sent", "unknown")),
                deliveries.c.claim != token,
            )
            for *step, due_on in connection.execute(query):
                found.setdefault(tuple(step), []).append(due_on)
        return found

    def _take_up_again(
        self,
        connection: Connection,
        keys: Sequence[str],
        claim: Mapping[str, object],
        today: date,
        now: datetime,
    ) -> None:
        again = (
            deliveries.c.target == self.target,
            deliveries.c.key.in_(keys),
            deliveries.c.state.in_(_AGAIN),
        )
        given_up_before = today - timedelta(days=MAX_DEFER_DAYS)
        reason = case((deliveries.c.reason == "", deliveries.c.state), else_=deliveries.c.reason)
        connection.execute(
            update(deliveries)
            .where(*again, deliveries.c.due_on < given_up_before)
            .values(state="skipped", reason="given_up: " + reason, settled_at=now)
        )
        connection.execute(
            update(deliveries).where(*again).values(**claim, reason="", settled_at=None, provider_id=None)
        )


def _suppressed(connection: Connection, items: Sequence[Planned], kind: str) -> Iterator[tuple[str, str]]:
    """The suppressions of all contacts of these items: (contact_key, channel), '' for every channel."""
    contacts = sorted({contact_key for item in items for contact_key in contact_keys(item)})
    for start in range(0, len(contacts), _LOOKUP_SIZE):
        query = select(suppressions.c.contact_key, suppressions.c.channel).where(
            suppressions.c.contact_key.in_(contacts[start : start + _LOOKUP_SIZE]),
            suppressions.c.kind.in_(("", kind)),
            in_force(),
        )
        yield from ((row.contact_key, row.channel) for row in connection.execute(query))
