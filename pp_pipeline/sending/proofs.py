"""Proofs: a message with a sample order, sent to people of the shop, never to a shopper and never about one.

`pp send-test` sends one to an address; a merchant's seed addresses get one for each step and day that was sent, so that
somebody sees what arrives. They stand in the ledger as what they are (kind `test` or `seed`); no cap counts them.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update

from pp_pipeline.conversations.wordings import Wording
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.render import Renderer, RenderError
from pp_pipeline.messages.sms import segments
from pp_pipeline.sending.guards.recipients import Recipients
from pp_pipeline.sending.outlets.outlet import Channel, Draft, EmailDraft, Outcome, OutletBroken
from pp_pipeline.sending.planned import PlannedMessage
from pp_pipeline.sending.samples import sample_message
from pp_pipeline.settings import utc_now

NOT_ON_ALLOW_LIST = "not_on_allow_list"
SUPPRESSED = "suppressed"
MARK = "[test] "
_LEASE = timedelta(minutes=10)


def _marked(draft: Draft) -> Draft:
    """The draft, saying that it is a test."""
    if isinstance(draft, EmailDraft):
        return replace(draft, subject=MARK + draft.subject)
    return replace(draft, text=MARK + draft.text, segments=segments(MARK + draft.text))


def is_suppressed(ledger: Ledger, key: str, channel: str, kind: str) -> bool:
    """Whether a contact is not to be written to on a channel about this kind of matter, or was forgotten."""
    found = suppressions_in_force(ledger, key)
    return any(one.channel in {"", channel} and one.kind in {"", kind} for one in found)


@dataclass(frozen=True)
class Proofs:
    """Sends proofs over one channel: claimed, delivered, settled like any other delivery."""

    ledger: Ledger
    renderer: Renderer
    channel: Channel[Any]
    recipients: Recipients

    def send_test(self, wording: Wording, merchant: Merchant, to: str, day: date) -> Outcome:
        """A proof to an address or number, as often as somebody asks."""
        key = uuid4().hex  # of the message too: a mail program shows two of one Message-ID once
        message = sample_message(wording, merchant, self.renderer.secret, to, day, key)
        outcome = self._send("test", f"test:{key}", message, wording.conversation.kind)
        assert outcome is not None, "its key is new"
        return outcome

    def send_seeds(self, wording: Wording, merchant: Merchant, day: date) -> None:
        """A proof of a step and day to each seed of the merchant whom its channel reaches, once."""
        for seed in merchant.sending.seeds:
            if seed.startswith("+") != (wording.channel == "sms"):
                continue
            name = (wording.conversation.conversation, wording.step, merchant.merchant, f"{day}")
            key = hashlib.sha256("\n".join((*name, seed)).encode()).hexdigest()[:32]
            message = sample_message(wording, merchant, self.renderer.secret, seed, day, key)
            self._send("seed", ":".join(("seed", *name, message.contact_key)), message, wording.conversation.kind)

    def _send(self, kind: str, key: str, message: PlannedMessage, message_kind: str) -> Outcome | None:
        """Send a proof; None where one of this key was sent before."""
        now = utc_now()
        token = uuid4().hex
        row = {
            "target": self.channel.target,
            "key": key,
            "kind": kind,
            "state": "claimed",
            "claim": token,
            "merchant": message.merchant,
            "contact_key": message.contact_key,
            "conversation": message.conversation,
            "step": message.step,
            "channel": message.channel,
            "due_on": message.due_on,
            "claimed_at": now,
            "lease_until": now + _LEASE,
        }
        with self.ledger.writing() as connection:
            self.ledger.insert_new(connection, deliveries, [row])
            if connection.scalar(select(deliveries.c.id).where(deliveries.c.claim == token)) is None:
                return None
        outcome = self._deliver(message, message_kind)
        with self.ledger.writing() as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.claim == token)
                .values(
                    state=outcome.state,
                    reason=outcome.reason,
                    provider_id=outcome.provider_id or None,
                    settled_at=utc_now(),
                )
            )
        return outcome

    def _deliver(self, message: PlannedMessage, message_kind: str) -> Outcome:
        if is_suppressed(self.ledger, message.contact_key, message.channel, message_kind):
            return Outcome("skipped", SUPPRESSED)
        if not self.recipients.include(message.recipient):
            return Outcome("skipped", NOT_ON_ALLOW_LIST)
        try:
            draft = self.renderer.render(message)
        except RenderError as error:
            return Outcome("skipped", str(error))
        try:
            return next(self.channel.deliver([_marked(draft)]))
        except OutletBroken as broken:
            return Outcome("failed", str(broken))
        except Exception as error:  # whatever an outlet does, the ledger knows that nobody knows
            return Outcome("unknown", f"outlet: {type(error).__name__}")
