"""`pp coupons` and its words; the work stands in pp_pipeline/commands/coupons.py."""

from typing import Annotated

import typer

from pp_pipeline.cli_options import Json

coupons_app = typer.Typer(help="Coupon pools: their stock, codes taken in, codes withdrawn. No code is ever shown.")

_Pool = Annotated[str, typer.Argument(help="Name of the pool, as conversations name it.")]
_Column = Annotated[str, typer.Option(help="Header over the codes; default `code` and the like, or no header.")]


@coupons_app.callback(invoke_without_command=True)
def coupons(context: typer.Context, as_json: Json = False) -> None:
    """Show how the coupon pools stand: in stock, drawn, expired, who draws from them, and what is low."""
    if context.invoked_subcommand is not None:
        return
    from pp_pipeline.commands.coupons import show_pools

    raise typer.Exit(show_pools(as_json))


@coupons_app.command(name="import")
def import_file(
    pool: _Pool,
    file: Annotated[str, typer.Argument(help="UTF-8: one code per line, or a table with a header.")],
    expires: Annotated[str, typer.Option(metavar="DAY", help="Last day the codes are good for; default none.")] = "",
    column: _Column = "",
    allow_shared: Annotated[bool, typer.Option("--allow-shared", help="Take codes that other pools hold.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Take the codes of a file into a pool, all or none. What the pool knows already stays as it is."""
    from pp_pipeline.commands.coupons import import_codes_of_file

    raise typer.Exit(import_codes_of_file(pool, file, expires, column, allow_shared, dry_run, as_json))


@coupons_app.command()
def expire(
    pool: _Pool,
    codes: Annotated[str, typer.Option(metavar="FILE", help="Only the codes of this file; default all.")] = "",
    column: _Column = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: Json = False,
) -> None:
    """Withdraw codes that nobody has drawn yet, for good. Codes that were drawn stay with their messages."""
    from pp_pipeline.commands.coupons import withdraw_codes

    raise typer.Exit(withdraw_codes(pool, codes, column, yes, as_json))
