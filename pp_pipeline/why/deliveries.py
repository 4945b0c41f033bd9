"""What the ledger knows of orders and contacts: deliveries, the batches that hold the rest, suppressions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from pp_pipeline.contact_keys import contact_secret, phone_key
from pp_pipeline.ledger.schema import batches, deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.portions import portions
from pp_pipeline.sending.batches import Batch, BatchState, batch_states
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.settings import Settings
from pp_pipeline.why.entries import Outgoing
from pp_pipeline.why.ledger_entries import moment
from pp_pipeline.why.reasons import about_reason
from pp_pipeline.why.story import Suppression

_CHUNK = 1_000
_STATES = {
    "claimed": "is being sent since",
    "failed": "failed, and is tried again at the next sending",
    "deferred": "deferred, and is tried again at the next sending",
    "unknown": "may have gone or not: it is not tried again by itself",
    "skipped": "skipped",
}


@dataclass(frozen=True)
class Planned:
    """A message, or an event for a relay, as the warehouse plans it."""

    batch: BatchId
    key: str
    kind: str
    name: str
    contact_key: str
    event_id: str
    order_number: str | None
    step: str | None = None

    @property
    def on(self) -> date:
        """The day whose plan wants it."""
        return self.batch.day


@dataclass(frozen=True)
class DeliveryTeller:
    """Holds plan and ledger against each other, for the deliveries of one merchant."""

    settings: Settings
    ledger: Ledger
    merchant: str

    def rows(self, order_numbers: Iterable[str], contact_keys: Iterable[str]) -> list[Row[Any]]:
        """The ledger's deliveries about these orders, or to these contacts, oldest first."""
        found: dict[int, Row[Any]] = {}
        with self.ledger.reading() as connection:
            asked = ((deliveries.c.order_number, order_numbers), (deliveries.c.contact_key, contact_keys))
            for column, values in asked:
                for part in portions(sorted(values), _CHUNK):
                    query = (
                        select(deliveries, batches.c.hash.label("batch_hash"))
                        .join(batches, deliveries.c.batch == batches.c.id, isouter=True)
                        .where(deliveries.c.merchant == self.merchant, column.in_(part))
                    )
                    found |= {row.id: row for row in connection.execute(query)}
        return [found[number] for number in sorted(found)]

    def outgoing(self, planned: Sequence[Planned], known: Sequence[Row[Any]], today: date) -> list[Outgoing]:
        """Everything planned with what became of it, and what the ledger holds beyond the plan.

        A rehearsal of what is to go live is told beside how that stands; what went live is told alone, also where
        this process is not in live mode.
        """
        gates = Gates(self.settings, self.ledger)
        by_key: dict[str, dict[str, Row[Any]]] = {}
        for row in known:
            by_key.setdefault(row.key, {})[row.target] = row
        asked = {one.key: one for one in planned}
        targets = {key: gates.target(one.batch) for key, one in asked.items()}
        held = {key for key in asked if not by_key.get(key, {}).keys() & {targets[key], "live"}}
        states: dict[BatchId, tuple[Batch, BatchState]] = {}
        if held:
            open_days = [asked[key].on for key in held]
            found = batch_states(self.ledger, self.settings, min(open_days), max(open_days), today)
            states = {batch.id: (batch, state) for batch, state in found}
        told = []
        for key, one in asked.items():
            told += [self._delivered(row, one) for _, row in sorted(by_key.get(key, {}).items(), reverse=True)]
            if key in held:
                told.append(_held(one, states.get(one.batch), targets[key], gates.pauses.origins))
        told += [self._delivered(row, None) for row in known if row.key not in asked]
        return told

    def suppressions(self, contact_key: str, phone: str) -> list[Suppression]:
        """Why a contact is not written to, by itself and by its phone number ('' is none)."""
        keys = {contact_key: False}
        if phone and (self.settings.secret or self.settings.secret_file.exists()):  # asking for it would make one
            keys[phone_key(contact_secret(self.settings), self.merchant, phone)] = True
        return [
            Suppression(one.channel, one.kind, one.reason, one.since, of_number)
            for key, of_number in keys.items()
            for one in suppressions_in_force(self.ledger, key)
        ]

    def _delivered(self, row: Row[Any], planned: Planned | None) -> Outgoing:
        name = planned.name if planned else _ledger_name(row)
        file = self._outbox_file(row)
        if row.state == "sent":
            words = f"sent {moment(row.settled_at)}"
        elif row.state == "claimed":
            words = f"{_STATES['claimed']} {moment(row.claimed_at)}"
        else:
            words = _STATES.get(row.state) or str(row.state)
        words += f" ({row.target})" if row.target == "rehearsal" or not self.settings.live else ""
        words += f", {row.reason}{about_reason(row.reason)}" if row.reason else ""
        if row.deferred_until is not None:
            words += f", not before {moment(row.deferred_until)}"
        if row.first_tried_on and row.acted_at and row.first_tried_on < row.acted_at.date():
            words += f", first tried on {row.first_tried_on}"
        words += f", batch {row.batch_hash[:8]}" if row.batch_hash else ""
        words += f", {file}" if file else ""
        words += "" if planned else "; no longer planned"
        return Outgoing(
            on=row.due_on or row.claimed_at.date(),
            text=f"{name}: {words}",
            contact_key=row.contact_key,
            kind=row.kind,
            name=name,
            key=row.key,
            event_id=row.event_id,
            is_planned=planned is not None,
            state=row.state,
            reason=row.reason,
            target=row.target,
            settled_at=row.settled_at,
            batch=row.batch_hash,
            outbox_file=file,
            conversation=row.conversation,
            step=row.step,
            acted_at=row.acted_at,
        )

    def _outbox_file(self, row: Row[Any]) -> str | None:
        """Where the outbox has it, from the home on; None where it is elsewhere, or was cleared away."""
        prefix, _, name = (row.provider_id or "").partition(":")
        if prefix != "outbox" or row.due_on is None:
            return None
        is_message = row.kind == "message"
        folder = Path("messages", row.due_on.isoformat()) if is_message else Path("events", row.channel or "")
        path = self.settings.outbox / folder / name
        return str(path.relative_to(self.settings.home)) if path.exists() else None


