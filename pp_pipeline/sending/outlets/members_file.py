"""Members files: who is in a segment now, for messages on the shop's own pages (DESIGN 2).

    <folder>/<merchant>-<relay>-<segment>.json    {"segment": ..., "snapshot_on": ..., "members": [...], ...}

One file per segment, replaced as a whole by each newer day.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pp_pipeline.relay_roads import MembersFileRoad
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.audience_file import file_name, hash_of, write_each
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.outlets.whole_files import locked, write_whole
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot


@dataclass(frozen=True)
class MembersFileRelay:
    """Writes the members files of one merchant's relay."""

    road: MembersFileRoad
    target: DeliveryTarget = "live"

    def deliver_events(self, events: Iterable[PlannedEvent]) -> Iterator[Outcome]:
        """Nothing: such a relay can't be declared to take events."""
        return iter(Outcome("failed", "takes_no_events") for _ in events)

    def deliver_snapshots(self, snapshots: Iterable[PlannedSnapshot]) -> Iterator[Outcome]:
        """Replace each snapshot's file, unless a newer day's stands there.

        Raises:
            OutletBroken: the folder is not there.
        """
        return write_each(self.road, snapshots, self._in_turn)

    def _in_turn(self, snapshot: PlannedSnapshot) -> Outcome:
        with locked(Path(self.road.folder)):  # two senders may deliver two days of one segment
            return self._deliver(snapshot)

    def _deliver(self, snapshot: PlannedSnapshot) -> Outcome:
        path = Path(self.road.folder) / f"{file_name(self.road.relay, snapshot)}.json"
        if _day_of(path) > str(snapshot.snapshot_on):
            return Outcome("skipped", "newer_snapshot_delivered")
        if self.road.identifier == "contact_key":
            members = [contact_key for contact_key, _ in snapshot.members]
        else:
            members = [hash_of(email) for _, email in snapshot.members if email]
        fields = {
            "merchant": snapshot.merchant,
            "segment": snapshot.segment,
            "snapshot_on": str(snapshot.snapshot_on),
            "identifier": self.road.identifier,
            "members": sorted(members),
        }
        write_whole(path, json.dumps(fields).encode())
        return Outcome("sent", provider_id=f"members_file:{path.name}")


def _day_of(path: Path) -> str:
    """The day of the file that stands there; '' where none does, or one that can't be read."""
    try:
        return str(json.loads(path.read_bytes())["snapshot_on"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ""
