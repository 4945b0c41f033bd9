"""Small random worlds for conversations: a conversation of up to three threads, and a few orders, events and facts.

They are drawn so that the rules meet: few days, few contacts, short waits, threads of different ranks that all have
events, splits on what may just have become known.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from pp_pipeline.conversations.compiling import TooManyPaths, compile_conversation
from pp_pipeline.conversations.conditions import Condition
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.flow import Problem, flow_problems
from pp_pipeline_tests.conversation_fact_worlds import EVENTS, drawn_facts
from pp_pipeline_tests.conversation_facts import Feedback
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, Case
from pp_pipeline_tests.order_worlds import Dice

WEEKDAYS = ("monday", "wednesday", "sunday")


@st.composite
def conversation_cases(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Case:
    """A case at a merchant `main`, whose conversation is named `talk`."""
    dice = Dice(draw)
    conversation = _mended(dice, _conversation(dice))
    asked = _asked(conversation)
    others = [_setter(dice, place) for place in range(dice.one_of((1, 1, 2)))] if "profile" in asked else []
    case = Case(conversation, drawn_facts(dice, asked), others=tuple(others))
    for _ in range(dice.one_of((1, 2) if asked & {"opened", "clicked", "replied"} else (0, 1, 2))):
        case = _with_reactions(dice, case)
    return case


def _asked(conversation: dict[str, Any]) -> set[str]:
    """The words of all conditions."""
    typed = Conversation.model_validate(conversation)
    words = Condition.model_fields.keys() - {"all", "any", "not_"}
    conditions = [branch.when for step in typed.steps for branch in step.split or ()]
    return {word for word in words for condition in conditions if condition.named(word)}


def _with_reactions(dice: Dice, case: Case) -> Case:
    """The case with reactions to messages that it plans; those to what is not planned then are left out."""
    planned = _planned_messages(case)
    told = list(case.facts.feedback)
    for _ in range(dice.one_of((1, 2, 3))):
        if planned:
            message, due_on = dice.one_of(sorted(planned.items()))
            told.append(_reaction(dice, message, due_on, len(told)))
    while True:
        case = replace(case, facts=replace(case.facts, feedback=told))
        planned = _planned_messages(case)
        told = [
            one for one in told if one.message_id is None or planned.get(one.message_id, LAST) <= one.occurred_at.date()
        ]
        if len(told) == len(case.facts.feedback):
            return case


def _planned_messages(case: Case) -> dict[str, date]:
    """The day of each message that the oracle plans, as `Case.in_slot` takes its id."""
    return {
        f"{one.event_id.removeprefix('c00_')}|{one.step}|{one.occurrence}|{one.pass_number}": one.due_on
        for one in case.in_slot(0).expected()
        if one.pass_number
    }


def _reaction(dice: Dice, message: str, due_on: date, place: int) -> Feedback:
    day = due_on + timedelta(days=dice.one_of((0, 0, 1, 1, 2, 3)))
    kind = dice.one_of(("opened", "opened", "clicked", "sms_reply"))
    return Feedback(
        file_date=day + timedelta(days=dice.one_of((0, 0, 1))),
        occurred_at=datetime.combine(day, time(10, place)),
        event=kind,
        contact="ann",
        message_id=message,
        is_machine_open=kind == "opened" and dice.once_in(4),
        link=dice.one_of(("shop", "blog", None)) if kind == "clicked" else None,
    )


def _mended(dice: Dice, conversation: dict[str, Any]) -> dict[str, Any]:
    """The conversation without the steps that make it unsound; threads that nobody comes to get an event."""
    while problems := _problems(conversation):
        _, place, *within = problems[0].path
        thread = conversation["threads"][place]
        if len(within) > 1:
            del thread["steps"][within[1]]
        elif any("message" in step for each in conversation["threads"] for step in each["steps"]):
            thread["steps"][0] = {"trigger": [dice.one_of(EVENTS)]}
        else:
            thread["steps"].append(_message(dice, "00"))
    return conversation


def _problems(conversation: dict[str, Any]) -> list[Problem]:
    typed = Conversation.model_validate(conversation)
    problems = flow_problems(typed)
    try:
        if not problems:
            compile_conversation(typed)
    except TooManyPaths:
        places = [(place, number) for place, thread in enumerate(typed.threads) for number in range(len(thread.steps))]
        return [Problem(("threads", *_a_split(typed, places)), "splits too often")]
    return problems


def _a_split(conversation: Conversation, places: list[tuple[int, int]]) -> tuple[int, str, int]:
    return next((a, "steps", b) for a, b in places if conversation.threads[a].steps[b].split)


def _conversation(dice: Dice) -> dict[str, Any]:
    scope = dice.one_of(("contact", "contact", "contact", "order", "line"))
    exits = ("canceled", "returned", "partly_returned", "refunded", "purchased_again", "unsubscribed")
    count = dice.one_of((1, 2, 3, 3, 3))
    return {
        "conversation": "talk",
        "kind": dice.one_of(("commercial", "transactional")),
        "scope": scope,
        "entries": dice.one_of(("unlimited", "unlimited", "once")),
        "goal": dice.one_of(("none", "none", "purchased_again")),
        "exit_when": [
            *dice.some_of(exits, dice.one_of((0, 0, 1, 2))),
            *([{"segment": "loyal"}] if dice.once_in(4) else []),
        ],
        **({"live_from": FIRST + timedelta(days=4)} if dice.once_in(6) else {}),
        "threads": [_thread(dice, place, count, scope) for place in range(count)],
    }


def _thread(dice: Dice, place: int, count: int, scope: str) -> dict[str, Any]:
    events = dice.some_of(EVENTS, dice.one_of((1, 2, 3))) if place == 0 or dice.once_in(2) else []
    kinds = (*("wait",) * 4, *("message",) * 3, "split", "split", "split", "go_to", "go_to", "action", "exit")
    chosen = [dice.one_of(kinds) for _ in range(dice.one_of((1, 2, 3, 4, 5)))]
    if place == 0 and count > 1 and not dice.once_in(3):  # a question about the message, mostly after a while
        chosen = [*dice.one_of((*[("wait", "split")] * 3, ("split",))), *chosen]
    steps = [_step(dice, kind, f"{place}{number}", count, scope) for number, kind in enumerate(chosen, 1)]
    if place == 0:
        steps.insert(0 if chosen[0] == "wait" else dice.one_of(range(len(steps) + 1)), _message(dice, "00"))
    return {"thread": f"t{place}", "rank": dice.one_of((1, 1, 2, 3)), "steps": [{"trigger": events}, *steps]}


def _message(dice: Dice, name: str) -> dict[str, Any]:
    passes = {"passes": dice.one_of((2, 3)), "after": dice.one_of((1, 2, 4))} if dice.once_in(3) else {}
    channel = "sms" if dice.once_in(6) else "email"
    return {"id": f"m{name}", "message": {"channel": channel, "template": "hello", **passes}}


def _step(dice: Dice, kind: str, name: str, count: int, scope: str) -> dict[str, Any]:
    match kind:
        case "wait":
            words: dict[str, Any] = {"days": dice.one_of((1, 1, 2, 3, 5)), "weekday": dice.one_of(WEEKDAYS)}
            words["at"] = dice.one_of(("09:30", "16:00"))
            days = [("days",)] * 6 + [("days", "at")] * 2 + [("days", "weekday")]
            chosen = dice.one_of((*days, ("weekday",), ("weekday",), ("at",), ("at",)))
            return {"id": f"w{name}", "wait": {word: words[word] for word in chosen}}
        case "message":
            return _message(dice, name)
        case "split":
            branches = [
                {
                    "when": _condition(dice, scope, 2),
                    "thread": f"t{dice.one_of(range(min(int(name[0]) + 1, count - 1), count))}",
                }
                for _ in range(dice.one_of((1, 1, 2)))
            ]
            return {"id": f"s{name}", "split": branches}
        case "go_to":
            times = {} if dice.once_in(4) else {"times": dice.one_of((1, 1, 2))}
            own = int(name[0])
            return {"id": f"g{name}", "go_to": f"t{dice.one_of((own, own, *range(count)))}", **times}
        case "action":
            return {"id": f"a{name}", "action": {"fire": "fired"}}
        case _:
            return {"exit": True}


def _condition(dice: Dice, scope: str, depth: int) -> dict[str, Any]:
    if depth and dice.once_in(4):
        kind = dice.one_of(("all", "any", "not"))
        if kind == "not":
            return {"not": _condition(dice, scope, depth - 1)}
        return {kind: [_condition(dice, scope, depth - 1) for _ in range(2)]}
    status = {"order_status": dice.one_of(("processing", "shipped", "hold"))}
    words: list[dict[str, Any]] = [
        *({dice.one_of(("opened", "opened", "clicked", "replied")): "m00"} for _ in range(6)),
        {"clicked": "m00", "link": "shop"},
        {"reviewed": True, **({"min_rating": 4} if dice.once_in(2) else {})},
        {"bought": True},
        *[{"bought_sku": dice.one_of(("SKU-1", "SKU-2"))}, {"bought_category": dice.one_of(("Tables", "Chairs"))}] * 2,
        {"order_is": dice.one_of(("canceled", "returned", "partly_returned", "refunded", "shipped", "delivered"))},
        status,
        {"ticket": "open"},
        {"site_action": "visit", **({"within_days": 2} if dice.once_in(2) else {})},
        {"segment": "loyal"},
        dice.one_of(
            (
                {"profile": "country", "is": "US"},
                {"profile": "loyalty_member", "is": "true"},
                *([{"profile": "tier", "is": "gold"}] * 2),
            )
        ),
        {"preference": "rhythm", "is": "weekly"},
        {"consent": dice.one_of(("email", "sms"))},
        *([{"line_status": "shipped"}] * 4 if scope == "line" else []),
    ]
    return dice.one_of(words)


def _setter(dice: Dice, place: int) -> dict[str, Any]:
    """A conversation that sets the field `tier`, and may set it anew later."""
    steps: list[dict[str, Any]] = [{"trigger": dice.some_of(EVENTS, dice.one_of((1, 2)))}]
    for number in range(dice.one_of((1, 1, 2, 3))):
        if days := dice.one_of((0, 0, 1, 2, 4)):
            steps.append({"wait": {"days": days}})
        steps.append({"id": f"a{number}", "action": {"set": {"tier": dice.one_of(("gold", "gold", "silver"))}}})
    scope = dice.one_of(("contact", "order"))
    return {"conversation": f"set_{place}", "scope": scope, "threads": [{"thread": "set", "steps": steps}]}
