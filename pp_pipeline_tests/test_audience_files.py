"""Files of segments: who is in them, who has to go, and that no crash makes a platform keep anybody."""

import csv
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from pp_pipeline.forgetting.audiences import forget_in_audiences
from pp_pipeline.ledger.suppressions import Suppress, apply_changes
from pp_pipeline.merchants import load_merchants
from pp_pipeline.relay_roads import AudienceFileRoad, MembersFileRoad
from pp_pipeline.sending.outlets import audience_file, members_file
from pp_pipeline.sending.outlets.audience_file import AudienceFileRelay
from pp_pipeline.sending.outlets.members_file import MembersFileRelay
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.planned import PlannedSnapshot
from pp_pipeline.settings import utc_now
from pp_pipeline_tests.guard_worlds import add_contact
from pp_pipeline_tests.sending_world import DAY, World
from pp_pipeline_tests.test_webhook import SNAPSHOT

NEXT = DAY + timedelta(days=1)


def email(name: str) -> str:
    return f"{name}@example.com"


def hashes(names: str) -> list[str]:
    """What stands in a file, of people named by one letter each."""
    return sorted(sha256(email(name).encode()).hexdigest() for name in names)


def snapshot(names: str, day: date = DAY) -> PlannedSnapshot:
    members = tuple((f"c{name}", email(name)) for name in names)
    return replace(SNAPSHOT, snapshot_on=day, members=members, key=f"ads:loyal:{day}:main")


class Folder:
    """A relay's folder."""

    def __init__(self, home: Path, **road: Any) -> None:
        self.path = home / "audiences for ads"
        self.path.mkdir()
        declared = {"relay": "ads", "via": "audience_file", "folder": str(self.path), "format": "google"}
        road = declared | {"segments": ("loyal",)} | road
        self.relay = AudienceFileRelay(AudienceFileRoad.model_validate(road), home / "memory")

    def deliver(self, names: str, day: date = DAY) -> Outcome:
        (outcome,) = self.relay.deliver_snapshots([snapshot(names, day)])
        return outcome

    def read(self, day: date = DAY, ending: str = "") -> list[str]:
        with (self.path / f"main-ads-loyal-{day}{ending}.csv").open() as file:
            return [row[0] for row in csv.reader(file)]

    def removed(self, day: date = DAY) -> list[str]:
        return self.read(day, "-removed")[1:]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize(("format", "column"), [("google", "Email"), ("meta", "email")])
def test_an_audience_is_hashed_addresses_under_the_platforms_column(tmp_path: Path, format: str, column: str) -> None:
    folder = Folder(tmp_path, format=format)
    odd = replace(snapshot(""), members=(("c1", " Ann@Example.COM "), ("c2", None), ("c3", "ann@example.com")))
    assert list(folder.relay.deliver_snapshots([odd])) == [
        Outcome("sent", provider_id="audience_file:main-ads-loyal-2026-07-10.csv")
    ]
    # The value is another tool's: printf ann@example.com | sha256sum
    assert folder.read() == [column, "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"]
    assert folder.read(ending="-removed") == [column]
    files = [*folder.path.iterdir(), tmp_path / "memory" / "main-ads-loyal.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert len(files) == 3


def test_who_is_not_in_it_any_more_is_told_as_removed(folder: Folder) -> None:
    for names, day in (("abc", DAY), ("bcd", NEXT), ("bcd", NEXT + timedelta(days=1))):
        assert folder.deliver(names, day).state == "sent"
        assert folder.read(day)[1:] == hashes(names)
    assert [folder.removed(day) for day in (DAY, NEXT, NEXT + timedelta(days=1))] == [[], hashes("a"), []]


def test_files_that_were_fetched_and_moved_away_change_nothing(folder: Folder) -> None:
    folder.deliver("abc")
    for path in folder.path.iterdir():
        path.unlink()
    folder.deliver("b", NEXT)
    assert folder.removed(NEXT) == hashes("ac")


def test_an_older_day_does_not_come_after_a_newer_one(folder: Folder) -> None:
    folder.deliver("ab", NEXT)
    assert folder.deliver("a", DAY) == Outcome("skipped", "newer_snapshot_delivered")
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "main-ads-loyal-2026-07-11-removed.csv",
        "main-ads-loyal-2026-07-11.csv",
    ]


def test_the_same_day_again_tells_the_same_removals(folder: Folder) -> None:
    folder.deliver("abc")
    folder.deliver("bc", NEXT)
    folder.deliver("b", NEXT)
    assert folder.removed(NEXT) == hashes("ac")
    folder.deliver("ab", NEXT)
    assert folder.removed(NEXT) == hashes("c")


