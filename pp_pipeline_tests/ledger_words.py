"""Words for the tests of `pp ledger`: commands in a small installation, ledgers put back, what left the house."""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.backups import back_up, holding, opened_backup, restore
from pp_pipeline.ledger.witness import RESTORED_FACT
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.known_secret import SECRET_FACT
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, Outlets
from pp_pipeline.settings import utc_now
from pp_pipeline_tests.sending_world import World


@dataclass
class Post:
    """A channel that writes down every message that it is given, and answers as it is told."""

    answer: Outcome | Exception = field(default_factory=lambda: Outcome("sent"))
    given: list[str] = field(default_factory=list)
    target: DeliveryTarget = "rehearsal"

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        for draft in drafts:
            self.given.append(draft.message_id)
            if isinstance(self.answer, Exception):
                raise self.answer
            yield self.answer

    @property
    def outlets(self) -> Outlets:
        return Outlets({("main", "email"): self}, {})


def pp(world: World, *arguments: str, code: int = 0, answer: str = "") -> str:
    """What a command says, on one line; it has to end with `code`."""
    settings = world.settings
    env = {"PP_HOME": str(settings.home), "PP_CHECKOUT": str(settings.checkout)}
    env |= {"PP_LEDGER_URL": settings.ledger_url, "PP_SECRET": settings.secret}
    result = CliRunner().invoke(app, list(arguments), input=answer, catch_exceptions=False, env=env)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def records(world: World, *arguments: str, code: int = 0) -> Any:
    """What a command says to programs."""
    return json.loads(pp(world, *arguments, "--json", code=code))


def outbox(world: World) -> dict[str, tuple[int, bytes]]:
    """The outbox's files: what was written anew is another file, what was appended is longer."""
    return {
        str(path.relative_to(world.settings.outbox)): (path.stat().st_ino, path.read_bytes())
        for path in world.settings.outbox.rglob("*")
        if path.is_file()
    }


def lay_aside(world: World, copy: Path) -> None:
    """A copy of the ledger, taken by other means than `pp ledger backup` where that can be."""
    with world.ledger as ledger:
        if not ledger.is_sqlite:
            back_up(ledger, copy, utc_now())
            return
        with closing(sqlite3.connect(str(ledger.engine.url.database))) as raw, closing(sqlite3.connect(copy)) as to:
            raw.backup(to)


def put_back(world: World, copy: Path) -> None:
    """Put the copy in place of the ledger, as an administrator does who does not know of `pp ledger restore`."""
    with world.ledger as ledger:
        database = str(ledger.engine.url.database)
        if not ledger.is_sqlite:
            with opened_backup(copy) as backup:
                with ledger.reading() as connection:
                    stood = holding(connection, SECRET_FACT)
                restore(ledger, backup, stood, SECRET_FACT, utc_now())
            with ledger.writing() as connection:
                connection.execute(delete(schema.facts).where(schema.facts.c.name == RESTORED_FACT))
            return
    lose(world)
    shutil.copy(copy, database)


def lose(world: World) -> None:
    """The ledger's file is gone."""
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (world.settings.home / name).unlink(missing_ok=True)


def everything(world: World, but_facts: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of the ledger, some facts left out."""
    found = {}
    with world.ledger as ledger, ledger.reading() as connection:
        for table in schema.metadata.sorted_tables:
            rows = [tuple(row) for row in connection.execute(select(table))]
            found[table.name] = sorted((row for row in rows if row[0] not in but_facts), key=repr)
    return found