def _held(planned: Planned, standing: tuple[Batch, BatchState] | None, target: str, paused: frozenset[str]) -> Outgoing:
    """Something planned that the ledger does not know: how its batch stands."""
    batch, state = standing if standing else (None, None)
    if batch is None or state is None:
        word, words = "not_sealed", "not sent, its day was not sealed yet: `pp run` seals it"
    else:
        word, short = state.state, batch.hash[:8]
        words = {
            "waiting": f"not sent, batch {short} waits for approval ({state.reason})",
            "ready": f"not sent yet, batch {short} goes at the next sending",
            "blocked": f"not sent, batch {short} is blocked ({state.reason.replace('_', ' ')})",
            "sent": f"not sent, batch {short} went without it: `pp run` seals its day anew",
        }[state.state]
        if state.state == "ready" and (names := sorted(paused & batch.campaigns)):
            words += f", but for what comes from what is paused ({', '.join(names)})"
    return Outgoing(
        on=planned.on,
        text=f"{planned.name}: {words}",
        contact_key=planned.contact_key,
        kind=planned.kind,
        name=planned.name,
        key=planned.key,
        event_id=planned.event_id,
        is_planned=True,
        state="not_sealed" if word == "sent" else word,
        reason=state.reason if state else "",
        target=target,
        batch=batch.hash if batch else None,
        conversation=planned.batch.name if planned.kind == "message" else None,
        step=planned.step,
    )


def _ledger_name(row: Row[Any]) -> str:
    if row.kind == "message":
        return f"message {row.conversation}/{row.step} by {row.channel}"
    return f"event to {row.channel}"