@pytest.mark.parametrize("writes", range(4))
@pytest.mark.parametrize("then", [NEXT, NEXT + timedelta(days=1)])
def test_whoever_may_have_been_handed_out_is_removed_whatever_a_crash_did(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, writes: int, then: date
) -> None:
    """The second day's delivery ends after so many files, is tried again or never, and the next knows all of it."""
    folder.deliver("ab")
    write, left = audience_file.write_whole, list(range(writes))

    def write_some(path: Path, content: bytes) -> None:
        if not left:
            raise OSError("no space left")
        left.pop()
        write(path, content)

    monkeypatch.setattr(audience_file, "write_whole", write_some)
    assert folder.deliver("bc", NEXT) == Outcome("failed", "audience_file: OSError")
    monkeypatch.undo()
    handed_out = {name for path in folder.path.glob("*[0-9].csv") for name in path.read_text().split()[1:]}
    assert folder.deliver("d", then).state == "sent"
    assert handed_out - set(folder.read(then)) <= set(folder.removed(then))
    assert set(folder.removed(then)) <= set(hashes("abc"))


@pytest.mark.parametrize("content", ["", "{}", '{"snapshot_on": 1, "members": [], "removed": []}'])
def test_without_knowing_whom_a_platform_has_nothing_is_written(folder: Folder, content: str) -> None:
    folder.deliver("ab")
    (memory,) = folder.relay.memory.glob("*.json")
    known = memory.read_text()
    memory.write_text(content)
    with pytest.raises(OutletBroken, match="memory_not_readable"):
        folder.deliver("a", NEXT)
    assert not list(folder.path.glob(f"*{NEXT}*"))
    memory.write_text(known)
    folder.deliver("a", NEXT)
    assert folder.removed(NEXT) == hashes("b")


def test_of_two_senders_of_a_members_file_the_newer_day_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    road = {"relay": "site", "via": "members_file", "folder": str(tmp_path), "segments": ("loyal",)}
    relay = MembersFileRelay(MembersFileRoad.model_validate(road))
    second = Thread(target=lambda: list(relay.deliver_snapshots([snapshot("b", NEXT)])))
    write = members_file.write_whole

    def write_late(path: Path, content: bytes) -> None:
        if not second.ident:  # the other sender comes when the older day was looked at and not yet written
            second.start()
            second.join(0.2)
        write(path, content)

    monkeypatch.setattr(members_file, "write_whole", write_late)
    (outcome,) = relay.deliver_snapshots([snapshot("a")])
    second.join()
    (path,) = tmp_path.glob("*.json")
    assert (outcome.state, json.loads(path.read_text())["members"]) == ("sent", ["cb"])


def test_a_folder_that_is_not_there_is_not_made(folder: Folder) -> None:
    folder.path.rmdir()
    with pytest.raises(OutletBroken, match="no_such_folder"):
        folder.deliver("a")
    members = MembersFileRoad.model_validate(
        {"relay": "site", "via": "members_file", "folder": str(folder.path), "segments": ("loyal",)}
    )
    with pytest.raises(OutletBroken, match="no_such_folder"):
        list(MembersFileRelay(members).deliver_snapshots([snapshot("a")]))


@pytest.mark.parametrize(
    ("identifier", "names"), [("contact_key", lambda names: [f"c{name}" for name in names]), ("email_sha256", hashes)]
)
def test_a_members_file_holds_who_is_in_a_segment_now(
    tmp_path: Path, identifier: str, names: Callable[[str], list[str]]
) -> None:
    declared = {"relay": "site", "via": "members_file", "folder": str(tmp_path), "segments": ("loyal",)}
    relay = MembersFileRelay(MembersFileRoad.model_validate(declared | {"identifier": identifier}))
    delivered = [snapshot("ab"), snapshot("bc", NEXT), snapshot("a", DAY)]
    assert [each.state for each in relay.deliver_snapshots(delivered)] == ["sent", "sent", "skipped"]
    path = tmp_path / "main-site-loyal.json"
    assert json.loads(path.read_text()) == {
        "merchant": "main",
        "segment": "loyal",
        "snapshot_on": "2026-07-11",
        "identifier": identifier,
        "members": names("bc"),
    }
    path.write_text("not ours")
    assert [each.state for each in relay.deliver_snapshots(delivered[:1])] == ["sent"]


