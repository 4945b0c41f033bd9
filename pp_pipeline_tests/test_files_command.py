"""`pp files`, `pp feeds`, the page of the gate and the memory of hashes: what came in, and what became of it."""

import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.defs.jobs import DAILY
from pp_pipeline.landing import hash_cache
from pp_pipeline.landing.file_stories import file_stories
from pp_pipeline.landing.files import scan_inbox, unread_files
from pp_pipeline.landing.gate import RuleOutcome
from pp_pipeline.landing.hash_cache import HashCache
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.page import page_file, write_page
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.settings import Settings
from pp_pipeline_tests.dagster_home import install
from pp_pipeline_tests.landing_shop import Shop, csv_of, merchant
from pp_pipeline_tests.pipeline import copy_checkout

SEEN = datetime(2026, 1, 7, 15, 30, tzinfo=UTC)  # 10:30 in New York
FEED = {"feed": "shop", "files": "shop_{date}.csv", "due": {"by": "06:00", "days_after": 3}}
SECRETIVE = "Hush-7781"


def make_shop(folder: Path) -> Shop:
    """A shop with every fate that a file can have; loads happen on 2026-01-07, then a day later."""
    made = Shop(
        Settings(home=folder / "home", checkout=folder / "checkout"),
        {"main": merchant(feeds=[FEED | {"merchant": "main"}])},
    )
    copy_checkout(made.settings.checkout)
    path = made.settings.merchants_dir / "main.yml"
    path.write_text(path.read_text() + f"\nfeeds: [{json.dumps(FEED)}]\n")
    made.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}, {"status": SECRETIVE}))
    made.drop("orders_2026-01-06.csv", csv_of({"order_number": "B1"}))
    made.drop("orders_2026-01-07.csv", csv_of({"order_number": "C1"}))
    made.drop("shop_2026-01-05.csv", csv_of({"order_number": "D1"}))
    load(made, SEEN)
    made.drop("orders_2026-01-06.csv", csv_of({"order_number": "B2"}))
    made.drop("orders_2026-01-06_2.csv", csv_of({"order_number": "B3"}))
    (made.settings.inbox / "orders_2026-01-07.csv").unlink()
    made.drop("orders_2026-01-08.csv", "")
    load(made, SEEN + timedelta(days=1))
    made.drop("orders_2026-01-09.csv", csv_of({"order_number": "E1"}))
    made.drop("orders_2026-02-30.csv", csv_of({}))
    made.drop("notes <b>.txt", "")
    return made


def load(shop: Shop, at: datetime, *days: int) -> None:
    """Load days of January at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pp_pipeline.landing.adoption.utc_now", lambda: at)
        shop.load(*days)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop, for tests that only look."""
    return make_shop(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The shop, for a test that changes it."""
    return make_shop(tmp_path)


def pp(shop: Shop, *words: str) -> tuple[str, int]:
    """What the command says there, and how it ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PP_HOME", str(shop.settings.home))
        patch.setenv("PP_CHECKOUT", str(shop.settings.checkout))
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return " ".join(result.output.split()), result.exit_code


def told(shop: Shop) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Outcome and relations of each content, newest first, by name."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for story in file_stories(shop.settings, shop.ledger, shop.merchants, shop.today).files:
        found.setdefault(story.name, []).append((story.outcome, story.relations))
    return found


def test_each_content_has_an_outcome_and_what_it_is_to_others(kept: Shop) -> None:
    correction = "correction of content seen 2026-01-07 10:30"
    assert told(kept) == {
        "orders_2026-01-05.csv": [("accepted", ("late (first seen 2 days after its date)",))],
        "orders_2026-01-06.csv": [("accepted", (correction,)), ("replaced", ())],
        "orders_2026-01-06_2.csv": [
            ("accepted", ("second file of the day", "late (first seen 2 days after its date)"))
        ],
        "orders_2026-01-07.csv": [("vanished", ())],
        "orders_2026-01-08.csv": [("refused", ())],
        "orders_2026-01-09.csv": [("waiting", ())],
        "shop_2026-01-05.csv": [("accepted", ())],  # its feed is due three days later
    }


def test_what_waits_and_what_is_refused_is_told_beside_what_is_in_force(shop: Shop) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A9"}))
    shop.drop("orders_2026-01-06_2.csv", csv_of({}).replace("sku", "article", 1))
    shop.drop("orders_2026-03-01.csv", csv_of({}))
    load(shop, SEEN + timedelta(days=1), 6, 6)
    found = told(shop)
    assert found["orders_2026-01-05.csv"][0] == ("waiting", ("correction of content seen 2026-01-07 10:30",))
    outcomes = [outcome for outcome, _ in found["orders_2026-01-06_2.csv"]]
    assert outcomes == ["refused", "accepted"]
    assert found["orders_2026-01-06_2.csv"][0][1] == ("would be a correction of content seen 2026-01-08 10:30",)
    assert found["orders_2026-03-01.csv"] == [("waiting", ("is dated after today (2026-01-31)",))]


def test_files_are_listed_with_their_reasons_and_what_is_not_understood(kept: Shop) -> None:
    listed, code = pp(kept, "files")
    assert code == 1  # something stands refused
    assert "8 contents, newest first" in listed
    assert "2026-01-09 waiting (unread)" in listed
    assert "2026-01-05 accepted 2 1" in listed and "2026-01-07 10:30 orders orders_2026-01-05.csv" in listed
    assert "main.shop shop_2026-01-05.csv" in listed
    assert "orders_2026-01-08.csv: is empty (0 bytes); send the whole file again (still in the inbox)" in listed
    assert "there is no day 2026-02-30; name it orders_YYYY-MM-DD.csv" in listed
    assert "notes <b>.txt: no feed takes this name" in listed
    assert SECRETIVE not in listed


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--day", "2026-01-05"], ["orders_2026-01-05.csv", "shop_2026-01-05.csv"]),
        (["--from", "2026-01-08", "--to", "2026-01-08"], ["orders_2026-01-08.csv"]),
        (["--feed", "main.shop"], ["shop_2026-01-05.csv"]),
        (["--feed", "shop"], ["shop_2026-01-05.csv"]),
        (["--refused"], ["orders_2026-01-08.csv"]),
        (["--name", "orders_2026-01-06.csv"], ["orders_2026-01-06.csv"] * 2),
        (["--feed", "contacts"], []),
    ],
)
def test_files_can_be_chosen(kept: Shop, words: list[str], names: list[str]) -> None:
    found = json.loads(pp(kept, "files", *words, "--json")[0])
    assert sorted(file["name"] for file in found["files"]) == names
    assert [fault["name"] for fault in found["misnamed"] + found["unrecognised"]] == [
        "orders_2026-02-30.csv", "notes <b>.txt",
    ]  # fmt: skip


