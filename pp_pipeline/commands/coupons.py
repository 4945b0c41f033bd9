"""`pp coupons`: how the pools stand, codes taken in from files, codes withdrawn. Counts only, never a code."""

import re
from datetime import date
from pathlib import Path
from typing import Any

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import (
    check_can_ask,
    confirmed,
    counted,
    err,
    guarded,
    print_json,
    print_line,
    print_table,
)
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.coupon_codes import CodeFile, CouponError, read_codes, told_lines
from pp_pipeline.ledger.coupon_stock import Imported, Withdrawn, import_codes, pools, withdraw
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.coupon_pools import PoolStanding, pool_standings
from pp_pipeline.settings import Settings, parse_day, utc_now


@guarded
def show_pools(as_json: bool) -> int:
    """All pools that hold codes or that a message draws from."""
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    conversations = load_conversations(settings.conversations_dir, merchants)
    today = acting_day(settings, merchants, None)
    with Ledger(settings) as ledger:
        standings = pool_standings(ledger, conversations, today)
    if as_json:
        print_json([_record(each, today) for each in standings])
        return 0
    columns = ("pool", "in_stock", "drawn", "drawn_lately", "expired", "withdrawn", "next_expiry", "state", "used_by")
    rows = [[_cell(_record(each, today)[column]) for column in columns] for each in standings]
    print_table(
        "Coupon pools",
        ["pool", "in stock", "drawn", "of 14 days", "expired", "withdrawn", "next expiry", "state", "drawn by"],
        rows,
        empty="none; `pp coupons import POOL FILE` makes one",
    )
    for each in standings:
        if each.warning:
            print_line(each.warning, "yellow")
    return 0


@guarded
def import_codes_of_file(
    pool: str, file: str, expires: str, column: str, allow_shared: bool, dry_run: bool, as_json: bool
) -> int:
    """Take the codes of a file into a pool, all or none."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", pool):
        raise CouponError("the name of a pool is of lower-case letters, digits and _, at most 64, as in conversations")
    settings = Settings.from_environment()
    expires_on = parse_day(expires) if expires else None
    today = acting_day(settings, load_merchants(settings), None)
    if expires_on is not None and expires_on < today:
        raise CouponError(f"--expires {expires_on} is past: none of the codes could be drawn")
    read = read_codes(Path(file), column)
    with Ledger(settings) as ledger:
        imported = import_codes(
            ledger, pool, read.codes, expires_on, utc_now(), read.lines, allow_shared=allow_shared, dry_run=dry_run
        )
    if as_json:
        print_json(
            {
                "pool": pool, "new": imported.new, "known": imported.known, "repeated": len(read.repeated_lines),
                "repeated_lines": read.repeated_lines, "ignored_columns": read.ignored_columns,
                "expires_on": expires_on, "dry_run": dry_run,
            }
        )  # fmt: skip
    else:
        _tell_import(pool, read, imported, dry_run)
    return 0


@guarded
def withdraw_codes(pool: str, codes: str, column: str, yes: bool, as_json: bool) -> int:
    """Withdraw a pool's codes, or those of a file, as far as nobody drew them. Returns 1 if the person said no."""
    check_can_ask(as_json, yes)
    settings = Settings.from_environment()
    asked = read_codes(Path(codes), column).codes if codes else None
    with Ledger(settings) as ledger:
        if pool not in pools(ledger, utc_now()):
            raise CouponError(f"no code was ever imported into a pool {pool}; `pp coupons` lists the pools")
        what = "all codes in stock" if asked is None else f"up to {counted(len(asked), 'code', 'codes')}"
        question = f"Withdraw {what} of pool {pool}? They can't be brought back."
        if not yes and not confirmed(question, "--yes withdraws without being asked"):
            err.print("nothing was withdrawn")
            return 1
        done = withdraw(ledger, pool, asked)
    if as_json:
        print_json({"pool": pool, **vars(done)})
    else:
        _tell_withdrawn(pool, done)
    return 0


def _tell_import(pool: str, read: CodeFile, imported: Imported, dry_run: bool) -> None:
    new = counted(imported.new, "new code", "new codes")
    print_line(f"{new} would be imported into {pool}." if dry_run else f"{new} imported into {pool}.")
    if imported.known:
        print_line(f"{counted(imported.known, 'code', 'codes')} of the file stood in it before, and stay as they are.")
    if lines := read.repeated_lines:
        print_line(
            f"{counted(len(lines), 'line repeats', 'lines repeat')} a code of the file: {told_lines(lines)}.", "yellow"
        )
    _tell_ignored(read.ignored_columns)


def _tell_ignored(columns: list[str]) -> None:
    if columns:
        words = f"Columns of which nothing is used: {', '.join(columns)}. --expires says the last day of all codes."
        print_line(words, "yellow")


def _tell_withdrawn(pool: str, done: Withdrawn) -> None:
    print_line(f"{counted(done.withdrawn, 'code', 'codes')} of {pool} withdrawn.")
    if done.drawn_before:
        print_line(f"{counted(done.drawn_before, 'code was', 'codes were')} drawn before: out of reach.", "yellow")
    if done.not_in_pool:
        print_line(f"{counted(done.not_in_pool, 'code is', 'codes are')} not in this pool.", "yellow")


def _record(each: PoolStanding, today: date) -> dict[str, Any]:
    pool = each.pool
    return {
        "pool": each.name,
        "in_stock": pool.in_stock(today) if pool else 0,
        "usable": each.usable,
        "drawn": pool.drawn if pool else 0,
        "drawn_lately": pool.drawn_lately if pool else 0,
        "expired": pool.expired(today) if pool else 0,
        "withdrawn": pool.withdrawn if pool else 0,
        "next_expiry": pool.next_expiry(today) if pool else None,
        "state": each.state,
        "used_by": list(each.used_by),
    }


def _cell(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value
