"""`pp kill-switch` and `pp pause`: stopping all sending, or that of one campaign or conversation."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, select

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.login import login_name
from pp_pipeline.commands.output import guarded, moment, print_json, print_line, print_table
from pp_pipeline.conversations.loading import ConversationError
from pp_pipeline.ledger.schema import switches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.switches import (
    KILL_SWITCH,
    PAUSABLE,
    Pausable,
    Pauses,
    pause_name,
    read_pauses,
    set_switch,
    switch_is_on,
)
from pp_pipeline.merchants import MerchantError, load_merchants
from pp_pipeline.sending.releases import note_sendable
from pp_pipeline.settings import Settings, SettingsError

_QUEUE = "queue_"


@guarded
def set_kill_switch(state: str | None, by: str, as_json: bool) -> int:
    """Turn the kill switch on or off, or say what it is. Returns 1 if it is off, and PP_KILL_SWITCH keeps it on."""
    if state not in (None, "on", "off"):
        raise SettingsError(f"the kill switch can be on or off, not '{state}'; without a word it is shown")
    settings = Settings.from_environment()
    with Ledger(settings) as ledger:
        if state is not None:
            set_switch(ledger, KILL_SWITCH, state == "on", by or login_name())
            _note(settings, ledger)
        is_on = switch_is_on(ledger, KILL_SWITCH)
        changed = _changed(ledger, KILL_SWITCH)
    code = 1 if state == "off" and settings.kill_switch else 0
    if as_json:
        told = {"since": changed.changed_at, "by": changed.changed_by} if changed else {"since": None, "by": None}
        print_json({"is_on": is_on, "is_on_by_environment": settings.kill_switch, **told})
        return code
    if is_on:
        since = f", since {moment(changed.changed_at)} UTC{_by(changed.changed_by)}" if changed else ""
        print_line(f"The kill switch is on{since}: nothing is sent. `pp kill-switch off` lets sending go on.")
    elif settings.kill_switch:
        print_line("The kill switch is on by PP_KILL_SWITCH in the environment: nothing is sent while that is set.")
    else:
        print_line("The kill switch is off.")
    return code


@guarded
def set_pauses(name: str | None, what: Pausable | None, is_on: bool, by: str, as_json: bool) -> int:
    """Pause what has this name, or let it go on; without a name, list what is paused.

    A campaign and a conversation of one name are paused together, unless `what` says which.
    """
    settings = Settings.from_environment()
    with Ledger(settings) as ledger:
        if name is None:
            return _list(ledger, as_json)
        found: list[Pausable] = [
            one for one, names in _names(settings).items() if name in names and what in (None, one)
        ]
        with ledger.reading() as connection:
            before = read_pauses(connection)
        if not is_on:  # what was deleted meanwhile can still be let go on
            known = found
            found = [one for one in PAUSABLE if name in _of(before, one) and what in (None, one)]
            if known and not found:
                return _was_not_paused(name, known, as_json)
        if not found:
            raise SettingsError(_unknown(settings, name, what, is_on))
        for one in found:
            set_switch(ledger, pause_name(one, name), is_on, by or login_name())
        _note(settings, ledger)
    words = f"{' and '.join(found)} {name}"
    if as_json:
        print_json({"name": name, "what": found, "is_paused": is_on})
    elif is_on:
        print_line(f"Paused: {words}. Days are built and sealed as ever; nothing of it is sent.")
        print_line(f"`pp pause {name} --off` lets it go on; what is old by then waits for `pp approve`.")
    else:
        print_line(f"No longer paused: {words}. What is old by now waits for `pp approve`.")
    return 0


def _note(settings: Settings, ledger: Ledger) -> None:
    """What is held from now on is judged by its age when it is let go, and by nothing that was noted before.

    The next run notes it, too: a file that can't be used must not be in the way of stopping.
    """
    with contextlib.suppress(MerchantError, ConversationError):
        today = acting_day(settings, load_merchants(settings), None)
        note_sendable(ledger, settings, date.min, date.max, today)


def _was_not_paused(name: str, what: Sequence[Pausable], as_json: bool) -> int:
    """Nothing was to do, as for a kill switch that is turned off twice."""
    if as_json:
        print_json({"name": name, "what": list(what), "is_paused": False})
    else:
        print_line(f"Not paused: {' and '.join(what)} {name}.")
    return 0


def _changed(ledger: Ledger, name: str) -> Row[Any] | None:
    """When a switch was last changed and by whom; None where it never was."""
    query = select(switches.c.changed_at, switches.c.changed_by).where(switches.c.name == name)
    with ledger.reading() as connection:
        return connection.execute(query).first()


def _by(name: str | None) -> str:
    return f" by {name}" if name else ""


def _names(settings: Settings) -> Mapping[Pausable, Sequence[str]]:
    """What can be paused, by the names of the files: a pause must be possible while one of them is broken."""
    models = (settings.dbt_dir / "models" / "campaigns").glob(f"{_QUEUE}*.sql")
    folders = settings.conversations_dir.iterdir() if settings.conversations_dir.exists() else ()
    return {
        "campaign": sorted(path.stem.removeprefix(_QUEUE) for path in models),
        "conversation": sorted(path.name for path in folders if path.is_dir() and path.name[0] not in "_."),
    }


def _of(pauses: Pauses, what: Pausable) -> frozenset[str]:
    return pauses.campaigns if what == "campaign" else pauses.conversations


def _unknown(settings: Settings, name: str, what: Pausable | None, is_on: bool) -> str:
    if not is_on:
        return f"{what or 'nothing called'} {name} is not paused; `pp pause` lists what is"
    known = [f"{one}s: {', '.join(names)}" for one, names in _names(settings).items() if what in (None, one)]
    return f"there is no {what or 'campaign or conversation'} {name}; there are {'; '.join(known)}"


def _list(ledger: Ledger, as_json: bool) -> int:
    with ledger.reading() as connection:
        pauses = read_pauses(connection)
        rows = {row.name: row for row in connection.execute(select(switches).where(switches.c.is_on))}
    told = [(what, name, rows[pause_name(what, name)]) for what in PAUSABLE for name in sorted(_of(pauses, what))]
    if as_json:
        names = ("what", "name", "since", "by")
        print_json([dict(zip(names, (w, n, row.changed_at, row.changed_by), strict=True)) for w, n, row in told])
    elif not told:
        print_line("Nothing is paused. `pp pause NAME` pauses a campaign or a conversation.")
    else:
        rows_shown = [[what, name, f"{moment(row.changed_at)} UTC", row.changed_by] for what, name, row in told]
        print_table("Paused", ["what", "name", "since", "by"], rows_shown)
    return 0
