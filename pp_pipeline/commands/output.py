"""How commands speak: tables for people, JSON for programs, plain errors, exit codes.

Exit codes: 0 all is well, 1 it ran and something is wrong, 2 it could not be tried.
"""

import json
import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import wraps
from typing import Any, ParamSpec

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pp_pipeline.settings import SettingsError

# As wide as the terminal; into a file or a pipe, where rich would take 80 columns and fold, 100 (or COLUMNS).
_WIDTH = shutil.get_terminal_size(fallback=(100, 24)).columns

_CHATTY = ("dagster", "dagster.daemon", "sqlalchemy", "alembic", "great_expectations")

P = ParamSpec("P")

out = Console(highlight=False, width=_WIDTH)
err = Console(stderr=True, highlight=False, width=_WIDTH)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    json.dump(value, sys.stdout, indent=2, default=_plain)
    sys.stdout.write("\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str = "none", whole: int = 1
) -> None:
    """A table that reads well in 100 columns. Cells are shown as they are: brackets are no markup.

    Args:
        empty: what stands in place of a table without rows.
        whole: so many columns from the left are never folded: names and keys that people copy.
    """
    out.print(Text(title, style="bold"))
    if not rows:
        out.print(Text(empty, style="dim"))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, column in enumerate(columns):
        numeric = all(isinstance(row[place], int) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=place < whole)
    for row in rows:
        table.add_row(*[_cell(value) for value in row])
    out.print(table)


def counted(count: int, one: str, many: str) -> str:
    """A count with its word: `1 batch`, `2 batches`."""
    return f"{count} {one if count == 1 else many}"


def older_ones(count: int, options: str) -> str:
    """That a list was cut off, and by which options it is not: `1 older one is not shown (--limit)`."""
    return f"{counted(count, 'older one is', 'older ones are')} not shown ({options})"


def moment(at: datetime | None, zone: tzinfo = UTC) -> str:
    """A time of a table, to the minute: `2026-10-31 06:00`; the column's title or a word behind it says the zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""


def stated_moment(text: str) -> str:
    """A time as the ledger's facts state it (`2026-10-31T06:00:00Z`), with what stands behind it, for a person."""
    at, blank, rest = text.partition(" ")
    return f"{moment(datetime.fromisoformat(at))} UTC{blank}{rest}"


def print_line(text: str, style: str = "") -> None:
    """A line as it is: no markup, folded at words where it is longer than the terminal."""
    out.print(Text(text, style=style))


def check_can_ask(as_json: bool, yes: bool, dry_run: bool | None = None) -> None:
    """Refuse to ask where the answer would stand in the middle of a JSON document.

    Args:
        dry_run: whether --dry-run was said, of commands that know it.

    Raises:
        SettingsError: --json without a word that makes a question needless.
    """
    if as_json and not (yes or dry_run):
        also = "" if dry_run is None else " or --dry-run"
        raise SettingsError(f"--json shows nothing to say yes to; with it, say --yes{also}")


def confirmed(question: str, without: str) -> bool:
    """Whether the person says yes; `without` says how to do without being asked, where nobody answers."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        err.print(f"no answer; {without}")
        return False


def quiet_libraries() -> None:
    """Let libraries speak from warnings on: what they do in passing is nothing that a person asked for."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # One of its modules sets its own level when it is imported; warnings still come, by logging's last resort.
    logging.getLogger("great_expectations").propagate = False


def guarded(command: Callable[P, int]) -> Callable[P, int]:
    """Wrap a command: what a person can put right becomes one plain message and exit code 2."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        return _run(lambda: command(*args, **kwargs))

    return run


def _run(command: Callable[[], int]) -> int:
    try:
        return command()
    except expected_errors() as error:
        err.print("[bold red]error[/]", end=" ")
        err.print(str(error), markup=False)
        return 2


def expected_errors() -> tuple[type[Exception], ...]:
    """What a person can put right; the texts of these say how."""
    from pp_pipeline.campaigns.parameters import CampaignError
    from pp_pipeline.contact_keys import SecretError
    from pp_pipeline.conversations.loading import ConversationError
    from pp_pipeline.coupon_codes import CouponError
    from pp_pipeline.dbt_project import DbtError
    from pp_pipeline.landing.remote import FetchError
    from pp_pipeline.ledger.store import LedgerError
    from pp_pipeline.merchants import MerchantError
    from pp_pipeline.sending.known_secret import SendRefused
    from pp_pipeline.sending.releases import ApprovalError
    from pp_pipeline.shadow.building import ShadowError
    from pp_pipeline.warehouse import WarehouseError

    return (
        ApprovalError, CampaignError, ConversationError, CouponError, DbtError, FetchError, LedgerError, MerchantError,
        SecretError, SendRefused, SettingsError, ShadowError, WarehouseError,
    )  # fmt: skip


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    return Text("" if value is None else str(value))


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
