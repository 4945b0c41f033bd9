"""Why the runs of a conversation led to no message on a day."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pp_pipeline.conversations.programs import Deed, Turn
from pp_pipeline.why.positions import leaving_words, place_words, reaction_words, turn_words
from pp_pipeline.why.runs import Run

RunLink = Literal["ended", "elsewhere", "split", "stands", "reacted", "not_planned", "other_day"]


def latest_run(runs: Sequence[Run], on: date) -> Run | None:
    """The run that stood inside at the end of a day, else the last one before; None where none had begun."""
    before = [run for run in runs if run.begin.begun_on <= on]
    inside = [run for run in before if run.leaving.on > on]
    return inside[-1] if inside else max(before, key=lambda run: run.leaving.on, default=None)


def why_not_by_run(run: Run, step: str | None, on: date) -> tuple[RunLink, str]:
    """Why a run that had begun by a day led to no message on it.

    Args:
        step: a message; None: any.
    """
    order = f" (order {run.begin.order_number})" if run.begin.order_number else ""
    whose = f"the run of {run.begin.begun_on}{order}"
    deeds = [deed for deed in run.program.deeds if deed.step == step or (step is None and _is_message(run, deed))]
    on_that_day = [deed for deed in deeds if run.day(deed.offset) == on]
    done = [deed for deed in run.done_deeds() if deed in deeds]
    if any(deed in on_that_day for deed in done):
        return "not_planned", f"{whose} reached it, and the plan lacks it: `pp run` plans anew"
    if not deeds:
        return "elsewhere", f"{whose} entered at {run.thread.thread}, from where no way leads to {step}"
    leaving, stop = run.leaving, run.stop
    would_be_done = any(run.reaches(deed.node) for deed in on_that_day)
    if stop is not None and stop.on <= on and (leaving is stop or would_be_done):
        return "ended", f"{whose} left on {stop.on}: {leaving_words(stop)}"
    for deed in on_that_day:
        if deed.pass_number > 1 and (reaction := _reaction(run, deed)):
            return "reacted", f"{whose}: no pass {deed.pass_number} of {deed.step}, {reaction}"
    if earlier := [deed for deed in done if run.day(deed.offset) < on]:
        last = max(earlier, key=lambda deed: deed.offset)
        return "other_day", f"{whose} came to {last.step} on {run.day(last.offset)}"
    still_open = [deed for deed in deeds if run.day(deed.offset) > on and not run.failed_checks(deed.node, on)]
    stay = run.stay_on(on)
    if stay is not None and still_open:
        until = run.day(stay.to_offset)
        return "stands", f"{whose} stood at {place_words(run, stay.place)} until {until}"
    if (turn := _turn_away(run, deeds, on)) is not None:
        return "split", f"{whose} went another way on {run.day(turn.offset)}, {turn_words(run, turn)}"
    if stay is not None:
        return "stands", f"{whose} stood at {place_words(run, stay.place)}, from where it comes to it no more"
    return "ended", f"{whose} left on {leaving.on}: {leaving_words(leaving)}"


def _is_message(run: Run, deed: Deed) -> bool:
    return deed.step in run.conversation.messages


def _reaction(run: Run, deed: Deed) -> str:
    """What kept a pass back, if its message was due at all."""
    first = next(
        each
        for each in run.program.deeds
        if (each.step, each.occurrence, each.pass_number) == (deed.step, deed.occurrence, 1)
        and run.program.nodes[each.node] <= run.program.nodes[deed.node]
    )
    return reaction_words(run, deed) if run.reaches(first.node) and not run.reaches(deed.node) else ""


def _turn_away(run: Run, deeds: Sequence[Deed], on: date) -> Turn | None:
    """The split at which the run took the way that led away from the step."""
    failed = [checks[0] for deed in deeds if (checks := run.failed_checks(deed.node, on))]
    days = {check.offset for check in failed}
    return next((turn for turn in run.reached_turns() if turn.offset in days), None)
