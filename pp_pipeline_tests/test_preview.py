"""`pp preview`: who gets what, why nobody else does, and that nothing is written."""

import csv
import json
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pp_pipeline.campaigns.queues import waiting_orders
from pp_pipeline.cli import app
from pp_pipeline.configuration import Configuration
from pp_pipeline.preview import Asked, Preview, PreviewRow, make_preview
from pp_pipeline.preview.campaigns import preview_campaign
from pp_pipeline.preview.page import page_text
from pp_pipeline.settings import SettingsError
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.browser import Browser
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.shadow_shop import ShadowShop, january

CAMPAIGNS: dict[str, dict[str, Any]] = {
    "thank_you": {
        **{"wait_days": 3, "date_basis": "ship_date", "active_from": "2026-01-03", "active_to": "2026-01-10"},
        **{"hold_statuses": ["hold"], "max_days_late": 1, "audience": "order_count < 3"},
    },
    "loyal_customers": {"wait_days": 1, "repeat_orders": "first"},
    "review_request": {"wait_days": 2, "active_from": "2026-06-01", "back_populate_days": 365},
    "win_back": {"wait_days": 1},
}
# Order number, who, ordered on, ship date, status.
FILES = {
    1: [
        "D1 dee 2026-01-01 2026-01-02 shipped",
        "F0 fay 2025-12-01 2025-12-02 shipped",
        "L0 lou 2025-12-01 2025-12-02 shipped",
    ],
    2: [f"H{number} hal 2026-01-02 - processing" for number in (1, 2, 3)],
    5: ["A1 ann 2026-01-05 2026-01-05 shipped", "C1 cy 2026-01-04 2026-01-04 hold", "E1 eve 2026-01-05 - processing"],
    6: [
        "F1 fay 2026-01-06 2026-01-05 shipped",
        "H3 hal 2026-01-02 2026-01-04 shipped",
        "L1 lou 2026-01-05 - processing",
    ],
    7: [
        "B1 ben 2026-01-07 2026-01-07 shipped",
        "F1 fay 2026-01-06 2026-01-05 canceled",
        "L1 lou 2026-01-05 - canceled",
    ],
    8: [
        "I1 ida 2026-01-03 2026-01-04 shipped",
        "J1 jo 2026-01-03 2026-01-03 shipped",
        "K1 kim 2026-01-08 2026-01-11 shipped",
        "A2 ann 2026-01-08 - processing",
    ],
}
SLOW = """
conversation: slow_thanks
scope: contact
entries: once
live_from: 2026-01-06
exit_when: [canceled]
threads:
  - thread: write
    steps:
      - trigger: [win_back]
      - id: breathe
        wait: {days: 2}
      - id: thanks
        message: {channel: email, template: thank_you}
"""
LAST = january(8)
LIST_ON = """
select distinct contact_key from (
    select *, row_number() over (partition by order_number order by known_on desc) as place
    from order_versions where known_on <= ?
) as versions
where place = 1 and is_purchase and ordered_on <= ?
"""


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.heavy)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ShadowShop:
    folder = tmp_path_factory.mktemp("shop")
    if request.param == "duckdb":
        made = ShadowShop.make(folder, files=FILES)
    else:
        database: PostgresDatabase = request.getfixturevalue("postgres_module_database")
        made = ShadowShop.make(folder, database.url, database.sqlalchemy_url, files=FILES)
    for name, parameters in CAMPAIGNS.items():
        made.write_campaign(name, **parameters)
    made.write_conversation("slow_thanks", SLOW)
    made.build(january(1), LAST)
    return made


def told(preview: Preview) -> dict[str, tuple[str, str]]:
    """State and reason by whose row it is; each contact has one in these worlds."""
    found = {(row.email or "").partition("@")[0]: (row.state, row.reason) for row in preview.rows}
    assert len(found) == len(preview.rows)
    return found


def row_of(preview: Preview, who: str) -> PreviewRow:
    return next(row for row in preview.rows if row.email == f"{who}@example.com")


def test_a_campaign_says_of_everybody_on_the_list_where_they_stand(shop: ShadowShop) -> None:
    before = shop.everything()
    preview = make_preview(shop.settings, Asked(LAST, LAST, campaign="thank_you"))
    assert shop.everything() == before
    assert told(preview) == {
        "ann": ("gets", "released"),
        "ida": ("gets", "released"),
        "ben": ("waits", "waiting"),
        "cy": ("waits", "held"),
        "fay": ("left", "canceled"),
        "hal": ("left", "filtered"),
        "jo": ("left", "expired"),
        "lou": ("never", "canceled"),
        "dee": ("never", "before_window"),
        "eve": ("never", "no_basis_date"),
        "kim": ("never", "after_window"),
    }
    assert row_of(preview, "ida").text == "ship_date 2026-01-04, 1 day late"
    assert row_of(preview, "ben").due_on == january(10)
    assert row_of(preview, "hal").text.endswith("not in the audience (order_count < 3): order_count = 3")
    assert row_of(preview, "jo").text == "left on 2026-01-08, expired, 2 days late: the campaign allows 1 day"
    assert [row.state for row in preview.rows] == sorted(
        [row.state for row in preview.rows], key=["gets", "waits", "left", "never"].index
    )
    assert preview.counts()["gets", "released"] == 2


