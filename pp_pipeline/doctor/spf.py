"""SPF (RFC 7208): who may send for a domain. Mail servers give up on a record that asks DNS more than 10 times."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from pp_pipeline.doctor.dns import Ask
from pp_pipeline.doctor.finding import Finding

MOST_LOOKUPS = 10
_ENOUGH_LOOKUPS = 30
_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)(?:([:=])(\S*?))?(?:/\S*)?", re.IGNORECASE)
_ASKING = {"include", "a", "mx", "ptr", "exists", "redirect"}
_MECHANISMS = {"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"}
_NETWORKS = {"ip4": IPv4Network, "ip6": IPv6Network}


@dataclass
class _Walk:
    """What following a record to its ends found."""

    ask: Ask
    lookups: int = 0
    faults: list[str] = field(default_factory=list)
    ending: str = ""
    """What stands before the `all` that counts for the domain: `-`, `~`, `?` or `+`; '' where there is none."""

    def read(self, record: str, trail: tuple[str, ...], is_own: bool = True, lets_in: bool = True) -> None:
        """Read the terms of a record.

        Args:
            trail: the domains that led here, and the record's own.
            is_own: whether the record speaks for the domain that was asked about, and is not one that is included.
            lets_in: whether the domain lets through whoever the record lets through.
        """
        terms = [(term, _TERM.fullmatch(term)) for term in record.split()[1:]]
        self.faults += [f"'{term[:40]}' is no term of SPF" for term, match in terms if not _is_term(match)]
        for qualifier, name, value in _counting([match for _, match in terms if match]):
            if name == "all" and is_own:
                self.ending = qualifier
            elif name == "all" and lets_in and qualifier == "+":
                self.faults.append(f"{trail[-1]}, which it includes, ends with +all: everybody may send in your name")
            elif name in _ASKING:
                self.lookups += 1
                if name == "include":
                    self._follow(value, trail, False, lets_in and qualifier == "+")
                elif name == "redirect":
                    self._follow(value, trail, is_own, lets_in)

    def _follow(self, domain: str, trail: tuple[str, ...], is_own: bool, lets_in: bool) -> None:
        if "%" in domain or self.lookups > _ENOUGH_LOOKUPS:  # depends on the mail; or enough is known
            return
        if not domain or domain in trail:
            self.faults.append(f"it includes {domain} in a ring" if domain else "an include names nothing")
            return
        records = spf_records(self.ask(domain))
        if len(records) == 1:
            self.read(records[0], (*trail, domain), is_own, lets_in)
        else:
            self.faults.append(f"{domain}, which it includes, has {len(records)} SPF records instead of one")


def _is_term(match: re.Match[str] | None) -> bool:
    """Whether a term is a mechanism, or a modifier (nobody has to know them all); addresses have to be such."""
    name = match[2].lower() if match else ""
    if match is None or name not in _NETWORKS:
        return match is not None and (name in _MECHANISMS or match[3] == "=")
    try:
        return bool(_NETWORKS[name](match[0].partition(":")[2], strict=False))
    except ValueError:
        return False


def _counting(terms: Sequence[re.Match[str]]) -> Iterator[tuple[str, str, str]]:
    """Qualifier, name and value of the terms that receivers look at: with an `all` none behind it, and no redirect."""
    has_all = any(match[2].lower() == "all" for match in terms)
    for match in terms:
        name = match[2].lower()
        if not (name == "redirect" and has_all):
            yield match[1] or "+", name, (match[4] or "").rstrip(".")
        if name == "all":
            return


def spf_records(texts: list[str]) -> list[str]:
    """Those of a name's texts that are SPF records."""
    return [text for text in texts if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]


def judge_spf(domain: str, ask: Ask) -> list[Finding]:
    """Whether the domain's SPF record is there, one, and such that receivers can use it.

    Raises:
        NoAnswer: DNS could not be asked.
    """
    what = f"SPF of {domain}"
    records = spf_records(ask(domain))
    if not records:
        fix = f'publish a TXT record at {domain}, such as "v=spf1 include:PROVIDER ~all"; your provider says which'
        return [Finding(what, "fail", "there is no record", fix)]
    if len(records) > 1:
        fix = "make one record of them: with two, receivers use neither"
        return [Finding(what, "fail", f"there are {len(records)} records", fix)]
    walk = _Walk(ask)
    walk.read(records[0], (domain,))
    counted = f"{walk.lookups} of {MOST_LOOKUPS} lookups"
    if walk.ending == "+":
        return [Finding(what, "fail", "it ends with +all: everybody may send in your name", "end it with ~all or -all")]
    if walk.faults:
        fix = "put that right: receivers take nothing of a broken record"
        return [Finding(what, "fail", "; ".join(walk.faults), fix)]
    if walk.lookups > MOST_LOOKUPS:
        fix = "take out what no longer sends for you, or write ip4: and ip6: in place of a, mx and include"
        return [Finding(what, "fail", f"it needs {walk.lookups} lookups, {MOST_LOOKUPS} are allowed", fix)]
    if walk.ending in ("", "?"):
        fix = "end it with ~all or -all"
        return [Finding(what, "warn", f"it says nothing of other senders ({counted})", fix)]
    return [Finding(what, "ok", f"one record, ends with {walk.ending}all, {counted}")]