def test_files_with_options_that_fit_nothing(kept: Shop) -> None:
    assert "7 older ones are not shown" in pp(kept, "files", "--limit", "1")[0]
    for words, complaint in [
        (["--feed", "nope"], "there is no feed 'nope'; there are main.shop, orders"),
        (["--day", "2026-01-05", "--to", "2026-01-06"], "say --day, or --from and --to"),
        (["--from", "2026-01-06", "--to", "2026-01-05"], "lies after --to"),
    ]:
        listed, code = pp(kept, "files", *words)
        assert code == 2 and complaint in listed


def test_a_refusal_that_was_mended_stands_no_more(shop: Shop) -> None:
    shop.drop("orders_2026-01-08.csv", csv_of({}))
    shop.load()
    for name in ("orders_2026-02-30.csv", "notes <b>.txt"):
        (shop.settings.inbox / name).unlink()
    listed, code = pp(shop, "files")
    assert code == 0
    assert "send the whole file again (no longer in the inbox)" in listed


def test_feeds_and_the_columns_of_every_kind(kept: Shop) -> None:
    listed, code = pp(kept, "feeds")
    assert code == 0
    assert "main shop orders shop_{date}.csv plain 06:00 3 days later" in listed
    records = json.loads(pp(kept, "feeds", "--json")[0])
    assert [one["due"] for one in records if one["merchant"]] == ["06:00 3 days later"]
    assert [one["feed"] for one in records if not one["merchant"]] == list(KINDS_OF_FEEDS)
    for kind, declared in KINDS_OF_FEEDS.items():
        columns = json.loads(pp(kept, "feeds", kind, "--json")[0])["columns"]
        assert [(one["column"], one["required"]) for one in columns] == [
            (column.name, not column.may_be_absent) for column in declared.columns
        ]
    assert "order_number yes The shop's number of the order" in " ".join(
        pp(kept, "feeds", "orders")[0].split()
    ).replace("is_an_order_number ", "")
    assert "there is no kind of feed 'nope'; there are orders" in pp(kept, "feeds", "nope")[0]


