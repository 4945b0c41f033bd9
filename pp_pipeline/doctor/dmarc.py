"""DMARC (RFC 7489): what receivers do with mails that pass neither SPF nor DKIM in the sender's own name."""

import re

from pp_pipeline.doctor.dkim import tags
from pp_pipeline.doctor.dns import Ask
from pp_pipeline.doctor.finding import Finding

_RECORD = re.compile(r"v\s*=\s*DMARC1\s*(;|$)")  # to the letter, and before all else: receivers see no other
_POLICIES = ("none", "quarantine", "reject")


def judge_dmarc(domain: str, ask: Ask) -> list[Finding]:
    """Whether there is one record with a policy, for the domain or one above it.

    Raises:
        NoAnswer: DNS could not be asked.
    """
    what = f"DMARC of {domain}"
    place, records = _find(domain, ask)
    if not records:
        fix = f'publish a TXT record at _dmarc.{domain}, to begin with "v=DMARC1; p=none; rua=mailto:REPORTS"'
        return [Finding(what, "fail", "there is no record", fix)]
    if len(records) > 1:
        return [Finding(what, "fail", f"there are {len(records)} records", f"leave one at _dmarc.{place}")]
    stated = tags(records[0])
    policy = stated.get("p", "").lower()
    if place != domain:
        policy = stated.get("sp", policy).lower()
    if policy not in _POLICIES:
        return [
            Finding(what, "fail", "it states no policy", f"write p=none, p=quarantine or p=reject at _dmarc.{place}")
        ]
    detail = f"{policy}, by _dmarc.{place}; {_alignment(domain, stated)}"
    if policy == "none":
        return [Finding(what, "warn", detail, "when its reports are clean, ask for p=quarantine, then p=reject")]
    if stated.get("pct", "100") != "100":
        return [Finding(what, "warn", f"{detail}; it counts for {stated['pct'][:3]} % of mails", "take pct away")]
    return [Finding(what, "ok", detail)]


def _find(domain: str, ask: Ask) -> tuple[str, list[str]]:
    """The domain, or the nearest one above it, that has records."""
    labels = domain.split(".")
    for first in range(max(len(labels) - 1, 1)):
        place = ".".join(labels[first:])
        records = [text for text in ask(f"_dmarc.{place}") if _RECORD.match(text)]
        if records:
            return place, records
    return domain, []


def _alignment(domain: str, stated: dict[str, str]) -> str:
    """What a mail has to show, in words: a pass counts only in the name that people see in From."""
    words = {"s": f"exactly {domain}", "r": f"{domain} or one of its family"}
    spf, dkim = (words["s" if stated.get(tag, "r").lower() == "s" else "r"] for tag in ("aspf", "adkim"))
    if spf == dkim:
        return f"a mail passes by SPF or DKIM of {spf}"
    return f"a mail passes by SPF of {spf}, or DKIM of {dkim}"
