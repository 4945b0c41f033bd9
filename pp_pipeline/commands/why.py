"""`pp why`: the story of a contact or an order, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import err, guarded, out, print_json, print_line, print_table
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.why.story import ContactStory, NoMessage, OrderStory, Outgoing, QueueStanding, Source, Story
from pp_pipeline.why.telling import tell_story
from pp_pipeline.why.words import days, money


@guarded
def show_why(who: str, merchant: str, today: str | None, as_json: bool, limit: int) -> int:
    """Tell what is known. Returns: 0 something is, 1 nothing is, 2 it could not be tried."""
    if not who.strip():
        raise SettingsError("say whom: an e-mail address, a contact key or an order number")
    settings = Settings.from_environment()
    day = acting_day(settings, load_merchants(settings), today)
    with err.status("reading ..."):
        story = tell_story(settings, who, merchant, day)
    if as_json:
        print_json({"found": story is not None} | (asdict(story) if story else {"merchant": merchant}))
    elif story is None:
        print_line(f"Nothing is known of '{who.strip()}' at merchant {merchant}: no order, no row, no delivery.")
    else:
        _print_story(story, limit)
    return 0 if story is not None else 1


def _print_story(story: Story, limit: int) -> None:
    for note in story.notes:
        print_line(f"note: {note}", "yellow")
    if story.contact:
        _print_contact(story, story.contact)
    shown = story.orders[-limit:]
    if story.contact and len(shown) < len(story.orders):
        print_line(f"The newest {len(shown)} of {len(story.orders)} orders follow (--limit, --json).", "dim")
    for order in shown:
        _print_order(order, story)
    if any(one.state == "waiting" for order in shown for one in order.outgoing):
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


def _print_order(order: OrderStory, story: Story) -> None:
    out.print()
    print_line(f"Order {order.order_number}{_whose(order, story)}", "bold")
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    day: date | None = None
    source: Source | None = None
    for entry in order.entries:
        is_same_day = entry.on == day
        is_told = entry.source is None or (is_same_day and entry.source == source)
        indent = 2 if isinstance(entry, Outgoing | NoMessage) else 0
        behind = "" if is_told else f"  {entry.source}"
        text = Padding(Text.assemble(entry.text, (behind, "dim")), (0, 0, 0, indent))
        table.add_row("" if is_same_day else str(entry.on), text)
        day, source = entry.on, entry.source or source
    for state, word in (("waiting", "now"), ("never", "never in")):
        for text in _standing(order.queues, state):
            table.add_row(Text(word, style="dim"), Text(text))
    out.print(table)


def _whose(order: OrderStory, story: Story) -> str:
    """Whose order it is, where that was not said yet."""
    newest = order.newest
    if newest is None or (story.contact and newest.email == story.contact.email):
        return ""
    return f", {newest.email}" if newest.email else ", without a contact"


def _standing(queues: Sequence[QueueStanding], state: str) -> list[str]:
    """One line per sentence, with the campaigns that it holds for."""
    campaigns: dict[str, list[str]] = {}
    for queue in queues:
        if queue.state == state:
            campaigns.setdefault(queue.text, []).append(queue.campaign)
    return [f"{', '.join(names)}: {text}" for text, names in campaigns.items()]
