"""What a corrected file touches, told before it is built, against the books of before and after (DESIGN 7)."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from pp_pipeline.campaigns.parameters import Campaign, load_campaigns
from pp_pipeline.correcting import touched as touched_module
from pp_pipeline.correcting.touched import Touched, touched
from pp_pipeline.landing.files import unread_files
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.pipeline import ORDERS
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.shop_worlds import shop_files
from pp_pipeline_tests.whole_way import CAMPAIGNS, LIST, WholeWay
from pp_pipeline_tests.worked_examples import ANN, BEN, january, row

FIRST, LAST = january(1), january(9)
CORRECTIONS = 3
NARROW: dict[str, dict[str, Any]] = {
    **CAMPAIGNS,
    "early_order": {"wait_days": 2, "active_to": "2026-01-03"},
    "late_order": {"wait_days": 2, "active_from": "2026-01-07", "repeat_orders": "restart"},
    "delivered_order": {"wait_days": 1, "date_basis": "delivered_date", "transit_days": 2, "active_from": "2026-01-05"},
}
QUEUES = tuple(f"queue_{name}" for name in NARROW)
MODELS = (*ORDERS, *LIST, *QUEUES)
Books = dict[str, Counter[tuple[Any, ...]]]


class Shop:
    """A home with those campaigns, and what a correction would touch in it."""

    def __init__(self, way: WholeWay) -> None:
        self.way = way
        self.campaigns: list[Campaign] = load_campaigns(way.project.manifest())

    def begin(self, files: Sequence[OrderFile]) -> None:
        """Build the files of before."""
        self.way.begin_anew(zone="UTC")
        self.way.run(files, FIRST, LAST, MODELS)

    def correct(self, *files: OrderFile) -> Touched | None:
        """Put other contents into the inbox; what they touch, before they are built."""
        self.way.drop(files)
        settings = self.way.settings
        merchants = load_merchants(settings)
        tools = LoadTools(settings, merchants, LAST)
        with Ledger(settings) as ledger, self.way.warehouse.connect() as connection:
            unread = [one.file for one in unread_files(settings, ledger, merchants, LAST)]
            return touched(tools, ledger, connection, self.campaigns, unread)

    def rebuild(self, day: date) -> None:
        """Build from that day on, as a run does."""
        self.way.load(day, LAST)
        self.way.build(day, LAST, MODELS)

    def books(self) -> Books:
        """The books, without the lines that rows stand on."""
        sql = "select movement_on, movement, reason, order_number, email, basis_date, basis_source, due_on from {}"
        return {name: Counter(self.way.rows(sql.format(f"queue_{name}"))) for name in NARROW}


@pytest.fixture(scope="module", params=TARGETS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    url = "" if request.param == "duckdb" else request.getfixturevalue("postgres_module_database").url
    return Shop(WholeWay(tmp_path_factory.mktemp("touched"), url, campaigns=NARROW))


def first_difference(before: Books, after: Books) -> dict[str, date]:
    """By campaign, the first day on which its book is another one."""
    changed = {name: (before[name] - after[name]) + (after[name] - before[name]) for name in before}
    return {name: min(row[0] for row in rows) for name, rows in changed.items() if rows}


def corrected(file: OrderFile, rng: random.Random) -> OrderFile:
    """Another content: one order is gone, canceled, of another contact or day, shipped, or another one instead."""
    orders = sorted({one["order_number"] for one in file.rows})
    chosen = rng.choice(orders)
    mine = [one for one in file.rows if one["order_number"] == chosen]
    others = [one for one in file.rows if one["order_number"] != chosen]
    changes: list[Row] = [
        {"status": "canceled"},
        {"email": rng.choice(file.rows)["email"] if "email" in mine[0] else ""},
        {"status": "shipped", "ship_date": (file.file_date - timedelta(days=1)).isoformat()},
        {"ordered_at": f"{file.file_date - timedelta(days=rng.randint(0, 9))}T10:00:00"},
        {"order_number": f"new-{rng.randint(0, 99)}"},
    ]
    change = rng.choice([*changes, None])
    kept = [] if change is None else [{**one, **{k: v for k, v in change.items() if k in one}} for one in mine]
    rows = [*others, *kept] or mine
    return file._replace(rows=tuple(rows))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.heavy) for seed in (3, 5, 6, 7))])
def test_every_campaign_whose_book_changes_was_named_with_a_day_not_after(seed: int, shop: Shop) -> None:
    rng = random.Random(seed)
    files = {file.name: file for file in shop_files(seed, FIRST, LAST, worlds=8)}
    shop.begin(list(files.values()))
    named = changed = 0
    for _ in range(CORRECTIONS):
        chosen = rng.choice([file for file in files.values() if file.rows])
        files[chosen.name] = corrected(chosen, rng)
        before = shop.books()
        found = shop.correct(files[chosen.name])
        shop.rebuild(chosen.file_date)
        differing = first_difference(before, shop.books())
        told = found.campaigns if found else {}
        assert set(differing) <= set(told), (chosen.name, found)
        assert all(told[name] <= day for name, day in differing.items())
        named, changed = named + len(told), changed + len(differing)
    assert 0 < changed <= named < len(NARROW) * CORRECTIONS, "some are named, and not simply all of them"


BEFORE = {
    3: [row("A", 2), row("OLD", -40, email=BEN), row("C", 3, email="cem@example.com")],
    8: [row("D", 8, email="dora@example.com")],
}
ALL_BUT_LATER = {"each_order", "newest_order", "first_order", "recent_order", "table_lovers", "early_order"}
CASES: dict[str, tuple[int, list[Row], set[str], int]] = {
    "the rows stand in another order": (3, [*BEFORE[3][1:], BEFORE[3][0]], set(), 0),
    "an order of long ago": (3, [BEFORE[3][0], row("OLD", -41, email=BEN), BEFORE[3][2]], set(), 1),
    "what left for good before the day": (
        8,
        [*BEFORE[8], row("A", 2, status="completed", email=ANN)],
        {"table_lovers", "shipped_order"},  # A is due on the 8th in the first, the others released it before
        1,
    ),
    "another total": (
        3,
        [row("A", 2, total="30.00"), *BEFORE[3][1:]],
        ALL_BUT_LATER,
        1,
    ),
    "a late order": (8, [*BEFORE[8], row("E", 8, email="eva@example.com")],
                     {"each_order", "newest_order", "first_order", "recent_order", "table_lovers", "late_order"}, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_campaigns_are_named_where_an_order_could_stand(case: str, shop: Shop) -> None:
    day, rows, expected, count = CASES[case]
    shop.begin([OrderFile(f"orders_{january(on)}.csv", january(on), tuple(said)) for on, said in BEFORE.items()])
    found = shop.correct(OrderFile(f"orders_{january(day)}.csv", january(day), tuple(rows)))
    assert found is not None
    assert (set(found.campaigns), found.order_count, found.first_day) == (expected, count, january(day))
    assert "@" not in found.words()


def test_a_file_for_days_to_come_corrects_nothing_and_one_that_cannot_be_read_touches_nothing(shop: Shop) -> None:
    files = [OrderFile(f"orders_{january(on)}.csv", january(on), tuple(said)) for on, said in BEFORE.items()]
    shop.begin(files[:1])
    shop.way.drop([])
    (shop.way.settings.inbox / f"orders_{january(3)}.csv").write_text("no,such,columns\n1,2,3\n")
    found = shop.correct()
    assert found == Touched((f"orders_{january(3)}.csv",), january(3), 0, {})


def test_files_too_large_to_compare_in_passing_name_every_campaign(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    file = OrderFile(f"orders_{january(3)}.csv", january(3), tuple(BEFORE[3]))
    shop.begin([file])
    monkeypatch.setattr(touched_module, "MOST_BYTES", 10)
    found = shop.correct(replace_row(file))
    assert found is not None
    assert (set(found.campaigns), found.is_compared) == (set(NARROW), False)


def replace_row(file: OrderFile) -> OrderFile:
    return file._replace(rows=file.rows[1:])
