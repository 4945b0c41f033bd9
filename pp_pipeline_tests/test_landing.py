"""Order files in: what is taken, corrected, refused, quarantined, and what a crash or a second load leaves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.landing import archive, load, rules_hash
from pp_pipeline.landing.days import stale_days
from pp_pipeline.landing.files import InboxFile, first_day, scan_inbox, unread_files
from pp_pipeline.landing.gate import Gate
from pp_pipeline.landing.plain_feeds import PLAIN_FEEDS
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection
from pp_pipeline_tests.landing_shop import HEADER, Shop, csv_of, merchant

# For what the warehouse holds afterwards; the other stories are told on DuckDB alone.
ON_BOTH_DATABASES = pytest.mark.parametrize("shop", ["duckdb", "postgres"], indirect=True)


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A shop with an empty inbox."""
    settings = Settings(home=tmp_path / "home")
    if getattr(request, "param", "duckdb") == "postgres":
        url = request.getfixturevalue("postgres_database").url
        settings = Settings(home=tmp_path / "home", target="postgres", warehouse_url=url)
    opened = Shop(settings)
    yield opened
    opened.ledger.close()


# What a day holds


@ON_BOTH_DATABASES
def test_a_file_becomes_typed_rows_with_their_lines(shop: Shop) -> None:
    text = csv_of(
        {"order_number": "A1", "email": " Ann@Example.com", "product_name": "Cup\nand saucer", "gift": "yes"},
        {"order_number": "A2", "email": "", "ship_date": "2026-01-06", "status": "7", "currency": ""},
        columns=HEADER + ",gift",
    )
    shop.drop("orders_2026-01-05.csv", text)
    result = shop.load()
    ten = datetime(2026, 1, 5, 15)  # in UTC
    columns = "order_file_line, order_number, email, email_as_given, ordered_at, ordered_on, ship_date, status"
    assert shop.rows(columns) == [
        (2, "A1", "ann@example.com", " Ann@Example.com", ten, date(2026, 1, 5), None, "processing"),
        (4, "A2", None, "", ten, date(2026, 1, 5), date(2026, 1, 6), "shipped"),
    ]
    columns = "order_file_line, merchant, currency, total_cents, quantity, unit_price_cents, is_eligible, attributes"
    assert shop.rows(columns) == [
        (2, "main", "USD", 1250, 1, 1250, True, '{"gift":"yes"}'),
        (4, "main", "USD", 1250, 1, 1250, True, '{"gift":""}'),
    ]
    keys = [key for _, key in shop.rows("order_file_line, contact_key", order="1")]
    assert keys[0] is not None
    assert keys[1] is None
    (file,) = result.accepted
    assert (file.row_count, file.quarantined_count, file.without_contact_count) == (2, 0, 1)
    assert [day.row_count for day in result.days] == [2, 0, 0, 0, 0, 0]


@ON_BOTH_DATABASES
def test_a_day_is_the_union_of_its_files(shop: Shop) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    shop.drop("orders_2026-01-05_2.csv", csv_of({"order_number": "A2"}))
    shop.drop("orders_2026-01-06-late.csv", csv_of({"order_number": "A3"}))
    shop.load()
    assert shop.orders() == [
        ("orders_2026-01-05.csv", 2, "A1"),
        ("orders_2026-01-05_2.csv", 2, "A2"),
        ("orders_2026-01-06-late.csv", 2, "A3"),
    ]
    assert [day for (day,) in shop.rows("distinct file_date", order="1")] == [
        date(2026, 1, 5),
        date(2026, 1, 6),
    ]


def test_rows_of_one_order_with_equal_order_fields_have_one_hash(shop: Shop) -> None:
    text = csv_of(
        {"order_number": "A1", "sku": "CUP", "ordered_at": "2026-01-05T10:00"},
        {"order_number": "A1", "sku": "POT", "ordered_at": "2026-01-05T15:00:00Z", "order_total": "12.5"},
        {"order_number": "A1", "sku": "PAN", "status": "shipped"},
    )
    shop.drop("orders_2026-01-05.csv", text)
    shop.load()
    hashes = [digest for _, digest in shop.rows("order_file_line, order_fields_hash", order="1")]
    assert hashes[0] == hashes[1] != hashes[2]


