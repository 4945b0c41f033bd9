"""The witness: what this home has seen in its ledger, written down outside of it (DESIGN 5).

A ledger that was put back from a backup, or lost and begun anew, does not know what went since, and would send it
once more. So the newest claim and the newest batch that were seen committed stand in a file of the home, and nothing is
claimed while the ledger lacks one of them. A claim is written here before anything of it is handed over.

The file has two lines of one length, each whole by itself and with a check; they are written in turn, in place, and
synced: a quarter of what a new file and a rename take. A power cut can spoil the line being written, whose claim was
not handed over yet; the other one then counts.

`pp ledger restore` also leaves a mark in the ledger itself, for other homes of the same ledger. A person lets sending
go on: `pp ledger accept`. Homes that share a ledger on PostgreSQL each have their own witness.
"""

import fcntl
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Connection, Row, delete, select

from pp_pipeline.ledger.schema import batches, claims, facts
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.settings import Settings

RESTORED_LEDGER = "restored_ledger"
RESTORED_FACT = "restored_at"
ACCEPTED_FACT = "accepted_restore"
_LINE_LENGTH = 512


@dataclass(frozen=True)
class Mark:
    """A claim or a batch: its id in the ledger, what no other one has (token, hash), and when it was written."""

    number: int
    proof: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.number} of {self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Seen:
    """The newest claim and batch; None where there never was one."""

    claim: Mark | None = None
    batch: Mark | None = None

    @property
    def last_on(self) -> date | None:
        """The newest day (in UTC) of either."""
        return max((mark.at.astimezone(UTC).date() for mark in (self.claim, self.batch) if mark), default=None)


@dataclass(frozen=True)
class Witness:
    """The witness of one home.

    Raises:
        LedgerError: its file can't be read or written.
    """

    path: Path

    @classmethod
    def of(cls, settings: Settings) -> "Witness":
        """The witness of an installation's home."""
        return cls(settings.witness_file)

    def seen(self) -> Seen | None:
        """What was seen; None in a home that has seen nothing yet."""
        line = self._newest_line()
        return line.seen if line else None

    def missing(self, connection: Connection) -> list[str]:
        """What the ledger lacks of what was seen, and whether it was put back and not accepted since; [] is well."""
        seen = self.seen() or Seen()  # before the first query, which fixes what the ledger shows: others go on claiming
        found = []
        if restored_at := connection.scalar(select(facts.c.value).where(facts.c.name == RESTORED_FACT)):
            found.append(f"it was restored at {restored_at}, and nobody has accepted that yet")
        if seen.claim and not _stands(connection, claims.c.id, claims.c.token, seen.claim):
            found.append(f"it lacks claim {seen.claim}")
        if seen.batch and not _stands(connection, batches.c.id, batches.c.hash, seen.batch):
            found.append(f"it lacks batch {seen.batch}")
        return found

    def note_claim(self, claim: Mark) -> None:
        """Write down a claim that was committed; nothing of it may be handed over before."""
        with self._locked():
            newest = self._newest_line()
            seen = newest.seen if newest else Seen()
            if seen.claim is None or seen.claim.number < claim.number:
                self._write(newest, Seen(claim, seen.batch))

    def catch_up(self, ledger: Ledger) -> list[str]:
        """Write down the ledger's newest claim and batch, unless it lacks what was seen; what it lacks."""
        with self._locked(), ledger.reading() as connection:
            if missing := self.missing(connection):
                return missing
            line, newest = self._newest_line(), newest_marks(connection)
            if newest not in (line.seen if line else Seen(), Seen()):
                self._write(line, newest)
            return []

    def accept(self, ledger: Ledger, by: str, now: datetime) -> None:
        """Take the ledger as it is: a person said so. The mark of a restoring goes, the witness begins anew."""
        with self._locked():
            with ledger.writing() as connection:
                connection.execute(delete(facts).where(facts.c.name.in_((RESTORED_FACT, ACCEPTED_FACT))))
                text = f"{now:%Y-%m-%dT%H:%M:%SZ} by {by}"
                ledger.insert_new(connection, facts, [{"name": ACCEPTED_FACT, "value": text}])
                newest = newest_marks(connection)
            self._write(None, newest)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time: of two that write, the older claim must not replace the newer."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = self.path.with_suffix(".lock").open("ab")
        except OSError as error:
            raise self._unwritable(error) from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _newest_line(self) -> "_Line | None":
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(type(error).__name__) from None
        whole = [line for line in map(_Line.read, lines) if line]
        if not whole:
            raise self._unreadable("it holds no whole line")
        return max(whole, key=lambda line: line.turn)

    def _write(self, newest: "_Line | None", seen: Seen) -> None:
        """On the disk when it returns: a power cut right after the hand-over must find it. Without a newest line the
        file begins anew."""
        line = _Line(newest.turn + 1 if newest else 0, seen)
        try:
            if newest is None:
                self._begin(line)
                return
            descriptor = os.open(self.path, os.O_WRONLY)
            try:
                os.pwrite(descriptor, line.text(), _LINE_LENGTH * (line.turn % 2))
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._unwritable(error) from None

    def _begin(self, line: "_Line") -> None:
        draft = self.path.with_suffix(".part")
        with draft.open("wb") as file:
            file.write(line.text() * 2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _unreadable(self, why: str) -> LedgerError:
        return LedgerError(
            f"{self.path.name} in the home can't be read ({why}); it says how far the ledger had come, so nothing is "
            "sent. Restore it, or look with `pp ledger list` what went last and have `pp ledger accept` write it anew"
        )

    def _unwritable(self, error: OSError) -> LedgerError:
        return LedgerError(
            f"{self.path.name} in the home can't be written ({error.strerror}): nothing is sent without it; see that "
            "the home may be written to and has room"
        )


@dataclass(frozen=True)
class _Line:
    """One line of the file; the one with the larger turn is the newer."""

    turn: int
    seen: Seen

    @classmethod
    def read(cls, text: bytes) -> "_Line | None":
        """A line, if it is whole."""
        try:
            stated = json.loads(text)
            line = cls(int(stated["turn"]), Seen(_mark(stated["claim"]), _mark(stated["batch"])))
        except (ValueError, KeyError, TypeError):
            return None
        return line if stated.get("check") == line.check() else None

    def check(self) -> int:
        """What tells a torn line from a whole one."""
        return zlib.crc32(repr(self).encode())

    def text(self) -> bytes:
        """The line as it stands in the file, always of one length."""
        stated = {"turn": self.turn, **asdict(self.seen), "check": self.check()}
        return json.dumps(stated, default=datetime.isoformat).encode().ljust(_LINE_LENGTH - 1) + b"\n"


def newest_marks(connection: Connection) -> Seen:
    """The newest claim and batch of the ledger."""
    claim = select(claims.c.id, claims.c.token, claims.c.claimed_at).order_by(claims.c.id.desc()).limit(1)
    batch = select(batches.c.id, batches.c.hash, batches.c.sealed_at).order_by(batches.c.id.desc()).limit(1)
    return Seen(_as_mark(connection.execute(claim).first()), _as_mark(connection.execute(batch).first()))


def words(missing: list[str]) -> str:
    """What a closed gate says to a person."""
    return (
        f"Nothing is sent: the ledger is not the one that this home has sent by: {'; '.join(missing)}. It was restored "
        "from a backup, lost, or is another one; what went since would go once more. Restore the newest one, or see "
        "`pp ledger accept`: it says which days to take as sent first (`pp ledger adopt`), and lets sending go on"
    )


def _stands(connection: Connection, number: object, proof: object, mark: Mark) -> bool:
    return connection.scalar(select(proof).where(number == mark.number)) == mark.proof  # type: ignore[call-overload]


def _as_mark(row: Row | None) -> Mark | None:
    return Mark(*row) if row else None


def _mark(stated: dict[str, object] | None) -> Mark | None:
    if stated is None:
        return None
    return Mark(int(str(stated["number"])), str(stated["proof"]), datetime.fromisoformat(str(stated["at"])))
