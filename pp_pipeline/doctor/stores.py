"""The warehouse, the ledger, the contact secret, and whether anything may leave the machine."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from pp_pipeline.contact_keys import SecretError, contact_secret, fingerprint
from pp_pipeline.doctor.finding import Finding
from pp_pipeline.ledger.inspecting import count_unsettled, read_fact
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.ledger.switches import KILL_SWITCH, switch_is_on
from pp_pipeline.ledger.witness import Witness
from pp_pipeline.sending.guards.recipients import check_recipients
from pp_pipeline.sending.known_secret import SECRET_FACT, SendRefused
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse, WarehouseError

_LOCK_WAIT_SECONDS = 2.0


def check_stores(settings: Settings) -> Iterator[Finding]:
    """All of them."""
    yield check_warehouse(settings)
    yield check_live_mode(settings)
    if _is_to_come(settings):
        yield Finding("ledger", "ok", "there is none yet; the first run makes it")
        yield check_secret(settings, "")
        return
    try:
        with Ledger(settings) as ledger:
            yield from check_ledger(settings, ledger)
    except (LedgerError, SQLAlchemyError) as error:
        text = str(error) if isinstance(error, LedgerError) else f"it can't be read ({type(error).__name__})"
        yield Finding("ledger", "fail", text, "restore the newest backup: `pp ledger restore FILE`; docs/ledger.md")


def check_warehouse(settings: Settings) -> Finding:
    """Whether it opens; one that a build holds was not asked."""
    what, warehouse = "warehouse", Warehouse(settings, _LOCK_WAIT_SECONDS)
    if settings.target == "spark":
        return Finding(what, "not_asked", "Spark is written by dbt only")
    if settings.target == "duckdb":
        if not settings.warehouse_file.exists():
            return Finding(what, "ok", "there is none yet; the first run makes it")
        try:
            with warehouse.locked():
                pass
        except WarehouseError as error:
            return Finding(what, "not_asked", str(error))
    try:
        with warehouse.connect() as connection:
            days = connection.rows("select max(day) from landed_days") if connection.table_exists("landed_days") else []
    except WarehouseError as error:
        return Finding(what, "fail", str(error), "put it right, or build it anew from the archive: docs/operations.md")
    newest = days[0][0] if days else None
    return Finding(what, "ok", f"{settings.target} opens; " + (f"read up to {newest}" if newest else "nothing is read"))


def check_ledger(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    """Whether it is the one that this home has sent by, and what waits for a person in it."""
    with ledger.reading() as connection:
        lacking = Witness.of(settings).missing(connection)
        known = read_fact(connection, SECRET_FACT) or ""
        unsettled = count_unsettled(connection)
    database = "SQLite" if ledger.is_sqlite else "PostgreSQL"
    if lacking:
        fix = '`pp ledger accept` says what to do; docs/ledger.md, "A ledger that was put back"'
        yield Finding("ledger", "fail", "; ".join(lacking), fix)
    else:
        yield Finding("ledger", "ok", f"{database}, of this program's form, whole")
    if unsettled:
        counts = ", ".join(f"{count} {state} ({target})" for (target, state), count in unsettled.items())
        fix = "look at them: `pp ledger list --state unknown`, then `pp ledger resolve`; what failed is tried again"
        yield Finding("deliveries", "warn", counts, fix)
    yield check_secret(settings, known)
    if settings.kill_switch or switch_is_on(ledger, KILL_SWITCH):
        yield Finding("kill switch", "warn", "it is on: nothing is sent", "`pp kill-switch off`, or PP_KILL_SWITCH=0")
    else:
        yield Finding("kill switch", "ok", "off")


def check_secret(settings: Settings, known: str) -> Finding:
    """Whether the contact secret is the one that the ledger knows.

    Args:
        known: its fingerprint there; '' where the ledger knows none.
    """
    what, fix = "contact secret", f"restore {settings.secret_file.name} in the home or PP_SECRET, as it was"
    if not settings.secret and not settings.secret_file.exists():  # asking for it would make one
        if known:
            return Finding(what, "fail", f"there is none, and the ledger knows one ({known[:8]})", fix)
        return Finding(what, "ok", "there is none yet; the first run makes it")
    try:
        own = fingerprint(contact_secret(settings))
    except SecretError as error:
        return Finding(what, "fail", str(error), fix)
    if known and known != own:
        return Finding(what, "fail", f"its fingerprint is {own[:8]}, the ledger knows {known[:8]}", fix)
    return Finding(what, "ok", f"fingerprint {own[:8]}" + (", as the ledger knows it" if known else ""))


def check_live_mode(settings: Settings) -> Finding:
    """What leaves the machine."""
    what = "live mode"
    if not settings.live:
        return Finding(what, "ok", "off: everything is written to the outbox")
    try:
        check_recipients(settings)
    except SendRefused as error:
        return Finding(what, "fail", str(error))
    if settings.is_production:
        return Finding(what, "ok", "on, production: everybody may be written to")
    counted = f"{len(settings.allowed_recipients)} of PP_ALLOWED_RECIPIENTS"
    return Finding(what, "warn", f"on, {settings.environment}: only {counted} are reached, others are skipped for good")


def _is_to_come(settings: Settings) -> bool:
    """Whether nothing ever made a ledger here: opening it would."""
    file = settings.home / "ledger.sqlite"
    is_default = settings.ledger_url == f"sqlite:///{file}"
    return is_default and not file.exists() and not settings.witness_file.exists()
