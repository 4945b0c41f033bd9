"""The command `pp`. Each command's work stands in pp_pipeline/commands/; imports wait until a command needs them."""

from typing import Annotated

import typer

from pp_pipeline.cli_coupons import coupons_app
from pp_pipeline.cli_ledger import app as ledger_app

app = typer.Typer(
    name="pp",
    help="Order files in, the right messages out, once. Dates are YYYY-MM-DD.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(coupons_app, name="coupons")
app.add_typer(ledger_app, name="ledger")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Today = Annotated[str | None, typer.Option(help="Act as of this day (rehearsals only; refused in live mode).")]


@app.command()
def run(
    first: Annotated[str, typer.Option("--from", help="First day to build.")],
    last: Annotated[str, typer.Option("--to", help="Last day; unread files dated up to it are taken in.")],
    today: Today = None,
    send: Annotated[bool, typer.Option("--send", help="Deliver what the batches allow, after building.")] = False,
    as_json: Json = False,
) -> None:
    """Take in order files, build the days, seal the batches; with --send, deliver."""
    from pp_pipeline.commands.run import run_days

    raise typer.Exit(run_days(first, last, today, send, as_json))


@app.command()
def fetch(as_json: Json = False) -> None:
    """Fetch new and changed files from PP_INBOX_URL into the inbox. `pp run` does it first by itself."""
    from pp_pipeline.commands.fetch import fetch as fetch_now

    raise typer.Exit(fetch_now(as_json))


@app.command()
def files(  # noqa: PLR0913, PLR0917  (one for each option)
    day: Annotated[str | None, typer.Option(help="Only files of this file date.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="Only file dates from this day on.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Only file dates up to this day.")] = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed, as `pp feeds` names it.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    name: Annotated[str | None, typer.Option(help="Every content ever seen under this name.")] = None,
    limit: Annotated[int, typer.Option(help="Most rows to print, the newest.", min=1)] = 40,
    page: Annotated[bool, typer.Option("--page", help="Write the page of the last 30 days; print its path.")] = False,
    as_json: Json = False,
) -> None:
    """Tell what came in and what became of it, newest first, and what in the inbox is not understood.

    Ends with 1 while the inbox holds something refused or not understood.
    """
    from pp_pipeline.commands.files import show_files, write_files_page

    if page:
        raise typer.Exit(write_files_page(as_json))
    raise typer.Exit(show_files(day, first, last, feed, refused, name, limit, as_json))


@app.command()
def feeds(
    kind: Annotated[str | None, typer.Argument(help="A kind of feed, such as orders: shows its columns.")] = None,
    as_json: Json = False,
) -> None:
    """List the feeds: whose they are, what they hold, how their files are named; or the columns of a kind."""
    from pp_pipeline.commands.feeds import show_columns, show_feeds

    raise typer.Exit(show_columns(kind, as_json) if kind else show_feeds(as_json))


@app.command()
def queue(
    campaign: Annotated[str, typer.Argument(help="Name of the campaign, such as win_back.")],
    on: Annotated[str | None, typer.Option(help="The day to look at; default the newest built day.")] = None,
    limit: Annotated[int, typer.Option(help="Most rows to print of who waits.")] = 20,
    as_json: Json = False,
) -> None:
    """Show a campaign's queue on a day: who waits, who moved, who left and why."""
    from pp_pipeline.commands.queue import show_queue

    raise typer.Exit(show_queue(campaign, on, limit, as_json))


@app.command()
def why(
    who: Annotated[str, typer.Argument(help="An e-mail address, a contact key or an order number.")],
    merchant: Annotated[str, typer.Option(help="The merchant whose contact or order it is.")] = "main",
    limit: Annotated[int, typer.Option(help="Most orders of a contact to tell of, the newest.", min=1)] = 10,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Tell the story of a contact or an order: what came in, each movement and its reason, what was delivered.

    Also why a queue never held an order, and why an event led to no message.

    Ends with 0 if there is something to tell, 1 if nothing is known of WHO, 2 if it can't be tried.
    """
    from pp_pipeline.commands.why import show_why

    raise typer.Exit(show_why(who, merchant, today, as_json, limit))


@app.command()
def batches(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for approval.")] = False,
    limit: Annotated[int, typer.Option(help="Most batches to print, the newest.", min=1)] = 40,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """List the batches: what each day wants delivered, and what has become of it."""
    from pp_pipeline.commands.batches import show_batches

    raise typer.Exit(show_batches(waiting, today, as_json, limit))


@app.command()
def approve(
    hashes: Annotated[list[str] | None, typer.Argument(help="Hashes (or their beginnings) from `pp batches`.")] = None,
    everything: Annotated[bool, typer.Option("--all-waiting", help="Approve all that waits; asks first.")] = False,
    by: Annotated[str, typer.Option(help="Who approves; stands in the ledger.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Let old or large batches go. An approval names a hash: a batch that changed since has another one.

    Nothing is sent by it: `pp send` does that, or Dagster's batch_sensor.
    """
    from pp_pipeline.commands.approve import approve_batches

    raise typer.Exit(approve_batches(hashes or [], everything, by, yes, today, as_json))


@app.command()
def send(
    first: Annotated[str, typer.Option("--from", help="First day whose batches to send.")],
    last: Annotated[str, typer.Option("--to", help="Last day whose batches to send.")],
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Deliver what the batches of these days allow, building nothing. What was sent is not sent again."""
    from pp_pipeline.commands.send import send_days

    raise typer.Exit(send_days(first, last, today, as_json))


@app.command(name="send-test")
def send_test(
    conversation: Annotated[str, typer.Argument(help="The conversation whose message to send.")],
    to: Annotated[str, typer.Option(help="Who gets it: an e-mail address of your own; of a text, a phone number.")],
    merchant: Annotated[str, typer.Option(help="The merchant who writes.")] = "main",
    as_json: Json = False,
) -> None:
    """Send one message with a sample order to yourself, an e-mail marked \\[test]. No shopper's data are in it."""
    from pp_pipeline.commands.send_test import send_test_message

    raise typer.Exit(send_test_message(conversation, to, merchant, as_json))


@app.command()
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


@app.command()
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


@app.command()
def forget(
    email: Annotated[str, typer.Argument(help="The address; - reads it from standard input, out of any history.")],
    merchant: Annotated[str, typer.Option(help="The merchant whose contact it is.")] = "main",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would touch, in counts; change nothing.")
    ] = False,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Take a person out of inbox, archive, warehouse and outbox, and keep them out; asks first.

    Their orders stay, without them. A tombstone in the ledger (a key, no address) holds whatever comes later. It may
    be run again at any time, also after it was killed. Ends with 1 if something is left: the last lines say where.
    """
    from pp_pipeline.commands.forget import forget_person

    raise typer.Exit(forget_person(email, merchant, yes, dry_run, today, as_json))


@app.command()
def guards(as_json: Json = False) -> None:
    """List what is looked at when a delivery is about to go, and what that does to each kind of delivery."""
    from pp_pipeline.commands.guards import show_guards

    raise typer.Exit(show_guards(as_json))


@app.command(name="kill-switch")
def kill_switch(
    state: Annotated[str | None, typer.Argument(help="on or off; nothing shows what it is.")] = None,
    by: Annotated[str, typer.Option(help="Who does it; stands in the ledger.")] = "",
    as_json: Json = False,
) -> None:
    """Stop all sending at once, or let it go on."""
    from pp_pipeline.commands.switches import set_kill_switch

    raise typer.Exit(set_kill_switch(state, by, as_json))


@app.command()
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


@app.command()
def doctor(
    nameserver: Annotated[
        str, typer.Option(help="Ask this DNS server (ADDRESS or ADDRESS:PORT), not the machine's.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Look whether this installation is sound, and SPF, DKIM and DMARC of the sender's domain.

    Changes nothing. Ends with 1 if something fails.
    """
    from pp_pipeline.commands.doctor import run_doctor

    raise typer.Exit(run_doctor(nameserver, as_json))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Where to listen; a proxy with TLS stands in front.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8088,
) -> None:
    """Take one-click unsubscribing, the preference page and the webhooks of providers. It counts at once."""
    from pp_pipeline.commands.serve import serve_endpoint

    raise typer.Exit(serve_endpoint(host, port))


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Open Dagster on localhost: lineage, runs, checks, backfills."""
    from pp_pipeline.commands.ui import serve

    raise typer.Exit(serve(port))