@ON_BOTH_DATABASES
def test_merchants_have_their_own_zone_currency_and_contacts(shop: Shop) -> None:
    shop.merchants["vienna"] = merchant("vienna", zone="Europe/Vienna", currency="EUR")
    columns = "merchant," + HEADER
    rows = [{"merchant": name, "currency": "", "ordered_at": "2026-01-05"} for name in ("main", "vienna", "paris")]
    # an unknown merchant is quarantined, the rows of the others go on
    file = shop.load_one("orders_2026-01-05.csv", csv_of(*rows, columns=columns))
    assert file.quarantined_by_rule == {"merchant is_a_declared_merchant": 1}
    assert shop.rows("merchant, currency, ordered_at, ordered_on") == [
        ("main", "USD", datetime(2026, 1, 5, 5), date(2026, 1, 5)),
        ("vienna", "EUR", datetime(2026, 1, 4, 23), date(2026, 1, 5)),
    ]
    assert len(set(shop.rows("contact_key", order="1"))) == 2
    assert shop.rows("merchant, zone, currency", "merchants") == [
        ("main", "America/New_York", "USD"),
        ("vienna", "Europe/Vienna", "EUR"),
    ]


def test_orders_of_declared_addresses_are_loaded_as_ineligible(shop: Shop) -> None:
    shop.merchants["main"] = merchant(ineligible_emails=["*@Marketplace.example.com"])
    text = csv_of(
        {"email": "Relay7@marketplace.example.com"},
        {"order_number": "A2"},
        {"order_number": "A3", "email": ""},
    )
    shop.drop("orders_2026-01-05.csv", text)
    shop.load()
    assert [eligible for _, eligible in shop.rows("order_file_line, is_eligible", order="1")] == [
        False,
        True,
        True,
    ]


# Corrections


@ON_BOTH_DATABASES
def test_a_then_b_then_a_again_are_two_corrections(shop: Shop) -> None:
    a, b = csv_of({"order_number": "A1"}), csv_of({"order_number": "B1"}, {"order_number": "B2"})
    name = "orders_2026-01-05.csv"
    assert not shop.load_one(name, a).is_correction
    before = shop.landed()
    assert shop.load_one(name, b).is_correction
    assert [order for *_, order in shop.orders()] == ["B1", "B2"]
    assert shop.load_one(name, a).is_correction
    assert [order for *_, order in shop.orders()] == ["A1"]
    assert shop.landed() == before
    assert [(record.outcome, record.row_count) for record in shop.files()] == [("accepted", n) for n in (1, 2, 1)]
    assert len(list(shop.settings.archive.iterdir())) == 2


def test_a_correction_replaces_the_rows_of_its_file_only(shop: Shop) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    second = shop.drop("orders_2026-01-05_2.csv", csv_of({"order_number": "A2"}))
    shop.drop("orders_2026-01-06.csv", csv_of({"order_number": "A3"}))
    shop.load()
    second.write_text(csv_of({"order_number": "A9"}))
    result = shop.load()
    assert [order for *_, order in shop.orders()] == ["A1", "A9", "A3"]
    assert [day.day.day for day in result.days if day.is_rewritten] == [5]


@ON_BOTH_DATABASES
def test_a_load_without_news_writes_nothing_and_imports_no_great_expectations(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({}))
    shop.load()
    before, files = shop.landed(), shop.files()
    monkeypatch.setattr(Gate, "__init__", _must_not_be_called)
    monkeypatch.setattr(Connection, "insert", _must_not_be_called)
    result = shop.load()
    assert (shop.landed(), shop.files()) == (before, files)
    assert not result.files
    assert not any(day.is_rewritten for day in result.days)
    assert result.days[0].row_count == 1


@ON_BOTH_DATABASES
def test_days_without_files_are_landed_as_empty(shop: Shop) -> None:
    shop.drop("orders_2026-01-06.csv", csv_of({}))
    shop.load(5, 7)
    landed = shop.landed()
    assert {day: (content != "", count) for day, (content, _, count) in landed.items()} == {
        5: (False, 0),
        6: (True, 1),
        7: (False, 0),
    }
    assert landed[5][1] == ""
    assert landed[6][1] == landed[7][1] != ""


