"""The words of `pp` about what goes out: what waits, who gets it, and what holds it."""

from typing import Annotated

import typer

from pp_pipeline.cli_options import Json, Today

sending_app = typer.Typer(pretty_exceptions_show_locals=False)


@sending_app.command()
def batches(
    first: Annotated[str | None, typer.Option("--on", help="Only those of this day.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="With --on: up to this day.")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for approval.")] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="Their rows held against the ledger, each with the file and line behind it.")
    ] = False,
    csv: Annotated[str, typer.Option(help="Write all rows to this new file, without addresses.")] = "",
    limit: Annotated[int, typer.Option(help="Most batches (the newest) or rows to print.", min=1)] = 40,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """List the batches: what each day wants delivered, and what has become of it.

    With --rows: what of it is new, moved, no longer due, overtaken or sent in error, and why.
    """
    from pp_pipeline.commands.batches import Wanted, show_batches

    wanted = Wanted(first, last, waiting, rows, csv)
    raise typer.Exit(show_batches(wanted, today, as_json, limit))


@sending_app.command()
def approve(
    hashes: Annotated[list[str] | None, typer.Argument(help="Hashes (or their beginnings) from `pp batches`.")] = None,
    everything: Annotated[bool, typer.Option("--all-waiting", help="Approve all that waits; asks first.")] = False,
    due_from: Annotated[
        str | None, typer.Option(metavar="DAY", help="Of these, what is due before this day is never sent.")
    ] = None,
    never: Annotated[
        bool, typer.Option("--never", help="Approve nothing: what is left of them is never sent.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who approves; stands in the ledger.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Let old or large batches go, or see to it that they never do. Shows what they differ in from the ledger first.

    An approval names a hash: a batch that changed since has another one. Nothing is sent by it: `pp send` does that,
    or Dagster's batch_sensor.
    """
    from pp_pipeline.commands.approve import approve_batches

    raise typer.Exit(approve_batches(hashes or [], everything, due_from, never, by, yes, today, as_json))


@sending_app.command()
def send(
    first: Annotated[str, typer.Option("--from", help="First day whose batches to send.")],
    last: Annotated[str, typer.Option("--to", help="Last day whose batches to send.")],
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Deliver what the batches of these days allow, building nothing. What was sent is not sent again."""
    from pp_pipeline.commands.send import send_days

    raise typer.Exit(send_days(first, last, today, as_json))


@sending_app.command(name="send-test")
def send_test(
    conversation: Annotated[str, typer.Argument(help="The conversation whose message to send.")],
    to: Annotated[str, typer.Option(help="Who gets it: an e-mail address of your own; of a text, a phone number.")],
    merchant: Annotated[str, typer.Option(help="The merchant who writes.")] = "main",
    as_json: Json = False,
) -> None:
    """Send one message with a sample order to yourself, an e-mail marked \\[test]. No shopper's data are in it."""
    from pp_pipeline.commands.send_test import send_test_message

    raise typer.Exit(send_test_message(conversation, to, merchant, as_json))


@sending_app.command()
def render(
    message: Annotated[str, typer.Argument(help="A conversation, conversation/template, or all: with a gallery.")],
    contact: Annotated[str, typer.Option(help="About the newest order of this address or contact key.")] = "",
    order: Annotated[str, typer.Option(help="About the order of this number.")] = "",
    on: Annotated[str | None, typer.Option(help="As known on this day; default the newest with orders.")] = None,
    locale: Annotated[str | None, typer.Option(help="In this locale, such as de; default the contact's.")] = None,
    merchant: Annotated[str, typer.Option(help="The merchant who writes.")] = "main",
    opens: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Write messages to PP_HOME/rendered as they would go out now, about the newest real order. Nothing is sent.

    Ends with 1 if one can't be rendered.
    """
    from pp_pipeline.commands.render import render_messages

    raise typer.Exit(render_messages(message, contact, order, on, locale, merchant, opens, as_json))


@sending_app.command()
def suppressions(
    export: Annotated[str, typer.Option(help="Write all that is in force to this new CSV file, with addresses.")] = "",
    add: Annotated[str, typer.Option(metavar="EMAIL", help="Write to this address, or +NUMBER, no more.")] = "",
    lift: Annotated[str, typer.Option(metavar="EMAIL", help="Write to this address, or +NUMBER, again.")] = "",
    channel: Annotated[str, typer.Option(help="email or sms; default every channel.")] = "",
    kind: Annotated[str, typer.Option(help="commercial or transactional; default both.")] = "",
    merchant: Annotated[str, typer.Option(help="The merchant whose contact it is.")] = "main",
    as_json: Json = False,
) -> None:
    """Count who is not to be written to, by reason and scope; export them, add or lift one.

    Nothing here prints an address; an export holds them, for the eyes of its owner only.
    """
    from pp_pipeline.commands.suppressions import run_suppressions

    raise typer.Exit(run_suppressions(export, add, lift, channel, kind, merchant, as_json))


@sending_app.command()
def guards(as_json: Json = False) -> None:
    """List what is looked at when a delivery is about to go, and what that does to each kind of delivery."""
    from pp_pipeline.commands.guards import show_guards

    raise typer.Exit(show_guards(as_json))


@sending_app.command(name="kill-switch")
def kill_switch(
    state: Annotated[str | None, typer.Argument(help="on or off; nothing shows what it is.")] = None,
    by: Annotated[str, typer.Option(help="Who does it; stands in the ledger.")] = "",
    as_json: Json = False,
) -> None:
    """Stop all sending at once, or let it go on."""
    from pp_pipeline.commands.switches import set_kill_switch

    raise typer.Exit(set_kill_switch(state, by, as_json))


@sending_app.command()
def pause(
    name: Annotated[str | None, typer.Argument(help="A campaign or conversation; nothing lists the paused.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Let it go on.")] = False,
    campaign: Annotated[bool, typer.Option("--campaign", help="Only the campaign of that name.")] = False,
    conversation: Annotated[bool, typer.Option("--conversation", help="Only the conversation of that name.")] = False,
    by: Annotated[str, typer.Option(help="Who pauses; stands in the ledger.")] = "",
    as_json: Json = False,
) -> None:
    """Stop what one campaign or conversation sends, or let it go on. Days are built and sealed all the same.

    Of a paused campaign neither messages nor events for relays go. A campaign and a conversation of one name are
    paused together.
    """
    from pp_pipeline.commands.switches import set_pauses

    what = "campaign" if campaign and not conversation else "conversation" if conversation and not campaign else None
    raise typer.Exit(set_pauses(name, what, not off, by, as_json))
