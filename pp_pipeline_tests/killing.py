"""Processes of their own, senders above all, which die by SIGKILL at a named point of their way.

The product knows nothing of it: the process wraps a function of the product, and kills itself where that begins or
ends. Processes are forked from a server that has imported everything already (0.2 s each instead of 2 to 5 s).
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import wraps
from multiprocessing.context import ForkServerContext
from types import ModuleType
from typing import Any, Literal

from sqlalchemy import insert, select

from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.witness import Mark, Witness
from pp_pipeline.messages.render import Renderer
from pp_pipeline.sending.claims import Candidate, Claim, Claimer, Judge
from pp_pipeline.sending.couponing import CouponDesk
from pp_pipeline.sending.judging import Bench
from pp_pipeline.sending.outlets.http_posting import HttpPlatform
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.outlets.smtp import SmtpChannel
from pp_pipeline.sending.sender import Sender
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.sending_world import World

_PRELOADED = ("great_expectations", "hypothesis", "pytest", "pp_pipeline_tests.landing_shop")


@dataclass(frozen=True)
class Spot:
    """Before or after a call of a method, or of a function where a module knows it by that name.

    Attributes:
        counts: whether a call is one that is meant, by what it was given.
    """

    owner: type | ModuleType
    method: str
    when: Literal["before", "after"]
    counts: Callable[..., bool] = lambda *_: True


def _decides(_claimer: Claimer, _connection: object, _outcomes: object, *rest: object) -> bool:
    """Whether outcomes are written by the claim itself (skipped, deferred), not by the settling."""
    return len(rest) == 2


def _settles(*given: Any) -> bool:
    return not _decides(*given)


def _draws(desk: CouponDesk, *_: object) -> bool:
    return desk.draws is not None and bool(desk.draws.taken)


POINTS: Mapping[str, Sequence[Spot]] = {
    "before the claim": [Spot(Claimer, "claim", "before")],
    "claimed, not committed": [Spot(Claimer, "_take_up_again", "after")],
    "judged, not committed": [Spot(Bench, "judge", "after")],
    "drawn, not committed": [Spot(CouponDesk, "close", "after", _draws)],
    "deferred, not committed": [Spot(Claimer, "_settle", "after", _decides)],
    "after the claim": [Spot(Claimer, "claim", "after")],
    "seen by the witness": [Spot(Witness, "note_claim", "after")],
    "rendered": [Spot(Renderer, "render", "after")],
    "taken by the outlet": [Spot(SmtpChannel, "_deliver", "before"), Spot(HttpPlatform, "hand_over", "before")],
    "handed over": [Spot(SmtpChannel, "_answer", "before"), Spot(HttpPlatform, "_answer_to_delivery", "before")],
    "accepted": [Spot(SmtpChannel, "_deliver", "after"), Spot(HttpPlatform, "hand_over", "after")],
    "before the settling": [Spot(Claimer, "settle", "before")],
    "settled, not committed": [Spot(Claimer, "_settle", "after", _settles)],
    "after the settling": [Spot(Claimer, "settle", "after")],
    "before the finish": [Spot(Claimer, "finish", "before")],
    "after the finish": [Spot(Claimer, "finish", "after")],
    "after the sending": [Spot(Sender, "send", "after")],
}
"""Where a sender dies, in the order of its way."""


@dataclass(frozen=True)
class Job:
    """What a process of its own does.

    Attributes:
        point: where it dies, one of POINTS; '': nowhere.
        passage: at the how-manieth time that it comes there.
        hours: what its clock is ahead.
        is_careless: it claims nothing, and writes down what it delivered when it has (the control of the judge).
    """

    settings: Settings
    day: date
    point: str = ""
    passage: int = 1
    chunk_size: int = 100
    hours: float = 0
    is_careless: bool = False


def context() -> ForkServerContext:
    """Processes forked from a warm server that has no threads; made when the first is asked for."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__, *_PRELOADED])
    return made


def is_killed(work: Callable[..., object], *given: object) -> bool:
    """Work in a process of its own; whether it died by SIGKILL. If not it went to its end.

    Args:
        work: a function of a module.
        given: what it is given; the environment is not the test's, so everything that it needs.

    Raises:
        AssertionError: it ended in another way.
    """
    process = context().Process(target=work, args=given)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"it ended with {process.exitcode}"
    return process.exitcode == -signal.SIGKILL


def has_died(job: Job) -> bool:
    """Send in a process of its own; whether it died at the point. If not, it never came there."""
    return is_killed(_send, job)


def clock(hours: float) -> Callable[[], datetime]:
    """A clock that is ahead of the real one."""
    return lambda: utc_now() + timedelta(hours=hours)


def _send(job: Job) -> None:
    if job.is_careless:
        _be_careless()
    for spot in POINTS.get(job.point, ()):
        die_at(spot, job.passage)
    World(job.settings).send(job.day, job.day, job.day, chunk_size=job.chunk_size, now=clock(job.hours))


def die_at(spot: Spot, passage: int = 1) -> None:
    """From now on this process dies when it comes there for the how-manieth time."""
    original = getattr(spot.owner, spot.method)
    passed = 0

    @wraps(original)
    def dying(*given: Any, **named: Any) -> Any:
        nonlocal passed
        result = original(*given, **named) if spot.when == "after" else None
        passed += spot.counts(*given)
        if passed == passage:
            os.kill(os.getpid(), signal.SIGKILL)
        return result if spot.when == "after" else original(*given, **named)

    setattr(spot.owner, spot.method, dying)


def _be_careless() -> None:
    """What a sender without claims would do: look what was sent, deliver the rest, then write it down."""

    def claim(
        self: Claimer, candidates: Sequence[Candidate], judge: Judge, _today: date, now: datetime, moment: datetime
    ) -> Claim:
        with self.ledger.writing() as connection:
            known = set(connection.scalars(select(deliveries.c.key)))
            asked = [each for each in candidates if each.item.key not in known]
            judgement = judge(connection, "none", asked, moment)
        going = [judgement.changed.get(each.item.key, each) for each in asked if each.item.key not in judgement.decided]
        return Claim("none", self.target, going, now + self.lease, judgement.decided, mark=Mark(0, "none", now))

    def settle(self: Claimer, claim: Claim, outcomes: Mapping[str, Outcome], now: datetime, _: datetime) -> None:
        rows = [
            {"target": self.target, "key": key, "kind": "message", "state": outcome.state, "reason": outcome.reason}
            | {"claimed_at": now, "lease_until": now, "claim": claim.token}
            for key, outcome in outcomes.items()
            if outcome.state == "sent"
        ]
        with self.ledger.writing() as connection:
            if rows:
                connection.execute(insert(deliveries), rows)

    Claimer.claim = claim  # type: ignore[method-assign, assignment]
    Claimer.settle = settle  # type: ignore[method-assign]
    Witness.note_claim = lambda *_: None  # type: ignore[method-assign]
