"""Proofs: a message with a sample order, sent to people of the shop, never to a shopper and never about one.

`pp send-test` sends one to an address; a merchant's seed addresses get one for each step and day that was sent, so that
somebody sees what arrives. They stand in the ledger as what they are (kind `test` or `seed`); no cap counts them.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import uuid4

from sqlalchemy import select, update

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.guards.recipients import Recipients
from pp_pipeline.sending.outlets import Channel, Outcome, OutletBroken
from pp_pipeline.sending.planned import Order, OrderLine, PlannedMessage
from pp_pipeline.sending.render import Renderer, RenderError
from pp_pipeline.settings import utc_now

NOT_ON_ALLOW_LIST = "not_on_allow_list"
MARK = "[test] "
_LEASE = timedelta(minutes=10)


def sample_message(
    conversation: Conversation, merchant: Merchant, secret: bytes, email: str, day: date
) -> PlannedMessage:
    """The conversation's message about an order that nobody made."""
    lines = (
        OrderLine("SAMPLE-1", "Notebook, lined", "Paper", 2, 695),
        OrderLine("SAMPLE-2", "Desk lamp", "Furnishings", 1, 4_900),
    )
    order = Order(
        number="SAMPLE",
        date=day - timedelta(days=7),
        ship_date=day - timedelta(days=5),
        status="shipped",
        total_cents=sum(line.quantity * line.unit_price_cents for line in lines),
        currency=merchant.currency,
        attributes={"first_name": "Alex"},
        lines=lines,
    )
    return PlannedMessage(
        key=hashlib.sha256(f"{conversation.conversation}\n{day}\n{email}".encode()).hexdigest()[:32],
        merchant=merchant.merchant,
        contact_key=contact_key(secret, merchant.merchant, email),
        email=email,
        run_key="",
        conversation=conversation.conversation,
        step=conversation.step,
        occurrence=1,
        pass_number=1,
        channel=conversation.message.channel,
        template=conversation.message.template,
        event_id="",
        order_number=None,
        due_on=day,
        order=order,
    )


@dataclass(frozen=True)
class Proofs:
    """Sends proofs over one channel: claimed, delivered, settled like any other delivery."""

    ledger: Ledger
    renderer: Renderer
    channel: Channel
    recipients: Recipients

    def send_test(self, conversation: Conversation, merchant: Merchant, email: str, day: date) -> Outcome:
        """A proof to an address, as often as somebody asks."""
        outcome = self._send("test", f"test:{uuid4().hex}", self._sample(conversation, merchant, email, day))
        assert outcome is not None, "its key is new"
        return outcome

    def send_seeds(self, conversation: Conversation, merchant: Merchant, day: date) -> None:
        """A proof of a day to each seed address of the merchant, once."""
        for email in merchant.sending.seeds:
            message = self._sample(conversation, merchant, email, day)
            name = (conversation.conversation, conversation.step, merchant.merchant, f"{day}", message.contact_key)
            self._send("seed", ":".join(("seed", *name)), message)

    def _sample(self, conversation: Conversation, merchant: Merchant, email: str, day: date) -> PlannedMessage:
        return sample_message(conversation, merchant, self.renderer.secret, email, day)

    def _send(self, kind: str, key: str, message: PlannedMessage) -> Outcome | None:
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
        outcome = self._deliver(message)
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

    def _deliver(self, message: PlannedMessage) -> Outcome:
        if not self.recipients.include(message.email):
            return Outcome("skipped", NOT_ON_ALLOW_LIST)
        try:
            draft = self.renderer.render(message)
        except RenderError as error:
            return Outcome("skipped", str(error))
        try:
            return next(self.channel.deliver([replace(draft, subject=MARK + draft.subject)]))
        except OutletBroken as broken:
            return Outcome("failed", str(broken))
        except Exception as error:  # whatever an outlet does, the ledger knows that nobody knows
            return Outcome("unknown", f"outlet: {type(error).__name__}")
