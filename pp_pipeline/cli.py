"""The command `pp`. Each command's work stands in pp_pipeline/commands/; imports wait until a command needs them."""

from typing import Annotated

import typer

from pp_pipeline.cli_comparing import comparing_app
from pp_pipeline.cli_coupons import coupons_app
from pp_pipeline.cli_ledger import ledger_app
from pp_pipeline.cli_new import campaign_app, conversation_app, segment_app
from pp_pipeline.cli_options import Json, Today
from pp_pipeline.cli_preview import preview_app
from pp_pipeline.cli_sending import sending_app
from pp_pipeline.cli_watching import watching_app

app = typer.Typer(
    name="pp",
    help="Order files in, the right messages out, once. Dates are YYYY-MM-DD.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(sending_app)
app.add_typer(comparing_app)
app.add_typer(preview_app)
app.add_typer(watching_app)
app.add_typer(campaign_app, name="campaign")
app.add_typer(conversation_app, name="conversation")
app.add_typer(segment_app, name="segment")
app.add_typer(coupons_app, name="coupons")
app.add_typer(ledger_app, name="ledger")


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
def events(as_json: Json = False) -> None:
    """List the events: who fires each, and who takes it: conversations here, relays, or both.

    Ends with 1 if something waits for an event that nothing fires, or two sides may write about one.
    """
    from pp_pipeline.commands.events import show_events

    raise typer.Exit(show_events(as_json))


@app.command()
def why(
    who: Annotated[str, typer.Argument(help="An e-mail address, a contact key or an order number.")],
    merchant: Annotated[str, typer.Option(help="The merchant whose contact or order it is.")] = "main",
    since: Annotated[str | None, typer.Option(help="Only what happened from this day on.")] = None,
    limit: Annotated[int, typer.Option(help="Most orders of a contact to tell of, the newest.", min=1)] = 10,
    not_got: Annotated[
        str | None, typer.Option("--not", help="Why WHO did not get this: a conversation, conversation/step, campaign.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="With --not: on which day; default today.")] = None,
    today: Today = None,
    as_json: Json = False,
) -> None:
    """Tell the story of a contact or an order: what came in, each movement and its reason, what was delivered.

    With --not NAME: the first reason why it did not get that message, or was not released by that campaign, on a day.

    Ends with 0 if there is something to tell, 1 if nothing is known of WHO, 2 if it can't be tried.
    """
    from pp_pipeline.commands.why import show_why, show_why_not

    if on is not None and not_got is None:
        raise typer.BadParameter("it says on which day --not is meant: say --not too", param_hint="--on")
    if not_got is not None:
        raise typer.Exit(show_why_not(who, merchant, not_got, on, today, as_json))
    raise typer.Exit(show_why(who, merchant, today, as_json, limit, since))


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
def pages(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=0, max=65535, envvar="PP_PAGES_PORT")] = 3001,
    today: Today = None,
) -> None:
    """Open pages on localhost: what `pp why` tells. They change nothing."""
    from pp_pipeline.commands.pages import serve_pages

    raise typer.Exit(serve_pages(port, today))


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
    pages_port: Annotated[
        int, typer.Option(help="Port of the pages beside it (`pp pages`).", min=1, max=65535, envvar="PP_PAGES_PORT")
    ] = 3001,
) -> None:
    """Open Dagster on localhost: lineage, runs, checks, backfills; and the pages of `pp pages`."""
    from pp_pipeline.commands.ui import serve

    raise typer.Exit(serve(port, pages_port))
