"""The reasons that the ledger keeps, in plain words (docs/sending.md, docs/guards.md)."""

from pp_pipeline.sending.guards import GUARDS

_OTHERS = {
    "earlier_pass_open": "the pass before it is still under way",
    "no_feedback": "no feedback came in since the pass before it",
    "interrupted": "the sending was interrupted",
    "lease_expired": "the sending ended while it was in hand",
    "no_coupon": "no code of its pool was left",
    "no_address": "the contact has no address",
    "address_not_usable": "the address can't be written to",
    "render_error": "its template could not be filled in",
    "given_up": "it was tried for as many days as max_defer_days allows",
    "provider_feedback": "the provider told so afterwards",
}
_WORDS = {guard.name: guard.about for guard in GUARDS} | _OTHERS


def about_reason(reason: str) -> str:
    """What a reason means, in brackets behind it; '' where it says all itself.

    Of `given_up: quiet_hours` that is what held it at the last.
    """
    words = [_WORDS[part] for part in reason.split(": ")[:2] if part in _WORDS]
    return f" ({'; '.join(words)})" if words else ""
