"""`pp ledger ...`: looking into the ledger, and the few things that a person may write there."""

from typing import Annotated

import typer

from pp_pipeline.cli_options import Json

ledger_app = typer.Typer(
    help="The ledger: what went, what did not, what is not known. No address is shown.",
    invoke_without_command=True,
    pretty_exceptions_show_locals=False,
)

Contact = Annotated[str, typer.Option(metavar="EMAIL-OR-KEY", help="Only this contact's.")]
OrderNumber = Annotated[str, typer.Option(help="Only those about this order.")]
Batch = Annotated[str, typer.Option(metavar="HASH", help="Only those first claimed under this batch.")]
First = Annotated[str | None, typer.Option("--from", help="Only those due on this day or later.")]
Last = Annotated[str | None, typer.Option("--to", help="Only those due up to this day.")]
Conversation = Annotated[str, typer.Option(help="Only messages of this conversation.")]
Target = Annotated[str, typer.Option(help="rehearsal or live; default both.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Who says so; stands in the ledger. Default: this login.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


@ledger_app.callback()
def ledger(context: typer.Context, as_json: Json = False) -> None:
    """Count what stands in the ledger, with the oldest that is not settled for good, and its last backup.

    Ends with 1 if it is not the ledger that this home has sent by.
    """
    if context.invoked_subcommand is None:
        from pp_pipeline.commands.ledger import show_ledger

        raise typer.Exit(show_ledger(as_json))


@ledger_app.command(name="list")
def list_(  # noqa: PLR0913, PLR0917  (one for each option)
    state: Annotated[list[str] | None, typer.Option(help="Only in this state; may be given several times.")] = None,
    contact: Contact = "",
    order: OrderNumber = "",
    batch: Batch = "",
    first: First = None,
    last: Last = None,
    conversation: Conversation = "",
    target: Target = "",
    limit: Annotated[int, typer.Option(help="Most deliveries to print, the newest.", min=1)] = 40,
    as_json: Json = False,
) -> None:
    """List deliveries, the newest first."""
    from pp_pipeline.commands.ledger import Asked, list_ledger

    asked = Asked(state or [], contact, order, batch, first, last, conversation, target)
    raise typer.Exit(list_ledger(asked, limit, as_json))


@ledger_app.command()
def show(
    key: Annotated[str, typer.Argument(help="A delivery's key, or its beginning.")],
    target: Target = "",
    as_json: Json = False,
) -> None:
    """Show one delivery whole, with its batch and its claim."""
    from pp_pipeline.commands.ledger import show_delivery

    raise typer.Exit(show_delivery(key, target, as_json))


@ledger_app.command()
def resolve(  # noqa: PLR0913, PLR0917  (one for each option)
    keys: Annotated[list[str] | None, typer.Argument(help="Keys of unknown deliveries, or their beginnings.")] = None,
    sent: Annotated[bool | None, typer.Option("--sent/--not-sent", help="They went; they did not.")] = None,
    everything: Annotated[bool, typer.Option("--all-unknown", help="All that the filters mean; asks first.")] = False,
    contact: Contact = "",
    order: OrderNumber = "",
    batch: Batch = "",
    first: First = None,
    last: Last = None,
    conversation: Conversation = "",
    target: Target = "",
    by: By = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Settle `unknown` deliveries. What did not go is tried again by the next sending, as any failure is."""
    from pp_pipeline.commands.ledger import Asked
    from pp_pipeline.commands.ledger_changes import resolve_deliveries

    asked = Asked([], contact, order, batch, first, last, conversation, target)
    raise typer.Exit(resolve_deliveries(keys or [], everything, asked, sent, by, yes, as_json))


@ledger_app.command()
def adopt(  # noqa: PLR0913, PLR0917  (one for each option)
    first: Annotated[str, typer.Option("--from", help="First day whose plan to take as sent.")],
    last: Annotated[str, typer.Option("--to", help="Last day.")],
    conversation: Conversation = "",
    relay: Annotated[str, typer.Option(help="Only events and snapshots for this relay.")] = "",
    target: Annotated[str, typer.Option(help="rehearsal or live; default what each batch goes to now.")] = "",
    by: By = "",
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: Json = False,
) -> None:
    """Take what is planned in these days as sent, without sending it: at the first switch-on, or after a restoring.

    What the ledger knows stays as it is.
    """
    from pp_pipeline.commands.ledger_changes import adopt as adopt_days

    raise typer.Exit(adopt_days(first, last, conversation, relay, target, by, yes, dry_run, as_json))


@ledger_app.command()
def backup(
    file: Annotated[str, typer.Argument(help="The new file; never overwritten.")],
    as_json: Json = False,
) -> None:
    """Copy the ledger into a new file, while others write. One format for SQLite and PostgreSQL."""
    from pp_pipeline.commands.ledger_backups import back_up_ledger

    raise typer.Exit(back_up_ledger(file, as_json))


@ledger_app.command()
def restore(
    file: Annotated[str, typer.Argument(help="A file of `pp ledger backup`.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put a backup in place of the ledger; what stands is kept in a file. Nothing is sent before `pp ledger accept`."""
    from pp_pipeline.commands.ledger_backups import restore_ledger

    raise typer.Exit(restore_ledger(file, yes, as_json))


@ledger_app.command()
def accept(by: By = "", yes: Yes = False, as_json: Json = False) -> None:
    """Take a restored ledger as it is, after showing what it lacks: sending goes on."""
    from pp_pipeline.commands.ledger_backups import accept_ledger

    raise typer.Exit(accept_ledger(by, yes, as_json))


@ledger_app.command(name="clear-rehearsal")
def clear_rehearsal(
    outbox: Annotated[bool, typer.Option("--outbox", help="Delete the outbox's files, too.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Forget what was rehearsed, before going live. Live deliveries are never touched."""
    from pp_pipeline.commands.ledger_changes import clear_rehearsals

    raise typer.Exit(clear_rehearsals(outbox, yes, as_json))