def test_repeat_orders_and_a_campaign_that_has_not_begun(shop: ShadowShop) -> None:
    first = make_preview(shop.settings, Asked(LAST, LAST, campaign="loyal_customers"))
    assert (row_of(first, "ann").state, row_of(first, "ann").reason) == ("never", "superseded")
    assert row_of(first, "ann").text == "an older order of the contact counts"
    summer = make_preview(shop.settings, Asked(LAST, LAST, campaign="review_request"))
    assert {row.reason for row in summer.rows} == {"not_active", "canceled"}
    assert row_of(summer, "ann").text == "the campaign is active from 2026-06-01"


def test_days_to_come_release_what_waits_now(shop: ShadowShop) -> None:
    ahead = LAST + timedelta(days=3)
    with Warehouse(shop.settings).connect() as connection:
        waiting = set(waiting_orders(connection, "queue_thank_you", LAST)["order_number"])
    preview = make_preview(shop.settings, Asked(LAST + timedelta(days=1), ahead, campaign="thank_you"))
    got = {row.order_number: row.on for row in preview.rows if row.state == "gets"}
    assert got == {"B1": january(10)}
    assert waiting == {"B1", "C1"}
    assert row_of(preview, "cy").reason == "expired"


def test_a_conversation_says_of_everybody_on_the_list_where_they_stand(shop: ShadowShop) -> None:
    before = shop.everything()
    preview = make_preview(shop.settings, Asked(LAST, LAST, conversation="slow_thanks"))
    assert shop.everything() == before
    assert told(preview) == {
        "ann": ("gets", "planned"),
        "eve": ("gets", "planned"),
        "ben": ("waits", "inside"),
        "ida": ("waits", "inside"),
        "jo": ("waits", "inside"),
        "lou": ("left", "ended_early"),
        "cy": ("never", "before_live_from"),
        "dee": ("never", "before_live_from"),
        "hal": ("never", "before_live_from"),
        "kim": ("never", "no_event"),
        "fay": ("never", "no_event"),
    }


def test_the_working_tree_and_the_past(shop: ShadowShop, tmp_path: Path) -> None:
    other = shop.other_checkout(tmp_path / "other")
    shop.write_campaign(
        "thank_you", other, **(CAMPAIGNS["thank_you"] | {"wait_days": 1, "audience": "order_count > 0"})
    )
    changed = make_preview(shop.settings, Asked(LAST, LAST, campaign="thank_you", checkout=other))
    assert [row.order_number for row in changed.rows if row.state == "gets"] == ["B1"]
    past = make_preview(shop.settings, Asked(january(6), january(6), campaign="thank_you"))
    assert {row.email for row in past.rows if row.state == "waits"} == {
        f"{who}@example.com" for who in ("ann", "cy", "fay", "hal")
    }
    for wrong, words in [
        (Asked(LAST, LAST, campaign="nobody"), "known are loyal_customers"),
        (Asked(LAST, LAST, conversation="nobody"), "known are loyal_thanks"),
        (Asked(LAST, LAST, campaign="thank_you", merchant="nobody"), "known are main"),
        (Asked(LAST, january(1), campaign="thank_you"), "lies after"),
        (Asked(LAST, LAST), "name one of them"),
    ]:
        with pytest.raises(SettingsError, match=words):
            make_preview(shop.settings, wrong)


