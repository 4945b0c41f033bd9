"""Feeds as shops declare them: files of every export and kind become rows of the landing tables."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pp_pipeline.landing.days import stale_days
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.files import unread_files
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.load import load_days
from pp_pipeline.landing.plain_feeds import PLAIN_FEEDS
from pp_pipeline.merchants import MerchantError, load_merchants
from pp_pipeline.settings import Settings
from pp_pipeline_tests.landing_shop import HEADER, Shop, csv_of, merchant

GOLDEN = Path(__file__).parent / "golden"


def shop_with(tmp_path: Path, *feeds: dict[str, Any], **changes: Any) -> Shop:
    """A shop whose merchant declares feeds."""
    declared = [{"merchant": "main", **feed} for feed in feeds]
    return Shop(Settings(home=tmp_path / "home"), {"main": merchant(feeds=declared, **changes)}, date(2026, 12, 31))


# Which file belongs to which feed


@pytest.mark.parametrize(
    ("files", "date_format", "name", "day"),
    [
        ("shop_{date}.csv", "%Y-%m-%d", "shop_2026-01-05.csv", "2026-01-05"),
        ("shop_{date}.csv", "%Y-%m-%d", "shop_2026-01-05_2.csv", "2026-01-05"),
        ("shop_{date}.csv", "%Y-%m-%d", "shop_2026-01-05.csv.gz", "2026-01-05"),
        ("shop_{date}.csv", "%Y-%m-%d", "shop_20260105.csv", None),
        ("shop_{date}.csv", "%Y%m%d", "shop_20260105.csv", "2026-01-05"),
        ("shop_{date}.csv", "%Y%m%dT%H%M", "shop_20260105T0600.csv", "2026-01-05"),
        ("shop_*_{date}.txt", "%d.%m.%Y", "shop_eu_05.01.2026.txt", "2026-01-05"),
        ("{date}/orders?.csv", "%Y-%m-%d", "2026-01-05/orders1.csv", "2026-01-05"),
        ("{date}/orders?.csv", "%Y-%m-%d", "2026-01-05/more/orders1.csv", None),
        ("shop_{date}.{ext}", "%y%j", "shop_26005.parquet", "2026-01-05"),
    ],
)
def test_a_name_says_feed_and_date(files: str, date_format: str, name: str, day: str | None) -> None:
    feed = Feed(feed="shop", merchant="main", files=files, date_format=date_format)
    found = read_name(name, [feed])
    assert found.file_date == (date.fromisoformat(day) if day else None)
    assert found.feed == (feed if day else None)


def test_a_day_that_does_not_exist_and_a_name_that_is_nearly_one_are_told_how_to_mend_it() -> None:
    feed = Feed(feed="shop", merchant="main", files="shop_{date}.csv", date_format="%Y%m%d")
    assert read_name("shop_20261301.csv", [feed]).fault == (
        "shop_20261301.csv: there is no day 20261301; name it shop_YYYYMMDD.csv, a second one of that day "
        "shop_YYYYMMDD_2.csv"
    )
    assert "no file date can be read" in read_name("Shop-2026-01-05.csv", [feed]).fault
    assert read_name("readme.txt", [feed]).fault == ""


def test_a_declared_feed_comes_before_a_plain_one_and_two_declared_ones_are_a_fault() -> None:
    one, two = (Feed(feed=name, merchant="main", files="orders_{date}.csv") for name in ("one", "two"))
    assert read_name("orders_2026-01-05.csv", [one, *PLAIN_FEEDS]).feed == one
    fault = read_name("orders_2026-01-05.csv", [one, two, *PLAIN_FEEDS]).fault
    assert "the feeds main.one and main.two both take this name" in fault


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        ({"export": "shopfy"}, "no such export; there are plain, listrak_orders"),
        ({"feed": "Two"}, "lower case letters"),
        ({"files": "orders.csv"}, "write {date} once"),
        ({"files": "../{date}.csv"}, "is a path within the inbox"),
        ({"date_format": "%Y-%m"}, "names no whole day"),
        ({"date_format": "%Y-%b-%d"}, "may hold %Y"),
        ({"delimiter": "ab"}, "tab, pipe, comma"),
        ({"delimiter": "'", "quote": "'"}, "delimiter: is also the quote"),
        ({"encoding": "utf8"}, "write one of utf-8"),
        ({"zone": "Mars"}, "America/New_York"),
        ({"dates": "european"}, "day_first"),
        ({"status_map": {"done": "finished"}}, "'finished' is no status of ours"),
        ({"columns": {"mail": "E-Mail"}}, "orders have no column mail; there are merchant, order_number, email"),
        ({"due": {"by": "25:00"}}, "due.by"),
        ({"due": {"at": "06:00"}}, "due.at is not known; allowed are by, days_after"),
        ({"colour": "red"}, "colour is not known; allowed are feed, export"),
        ({"kind": "contacts", "export": "bigcommerce"}, "the export bigcommerce holds orders; leave kind out"),
    ],
)
def test_a_bad_feed_is_named_with_its_line_and_the_fix(tmp_path: Path, feed: dict[str, Any], words: str) -> None:
    merchants = tmp_path / "pp_pipeline" / "merchants"
    merchants.mkdir(parents=True)
    fields = merchant().model_dump(mode="json", include={"zone", "currency", "sender_name", "sender_email",
                                                         "postal_address", "unsubscribe_url", "site_url"})  # fmt: skip
    fields["feeds"] = [{"feed": "shop", "files": "shop_{date}.csv"} | feed]
    (merchants / "main.yml").write_text(yaml.safe_dump(fields))
    with pytest.raises(MerchantError) as error:
        load_merchants(Settings(home=tmp_path / "home", checkout=tmp_path))
    assert "merchants/main.yml:" in str(error.value)
    assert words in str(error.value)


# Files of exports


@pytest.mark.parametrize(
    "path",
    sorted(path for path in GOLDEN.glob("*/*.csv") if "expected" not in path.name and path.parent.name != "plain"),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_a_file_of_each_export_lands_as_its_golden_rows(tmp_path: Path, path: Path) -> None:
    """Lines and quarantined rows: what the rows hold is for the tests of the exports."""
    shop = shop_with(tmp_path, {"feed": "shop", "export": path.parent.name, "files": "shop_{date}.csv"})
    file = shop.load_one("shop_2026-01-05.csv", path.read_bytes())
    if path.parent.name == "woocommerce_webtoffee" and path.stem == "shuffled":  # it names `status` twice
        assert "has the same name for columns 24 and 60" in file.reason
        return
    assert file.outcome == "accepted"
    kind = KINDS_OF_FEEDS[shop.merchants["main"].feeds[0].kind]
    lines = [line for (line,) in shop.rows(kind.file_columns[1], kind.table)]
    bad = {line for (line,) in shop.rows("order_file_line", "quarantined_rows")}
    expected = path.with_name(f"{path.stem}.expected.csv").read_text(encoding="utf-8")
    assert set(lines) | bad <= set(range(2, len(path.read_text(encoding="utf-8").splitlines()) + 2))
    assert len(lines) + file.quarantined_count == file.row_count
    assert expected.startswith("line,")


ITEMS = "ordernumber|sku|quantity|price|status|shipdate\nA1|CUP|1|12.50|7|2026-01-04\nA1|POT|2|3|Shipped|\n"


def test_listraks_pair_lands_as_headers_and_lines(tmp_path: Path) -> None:
    shop = shop_with(
        tmp_path,
        {"feed": "orders", "export": "listrak_orders", "offsets": "ignore"},
        {"feed": "items", "export": "listrak_order_items"},
    )
    orders = "ordernumber,dateentered,email,ordertotal\nA1,2026-01-04T22:00:00Z,ann@example.com,18.50\n"
    shop.drop("Listrak_Order_Feed_2026-01-05.csv", orders)
    shop.drop("Listrak_OrderItem_Feed_2026-01-05.txt.part", "half written")
    shop.drop("Listrak_OrderItem_Feed_2026-01-05.txt", ITEMS)
    result = shop.load()
    assert [(file.name, file.outcome, file.reason) for file in result.files] == [
        ("Listrak_OrderItem_Feed_2026-01-05.txt", "accepted", ""),
        ("Listrak_Order_Feed_2026-01-05.csv", "accepted", ""),
    ]
    # the Z is a slip of the plug-in: 22:00 is the merchant's time, and the order of that day
    columns = "order_number, ordered_on, total_cents, status, sku"
    assert shop.rows(columns) == [("A1", date(2026, 1, 4), 1850, None, None)]
    columns = "sku, quantity, unit_price_cents, line_status, line_ship_date"
    assert shop.rows(columns, "order_line_file_rows") == [
        ("CUP", 1, 1250, "shipped", date(2026, 1, 4)),
        ("POT", 2, 300, "shipped", None),
    ]


# What a feed can declare


def test_columns_words_dates_and_decimals_are_read_as_declared(tmp_path: Path) -> None:
    shop = shop_with(
        tmp_path,
        {
            "feed": "erp",
            "files": "erp_{date}.txt",
            "date_format": "%Y%m%d",
            "delimiter": "semicolon",
            "encoding": "windows-1252",
            "dates": "day_first",
            "decimal": ",",
            "zone": "Europe/Vienna",
            "columns": {"order_number": "Beleg", "order_total": "Summe"},
            "status_map": {"Ausgeliefert": "shipped"},
            "ineligible": [{"column": "kanal", "matches": "b2b*"}],
        },
    )
    header = HEADER.replace("order_number", "Beleg").replace("order_total", "Summe") + ",Kanal"
    text = csv_of(
        {"order_number": "x"}, columns=header
    ).splitlines()[0].replace(",", ";") + "\n" + (
        "A1;ann@example.com;05.01.2026 01:30;05.01.2026;Ausgeliefert;1.234,50 €;EUR;CUP;Häferl;Küche;1;1.234,50;web\n"
        "A2;bob@example.com;05.01.2026;;Ausgeliefert;2,00;EUR;CUP;Häferl;Küche;1;2,00;B2B West\n"
    )  # fmt: skip
    file = shop.load_one("erp_20260105.txt", text.encode("windows-1252"))
    assert (file.outcome, file.quarantined_count) == ("accepted", 0), file.reason
    columns = "order_number, status, total_cents, product_name, ordered_on, is_eligible"
    # half past one in Vienna is the evening before in New York
    assert shop.rows(columns) == [
        ("A1", "shipped", 123450, "Häferl", date(2026, 1, 4), True),
        ("A2", "shipped", 200, "Häferl", date(2026, 1, 5), False),
    ]


def test_a_changed_declaration_lands_its_days_again(tmp_path: Path) -> None:
    feed = {"feed": "shop", "files": "shop_{date}.csv"}
    shop = shop_with(tmp_path, feed)
    shop.load_one("shop_2026-01-05.csv", csv_of({"ordered_at": "2026-01-05T23:30:00"}))
    assert shop.rows("ordered_on") == [(date(2026, 1, 5),)]
    shop.merchants = {"main": merchant(feeds=[{**feed, "merchant": "main", "zone": "America/Los_Angeles"}])}
    result = shop.load()
    assert [day.day.day for day in result.days if day.is_rewritten] == [5]
    assert shop.rows("ordered_on") == [(date(2026, 1, 6),)]


def test_a_feed_that_is_no_longer_declared_leaves_its_days_as_they_were(tmp_path: Path) -> None:
    shop = shop_with(tmp_path, {"feed": "shop", "files": "shop_{date}.csv"})
    shop.load_one("shop_2026-01-05.csv", csv_of({}))
    shop.merchants = {"main": merchant()}
    result = shop.load()
    assert shop.rows("order_number") == [("A1",)]
    (problem,) = result.problems
    assert problem == "shop_2026-01-05.csv: no feed takes this name any more; declare one that does again"


def test_a_declared_feed_holds_only_its_merchants_rows(tmp_path: Path) -> None:
    shop = shop_with(tmp_path, {"feed": "shop", "files": "shop_{date}.csv"})
    shop.merchants["vienna"] = merchant("vienna")
    rows = [{"order_number": "A1", "merchant": "main"}, {"order_number": "A2", "merchant": "vienna"}]
    file = shop.load_one("shop_2026-01-05.csv", csv_of(*rows, columns=f"merchant,{HEADER}"))
    assert file.quarantined_by_rule == {"merchant is_a_declared_merchant": 1}
    assert shop.rows("order_number") == [("A1",)]


# The other kinds

OTHER = {
    "contacts": (
        "email,phone,country,zone,locale,birthday,sms_commercial_consent,sms_commercial_consent_at,loyalty_member,points,"
        "shoe_size\n"
        "Ann@Example.com,(212) 555-0100,us,America/New_York,en-us,1980-02-29,explicit,2026-01-01,yes,120,42\n"
        "bob@example.com,12,USA,Mars,english,1980,maybe,,perhaps,1.5,\n",
        "email, phone, country, zone, locale, birthday, sms_commercial_consent, loyalty_member, points, attributes",
        [("ann@example.com", "+12125550100", "US", "America/New_York", "en_US", date(1980, 2, 29), "explicit", True,
          120, '{"shoe_size":"42"}')],
        ["birthday", "country", "locale", "loyalty_member", "phone", "points", "sms_commercial_consent", "zone"],
    ),
    "products": (
        "sku,name,category,url,price,supply_days\nCUP,Cup,Kitchen,https://example.com/cup,12.50,30\n,Pot,,example,x,y\n",
        "sku, name, url, price_cents, supply_days",
        [("CUP", "Cup", "https://example.com/cup", 1250, 30)],
        ["price", "sku", "supply_days", "url"],
    ),
    "shipments": (
        "order_number,carrier,tracking_url,shipped_date,delivered_date\n"
        "A1,Post,https://example.com/t/1,2026-01-03,2026-01-05\nA2,Post,,soon,\n",
        "order_number, carrier, shipped_on, delivered_on",
        [("A1", "Post", date(2026, 1, 3), date(2026, 1, 5))],
        ["shipped_date"],
    ),
    "returns": (
        "order_number,return_number,sku,quantity,reason,refunded_date,refunded_amount\n"
        "A1,R1,CUP,1,too small,2026-01-05,-12.50\nA1,R2,,x,,,\n",
        "order_number, return_number, quantity, refunded_on, refunded_cents",
        [("A1", "R1", 1, date(2026, 1, 5), 1250)],
        ["quantity"],
    ),
    "payments": (
        "order_number,paid_at,amount\nA1,2026-01-05T23:30:00-08:00,12.50\nA2,,1\n",
        "order_number, paid_on, amount_cents, currency",
        [("A1", date(2026, 1, 6), 1250, "USD")],
        ["paid_at"],
    ),
    "feedback": (
        "event,email,occurred_at,message_id,is_machine_open,rating\n"
        "Opened,ann@example.com,2026-01-05T10:00:00,m1,yes,\nreview left,ann@example.com,2026-01-05,,,4.5\n"
        "liked,ann,yesterday,,,\n",
        "event, email, occurred_on, message_id, is_machine_open, rating",
        [("opened", "ann@example.com", date(2026, 1, 5), "m1", True, None),
         ("review_left", "ann@example.com", date(2026, 1, 5), None, None, 4.5)],
        ["email", "event", "occurred_at"],
    ),
    "suppressions": (
        "email,channel,message_kind,reason\nann@example.com,email,commercial,unsubscribed\nbob,fax,all,whim\n",
        "email, channel, message_kind, reason",
        [("ann@example.com", "email", "commercial", "unsubscribed")],
        ["email"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHER)
def test_the_other_kinds_land_by_the_same_rules(tmp_path: Path, kind: str) -> None:
    text, columns, rows, bad_columns = OTHER[kind]
    shop = shop_with(tmp_path, country="US")
    file = shop.load_one(f"{kind}_2026-01-05.csv", text)
    assert (file.outcome, file.quarantined_count) == ("accepted", 1), file.reason
    assert shop.rows(columns, KINDS_OF_FEEDS[kind].table) == rows
    assert sorted({name for (name,) in shop.rows("column_name", "quarantined_rows")}) == bad_columns


def test_a_corrected_file_of_another_kind_replaces_its_rows_alone(tmp_path: Path) -> None:
    shop = shop_with(tmp_path)
    shop.drop("orders_2026-01-05.csv", csv_of({}))
    shop.load_one("payments_2026-01-05.csv", "order_number,paid_at\nA1,2026-01-05\n")
    file = shop.load_one("payments_2026-01-05.csv", "order_number,paid_at\nA2,2026-01-06\n")
    assert file.is_correction
    assert shop.rows("order_number, paid_on", "payment_rows") == [("A2", date(2026, 1, 6))]
    assert shop.orders() == [("orders_2026-01-05.csv", 2, "A1")]


def test_tables_of_an_older_form_are_made_anew_out_of_the_archive(tmp_path: Path) -> None:
    shop = shop_with(tmp_path)
    shop.load_one("orders_2026-01-05.csv", csv_of({}))
    with shop.connect() as connection:
        connection.execute("alter table order_file_rows drop column paid_on")
    shop.load_one("orders_2026-01-06.csv", csv_of({"order_number": "A2"}))
    assert [number for *_, number in shop.orders()] == ["A1", "A2"]


# What a review found


def test_a_declared_name_that_the_file_lacks_is_refused_in_the_files_words(tmp_path: Path) -> None:
    shop = shop_with(tmp_path, {"feed": "parcels", "kind": "shipments", "files": "parcels_{date}.csv",
                                "columns": {"delivered_date": "Zustellung"}})  # fmt: skip
    file = shop.load_one("parcels_2026-01-05.csv", "order_number,Zugestellt\nA1,2026-01-04\n")
    assert "line 1 lacks the columns: Zustellung" in file.reason
    assert "the feed declares it as delivered_date" in file.reason


@pytest.mark.parametrize(
    ("column", "words"),
    [("Kanal", ""), ("State", ""), ("kannal", "lacks the columns: kannal (asked for by a rule under `ineligible`")],
)
def test_an_ineligible_rule_means_a_column_of_the_file_or_is_told(tmp_path: Path, column: str, words: str) -> None:
    rule = {"column": column, "matches": "b2b*"}
    feed = {"feed": "erp", "files": "erp_{date}.csv", "columns": {"product_name": "State"}, "ineligible": [rule]}
    shop = shop_with(tmp_path, feed)
    text = csv_of({}, columns=HEADER.replace("product_name", "State") + ",kanal").replace(",,", ",B2B,", 1)
    header, row = text.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True)) | {
        "State": "B2B",
        "kanal": "B2B",
        "ship_date": "",
    }
    file = shop.load_one("erp_2026-01-05.csv", f"{header}\n{','.join(cells.values())}\n")
    assert words in file.reason
    assert shop.rows("is_eligible") == ([] if words else [(False,)])


def test_typed_numbers_and_dates_are_what_they_are_whatever_the_feed_declares(tmp_path: Path) -> None:
    import openpyxl

    feed = {"feed": "erp", "files": "erp_{date}.{ext}", "decimal": ",", "dates": "%d.%m.%Y %H:%M"}
    shop = shop_with(tmp_path, feed)
    header = HEADER.split(",")
    cells = dict.fromkeys(header) | {"order_number": "A1", "status": "shipped", "sku": "CUP", "order_total": 1234.5,
                                     "unit_price": 12.5, "quantity": 2, "ordered_at": datetime(2026, 1, 4, 22, 30),
                                     "ship_date": datetime(2026, 1, 5)}  # fmt: skip
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(header)
    sheet.append([cells[name] for name in header])
    book.save(tmp_path / "book.xlsx")
    texts = {**cells, "ordered_at": "04.01.2026 22:30", "ship_date": "05.01.2026 00:00", "order_number": "A2"}
    rows = {"erp_2026-01-05.xlsx": (tmp_path / "book.xlsx").read_bytes(),
            "erp_2026-01-05.jsonl": (json.dumps(texts) + "\n").encode()}  # fmt: skip
    for name, content in rows.items():
        file = shop.load_one(name, content)
        assert (file.reason, file.quarantined_by_rule) == ("", {}), name
    found = shop.rows("order_number, total_cents, unit_price_cents, ordered_on, ship_date")
    rest = (123450, 1250, date(2026, 1, 4), date(2026, 1, 5))
    assert found == [("A1", *rest), ("A2", *rest)]


def test_a_day_without_returns_is_a_file_without_rows_and_takes_a_mistake_back(tmp_path: Path) -> None:
    shop = shop_with(tmp_path)
    shop.load_one("returns_2026-01-05.csv", "order_number,return_number\nA1,R1\n")
    file = shop.load_one("returns_2026-01-05.csv", "order_number,return_number\n")
    assert (file.outcome, file.row_count) == ("accepted", 0)
    assert shop.rows("order_number", "return_rows") == []
    assert "has a first line but no rows" in shop.load_one("orders_2026-01-05.csv", HEADER + "\n").reason


def test_a_refused_file_is_tried_again_under_a_mended_declaration(tmp_path: Path) -> None:
    feed = {"feed": "shop", "files": "shop_{date}.csv", "merchant": "main"}
    shop = shop_with(tmp_path, feed)
    rows = [{"order_number": f"A{place}", "status": "paid"} for place in range(7)]
    assert shop.load_one("shop_2026-01-05.csv", csv_of(*rows)).outcome == "refused"
    (unread,) = unread_files(shop.settings, shop.ledger, shop.merchants, shop.today)
    assert unread.refused_before
    shop.merchants = {"main": merchant(feeds=[{**feed, "status_map": {"paid": "processing"}}])}
    (unread,) = unread_files(shop.settings, shop.ledger, shop.merchants, shop.today)
    assert not unread.refused_before
    assert [file.outcome for file in shop.load().files] == ["accepted"]


def test_a_mended_date_format_moves_a_file_to_its_day(tmp_path: Path) -> None:
    feed = {"feed": "shop", "files": "shop_{date}.csv", "merchant": "main", "date_format": "%d-%m-%Y"}
    shop = shop_with(tmp_path, feed)
    shop.load_one("shop_06-01-2026.csv", csv_of({}))
    assert shop.rows("file_date") == [(date(2026, 1, 6),)]
    shop.merchants = {"main": merchant(feeds=[{**feed, "date_format": "%m-%d-%Y"}])}
    assert len(unread_files(shop.settings, shop.ledger, shop.merchants, shop.today)) == 1
    load_days(shop.settings, shop.ledger, shop.connect, date(2026, 1, 5), date(2026, 6, 1), shop.merchants,
              today=shop.today)  # fmt: skip
    assert shop.rows("file_date") == [(date(2026, 6, 1),)]
    assert unread_files(shop.settings, shop.ledger, shop.merchants, shop.today) == []


def test_a_retired_feed_does_not_ask_for_its_days_for_ever(tmp_path: Path) -> None:
    shop = shop_with(tmp_path, {"feed": "shop", "files": "shop_{date}.csv"})
    shop.drop("orders_2026-01-07.csv", csv_of({"order_number": "A2"}))
    shop.load_one("shop_2026-01-05.csv", csv_of({}))
    shop.merchants = {"main": merchant()}
    with shop.connect() as connection:
        stale = stale_days(shop.settings, shop.ledger, connection, shop.merchants, date(2026, 1, 10))
    assert stale == [date(2026, 1, 7)]  # the declarations changed


def test_rows_of_one_packed_line_keep_their_order(tmp_path: Path) -> None:
    shop = shop_with(tmp_path, {"feed": "shop", "export": "bigcommerce", "files": "shop_{date}.csv"})
    shop.load_one("shop_2026-01-05.csv", (GOLDEN / "bigcommerce" / "default_template.csv").read_bytes())
    rows = shop.rows("row_in_file, order_file_line, order_number")
    assert len({row for row, *_ in rows}) == len(rows)
    assert len({line for _, line, _ in rows}) < len(rows)
    assert [line for _, line, _ in rows] == sorted(line for _, line, _ in rows)