@ON_BOTH_DATABASES
def test_the_chain_of_hashes_tells_whether_anything_up_to_a_day_changed(shop: Shop) -> None:
    for day in ("05", "07", "09"):
        shop.drop(f"orders_2026-01-{day}.csv", csv_of({"order_number": f"A{day}"}))
    shop.load(5, 9)
    before = {day: files_hash for day, (_, files_hash, _) in shop.landed().items()}
    # a new empty day changes nothing after it, nor before
    shop.load(4, 10)
    after = {day: files_hash for day, (_, files_hash, _) in shop.landed().items()}
    assert after == {4: "", **before, 10: before[9]}
    # a correction changes its day and all later ones, also those that were not asked for
    shop.drop("orders_2026-01-07.csv", csv_of({"order_number": "B07"}))
    result = shop.load(6, 7)
    corrected = {day: files_hash for day, (_, files_hash, _) in shop.landed().items()}
    assert [day for day in corrected if corrected[day] != after[day]] == [7, 8, 9, 10]
    assert [day.day.day for day in result.days if day.is_rewritten] == [7]
    # an empty day that gets a file changes itself and the later ones
    shop.drop("orders_2026-01-08.csv", csv_of({"order_number": "C08"}))
    shop.load(8, 8)
    filled = {day: files_hash for day, (_, files_hash, _) in shop.landed().items()}
    assert [day for day in filled if filled[day] != corrected[day]] == [8, 9, 10]


@ON_BOTH_DATABASES
def test_days_loaded_in_any_pieces_give_the_same_tables(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("05", "06", "08"):
        shop.drop(f"orders_2026-01-{day}.csv", csv_of({"order_number": f"A{day}"}, {"email": "no address"}))
    monkeypatch.setattr(load, "BYTES_AT_ONCE", 1)  # each day a portion of its own
    shop.load(7, 9)
    shop.load(5, 6)
    piecewise = shop.landed(), shop.rows("*", order="order_file, order_file_line")
    monkeypatch.undo()
    with shop.connect() as connection:
        connection.execute("delete from landed_days")
        connection.execute("delete from order_file_rows")
    result = shop.load(5, 9)
    assert (shop.landed(), shop.rows("*", order="order_file, order_file_line")) == piecewise
    assert not result.files  # out of the archive: no file was read anew


@pytest.mark.parametrize("change", [{"zone": "Europe/Vienna"}, {"currency": "EUR"}, {"ineligible_emails": ["*"]}])
def test_a_changed_merchant_loads_its_days_again(shop: Shop, change: dict[str, Any]) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"currency": "", "ordered_at": "2026-01-05"}))
    shop.load()
    before = shop.rows("ordered_at, currency, is_eligible")
    shop.merchants["main"] = merchant(**change)
    with shop.connect() as connection:
        stale = stale_days(shop.settings, shop.ledger, connection, shop.merchants, date(2026, 1, 31))
    assert stale == [date(2026, 1, 5)]
    result = shop.load()
    assert [day.day.day for day in result.days if day.is_rewritten] == [5]
    assert shop.rows("ordered_at, currency, is_eligible") != before
    assert shop.rows("merchant, zone, currency", "merchants") == [
        ("main", shop.merchants["main"].zone, shop.merchants["main"].currency)
    ]


def test_a_new_parser_loads_days_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({}))
    shop.load()
    monkeypatch.setattr("pp_pipeline.landing.rules_hash.PARSER_VERSION", rules_hash.PARSER_VERSION + 1)
    assert [day.day.day for day in shop.load().days if day.is_rewritten] == [5]


# Refused and quarantined


def test_a_refused_correction_leaves_the_day_as_it_was_and_other_files_go_on(shop: Shop) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    shop.load()
    before = shop.landed()
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A2"}, {"order_number": "A3"})[:-30])
    shop.drop("orders_2026-01-06.csv", csv_of({"order_number": "B1"}))
    result = shop.load()
    (refused,) = result.refused
    assert refused.name == "orders_2026-01-05.csv"
    assert "line 3" in refused.reason
    assert [file.name for file in result.accepted] == ["orders_2026-01-06.csv"]
    assert [order for *_, order in shop.orders()] == ["A1", "B1"]
    assert shop.landed()[5] == before[5]
    last = shop.files()[-2:]
    assert {(record.outcome, record.adopted_at is None) for record in last} == {
        ("refused", True),
        ("accepted", False),
    }
    assert not archive.archived_file(shop.settings, refused.sha256).exists()


