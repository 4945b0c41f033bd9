"""The word of `pp` that holds two plans against each other."""

from typing import Annotated

import typer

from pp_pipeline.cli_options import Json

comparing_app = typer.Typer(pretty_exceptions_show_locals=False)


@comparing_app.command()
def diff(  # noqa: PLR0913, PLR0917  (one for each option)
    revisions: Annotated[
        list[str] | None, typer.Argument(help="One or two git revisions; default main. Alone: with the working tree.")
    ] = None,
    file: Annotated[str, typer.Option(metavar="NAME", help="Two contents of this file of the inbox instead.")] = "",
    before: Annotated[str, typer.Option(metavar="HASH", help="Of --file: the one; default that before it.")] = "",
    after: Annotated[
        str, typer.Option(metavar="HASH", help="Of --file: the other, a path, or inbox; default the newest accepted.")
    ] = "",
    known_at: Annotated[str, typer.Option(metavar="TIME", help="What was known then instead, and now.")] = "",
    until: Annotated[str, typer.Option("--and", metavar="TIME", help="Of --known-at: not now but then.")] = "",
    first: Annotated[str, typer.Option("--from", help="First day; default the first that can differ.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day, also in the future; default the newest built.")] = "",
    rows: Annotated[int, typer.Option(help="Most rows to print of each campaign and so on.", min=0)] = 10,
    csv: Annotated[str, typer.Option(metavar="FILE", help="Write every row that differs.")] = "",
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a summary for a comment: counts only.")
    ] = False,
    fail_above: Annotated[
        str, typer.Option(metavar="N", help="End with 1 if more rows differ than N, or N% of those planned before.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare what two configurations plan, two contents of a file, or what was known at two times.

    By campaign, conversation, event, segment and day: rows that appear, vanish, move or change, and why; and who
    waits at the end. What was sent stays sent and is marked. Nothing is written in the home.

    Ends with 0, with 1 above --fail-above, with 2 if it can't be tried.
    """
    from pp_pipeline.commands.diff import Shown, show_difference
    from pp_pipeline.comparing.asking import AskedSides

    wanted = revisions or []
    if len(wanted) > 2:
        raise typer.BadParameter("at most two revisions")
    asked = AskedSides(wanted, file, before, after, known_at, until, first, last)
    raise typer.Exit(show_difference(asked, Shown(rows, csv, as_json, as_markdown, fail_above)))
