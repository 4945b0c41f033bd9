"""Consent (DESIGN 5): what the contacts feed recorded, held against the basis that the merchant's file states.

A consent dated after today is not there yet. Consent recorded as `none` always refuses.
"""

from datetime import date, timedelta

from pp_pipeline.sending.guards.case import Case, skip
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import Consent
from pp_pipeline.sending_policy import ConsentRule


def no_consent(case: Case) -> Outcome | None:
    """The guard."""
    return None if _has_consent(case) else skip("no_consent")


def _has_consent(case: Case) -> bool:
    kind = case.conversation.kind
    recorded = case.item.contact.consents.get((case.item.channel, kind))
    if recorded is not None and recorded.basis == "none":
        return False
    if case.item.channel != "email":
        return recorded is not None and _is_proven(recorded, case.today)
    if kind == "transactional":
        return True
    basis = recorded.basis if recorded and (recorded.since is None or recorded.since <= case.today) else ""
    return _satisfies(case.merchant.sending.consent.email.of(case.country), basis, case)


def _is_proven(consent: Consent, today: date) -> bool:
    """What SMS needs: explicit, with evidence and a date that has come."""
    is_dated = consent.since is not None and consent.since <= today
    return consent.basis == "explicit" and consent.has_evidence and is_dated


def _satisfies(rule: ConsentRule, basis: str, case: Case) -> bool:
    match rule.basis:
        case "explicit":
            return basis == "explicit"
        case "soft_opt_in":
            return bool(basis) or bool(_purchases(case))
        case "implied":
            return basis in ("explicit", "soft_opt_in") or any(_is_recent(day, rule, case) for day in _purchases(case))


def _purchases(case: Case) -> list[date]:
    """The days of the message's own order and of the contact's newest purchase, as far as there are any."""
    own = case.item.order.date if case.item.order else None
    return [day for day in (own, case.item.contact.last_purchase_on) if day is not None]


def _is_recent(day: date, rule: ConsentRule, case: Case) -> bool:
    return rule.days is None or case.today - timedelta(days=rule.days) < day <= case.today