def test_a_refused_content_is_recorded_once_and_asked_for_once(shop: Shop) -> None:
    path = shop.drop("orders_2026-01-05.csv", "")
    through = date(2026, 1, 31)
    assert [unread.refused_before for unread in unread_files(shop.settings, shop.ledger, shop.merchants, through)] == [
        False
    ]
    shop.load()
    shop.load()
    assert [record.outcome for record in shop.files()] == ["refused"]
    (unread,) = unread_files(shop.settings, shop.ledger, shop.merchants, through)
    assert (unread.refused_before, unread.reason) == (True, shop.files()[0].reason)
    path.write_text(csv_of({}))
    assert [unread.refused_before for unread in unread_files(shop.settings, shop.ledger, shop.merchants, through)] == [
        False
    ]
    shop.load()
    assert unread_files(shop.settings, shop.ledger, shop.merchants, through) == []


def test_a_content_refused_before_keeps_the_time_it_was_first_seen(shop: Shop) -> None:
    text = csv_of(*[{"merchant": "vienna", "order_number": f"A{n}"} for n in range(6)], columns="merchant," + HEADER)
    assert shop.load_one("orders_2026-01-05.csv", text).outcome == "refused"
    shop.merchants["vienna"] = merchant("vienna")
    assert shop.load_one("orders_2026-01-05.csv", text).outcome == "accepted"
    refused, accepted = shop.files()
    assert accepted.first_seen_at == refused.first_seen_at
    assert accepted.adopted_at is not None
    assert accepted.adopted_at > accepted.first_seen_at


@ON_BOTH_DATABASES
def test_bad_rows_are_quarantined_and_the_rest_goes_on(shop: Shop) -> None:
    text = csv_of(
        {"order_number": "A1", "sku": "CUP"},
        {"order_number": "A1", "sku": "POT", "status": "refunded"},
        {"order_number": "", "sku": ""},
        {"order_number": "A2", "order_total": "12.345", "ordered_at": "05/01/2026"},
        {"order_number": "A3"},
    )
    file = shop.load_one("orders_2026-01-05.csv", text)
    assert (file.outcome, file.row_count, file.quarantined_count) == ("accepted", 5, 3)
    assert [line for _, line, _ in shop.orders()] == [2, 6]
    columns = "order_file_line, column_name, rule, value_kind, merchant, order_number"
    assert shop.rows(columns, "quarantined_rows") == [
        (3, "status", "is_a_known_status", "text", "main", "A1"),
        (4, "order_number", "is_an_order_number", "blank", "main", None),
        (4, "sku", "is_a_sku", "blank", "main", None),
        (5, "order_total", "is_an_amount_or_blank", "number", "main", "A2"),
        (5, "ordered_at", "is_a_date_or_time", "date", "main", "A2"),
    ]
    shop.load_one("orders_2026-01-05.csv", csv_of({}))
    assert shop.rows("*", "quarantined_rows") == []


def test_quarantine_finds_its_rows_in_the_right_files(shop: Shop) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}, {"order_number": "A2", "quantity": "two"}))
    shop.drop("orders_2026-01-06.csv", HEADER + "\n")
    shop.drop("orders_2026-01-07.csv", csv_of({"order_number": "B1", "quantity": "1.5"}, {"order_number": "B2"}))
    shop.drop("orders_2026-01-08.csv", csv_of({"order_number": "C1"}))
    result = shop.load()
    assert [order for *_, order in shop.orders()] == ["A1", "B2", "C1"]
    assert shop.rows("order_file, order_file_line, value_kind", "quarantined_rows") == [
        ("orders_2026-01-05.csv", 3, "text"),
        ("orders_2026-01-07.csv", 2, "number"),
    ]
    broken = {(rule.suite, rule.column): rule.broken_count for rule in result.rules if rule.broken_count}
    assert broken == {("orders", "quantity"): 2, ("files", "rows_missing"): 1}


