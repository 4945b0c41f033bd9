"""`pp why`: the story of a contact or an order, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import counted, err, guarded, out, print_json, print_line, print_table
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.why.entries import Entry, Outgoing
from pp_pipeline.why.negative import answer_words, why_not
from pp_pipeline.why.story import ContactStory, OrderStory, QueueStanding, Story
from pp_pipeline.why.telling import Asked, tell_story
from pp_pipeline.why.words import days, money

_MOST_FURTHER = 5


@guarded
def show_why(who: str, merchant: str, today: str | None, as_json: bool, limit: int, since: str | None) -> int:
    """Tell what is known. Returns: 0 something is, 1 nothing is, 2 it could not be tried."""
    asked, _ = _ask(who, merchant, today)
    story = asked.story if asked else None
    if as_json:
        print_json({"found": story is not None} | (asdict(story) if story else {"merchant": merchant}))
    elif story is None:
        print_line(_nothing(who, merchant))
    else:
        _print_story(story, limit, parse_day(since) if since else None)
    return 0 if story is not None else 1


@guarded
def show_why_not(who: str, merchant: str, name: str, on: str | None, today: str | None, as_json: bool) -> int:
    """Tell why somebody did not get something on a day. Returns: as `show_why`.

    Args:
        name: a campaign, a conversation or `conversation/step`.
        on: the day; default `today`.
    """
    asked, day = _ask(who, merchant, today)
    answer = why_not(asked, name, parse_day(on) if on else day) if asked else None
    if as_json:
        print_json({"found": answer is not None} | (asdict(answer) if answer else {"merchant": merchant}))
    elif asked is None or answer is None:
        print_line(_nothing(who, merchant))
    else:
        for note in asked.story.notes:
            print_line(f"note: {note}", "yellow")
        print_line(answer_words(answer), "bold")
        print_line(answer.text)
        for text in answer.further[:_MOST_FURTHER]:
            print_line(f"also {text}", "dim")
        if len(answer.further) > _MOST_FURTHER:
            print_line(f"and {len(answer.further) - _MOST_FURTHER} more (--json).", "dim")
    return 0 if answer is not None else 1


def _ask(who: str, merchant: str, today: str | None) -> tuple[Asked | None, date]:
    """What is known, and the day on which it is judged."""
    if not who.strip():
        raise SettingsError("say whom: an e-mail address, a contact key or an order number")
    settings = Settings.from_environment()
    day = acting_day(settings, load_merchants(settings), today)
    with err.status("reading ..."):
        return tell_story(settings, who, merchant, day), day


def _nothing(who: str, merchant: str) -> str:
    return f"Nothing is known of '{who.strip()}' at merchant {merchant}: no order, no row, no delivery."


def _print_story(story: Story, limit: int, since: date | None) -> None:
    for note in story.notes:
        print_line(f"note: {note}", "yellow")
    if story.contact:
        _print_contact(story, story.contact)
    shown = story.orders[-limit:]
    if story.contact and len(shown) < len(story.orders):
        print_line(f"The newest {len(shown)} of {len(story.orders)} orders follow (--limit, --json).", "dim")
    life = replace(story, orders=shown).life()
    told = [one for one in life if since is None or one[1].on >= since]
    if len(told) < len(life):
        print_line(f"{counted(len(life) - len(told), 'line', 'lines')} before {since} left out (--since).", "dim")
    out.print()
    if story.contact is None:
        print_line(f"Order {shown[0].order_number}{_of_contact(shown[0])}", "bold")
    _print_life(told, story, shown)
    if any(entry.state == "waiting" for _, entry in told if isinstance(entry, Outgoing)):
        out.print()
        print_line("What waits for approval goes by `pp approve HASH`, then `pp send`.")


def _print_contact(story: Story, contact: ContactStory) -> None:
    print_line(f"Contact {contact.email or 'without a known address'} of {story.merchant}", "bold")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("contact key", Text(contact.contact_key))
    table.add_row(f"list on {contact.as_of}", Text(_list_words(contact, story)))
    table.add_row("segments", Text(", ".join(contact.segments) or "none"))
    for one in contact.suppressions:
        scope = f"{one.channel or 'every channel'}, {one.kind or 'every kind'}"
        whose = " (of the phone number)" if one.of_number else ""
        table.add_row("suppressed", Text(f"{scope}, since {one.since:%Y-%m-%d}: {one.reason}{whose}"))
    out.print(table)
    out.print()
    rows = [_order_row(one) for one in story.orders]
    print_table("Orders", ["order", "ordered on", "status", "total", "waits in"], rows)


def _list_words(contact: ContactStory, story: Story) -> str:
    facts = contact.facts
    if not facts:
        return "not on the Post Purchase list: no purchase"
    currencies = {order.newest.currency for order in story.orders if order.newest}
    currency = currencies.pop() if len(currencies) == 1 else ""
    orders = "1 order" if facts["order_count"] == 1 else f"{facts['order_count']} orders"
    return (
        f"{facts['lifecycle_stage']}, {orders}, {money(facts['total_spend_cents'], currency).strip()} in all, "
        f"{money(facts['average_order_cents'], currency).strip()} on average, first {facts['first_order_on']}, "
        f"last {facts['last_order_on']} ({days(facts['days_since_last_order'])} before)"
    )


def _order_row(order: OrderStory) -> list[Any]:
    newest = order.newest
    waits = ", ".join(queue.campaign for queue in order.queues if queue.state == "waiting")
    if newest is None:
        return [order.order_number, "", "no file states it", "", waits]
    return [order.order_number, newest.ordered_on, newest.status, money(newest.total_cents, newest.currency), waits]


def _print_life(life: Sequence[tuple[str, Entry]], story: Story, orders: Sequence[OrderStory]) -> None:
    """A line for each thing, days and order numbers where they change; then how everything stands."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    if story.contact:
        table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")

    def line(first: Text, number: str, what: RenderableType) -> None:
        table.add_row(first, *([Text(number)] if story.contact else []), what)

    day: date | None = None
    about, source = "", None
    for number, entry in life:
        if is_new_day := entry.on != day:
            about, source = "", None
        indent = 2 if isinstance(entry, Outgoing) else 0
        behind = "" if entry.source is None or entry.source == source else f"  {entry.source}"
        what = Padding(Text.assemble(entry.text, (behind, "dim")), (0, 0, 0, indent))
        line(Text(str(entry.on) if is_new_day else ""), number if number != about else "", what)
        day, about, source = entry.on, number, entry.source or source
    for order in orders:
        for text in _standing(order.queues, "waiting") + [run.text for run in order.runs]:
            line(Text("now", style="dim"), order.order_number, Text(text))
    for run in story.contact.runs if story.contact else ():
        line(Text("now", style="dim"), "", Text(run.text))
    if story.contact is None:
        for text in _standing(orders[0].queues, "never"):
            line(Text("never in", style="dim"), "", Text(text))
    out.print(table)


def _of_contact(order: OrderStory) -> str:
    newest = order.newest
    if newest is None:
        return ""
    return f", {newest.email}" if newest.email else ", without a contact"


def _standing(queues: Sequence[QueueStanding], state: str) -> list[str]:
    """One line per sentence, with the campaigns that it holds for."""
    campaigns: dict[str, list[str]] = {}
    for queue in queues:
        if queue.state == state:
            campaigns.setdefault(queue.text, []).append(queue.campaign)
    return [f"queue {', '.join(names)}: {text}" for text, names in campaigns.items()]
