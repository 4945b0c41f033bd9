"""Claiming and settling deliveries in the ledger (DESIGN 5): claim, commit, deliver, settle.

A delivery's key is unique per target, and a claim is committed before the provider is called: whoever
else comes finds it taken. In the same transaction it is judged: what must not go now is written down as `skipped`
or `deferred` and never was claimed for anybody to see. Claims about one contact wait for each other, so that two
senders can't each let go what together is too much. A claim that was not settled in time is `unknown`: it may have
been delivered, so it is never tried again by itself. `failed` and `deferred` are taken up again until they are too old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, bindparam, func, or_, select, text, update

from pp_pipeline.ledger.resolving import batches_of, hold_finishing, open_again
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import apply_changes
from pp_pipeline.ledger.switches import KILL_SWITCH, Pauses, read_pauses, switch_is_on
from pp_pipeline.ledger.witness import RESTORED_LEDGER, Mark, Witness
from pp_pipeline.portions import portions
from pp_pipeline.sending.batches import Batch, are_newest
from pp_pipeline.sending.claim import Candidate, Claim, Judge, Judgement, write_claim
from pp_pipeline.sending.gates import PAUSED, DeliveryTarget
from pp_pipeline.sending.guards.run_guards import PAUSE_WHEN
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import Planned, PlannedEvent, PlannedMessage, contact_keys, ledger_columns
from pp_pipeline.sending.releases import finish
from pp_pipeline.sending.unsubscriptions import unsubscriptions

_AGAIN = ("failed", "deferred")
_FINAL = ("sent", "skipped", "unknown")
_LOOKUP_SIZE = 1_000
_WHO = ("contact_key", "run_key")


@dataclass(frozen=True)
class Claimer:
    """Claims and settles for one target."""

    ledger: Ledger
    target: DeliveryTarget
    lease: timedelta
    witness: Witness

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

    def claim(
        self, candidates: Sequence[Candidate], judge: Judge, today: date, now: datetime, moment: datetime
    ) -> Claim:
        """Claim what nobody has claimed before, and what may be tried again; committed on return.

        Args:
            now: the clock of leases.
            moment: the clock of the guards: noon of its day in a rehearsal.
        """
        token = uuid4().hex
        mark = None
        lease_until = now + self.lease
        with self.ledger.writing() as connection:
            self._wait_for_contacts(connection, [each.item for each in candidates])
            held = self._held(connection, candidates)
            asked = {each.item.key: each for each in candidates if each.item.key not in held}
            claim = {"state": "claimed", "claim": token, "claimed_at": now, "lease_until": lease_until}
            claim |= {"acted_at": moment}
            self.ledger.insert_new(
                connection,
                deliveries,
                [
                    {"target": self.target, "key": key, "batch": each.batch.number, "first_tried_on": today, **claim}
                    | {"message_kind": each.message_kind, "has_offer": each.has_offer}
                    | ledger_columns(each.item)
                    for key, each in sorted(asked.items())  # two senders lock in one order
                ],
            )
            self._take_up_again(connection, list(asked.values()), claim, today, now, moment)
            mine = set(connection.scalars(select(deliveries.c.key).where(deliveries.c.claim == token)))
            taken = [each for key, each in asked.items() if key in mine]
            judgement = judge(connection, token, taken, moment) if taken else Judgement()
            if judgement.decided:
                self._settle(connection, judgement.decided, now, moment)
            going = [
                judgement.changed.get(each.item.key, each) for each in taken if each.item.key not in judgement.decided
            ]
            if going:
                mark = Mark(write_claim(connection, token, self.target, len(going), now), token, now)
        return Claim(token, self.target, going, lease_until, judgement.decided, held, mark)

    def settle(self, claim: Claim, outcomes: Mapping[str, Outcome], now: datetime, moment: datetime) -> None:
        """Write down what became of the deliveries of a claim.

        A lease that ran out meanwhile made them `unknown`; whoever delivered them knows better. A delivery
        that a person has settled since then stays as it is. What is to be tried again opens its batch again, which
        another sender may have finished when the lease had run out.
        """
        if not outcomes:
            return
        is_left = any(outcome.state in _AGAIN for outcome in outcomes.values())
        with self.ledger.writing() as connection:
            if is_left:
                hold_finishing(connection)
            self._settle(
                connection,
                outcomes,
                now,
                moment,
                deliveries.c.claim == claim.token,
                or_(
                    deliveries.c.state == "claimed",
                    (deliveries.c.state == "unknown") & (deliveries.c.reason == "lease_expired"),
                ),
            )
            apply_changes(connection, unsubscriptions(claim, outcomes, now))
            if is_left:
                mine = (deliveries.c.claim == claim.token, deliveries.c.state.in_(_AGAIN))
                open_again(connection, batches_of(connection, mine))

    def finish(self, batch: Batch, keys: Sequence[str], now: datetime) -> bool:
        """Mark the batch as finished if nothing is left to do for any of its keys; whether that is so."""
        with self.ledger.writing() as connection:
            hold_finishing(connection)
            settled = 0
            for part in portions(keys, _LOOKUP_SIZE):
                settled += connection.execute(
                    select(func.count())
                    .select_from(deliveries)
                    .where(
                        deliveries.c.target == self.target,
                        deliveries.c.key.in_(part),
                        deliveries.c.state.in_(_FINAL),
                    )
                ).scalar_one()
            if settled < len(keys):
                return False
            finish(connection, [batch.number], self.target, now)
            return True

    def _held(self, connection: Connection, candidates: Sequence[Candidate]) -> dict[str, str]:
        if switch_is_on(self.ledger, KILL_SWITCH, connection):
            return {each.item.key: KILL_SWITCH for each in candidates}
        if self.witness.missing(connection):  # a backup may be put in place in the middle of a sending
            return {each.item.key: RESTORED_LEDGER for each in candidates}
        newest = are_newest(connection, [each.batch for each in candidates])
        pauses = read_pauses(connection)
        held = {}
        for each in candidates:
            if each.batch.number not in newest:
                held[each.item.key] = "superseded"
            elif _is_paused(each.item, pauses):
                held[each.item.key] = PAUSED
        return held

    def _wait_for_contacts(self, connection: Connection, items: Sequence[Planned]) -> None:
        """Claims about the same contacts come one after the other; SQLite has one writer anyway."""
        if self.ledger.is_sqlite:
            return
        contacts = sorted({key for item in items if isinstance(item, PlannedMessage) for key in contact_keys(item)})
        each = "unnest(cast(:contacts as text[])) as contact"
        lock = text(f"select pg_advisory_xact_lock(hashtextextended(contact, 0)) from {each}")
        connection.execute(lock, {"contacts": contacts})

    def _take_up_again(
        self,
        connection: Connection,
        candidates: Sequence[Candidate],
        claim: Mapping[str, object],
        today: date,
        now: datetime,
        moment: datetime,
    ) -> None:
        """Claim what failed or was deferred and may be tried now; what is too old for it is skipped for good.

        A correction may have moved a message since, or given its order to somebody else: it counts from the day on
        which it is due now, and is whose it is now.
        """
        asked = {each.item.key: each for each in candidates}
        columns = ("key", "state", "reason", "due_on", "first_tried_on", "deferred_until")
        open_rows = (
            deliveries.c.target == self.target,
            deliveries.c.key.in_(sorted(asked)),
            deliveries.c.state.in_(_AGAIN),
        )
        given_up, again = [], []
        for row in connection.execute(select(*(deliveries.c[name] for name in columns)).where(*open_rows)):
            candidate = asked[row.key]
            now_said = ledger_columns(candidate.item)
            due_on = max(filter(None, (row.due_on, now_said["due_on"])))
            begun_on = max(filter(None, (due_on, row.first_tried_on)))
            is_paused = row.reason is not None and row.reason.startswith(PAUSE_WHEN)
            most_days = candidate.max_pause_days if is_paused else candidate.max_defer_days
            if begun_on < today - timedelta(days=most_days):
                given_up.append({"again_key": row.key, "new_reason": f"given_up: {row.reason or row.state}"})
            elif row.deferred_until is None or row.deferred_until <= moment:
                who = {f"new_{name}": now_said[name] for name in _WHO}
                again.append({"again_key": row.key, "new_due_on": due_on, **who})
        is_open = or_(*(deliveries.c.state == state for state in _AGAIN))  # `in` can't be said for many rows at once
        statement = update(deliveries).where(
            deliveries.c.target == self.target, deliveries.c.key == bindparam("again_key"), is_open
        )
        if given_up:
            values = {"state": "skipped", "reason": bindparam("new_reason"), "settled_at": now, "deferred_until": None}
            connection.execute(statement.values(**values), sorted(given_up, key=lambda one: one["again_key"]))
        if again:
            fresh = {"reason": "", "settled_at": None, "provider_id": None, "deferred_until": None}
            values = {**claim, **fresh} | {name: bindparam(f"new_{name}") for name in ("due_on", *_WHO)}
            connection.execute(statement.values(**values), sorted(again, key=lambda one: str(one["again_key"])))

    def _settle(
        self, connection: Connection, outcomes: Mapping[str, Outcome], now: datetime, moment: datetime, *where: object
    ) -> None:
        statement = (
            update(deliveries)
            .where(deliveries.c.target == self.target, deliveries.c.key == bindparam("settled_key"), *where)  # type: ignore[arg-type]
            .values(
                state=bindparam("new_state"),
                reason=bindparam("new_reason"),
                provider_id=bindparam("new_provider_id"),
                deferred_until=bindparam("new_deferred_until", type_=deliveries.c.deferred_until.type),
                settled_at=now,
            )
        )
        connection.execute(
            statement,
            [
                {
                    "settled_key": key,
                    "new_state": outcome.state,
                    "new_reason": outcome.reason,
                    "new_provider_id": outcome.provider_id or None,
                    "new_deferred_until": moment + outcome.retry_after if outcome.retry_after else None,
                }
                for key, outcome in sorted(outcomes.items())
            ],
        )


def _is_paused(item: Planned, pauses: Pauses) -> bool:
    match item:
        case PlannedMessage():
            return pauses.holds(item.conversation, item.campaign)
        case PlannedEvent():
            return pauses.holds(item.conversation, item.campaign)
    return False
