"""What `pp send` and `pp run --send` say of a sending, and with which exit code they end."""

from typing import Any

from pp_pipeline.commands.output import counted, print_line
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.guards.recipients import check_recipients
from pp_pipeline.sending.outlets.making import make_outlets
from pp_pipeline.sending.summary import OUTBOX
from pp_pipeline.settings import Settings

_TODO = {
    "failed": "surely not delivered; tried again at the next sending",
    "unknown": "may have gone or not, and is not tried again by itself: `pp ledger list --state unknown`, then "
    "`pp ledger resolve`",
    "deferred": "goes later",
    "held": "goes when the gate is open",
}
_WRONG = ("failed", "unknown")


def check_roads(settings: Settings) -> None:
    """Look whether everything can be sent by that a live sending needs, before anything is begun.

    Raises:
        SettingsError: the secret of a declared channel or relay is not set.
        SendRefused: nobody could be reached.
        MerchantError: a merchant's file can't be used.
    """
    check_recipients(settings)
    make_outlets(settings, load_merchants(settings)).close()


def is_sound(report: dict[str, Any]) -> bool:
    """Whether everything of a sending that was handed over came to an end that is known."""
    return not report["lapsed"] and not any(row["state"] in _WRONG for row in report["outcomes"])


def print_sending(report: dict[str, Any]) -> None:
    """What went and by which road, what did not and why, and what to do about it."""
    print_line(f"Delivered now: {report['delivered']}{_by_roads(report)}.")
    told = ""
    for row in report["outcomes"]:
        state, reason = row["state"], row["reason"]
        if state == "sent":
            continue
        todo = f" ({_TODO[state]})" if state in _TODO and state != told else ""
        told = state
        print_line(f"  {row['count']} {state}{': ' + reason if reason else ''}{todo}", _style(state))
    if lapsed := report["lapsed"]:
        claims = counted(lapsed, "delivery", "deliveries")
        print_line(f"  {claims} of a sending that was cut off: unknown ({_TODO['unknown']})", "red")
    for problem in report["problems"]:
        print_line(f"  not sent to the end: {problem}", "yellow")


def _by_roads(report: dict[str, Any]) -> str:
    roads = {road: count for road, count in report["roads"].items() if count} or report["roads"]
    words = [f"{report['outbox']} (rehearsal)" if road == OUTBOX else road for road in sorted(roads)]
    if len(words) == 1:
        return f", to {words[0]}" if OUTBOX in roads else f", {words[0]}"
    return "".join(f"; {count} {word}" for word, (_, count) in zip(words, sorted(roads.items()), strict=True))


def _style(state: str) -> str:
    return "red" if state in _WRONG else "dim"
