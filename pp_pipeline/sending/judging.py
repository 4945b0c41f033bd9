"""Judging what one claim took (DESIGN 5): the guards, asked in order, in the transaction that claims; then coupons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.claim import Candidate, Judgement
from pp_pipeline.sending.couponing import CouponDesk
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.guards import Case, judge_event, judge_message, without_barred
from pp_pipeline.sending.guards.recipients import EVERYBODY, Recipients
from pp_pipeline.sending.guards.timing import midnight
from pp_pipeline.sending.ledger_facts import LedgerFacts, read_facts
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import PlannedEvent, PlannedMessage, PlannedSnapshot


@dataclass(frozen=True)
class Bench:
    """Where the guards sit: what they need to know that is not of one claim."""

    conversations: Mapping[str, Conversation]
    merchants: Mapping[str, Merchant]
    target: DeliveryTarget
    recipients: Recipients = EVERYBODY

    def judge(self, connection: Connection, token: str, candidates: Sequence[Candidate], moment: datetime) -> Judgement:
        """What becomes of the candidates of a claim, in their order; what goes counts for those that follow."""
        items = [each.item for each in candidates]
        messages = [item for item in items if isinstance(item, PlannedMessage)]
        ceilings = self._ceilings(messages, moment)
        _wait_for_ceilings(connection, ceilings)
        facts = read_facts(connection, self.target, items, token, self._recent_since(messages, moment), ceilings)
        desk = CouponDesk.open(connection, self.target, items, self.conversations, self.merchants, moment)
        judgement = Judgement()
        for each in candidates:
            if outcome := self._judge(each, facts, moment):
                judgement.decided[each.item.key] = outcome
            elif isinstance(each.item, PlannedMessage):
                served = desk.serve(each.item)
                if isinstance(served, Outcome):
                    judgement.decided[each.item.key] = served
                    continue
                judgement.changed[each.item.key] = replace(each, item=served)
                facts.let_go(each.item, each.message_kind or "", each.has_offer, moment)
            elif isinstance(each.item, PlannedSnapshot):
                judgement.changed[each.item.key] = replace(each, item=without_barred(each.item, facts, self.recipients))
        desk.close(connection, moment)
        return judgement

    def _judge(self, candidate: Candidate, facts: LedgerFacts, moment: datetime) -> Outcome | None:
        match candidate.item:
            case PlannedMessage() as item:
                conversation = self.conversations[item.conversation]
                merchant = self.merchants[item.merchant]
                return judge_message(
                    Case(item, conversation, merchant, facts, moment, candidate.has_offer, self.recipients)
                )
            case PlannedEvent() as item:
                return judge_event(item, facts, self.recipients)
        return None

    def _recent_since(self, messages: Sequence[PlannedMessage], moment: datetime) -> datetime | None:
        """How far back the caps of these merchants look; None where there are none, and nothing has to be read."""
        merchants = {item.merchant for item in messages}
        windows = [window for each in merchants if (window := self.merchants[each].sending.looks_back)]
        return moment - max(windows) if windows else None

    def _ceilings(self, messages: Sequence[PlannedMessage], moment: datetime) -> dict[tuple[str, str], datetime]:
        """By merchant and channel with a daily ceiling: when the merchant's day began."""
        places = {(item.merchant, item.channel) for item in messages}
        return {
            (merchant, channel): midnight(self.merchants[merchant], moment)
            for merchant, channel in sorted(places)
            if channel in self.merchants[merchant].sending.daily_ceiling
        }


def _wait_for_ceilings(connection: Connection, ceilings: Mapping[tuple[str, str], datetime]) -> None:
    """One claim at a time counts and fills a ceiling, in the order of the names; SQLite has one writer anyway."""
    if connection.dialect.name != "postgresql":
        return
    for merchant, channel in ceilings:
        lock = text("select pg_advisory_xact_lock(hashtextextended(:place, 1))")
        connection.execute(lock, {"place": f"{merchant} {channel}"})
