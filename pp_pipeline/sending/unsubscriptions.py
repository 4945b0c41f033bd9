"""Whom a provider refuses as unsubscribed: it was told, and we were not. The ledger keeps it (DESIGN 5)."""

from collections.abc import Mapping
from datetime import datetime

from pp_pipeline.ledger.suppressions import UNSUBSCRIBED, Suppress
from pp_pipeline.sending.claim import Claim
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import PlannedMessage, contact_keys


def unsubscriptions(claim: Claim, outcomes: Mapping[str, Outcome], now: datetime) -> list[Suppress]:
    """What outcomes, by key, say of contacts and numbers: no more advertising by that channel, as when they say so
    themselves."""
    refused = {key for key, outcome in outcomes.items() if outcome.reason == UNSUBSCRIBED}
    messages = [each.item for each in claim.candidates if each.item.key in refused]
    return [
        Suppress(key, message.channel, "commercial", UNSUBSCRIBED, now, "feedback")
        for message in messages
        if isinstance(message, PlannedMessage)
        for key in contact_keys(message)
    ]
