"""What contacts say for themselves: no more of this, more of this, and how they want to be told.

Only what a contact unsubscribed from can be taken back here. Complaints, addresses that can't be reached, what the
shop said and what was erased stay. Messages about orders can be stopped, too, by channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from pp_pipeline.landing.cell_types import CHANNELS, MESSAGE_KINDS
from pp_pipeline.ledger.suppressions import (
    UNSUBSCRIBED,
    Lift,
    Suppress,
    Suppression,
    last_lift,
    moment_after,
    suppressions_in_force,
)
from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.intake import Intake, LedgerBusy
from pp_pipeline.serving.rows import FeedbackRow, id_of

NOTIFICATION_PREFERENCES = ("email", "sms", "both")
Choice = tuple[str, str]
"""A channel and a kind of message."""
CHOICES: tuple[Choice, ...] = tuple((channel, kind) for kind in MESSAGE_KINDS for channel in CHANNELS)
_COMMERCIAL = "commercial"
_TRACE = timedelta(microseconds=1)


@dataclass(frozen=True)
class Standing:
    """How a contact stands: the facts in force, and when something may next be said of it so that it counts."""

    contact_key: str
    facts: tuple[Suppression, ...]
    lifted_at: datetime | None
    next_moment: datetime

    def reasons(self, channel: str, kind: str) -> set[str]:
        """Why the contact gets nothing of a kind by a channel; empty where it does."""
        return {fact.reason for fact in self.facts if _covers(fact, channel, kind)}


def standing_of(intake: Intake, contact_key: str) -> Standing:
    """How a contact stands now.

    Raises:
        LedgerBusy: the ledger can't be read.
    """
    try:
        facts = tuple(suppressions_in_force(intake.ledger, contact_key))
        with intake.ledger.reading() as connection:
            lifted_at = last_lift(connection, contact_key)
            return Standing(contact_key, facts, lifted_at, moment_after(connection, contact_key, intake.now()))
    except SQLAlchemyError as error:
        raise LedgerBusy(type(error).__name__) from None


def unsubscribe(intake: Intake, merchant: Merchant, contact_keys: Sequence[str], channel: str) -> None:
    """No more advertising by a channel. Said again it changes nothing, and writes nothing.

    Raises:
        LedgerBusy: as `Intake.take`.
    """
    rows = []
    for key in contact_keys:
        standing = standing_of(intake, key)
        if UNSUBSCRIBED not in standing.reasons(channel, _COMMERCIAL):
            rows.append(_unsubscription(standing, merchant, channel))
    if rows:
        intake.take(merchant, rows)


def resubscribe(intake: Intake, merchant: Merchant, contact_keys: Sequence[str], channel: str) -> None:
    """Takes back that a contact unsubscribed from a channel's advertising; all else that stands against it stays.

    Raises:
        LedgerBusy: as `Intake.take`.
    """
    for key in contact_keys:
        set_preferences(intake, merchant, key, {(channel, _COMMERCIAL): True}, "")


def set_preferences(
    intake: Intake, merchant: Merchant, contact_key: str, wanted: dict[Choice, bool], notification: str
) -> None:
    """What a contact chose: which kinds by which channel (others stay as they are), and how it wants to be told ('': as
    is).

    Raises:
        LedgerBusy: as `Intake.take`.
    """
    standing = standing_of(intake, contact_key)
    stopped = {choice for choice in CHOICES if UNSUBSCRIBED in standing.reasons(*choice)}
    wished = {choice for choice, is_wanted in wanted.items() if is_wanted} & stopped
    unwanted = {choice for choice, is_wanted in wanted.items() if not is_wanted} - stopped
    rows = [_unsubscription(standing, merchant, channel) for channel, kind in sorted(unwanted) if kind == _COMMERCIAL]
    orders = sorted(channel for channel, kind in unwanted if kind != _COMMERCIAL)
    rows += [_preference(standing, merchant, f"{channel}_transactional=no") for channel in orders]
    rows += [_preference(standing, merchant, f"{channel}_{kind}=yes") for channel, kind in sorted(wished)]
    if notification:
        rows.append(_preference(standing, merchant, f"notification_preference={notification}"))
    if rows:
        stops = [_stop(standing, channel, "transactional") for channel in orders]
        intake.take(merchant, rows, [*_lifts(standing, wished), *stops])


def _lifts(standing: Standing, wished: set[Choice]) -> list[Lift | Suppress]:
    """Takes back the unsubscriptions that cover what is wished for; what they covered besides is said anew."""
    if not wished:
        return []
    left = {
        choice
        for fact in standing.facts
        for choice in CHOICES
        if fact.reason == UNSUBSCRIBED and _covers(fact, *choice)
    } - wished
    return [
        Lift(standing.contact_key, "", "", standing.next_moment, UNSUBSCRIBED),
        *(_stop(standing, channel, kind) for channel, kind in sorted(left)),
    ]


def _stop(standing: Standing, channel: str, kind: str) -> Suppress:
    # after what is lifted in the same breath
    return Suppress(standing.contact_key, channel, kind, UNSUBSCRIBED, standing.next_moment + _TRACE, "feedback")


def _unsubscription(standing: Standing, merchant: Merchant, channel: str) -> FeedbackRow:
    # of two clicks at once, and of one that a power cut left in the file alone, it is the same; after a lift another
    number = id_of(merchant.merchant, standing.contact_key, channel, UNSUBSCRIBED, str(standing.lifted_at or ""))
    at = standing.next_moment + 2 * _TRACE  # after what `_lifts` says in the same breath
    return FeedbackRow(merchant.merchant, standing.contact_key, UNSUBSCRIBED, at, number, {"channel": channel})


def _preference(standing: Standing, merchant: Merchant, action: str) -> FeedbackRow:
    at = standing.next_moment
    number = id_of(merchant.merchant, standing.contact_key, action, at.isoformat())
    return FeedbackRow(merchant.merchant, standing.contact_key, "preference_set", at, number, {"action": action})


def _covers(fact: Suppression, channel: str, kind: str) -> bool:
    return fact.channel in ("", channel) and fact.kind in ("", kind)
