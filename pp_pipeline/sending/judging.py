"""Judging what one claim took (DESIGN 5): the guards, asked in order, in the transaction that claims; then coupons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.claims import Candidate, Judgement
from pp_pipeline.sending.couponing import CouponDesk
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.guards import Case, judge_event, judge_message, without_suppressed
from pp_pipeline.sending.ledger_facts import LedgerFacts, read_facts
from pp_pipeline.sending.outlets import Outcome
from pp_pipeline.sending.planned import PlannedEvent, PlannedMessage, PlannedSnapshot


@dataclass(frozen=True)
class Bench:
    """Where the guards sit: what they need to know that is not of one claim."""

    conversations: Mapping[str, Conversation]
    merchants: Mapping[str, Merchant]
    target: DeliveryTarget

    def judge(self, connection: Connection, token: str, candidates: Sequence[Candidate], moment: datetime) -> Judgement:
        """What becomes of the candidates of a claim, in their order; what goes counts for those that follow."""
        items = [each.item for each in candidates]
        facts = read_facts(connection, self.target, items, token, None, {})
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
                judgement.changed[each.item.key] = replace(each, item=without_suppressed(each.item, facts))
        desk.close(connection, moment)
        return judgement

    def _judge(self, candidate: Candidate, facts: LedgerFacts, moment: datetime) -> Outcome | None:
        match candidate.item:
            case PlannedMessage() as item:
                conversation = self.conversations[item.conversation]
                return judge_message(Case(item, conversation, self.merchants[item.merchant], facts, moment))
            case PlannedEvent() as item:
                return judge_event(item, facts)
        return None
