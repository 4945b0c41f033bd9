"""How commands speak: tables for people, JSON for programs, plain errors, exit codes.

Exit codes: 0 all is well, 1 it ran and something is wrong, 2 it could not be tried.
"""

import json
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    json.dump(value, sys.stdout, indent=2, default=_plain)
    sys.stdout.write("\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table that reads well in 100 columns."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        numeric = bool(rows) and all(isinstance(row[len(table.columns)], int) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*["" if value is None else str(value) for value in row])
    out.print(table)


def guarded(command: Callable[[], int]) -> int:
    """Run a command; what a person can put right becomes one plain message and exit code 2."""
    try:
        return command()
    except _expected_errors() as error:
        err.print("[bold red]error[/]", end=" ")
        err.print(str(error), markup=False)
        return 2


def _expected_errors() -> tuple[type[Exception], ...]:
    from pp_pipeline.campaigns.parameters import CampaignError
    from pp_pipeline.contact_keys import SecretError
    from pp_pipeline.conversations.loading import ConversationError
    from pp_pipeline.dbt_project import DbtError
    from pp_pipeline.ledger.store import LedgerError
    from pp_pipeline.merchants import MerchantError
    from pp_pipeline.sending.batches import ApprovalError
    from pp_pipeline.sending.sender import SendRefused
    from pp_pipeline.settings import SettingsError
    from pp_pipeline.warehouse import WarehouseError

    return (
        ApprovalError, CampaignError, ConversationError, DbtError, LedgerError, MerchantError, SecretError,
        SendRefused, SettingsError, WarehouseError,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
