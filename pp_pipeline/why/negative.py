"""Why somebody did not get something on a day: the first reason in the chain from the order files to the delivery.

The chain of a message: an order, a place in the queue, its release, the event, a run, the way to the step, the plan,
the batch, the guards. Of a campaign it ends with the release.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.settings import SettingsError
from pp_pipeline.why.entries import Outgoing
from pp_pipeline.why.negative_runs import latest_run, why_not_by_run
from pp_pipeline.why.runs import Run
from pp_pipeline.why.story import ContactStory, OrderStory
from pp_pipeline.why.telling import Asked

Link = Literal[
    "no_order", "another_contact", "not_entered", "not_due", "held", "left",  # the queue
    "no_event", "ignored",  # the event
    "ended", "elsewhere", "split", "stands", "reacted",  # the run
    "not_planned", "other_day",  # the plan
    "batch", "deferred", "failed", "skipped", "unknown", "in_hand",  # the delivery
    "got",
]  # fmt: skip
_LINKS: dict[str, Link] = {
    "claimed": "in_hand", "deferred": "deferred", "failed": "failed", "skipped": "skipped", "unknown": "unknown",
}  # fmt: skip
_DELIVERED = ("got", *_LINKS.values())
_OPEN = ("claimed", "deferred", "failed")
"""States in which a delivery is still under way on later days than its own."""


@dataclass(frozen=True)
class Answer:
    """Why somebody did not get something on a day.

    `link` is the place in the chain (`got`: it did get it), `text` the reason, `since` the day since which it was so,
    if it ever came so far; `further` says the same of what else could have led there, such as the contact's other
    orders, the newest first.
    """

    name: str
    on: date
    link: Link
    text: str
    since: date | None = None
    further: list[str] = field(default_factory=list)

    @property
    def age(self) -> tuple[date, int]:
        """What answers are older or newer by; of one day the one that is further in the chain."""
        return self.since or date.min, get_args(Link).index(self.link)


def why_not(asked: Asked, name: str, on: date) -> Answer:
    """The answer.

    Args:
        name: a conversation, `conversation/step` for one of its messages, a campaign, or `queue_<campaign>` for one
            that has the name of a conversation.

    Raises:
        SettingsError: there is nothing of that name; the text says what there is.
    """
    conversation_name, _, step = name.partition("/")
    conversation = next((one for one in asked.conversations if one.conversation == conversation_name), None)
    if conversation is not None:
        if step and step not in conversation.messages:
            messages = ", ".join(conversation.messages)
            raise SettingsError(f"{conversation_name} has no message '{step}'; its messages are {messages}")
        return _built(asked, on, lambda day: _of_conversation(asked, conversation, step or None, name, day))
    campaign = next((one for one in asked.campaigns if name in (one.name, one.queue)), None)
    if campaign is not None:
        return _built(asked, on, lambda day: _of_campaign(asked, campaign, name, day))
    names = ", ".join([one.conversation for one in asked.conversations] + [one.queue for one in asked.campaigns])
    raise SettingsError(f"there is no campaign, conversation or conversation/step '{name}'; there are {names}")


def answer_words(answer: Answer) -> str:
    """What an answer says in general, before its reason."""
    did = "Got" if answer.link == "got" else "Did not get"
    return f"{did} {answer.name} on {answer.on} ({answer.link.replace('_', ' ')})"


def _built(asked: Asked, on: date, of: Callable[[date], Answer]) -> Answer:
    """The answer of a day, of a later one than the books know that of their newest, as nobody knows what comes then.

    What is delivered later than the newest day is known all the same.
    """
    newest = asked.story.as_of
    answer = of(on)
    if on <= newest or answer.link in _DELIVERED:
        return answer
    answer = of(newest)
    link: Link = "other_day" if answer.link == "got" else answer.link
    text = f"{answer.text}; no day after {newest} was built yet, `pp run` builds them"
    return replace(answer, on=on, link=link, text=text)


def _newest(answers: Sequence[Answer]) -> Answer:
    """The newest answer, with the others behind it."""
    first, *others = sorted(answers, key=lambda answer: answer.age, reverse=True)
    return replace(first, further=[*first.further, *(text for one in others for text in (one.text, *one.further))])


def _of_campaign(asked: Asked, campaign: Campaign, name: str, on: date) -> Answer:
    orders = reversed(asked.story.orders)
    answers = [answer for order in orders if (answer := _of_queue(order, asked.contact_key, campaign, name, on))]
    return _newest(answers or [Answer(name, on, "no_order", f"no order was known by {on}")])


def _of_queue(order: OrderStory, contact_key: str, campaign: Campaign, name: str, on: date) -> Answer | None:
    """How an order stood in a queue at the end of a day; None where it was not known then.

    Args:
        contact_key: the contact that asks; '' where the order is asked about, whosever it was.
    """

    def answer(link: Link, text: str, since: date | None = None) -> Answer:
        return Answer(name, on, link, f"order {order.order_number}: {text}", since)

    known = [version for version in order.versions if version.on <= on]
    if not known:
        return None
    movements = [one for one in order.movements if one.campaign == campaign.name]
    before = [one for one in movements if one.on <= on]
    whose = before[-1] if before else known[-1]
    if contact_key and whose.contact_key and whose.contact_key != contact_key:
        return answer("another_contact", f"it was another contact's, on {whose.on}, {whose.text}", whose.on)
    if not before and movements:
        return answer("not_entered", f"it came into the queue {campaign.name} later, on {movements[0].on}")
    if not before:
        standing = next((one for one in order.queues if one.campaign == campaign.name), None)
        return answer("not_entered", f"never in the queue {campaign.name}: {standing.text if standing else 'unknown'}")
    last = before[-1]
    if last.reason == "released":
        text = f"the queue {campaign.name} released it on {last.on}"
        return answer("got" if last.on == on else "other_day", text, last.on)
    if last.movement == "left":
        return answer("left", f"on {last.on}, {last.text}", last.on)
    if last.due_on is not None and last.due_on > on:
        return answer("not_due", f"it waited in the queue {campaign.name}, due {last.due_on}", on)
    held = f"held in the queue {campaign.name} while its status was {known[-1].status}"
    return answer("held", f"it was due since {last.due_on}, {held}", on)


def _of_conversation(asked: Asked, conversation: Conversation, step: str | None, name: str, on: date) -> Answer:
    everybodys = [
        one
        for one in _all_outgoing(asked)
        if one.kind == "message" and one.conversation == conversation.conversation and step in (None, one.step)
    ]
    live = {one.key for one in everybodys if one.target == "live"}  # that it was rehearsed before says nothing then
    everybodys = [one for one in everybodys if one.target == "live" or one.key not in live]
    outgoing = [one for one in everybodys if asked.is_own(one)]
    zone = ZoneInfo(asked.merchant.zone)
    if sent := [one for one in outgoing if one.state == "sent" and on in (_sent_on(one, zone), one.on)]:
        then = [one for one in sent if _sent_on(one, zone) == on]
        link: Link = "got" if then else "other_day"
        return Answer(name, on, link, (then or sent)[-1].text, on)
    if planned := [
        one for one in outgoing if one.is_planned and (one.on == on or (one.on < on and one.state in _OPEN))
    ]:
        last = planned[-1]
        return Answer(name, on, _LINKS.get(last.state, "batch"), last.text, on)
    if others := [one for one in everybodys if one.on == on and not asked.is_own(one)]:
        return Answer(name, on, "another_contact", others[-1].text, on)
    answers = [*_ignored(asked, conversation, name, on), *_unfired(asked, conversation, name, on)]
    if run := latest_run(_own_runs(asked, conversation), on):
        told = [one.text for one in outgoing if one.event_id == run.begin.event_id]
        answers.append(Answer(name, on, *why_not_by_run(run, step, on), min(run.leaving.on, on), told))
    return _newest(answers)


def _own_runs(asked: Asked, conversation: Conversation) -> list[Run]:
    """The runs of the contact that is asked about; of an order those that it began."""
    runs = asked.runs.of(conversation.conversation)
    if asked.contact_key:
        return [run for run in runs if run.begin.contact_key == asked.contact_key]
    numbers = {order.order_number for order in asked.story.orders}
    return [run for run in runs if run.begin.order_number in numbers]


def _ignored(asked: Asked, conversation: Conversation, name: str, on: date) -> Iterator[Answer]:
    """The events that began no run."""
    for one in (one for story in _stories(asked) for one in story.no_messages):
        if one.conversation == conversation.conversation and one.on <= on and asked.is_own(one):
            yield Answer(name, on, "ignored", f"on {one.on}, {one.text}", one.on)


def _unfired(asked: Asked, conversation: Conversation, name: str, on: date) -> Iterator[Answer]:
    """What the queues say that fire its events; an event of others either came, or there is no more to say."""
    events = [event for story in _stories(asked) for event in story.events if asked.is_own(event)]
    came = {event.event_name for event in events if event.on <= on}
    for event in conversation.events:
        firing = [campaign for campaign in asked.campaigns if campaign.event == event]
        found = [_of_campaign(asked, campaign, name, on) for campaign in firing]
        yield from (one for one in found if one.link not in ("got", "other_day"))
        by = [one.conversation for one in asked.conversations if event in one.fires]
        if not found and event not in came:
            source = f"fired by {', '.join(by)}" if by else "fired by orders"
            yield Answer(name, on, "no_event", f"no event {event} ({source}) came by {on}")
        elif any(one.link in ("got", "other_day") for one in found) and event not in came:
            yield Answer(name, on, "not_planned", f"the plan lacks the event {event}: `pp run` plans anew")


def _all_outgoing(asked: Asked) -> list[Outgoing]:
    return sorted((one for story in _stories(asked) for one in story.outgoing), key=lambda one: one.on)


def _stories(asked: Asked) -> list[OrderStory | ContactStory]:
    return [*asked.story.orders, *([asked.story.contact] if asked.story.contact else [])]


def _sent_on(one: Outgoing, zone: ZoneInfo) -> date:
    """The merchant's day on which it was handed over: of a rehearsal, the day that it acted as of."""
    moment = one.acted_at or one.settled_at
    return moment.astimezone(zone).date() if moment else one.on
