"""Audience files: hashed addresses of a segment's members, as ad platforms take them, and who has to go (DESIGN 2).

    <folder>/<merchant>-<relay>-<segment>-<day>.csv             everybody who is in it
    <folder>/<merchant>-<relay>-<segment>-<day>-removed.csv     who was in the files before, and is not any more

Whom a platform may have stands in PP_HOME/audiences, as files in the folder are fetched and moved away. It is written
before the files and after them: whoever may have been handed out is told as removed, whatever a crash did in between.
"""

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from pp_pipeline.relay_roads import AudienceFileRoad, MembersFileRoad
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.outlets.whole_files import write_whole
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot

REMOVED = "-removed"
_COLUMNS = {"google": "Email", "meta": "email"}


def hash_of(email: str) -> str:
    """SHA-256 of an address as ad platforms make it: without blanks around it, in lower case."""
    return sha256(email.strip().lower().encode()).hexdigest()


def file_name(relay: str, snapshot: PlannedSnapshot) -> str:
    """What a file of a segment is called, without its day and ending."""
    return f"{snapshot.merchant}-{relay}-{snapshot.segment}"


def write_each(
    road: AudienceFileRoad | MembersFileRoad,
    snapshots: Iterable[PlannedSnapshot],
    write: Callable[[PlannedSnapshot], Outcome],
) -> Iterator[Outcome]:
    """What becomes of each snapshot, written to files in the road's folder.

    Raises:
        OutletBroken: the folder is not there.
    """
    for snapshot in snapshots:
        if not Path(road.folder).is_dir():  # it is not made: it may be a disk that is not mounted
            raise OutletBroken("no_such_folder")
        try:
            yield write(snapshot)
        except OSError as error:
            yield Outcome("failed", f"{road.via}: {type(error).__name__}")


@dataclass(frozen=True)
class AudienceFileRelay:
    """Writes the audience files of one merchant's relay; `memory` is where it keeps whom a platform may have."""

    road: AudienceFileRoad
    memory: Path
    target: DeliveryTarget = "live"

    def deliver_events(self, events: Iterable[PlannedEvent]) -> Iterator[Outcome]:
        """Nothing: such a relay can't be declared to take events."""
        return iter(Outcome("failed", "takes_no_events") for _ in events)

    def deliver_snapshots(self, snapshots: Iterable[PlannedSnapshot]) -> Iterator[Outcome]:
        """Write each snapshot's two files.

        Raises:
            OutletBroken: the folder is not there, or what the platform may have can't be read.
        """
        return write_each(self.road, snapshots, self._deliver)

    def _deliver(self, snapshot: PlannedSnapshot) -> Outcome:
        name = file_name(self.road.relay, snapshot)
        members = {hash_of(email) for _, email in snapshot.members if email}
        with _Audience.open(self.memory / f"{name}.json") as audience:
            if audience.day is not None and audience.day > snapshot.snapshot_on:
                return Outcome("skipped", "newer_snapshot_delivered")
            # The same day again: what was told as removed may have been sent in between, or overwritten right here.
            before = audience.members | (audience.removed if audience.day == snapshot.snapshot_on else set())
            audience.write(snapshot.snapshot_on, before | members, set())
            for ending, hashes in (("", members), (REMOVED, before - members)):
                lines = [_COLUMNS[self.road.format], *sorted(hashes), ""]
                path = Path(self.road.folder) / f"{name}-{snapshot.snapshot_on}{ending}.csv"
                write_whole(path, "\n".join(lines).encode())
            audience.write(snapshot.snapshot_on, members, before - members)
        return Outcome("sent", provider_id=f"audience_file:{name}-{snapshot.snapshot_on}.csv")


@dataclass
class _Audience:
    """Whom the platform may have of one segment, and whom the file of its newest day told as removed."""

    path: Path
    day: date | None
    members: set[str]
    removed: set[str]

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["_Audience"]:
        """Read it, under a lock: two senders may deliver two days of one segment."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                yield cls(path, None, set(), set())
                return
            try:
                fields = json.loads(path.read_bytes())
                day, members = date.fromisoformat(fields["snapshot_on"]), set(fields["members"])
                audience = cls(path, day, members, set(fields["removed"]))
            except (ValueError, KeyError, TypeError):  # without it nobody would be told as removed
                raise OutletBroken("memory_not_readable") from None
            yield audience

    def write(self, day: date, members: set[str], removed: set[str]) -> None:
        """Write down what holds from now on."""
        fields = {"snapshot_on": str(day), "members": sorted(members), "removed": sorted(removed)}
        write_whole(self.path, json.dumps(fields).encode())