@pytest.mark.parametrize(
    ("bad", "of", "outcome"),
    [(5, 5, "accepted"), (6, 300, "accepted"), (7, 300, "refused"), (6, 6, "refused")],
)
def test_more_than_two_percent_and_five_bad_rows_refuse_the_file(shop: Shop, bad: int, of: int, outcome: str) -> None:
    rows = [{"order_number": f"A{n}", "status": "gone" if n < bad else "shipped"} for n in range(of)]
    file = shop.load_one("orders_2026-01-05.csv", csv_of(*rows))
    assert file.outcome == outcome
    if outcome == "refused":
        assert file.reason == (
            f"orders_2026-01-05.csv: {bad} of {of} rows can't be read, more than 2%: "
            f"status breaks is_a_known_status in {bad}, the first on line 2"
        )
        assert shop.rows("*", "quarantined_rows", "1") == []


def test_an_accepted_file_is_not_refused_later(shop: Shop) -> None:
    """A merchant whose file is deleted: its rows are quarantined when the day is loaded again."""
    shop.merchants["vienna"] = merchant("vienna")
    rows = [{"merchant": name, "order_number": name + str(n)} for name in ("main", "vienna") for n in range(9)]
    shop.drop("orders_2026-01-05.csv", csv_of(*rows, columns="merchant," + HEADER))
    shop.load()
    del shop.merchants["vienna"]
    result = shop.load()
    assert not result.refused
    assert shop.rows("count(*), count(distinct merchant)", order="1") == [(9, 1)]
    assert shop.rows("count(*)", "quarantined_rows", "1") == [(9,)]


# Vanished, half-written, dated out of range


def test_a_vanished_file_is_reported_and_stays_in_force(shop: Shop) -> None:
    path = shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    shop.load()
    path.unlink()
    shop.drop("orders_2026-01-05_2.csv", csv_of({"order_number": "A2"}))
    result = shop.load()
    assert result.vanished == ("orders_2026-01-05.csv",)
    assert [order for *_, order in shop.orders()] == ["A1", "A2"]
    assert result.days[0].file_names == ("orders_2026-01-05.csv", "orders_2026-01-05_2.csv")


def test_half_written_hidden_and_other_files_are_left_alone(shop: Shop) -> None:
    for name in (
        "orders_2026-01-05.csv.part",
        ".orders_2026-01-05.csv",
        "products.csv",
        "orders.csv",
        "notes.txt",
    ):
        shop.drop(name, csv_of({}))
    (shop.settings.inbox / "orders_2026-01-06.csv").mkdir()
    result = shop.load()
    assert not result.files
    assert result.unrecognised == ("notes.txt", "orders.csv", "orders_2026-01-06.csv", "products.csv")


