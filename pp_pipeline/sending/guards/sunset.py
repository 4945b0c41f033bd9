"""The sunset rule: who has shown no interest for long gets no more advertising (DESIGN 5).

Silence counts only where an answer would have been heard: the contact was written to in that time, and the merchant
hears of openings or clicks on the channel, since before that time and to this day. So nobody is given up because a
provider tells nothing, or because nothing was ever sent.
"""

from datetime import date, timedelta

from pp_pipeline.sending.guards.case import Case, skip
from pp_pipeline.sending.outlets.outlet import Outcome

# So long nobody at all may have opened or clicked; behind it whoever tells of that seems to have stopped.
_STILL_HEARD = timedelta(days=30)


def sunset(case: Case) -> Outcome | None:
    """The guard."""
    rule = case.merchant.sending.sunset
    if rule is None or case.conversation.conversation in rule.exempt:
        return None
    span = timedelta(days=rule.days)
    contact = case.item.contact
    shown = [contact.last_purchase_on, contact.engaged_on, *_asked_for(case)]
    if any(day is not None and day > case.today - span for day in shown):
        return None
    return skip("sunset") if _would_be_heard(case, span) and _was_written_to(case, span) else None


def _asked_for(case: Case) -> list[date]:
    """When the contact asked for advertising by itself."""
    consents = case.item.contact.consents.items()
    given = [each.since for (_, kind), each in consents if kind == "commercial" and each.basis == "explicit"]
    return [day for day in given if day is not None and day <= case.today]


def _would_be_heard(case: Case, span: timedelta) -> bool:
    first, last = case.item.contact.heard.get(case.item.channel, (None, None))
    if first is None or last is None:
        return False
    return first <= case.today - span and last > case.today - _STILL_HEARD


def _was_written_to(case: Case, span: timedelta) -> bool:
    recent = case.ledger.recent.get(case.item.contact_key, ())
    return any(each.channel == case.item.channel and case.moment - span < each.at < case.moment for each in recent)