class Page(HTMLParser):
    """What a page says, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_tells_days_refusals_and_quarantine_but_no_value(kept: Shop) -> None:
    rules = [RuleOutcome("orders", "status", "is_a_known_status", "A <known> status.", 10, broken) for broken in (1, 2)]
    path = write_page(kept.settings, kept.ledger, kept.connect, kept.merchants, date(2026, 1, 10), rules)
    assert path == page_file(kept.settings) == kept.settings.home / "reports" / "landing.html"
    assert sorted(os.listdir(path.parent)) == ["landing.html", "rules.json"]
    text = path.read_text()
    page = Page(text)
    assert not page.addresses and page.tags.isdisjoint({"script", "link", "img", "b>"}) and "url(" not in text
    assert "refused orders_2026-01-08.csv: is empty (0 bytes); send the whole file again" in page.text
    assert "not understood notes <b>.txt: no feed takes this name" in page.text
    assert "vanished orders_2026-01-07.csv : is no longer in the inbox" in re.sub(r"(csv):", r"\1 :", page.text)
    assert (
        "1 row in quarantine: status must be: a known status file line holds orders_2026-01-05.csv 3 text" in page.text
    )
    assert "main.shop by 06:00, 3 days later" in page.text
    assert "orders status A <known> status. 20 3" in page.text  # two portions of one load
    assert SECRETIVE not in text and "ann@" not in text
    days = re.findall(r'id="d([0-9-]+)"', text)
    assert days == [f"2026-01-{day:02}" for day in range(10, 4, -1)]
    later = write_page(kept.settings, kept.ledger, kept.connect, kept.merchants, date(2026, 3, 10))
    assert "No file of these days was ever seen." in later.read_text()


def test_the_page_is_there_before_anything_came(tmp_path: Path) -> None:
    empty = Shop(Settings(home=tmp_path / "home"))
    path = write_page(empty.settings, empty.ledger, empty.connect, empty.merchants, date(2026, 1, 10))
    assert "0 contents seen" in Page(path.read_text()).text
    assert not empty.settings.warehouse_file.exists()


def test_the_command_writes_the_page_and_says_where(kept: Shop) -> None:
    assert pp(kept, "files", "--page") == (str(page_file(kept.settings)), 0)
    assert "What came in" in page_file(kept.settings).read_text()


def test_a_run_writes_the_page_and_names_it(tmp_path: Path) -> None:
    installation = install(tmp_path, today=date(2026, 7, 6))
    installation.write_orders("2026-07-06", "A1,ann@example.com,2026-07-06T10:00:00,,processing")
    with dg.DagsterInstance.ephemeral() as instance:
        assert installation.run(DAILY, date(2026, 7, 6), date(2026, 7, 6), instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey("order_file_rows"))
    path = page_file(installation.settings)
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.metadata["page"].value == str(path)
    text = Page(path.read_text()).text
    assert "orders_2026-07-06.csv 1 row" in text and "rules were kept" in text


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read to hash them."""
    found: list[str] = []
    digest = hash_cache.hashlib.file_digest

    def counting(file: Any, name: str) -> Any:
        found.append(Path(file.name).name)
        return digest(file, name)

    monkeypatch.setattr(hash_cache.hashlib, "file_digest", counting)
    return found


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute after every file was written."""
    now = hash_cache.time.time_ns
    monkeypatch.setattr(hash_cache.time, "time_ns", lambda: now() + 60_000_000_000)


def test_a_file_that_did_not_change_is_hashed_once(shop: Shop, reads: list[str], later: None) -> None:
    feeds, day = all_feeds(shop.merchants), date(2026, 1, 31)
    first = unread_files(shop.settings, shop.ledger, shop.merchants, day)
    count = len(reads)
    assert sorted(reads) == sorted(file.name for file in scan_inbox(shop.settings, feeds).files)
    assert [one.file.sha256 for one in unread_files(shop.settings, shop.ledger, shop.merchants, day)] == [
        one.file.sha256 for one in first
    ]
    assert len(reads) == count
    shop.load()
    assert "orders_2026-01-06.csv" not in reads[count:]
    (shop.settings.home / "inbox_hashes.json").write_text("[damaged")
    unread_files(shop.settings, shop.ledger, shop.merchants, day)
    assert len(reads) > count


def test_another_content_is_seen_whatever_its_size_and_time_say(tmp_path: Path, reads: list[str], later: None) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("one")
    before = path.stat()

    def hashed() -> str:
        cache = HashCache(tmp_path / "hashes.json")
        found = cache.sha256("orders.csv", path)
        cache.save()
        return found

    one = hashed()
    assert (hashed(), len(reads)) == (one, 1)
    path.write_text("two")  # of the same size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # and of the same time
    assert hashed() != one
    other = tmp_path / "other.csv"
    other.write_text("one")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert hashed() == one
    assert len(reads) == 3


def test_a_file_that_was_just_written_is_always_read(tmp_path: Path, reads: list[str], monkeypatch: Any) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("one")
    monkeypatch.setattr(hash_cache.time, "time_ns", lambda: path.stat().st_mtime_ns + 1_900_000_000)
    for _ in range(2):
        cache = HashCache(tmp_path / "hashes.json")
        cache.sha256("orders.csv", path)
        cache.save()
    assert len(reads) == 2