def test_a_file_that_is_still_growing_is_left_for_the_next_load(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    read = Path.read_bytes

    def grow_after_reading(self: Path) -> bytes:
        content = read(self)
        if self == path:
            with self.open("a") as file:
                file.write(csv_of({"order_number": "A2"}).splitlines(keepends=True)[1])
        return content

    monkeypatch.setattr(Path, "read_bytes", grow_after_reading)
    (file,) = shop.load().files
    assert (file.outcome, file.reason) == ("left_for_later", "orders_2026-01-05.csv: is still being written")
    assert shop.files() == []
    monkeypatch.undo()
    shop.load()
    assert [order for *_, order in shop.orders()] == ["A1", "A2"]


def test_a_file_that_may_not_be_read_is_left_for_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.drop("orders_2026-01-05.csv", csv_of({}))
    shop.drop("orders_2026-01-06.csv", csv_of({}))
    read = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self == path:
            raise PermissionError(os.fspath(path))
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    result = shop.load()
    assert [(file.name, file.outcome) for file in result.files] == [
        ("orders_2026-01-05.csv", "left_for_later"),
        ("orders_2026-01-06.csv", "accepted"),
    ]


def test_a_file_that_cannot_be_hashed_does_not_stop_the_sensor(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = shop.drop("orders_2026-01-05.csv", csv_of({}))
    shop.drop("orders_2026-01-06.csv", csv_of({}))
    opened = Path.open

    def refuse(self: Path, *args: Any, **options: Any) -> Any:
        if self == locked:
            raise PermissionError(os.fspath(locked))
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    found = unread_files(shop.settings, shop.ledger, shop.merchants, date(2026, 1, 31))
    assert [unread.file.name for unread in found] == ["orders_2026-01-06.csv"]


def test_a_name_that_is_not_utf8_can_be_told(shop: Shop) -> None:
    (shop.settings.inbox / os.fsdecode(b"caf\xe9.csv")).write_text("")
    (shop.settings.inbox / os.fsdecode(b"orders_2026-01-05_\xe9.csv")).write_text(csv_of({}))
    result = shop.load()
    assert result.unrecognised == ("caf\ufffd.csv",)
    assert [file.name for file in result.refused] == ["orders_2026-01-05_\ufffd.csv"]


def test_files_dated_out_of_range_are_refused_or_not_looked_at(shop: Shop) -> None:
    shop.today = date(2026, 1, 8)
    for day in ("1999-12-31", "2026-02-30", "2026-01-09", "2026-01-11"):
        shop.drop(f"orders_{day}.csv", csv_of({}))
    shop.drop("Orders_20260105.csv", csv_of({}))
    shop.drop("orders_2026-01-05 (1).csv", csv_of({}))
    result = shop.load(5, 10)
    how = "name it orders_YYYY-MM-DD.csv, a second one of that day orders_YYYY-MM-DD_2.csv"
    assert {file.name: file.reason.removeprefix(f"{file.name}: ") for file in result.refused} == {
        "Orders_20260105.csv": f"no file date can be read from its name; {how}",
        "orders_2026-01-05 (1).csv": f"no file date can be read from its name; {how}",
        "orders_1999-12-31.csv": "is dated 1999-12-31, before 2000-01-01; correct the date in its name",
        "orders_2026-01-09.csv": "is dated 2026-01-09, in the future; correct the date in its name",
        "orders_2026-02-30.csv": f"there is no day 2026-02-30; {how}",
    }
    assert result.later == ("orders_2026-01-11.csv",)
    assert {record.name for record in shop.files()} == {"orders_1999-12-31.csv", "orders_2026-01-09.csv"}
    assert shop.orders() == []
    assert set(shop.landed()) == {5, 6, 7, 8, 9, 10}


def test_the_first_day_is_of_files_that_count(shop: Shop) -> None:
    assert first_day(shop.settings, shop.ledger, PLAIN_FEEDS) is None
    shop.drop("orders_1999-12-31.csv", csv_of({}))
    path = shop.drop("orders_2026-01-05.csv", csv_of({}))
    shop.drop("orders_2026-01-07.csv", csv_of({}))
    assert first_day(shop.settings, shop.ledger, PLAIN_FEEDS) == date(2026, 1, 5)
    shop.load()
    path.unlink()
    assert first_day(shop.settings, shop.ledger, PLAIN_FEEDS) == date(2026, 1, 5)


def test_unread_files_are_those_dated_up_to_the_day_asked_for(shop: Shop) -> None:
    for day in ("05", "06", "07"):
        shop.drop(f"orders_2026-01-{day}.csv", csv_of({}))
    shop.load(5, 5)
    unread = unread_files(shop.settings, shop.ledger, shop.merchants, date(2026, 1, 6))
    assert [found.file.file_date.day for found in unread] == [6]
    assert isinstance(scan_inbox(shop.settings, PLAIN_FEEDS).files[0], InboxFile)


# Crashes


@ON_BOTH_DATABASES
def test_a_crash_between_adoption_and_warehouse_is_repaired_by_the_next_load(shop: Shop) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    shop.load()
    before = shop.landed()
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "B1"}))
    with pytest.raises(RuntimeError, match="power cut"):
        shop.load(connect=_connections_that_fail_after(shop, 1))
    assert [order for *_, order in shop.orders()] == ["A1"]
    assert shop.landed() == before
    assert shop.files()[-1].outcome == "accepted"
    # the content is in force: nothing is unread, and the inbox is not needed any more
    assert unread_files(shop.settings, shop.ledger, shop.merchants, date(2026, 1, 31)) == []
    (shop.settings.inbox / "orders_2026-01-05.csv").unlink()
    assert [day.day.day for day in shop.load().days if day.is_rewritten] == [5]
    assert [order for *_, order in shop.orders()] == ["B1"]