def live(world: World, **road: Any) -> World:
    """The installation in live mode, with a relay that writes files."""
    folder = world.settings.home / "files"
    folder.mkdir()
    file = world.settings.merchants_dir / "main.yml"
    declared = yaml.safe_load(file.read_text())
    declared["relays"] = [{"relay": "outbox_relay", "folder": str(folder), "segments": ["loyal"]} | road]
    file.write_text(yaml.safe_dump(declared))
    return world.with_settings(live=True, environment="production")


@pytest.mark.parametrize(
    ("demanded", "goes"), [("explicit", [0, 1]), ("soft_opt_in", [0, 1, 2]), ("implied", [0, 1, 2, 3])]
)
def test_only_who_gave_the_consent_that_is_demanded_is_in_an_audience(
    world: World, demanded: str, goes: list[int]
) -> None:
    words = ["explicit", "explicit", "soft_opt_in", "implied", "none", "", "explicit", "explicit"]
    for number, word in enumerate(words):
        since = {"email_commercial_consent_on": NEXT} if number == 6 else {}
        add_contact(world, contact_key=f"c{number:06d}", email_commercial_consent=word or None, **since)
    world.plan_snapshot(DAY, 9)
    with world.ledger as ledger, ledger.writing() as connection:
        unsubscribed = Suppress("c000007", "email", "commercial", "unsubscribed", utc_now(), "feedback")
        apply_changes(connection, [unsubscribed])
    shop = live(world, via="audience_file", format="google", consent=demanded)
    assert shop.run().outcomes == {"sent": 1}
    (path,) = shop.settings.home.glob("files/*[0-9].csv")
    assert path.read_text().split()[1:] == sorted(
        sha256(f"person{number}@example.com".encode()).hexdigest() for number in goes
    )


def test_other_relays_and_rehearsals_of_members_files_demand_no_consent(lite: World) -> None:
    lite.plan_snapshot(DAY, 2)
    shop = live(lite, via="members_file")
    assert shop.with_settings(live=False).run().outcomes == {"sent": 1}
    assert len(list(shop.settings.outbox.glob("segments/outbox_relay/*.jsonl"))) == 1
    assert shop.run().outcomes == {"sent": 1}
    (path,) = shop.settings.home.glob("files/*.json")
    assert json.loads(path.read_text())["members"] == ["c000000", "c000001"]


def test_somebody_forgotten_leaves_the_files_and_is_told_as_removed(lite: World) -> None:
    for number in range(2):
        add_contact(lite, contact_key=f"c{number:06d}", email_commercial_consent="explicit")
    lite.plan_snapshot(DAY, 2)
    shop = live(lite, via="audience_file", format="google")
    shop.run()
    merchant = load_merchants(shop.settings)["main"]
    gone, stays = (sha256(f"person{number}@example.com".encode()).hexdigest() for number in range(2))

    def forget(writes: bool) -> int:
        return forget_in_audiences(merchant, "c000000", ["person0@example.com"], writes)

    assert [forget(False), forget(True), forget(True)] == [1, 1, 0]
    (path,) = shop.settings.home.glob("files/*[0-9].csv")
    assert path.read_text().split() == ["Email", stays]
    shop.plan_snapshot(NEXT, 2)
    shop.execute("delete from segment_snapshots where contact_key = 'c000000'")
    shop.run(NEXT, NEXT, NEXT)
    (removed,) = shop.settings.home.glob(f"files/*{NEXT}-removed.csv")
    assert removed.read_text().split() == ["Email", gone]
    assert forget(True) == 0
    assert removed.read_text().split() == ["Email", gone]  # or the platform would never hear of it
    assert gone not in (shop.settings.audiences / "main-outbox_relay-loyal.json").read_text().partition("removed")[0]


@pytest.mark.parametrize("segment", ["loyal", "removed"])
def test_a_members_file_loses_somebody_forgotten(lite: World, segment: str) -> None:
    lite.plan_snapshot(DAY, 2)
    lite.execute("update segment_snapshots set segment = ?", (segment,))
    shop = live(lite, via="members_file", segments=[segment])
    shop.run()
    merchant = load_merchants(shop.settings)["main"]
    assert forget_in_audiences(merchant, "c000000", [], writes=True) == 1
    (path,) = shop.settings.home.glob("files/*.json")
    assert json.loads(path.read_text())["members"] == ["c000001"]
    draft = path.with_name(f".{path.name}.77.part")  # a kill left it
    path.rename(draft)
    assert [forget_in_audiences(merchant, "c000001", [], writes) for writes in (False, True, True)] == [1, 1, 0]
    assert not draft.exists()
    path.write_text("not ours")
    assert forget_in_audiences(merchant, "c000001", [], writes=True) == 0
