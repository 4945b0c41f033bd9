"""The word `pp preview`: what would go out."""

from pathlib import Path
from typing import Annotated

import typer

from pp_pipeline.cli_options import Json

preview_app = typer.Typer()


@preview_app.command()
def preview(  # noqa: PLR0913, PLR0917  (one for each option)
    campaign: Annotated[str, typer.Option(help="The campaign to preview, such as win_back.")] = "",
    conversation: Annotated[str, typer.Option(help="The conversation to preview.")] = "",
    on: Annotated[str | None, typer.Option(help="The (first) day; default today.")] = None,
    to: Annotated[
        str | None, typer.Option(help="The last day; of days to come, what is due if nothing comes in.")
    ] = None,
    merchant: Annotated[str, typer.Option(help="Only contacts of this merchant.")] = "",
    known_at: Annotated[str | None, typer.Option(help="As known at this time, such as 2026-07-04T06:00 (UTC).")] = None,
    limit: Annotated[int, typer.Option(help="Most rows to print.", min=1)] = 20,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write all rows to this file.")] = None,
    page: Annotated[Path | None, typer.Option("--page", help="Write a page for a browser to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show who would get what and when, and for everybody else of the Post Purchase list why not.

    By the files of the working tree as they are now. Nothing is written but the files that are named.

    Ends with 0 when it was made, 2 when it could not be tried.
    """
    from pp_pipeline.commands.preview import Options, show_preview

    options = Options(
        campaign.removeprefix("queue_"), conversation, merchant, on, to, known_at, limit, csv_file, page, as_json
    )
    raise typer.Exit(show_preview(options))