@ON_BOTH_DATABASES
def test_a_crash_in_the_middle_of_writing_leaves_the_days_as_they_were(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    shop.load()
    before = shop.landed()
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "B1"}))
    insert = Connection.insert

    def fail_at_hashes(self: Connection, table: str, frame: object) -> None:
        if table == "landed_days":
            raise RuntimeError("power cut")
        insert(self, table, frame)  # type: ignore[arg-type]

    monkeypatch.setattr(Connection, "insert", fail_at_hashes)
    with pytest.raises(RuntimeError, match="power cut"):
        shop.load()
    monkeypatch.undo()
    assert ([order for *_, order in shop.orders()], shop.landed()) == (["A1"], before)
    shop.load()
    assert [order for *_, order in shop.orders()] == ["B1"]


def test_a_crash_before_adoption_leaves_the_file_unread(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({}))
    monkeypatch.setattr("pp_pipeline.landing.adoption.record_files", _must_not_be_called)
    with pytest.raises(AssertionError):
        shop.load()
    monkeypatch.undo()
    assert shop.files() == []
    assert len(shop.load().accepted) == 1


def test_a_damaged_archive_leaves_the_day_as_it_was_and_is_named(shop: Shop) -> None:
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A1"}))
    shop.drop("orders_2026-01-06.csv", csv_of({"order_number": "B1"}))
    shop.load()
    before = shop.landed()
    archive.archived_file(shop.settings, shop.files()[0].sha256).write_text("x")
    shop.drop("orders_2026-01-05_2.csv", csv_of({"order_number": "A2"}))
    shop.drop("orders_2026-01-06.csv", csv_of({"order_number": "B2"}))
    result = shop.load()
    (problem,) = result.problems
    assert problem.startswith("orders_2026-01-05.csv: archive/")
    assert "restore it from a backup" in problem
    assert shop.landed()[5][0] == before[5][0]
    assert [order for *_, order in shop.orders()] == ["A1", "B2"]


# What may be told


def test_no_cell_of_a_bad_file_is_told_anywhere(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    secret = "who.is.this@example.com"
    files = {
        "orders_2026-01-05.csv": csv_of({"order_number": "x" * 101 + secret, "status": secret, "ordered_at": secret}),
        "orders_2026-01-06.csv": csv_of({"email": secret})[:-20],
        "orders_2026-01-07.csv": f"{secret},{secret},shipped\n",
        "orders_2026-01-08.csv": HEADER + f'\n"{secret}',
        "orders_2026-01-09.csv": HEADER + f'\n"{secret}"{secret},\n',
        "orders_2026-01-10.csv": csv_of(*[{"sku": f"{secret}\x01{n}", "status": secret} for n in range(9)]),
        "orders_2026-01-10_2.csv": HEADER.encode() + b"\n" + secret.encode() + b"\xe9\n",
        "orders_2026-01-10_3.csv": HEADER + f",{secret},{secret}\n" + ",,,,,,,,,,,,,\n",
    }
    for name, content in files.items():
        shop.drop(name, content)
    result = shop.load()
    assert len(result.refused) == 7
    ledger = [record.reason for record in shop.files()]
    for told in (repr(result), str(ledger), caplog.text, str(shop.rows("*", "quarantined_rows", "1, 2, 3"))):
        assert "who.is.this" not in told


def _must_not_be_called(*_args: object, **_kwargs: object) -> None:
    raise AssertionError("this must not be called")


def _connections_that_fail_after(shop: Shop, count: int) -> object:
    opened = []

    @contextmanager
    def connect() -> Iterator[Connection]:
        opened.append(1)
        if len(opened) > count:
            raise RuntimeError("power cut")
        with shop.connect() as connection:
            yield connection

    return connect


def test_times_in_the_ledger_are_of_the_load(shop: Shop) -> None:
    before = datetime.now(UTC)
    shop.load_one("orders_2026-01-05.csv", csv_of({}))
    (record,) = shop.files()
    assert record.adopted_at is not None
    assert before <= record.first_seen_at <= record.adopted_at <= datetime.now(UTC)
