"""Options that several words of `pp` have in common."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Today = Annotated[str | None, typer.Option(help="Act as of this day (rehearsals only; refused in live mode).")]