def test_the_command_writes_what_it_is_told_to_write(
    shop: ShadowShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = shop.settings
    monkeypatch.setenv("PP_HOME", str(settings.home))
    monkeypatch.setenv("PP_CHECKOUT", str(settings.checkout))
    monkeypatch.setenv("PP_SECRET", settings.secret)
    monkeypatch.setenv("PP_TARGET", settings.target)
    monkeypatch.setenv("PP_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("PP_WAREHOUSE_SCHEMA", settings.warehouse_schema)
    monkeypatch.setenv("PP_LEDGER_URL", settings.ledger_url)
    asked = ["preview", "--campaign", "thank_you", "--on", "2026-01-08"]
    files = ["--csv", str(tmp_path / "rows.csv"), "--page", str(tmp_path / "page.html")]
    result = CliRunner().invoke(app, [*asked, *files], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "gets it released 2" in words
    assert "left before expired 1" in words
    assert "guards judge at sending" in words
    with (tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 11
    assert {"state": "gets", "order_number": "A1", "on": "2026-01-08"}.items() <= rows[0].items()
    assert (tmp_path / "rows.csv").stat().st_mode & 0o077 == 0
    found = json.loads(CliRunner().invoke(app, [*asked, "--json", "--known-at", "2026-01-01"]).stdout)
    assert (found["rows"], found["counts"]) == ([], [])
    assert "ann@example.com" in (tmp_path / "page.html").read_text()


def test_the_page_is_read_on_a_phone_and_in_the_dark(tmp_path: Path) -> None:
    contacts = [PreviewRow("gets", "released", "main", "k" * 32, "ann@example.com", LAST, LAST, "thank_you", "A<1>")]
    contacts += [
        PreviewRow("never", "before_window", "main", f"{n}", f"a.very.long.name.{n}@example.com", text="its order date")
        for n in range(40)
    ]
    preview = Preview("campaign", "thank_you", LAST, LAST, "Holds `main`.", ["a note"], contacts)
    page = tmp_path / "page.html"
    page.write_text(page_text(preview))
    browser = Browser()
    try:
        for seen in (browser.look(page, 360), browser.look(page, 1200, "dark")):
            assert (seen.too_wide, seen.faults, seen.violations) == (0, (), ())
            assert "A<1>" in seen.text and "Never came in: 40" in seen.text
    finally:
        browser.close()


RANDOM_CAMPAIGNS: dict[str, dict[str, Any]] = {
    "thank_you": {"wait_days": 2, "hold_statuses": ["hold"], "audience": "order_count >= 2", "max_days_late": 3},
    "loyal_customers": {"wait_days": 3, "repeat_orders": "first"},
    "review_request": {"wait_days": 2, "date_basis": "ship_date", "ship_trigger": "ship_date_or_status"},
    "win_back": {"wait_days": 4, "repeat_orders": "restart", "active_from": "2026-01-04", "active_to": "2026-01-09"},
}


def random_files(draw: random.Random) -> dict[int, list[str]]:
    """Orders of a few people, stated again with other statuses and dates."""
    statuses = ["processing", "processing", "hold", "shipped", "completed", "canceled", "returned"]
    files: dict[int, list[str]] = {day: [] for day in range(1, 13)}
    for number in range(90):
        ordered_on = draw.randint(1, 12)
        who = f"p{draw.randrange(30)}"
        for day in sorted({min(12, ordered_on + draw.choice([0, 0, 0, 1, 4])), *draw.sample(range(1, 13), 2)}):
            if day >= ordered_on:
                shipped = draw.choice(["-", "-", str(january(draw.randint(ordered_on, 12)))])
                files[day].append(f"N{number} {who} {january(ordered_on)} {shipped} {draw.choice(statuses)}")
    return {day: orders for day, orders in files.items() if orders}


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.heavy), pytest.param(3, marks=pytest.mark.heavy)]
)
def test_what_is_said_of_each_is_what_the_book_says(seed: int, tmp_path: Path) -> None:
    shop = ShadowShop.make(tmp_path, files=random_files(random.Random(seed)))
    for name, parameters in RANDOM_CAMPAIGNS.items():
        shop.write_campaign(name, **parameters)
    shop.build()
    configuration, seen = Configuration(shop.settings), Counter[str]()
    for name in RANDOM_CAMPAIGNS:
        for first, last in [(january(6), january(7)), (january(12), january(12))]:
            with Warehouse(shop.settings).connect() as connection:
                book = connection.rows(
                    f"select order_number, movement_on, movement, reason, contact_key from queue_{name} "
                    "where movement_on <= ? order by movement_on, case movement when 'left' then 1 else 0 end",
                    (last,),
                )
                on_list = {row[0] for row in connection.rows(LIST_ON, (last, last))}
            newest = {number: (movement, reason, on) for number, on, movement, reason, _ in book}
            preview = preview_campaign(configuration, name, first, last)
            gets = [row for row in preview.rows if row.state == "gets"]
            others = [row for row in preview.rows if row.state != "gets"]
            released = [(one[0], one[1]) for one in book if one[3] == "released" and one[1] >= first]
            assert sorted((row.order_number, row.on) for row in gets) == sorted(released)
            keys = [row.contact_key for row in others]
            assert len(keys) == len(set(keys))
            assert set(keys) == on_list - {row.contact_key for row in gets}
            for row in others:
                movement, reason, on = newest.get(row.order_number or "", ("", "", None))
                seen[f"{row.state} {row.reason}"] += 1
                match row.state:
                    case "waits":
                        assert movement in ("entered", "moved"), row
                    case "never":
                        assert movement == "", row
                    case _:
                        assert (movement, on) == ("left", row.on), row
                        assert reason in (row.reason, "withdrawn"), row
    assert len(seen) > 8, seen
