"""`pp diff` in a shop whose checkout is a real git repository, against a slow reading of whole homes.

The file of the 5th was corrected twice; what the shop planned is read before and after.
"""

import csv
import json
import random
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.comparing.comparison import Comparison
from pp_pipeline.comparing.file_versions import first_other_day, sides_of_file
from pp_pipeline.comparing.plan_rows import PlanRow
from pp_pipeline.comparing.revisions import commit_of, configuration_of, default_revision
from pp_pipeline.comparing.sides import Side, compare_sides
from pp_pipeline.configuration import Configuration
from pp_pipeline.landing.archive import hash_of
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings, SettingsError, utc_now
from pp_pipeline.shadow.building import build_days
from pp_pipeline_tests.plan_oracle import changes, plan_of, slowly
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.shadow_shop import ShadowShop, file_text, january

FIRST, LAST = january(1), january(24)
CORRECTED = f"orders_{january(5)}.csv"
Told = dict[tuple[str, str], Counter[str]]
"""By kind and name, how many rows are new, gone, moved and changed."""


def shop_files() -> dict[int, list[str]]:
    """Three orders a day by fifteen people, some shipped, canceled or moved to another address later."""
    draw = random.Random(7)
    files: dict[int, list[str]] = defaultdict(list)
    for day in range(1, 20):
        for number in range(3):
            order, who = f"N{day}-{number}", f"p{draw.randrange(15)}"
            files[day].append(f"{order} {who} {january(day)} - processing")
            later = day + draw.randrange(1, 4)
            status = draw.choice(["shipped", "shipped", "canceled", "processing"])
            shipped = january(later) if status == "shipped" else "-"
            changed = f"q{number}" if status == "processing" else who
            files[later].append(f"{order} {changed} {january(day)} {shipped} {status}")
    return dict(files)


FILES = shop_files()
# Of the orders that are new on the 5th one is deleted, then another one belongs to somebody else, too.
ONE_DELETED = FILES[5][1:]
ONE_MOVED = [ONE_DELETED[0].replace(" p", " r"), *ONE_DELETED[1:]]
CONTENTS = (FILES[5], ONE_DELETED, ONE_MOVED)
HASHES = [hash_of(file_text(orders).encode()) for orders in CONTENTS]

CAMPAIGNS: dict[str, dict[str, Any]] = {
    "thank_you": {"wait_days": 7},
    "loyal_customers": {"wait_days": 3, "audience": "order_count >= 2"},
    "review_request": {"wait_days": 3, "date_basis": "ship_date"},
    "win_back": {"wait_days": 5, "repeat_orders": "restart"},
}
CHANGED_CAMPAIGNS = (*sorted(CAMPAIGNS.keys() - {"win_back"}), "newcomers")


def change_everything(shop: ShadowShop, checkout: Path) -> None:
    """A longer wait, a wider audience, a new campaign, a deleted one, and a conversation that writes again."""
    shop.write_campaign("thank_you", checkout, wait_days=10)
    shop.write_campaign("loyal_customers", checkout, wait_days=3, audience="order_count >= 1")
    shop.write_campaign("newcomers", checkout, wait_days=2, repeat_orders="first")
    (checkout / "dbt/models/campaigns/queue_win_back.sql").unlink()
    path = checkout / "pp_pipeline/conversations/review_request/conversation.yml"
    path.write_text(path.read_text().replace("template: how_was_it", "template: how_was_it, passes: 2, after: 2"))


def make_shop(folder: Path, orders: list[str], warehouse_url: str = "") -> ShadowShop:
    """The shop with these orders in the file of the 5th; nothing is built yet."""
    folder.mkdir(exist_ok=True)
    shop = ShadowShop.make(folder, warehouse_url, files=FILES | {5: orders})
    shop = ShadowShop(shop.settings.model_copy(update={"today": LAST}))
    for name, parameters in CAMPAIGNS.items():
        shop.write_campaign(name, **parameters)
    return shop


@dataclass
class History:
    """The shop after its corrections.

    Attributes:
        plan_before, plan: what it planned before the corrections, and plans now.
        times: when each content had been taken in.
        changed: a clone of the checkout's repository whose working tree was changed.
    """

    shop: ShadowShop
    plan_before: list[PlanRow]
    plan: list[PlanRow]
    times: list[datetime]
    changed: Path

    def pp(self, *words: str, checkout: Path | None = None, code: int = 0) -> str:
        """What `pp diff` says; of home, checkout and servers nothing is another thing after it."""
        settings = self.shop.settings
        env = {"PP_HOME": str(settings.home), "PP_CHECKOUT": str(checkout or settings.checkout)}
        env |= {"PP_SECRET": settings.secret, "PP_TARGET": settings.target}
        env |= {"PP_WAREHOUSE_URL": settings.warehouse_url, "PP_WAREHOUSE_SCHEMA": settings.warehouse_schema}
        before = self.shop.everything()
        result = CliRunner().invoke(app, ["diff", *words], catch_exceptions=False, env=env)
        assert result.exit_code == code, result.output
        assert self.shop.everything() == before
        assert "@" not in result.output
        return result.output if code else result.stdout

    def diff(self, *words: str, checkout: Path | None = None) -> dict[str, Any]:
        """The same for programs."""
        return json.loads(self.pp(*words, "--json", checkout=checkout))


@pytest.fixture(scope="module", autouse=True)
def _compared_once() -> Iterator[None]:
    """What was compared once is not built again to be told in another way."""
    known: dict[str, Comparison] = {}

    def compare(settings: Settings, before: Side, after: Side, *rest: Any) -> Comparison:
        asked = repr((settings, before, after, rest[0]))
        known[asked] = known.get(asked) or compare_sides(settings, before, after, *rest)
        return known[asked]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pp_pipeline.commands.diff.compare_sides", compare)
        yield


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("history")
    return make_history(make_shop(folder, FILES[5]), folder / "changed")


def make_history(shop: ShadowShop, changed: Path) -> History:
    plans, times = [], []
    for orders, models in zip(CONTENTS, ([], ["order_lines"], []), strict=True):  # of the one between nothing is asked
        shop.write_file(5, orders)
        build_days(Configuration(shop.settings), FIRST, LAST, models, lambda _: None)
        plans.append(plan_of(shop.settings, CAMPAIGNS))
        times.append(utc_now())
    git(shop.settings.checkout, "init", "-q", "-b", "main")
    commit(shop.settings.checkout)
    git(changed.parent, "clone", "-q", str(shop.settings.checkout), str(changed))
    change_everything(shop, changed)
    write_deliveries(shop, plans[-1])
    return History(shop, plans[0], plans[-1], times, changed)


def write_deliveries(shop: ShadowShop, plan: list[PlanRow]) -> None:
    """Two thank-yous went out live and one in a rehearsal; one was skipped."""
    messages = [row for row in plan if row.kind == "conversation" and row.name == "thank_you"][:4]
    with Ledger(shop.settings) as ledger, ledger.writing() as connection:
        for number, row in enumerate(messages):
            values = {"state": "skipped" if number == 3 else "sent", "target": "live" if number else "rehearsal"}
            values |= {"key": row.key, "kind": "message", "contact_key": row.contact_key, "event_id": row.event_id}
            times = {"claimed_at": utc_now(), "lease_until": utc_now()}
            connection.execute(insert(deliveries).values(**values, **times, claim="c"))


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Shop", "-c", "user.email=shop@example.com")
    done = subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(checkout: Path) -> str:
    git(checkout, "add", "--all")
    git(checkout, "commit", "-q", "-m", "as it is")
    return git(checkout, "rev-parse", "HEAD")


def expected(before: list[PlanRow], after: list[PlanRow], first: int = 1) -> Told:
    return changes(slowly(before, after), january(first), LAST)


def told(answer: dict[str, Any]) -> Told:
    """What the rows of an answer tell; its counts and days have to agree with them."""
    found: Told = defaultdict(Counter)
    for row in answer["rows"]:
        found[row["kind"], row["name"]][row["change"]] += 1
    for group in answer["groups"]:
        count = found.get((group["kind"], group["name"]), Counter())
        words = {"new": "new", "gone": "gone", "moved": "moved_here", "changed": "changed"}
        assert {change: group[word] for change, word in words.items()} == {change: count[change] for change in words}
        for day in group["days"]:
            came, went = day["new"] + day["moved_here"], day["gone"] + day["moved_away"]
            assert day["after"] == day["before"] + came - went
    return dict(found)


def test_the_working_tree_against_main_equals_whole_homes(history: History, tmp_path: Path) -> None:
    fresh = make_shop(tmp_path / "fresh", ONE_MOVED)
    change_everything(fresh, fresh.settings.checkout)
    fresh.build(FIRST, LAST)
    answer = history.diff(checkout=history.changed)
    wanted = expected(history.plan, plan_of(fresh.settings, CHANGED_CAMPAIGNS))
    assert told(answer) == wanted
    assert answer["before"].startswith("main (") and answer["after"] == "working tree"
    assert wanted["campaign", "thank_you"].keys() == {"gone", "moved"}
    assert wanted["waiting", "thank_you"].keys() == {"new", "moved"}
    assert wanted["campaign", "newcomers"].keys() == {"new"} and wanted["campaign", "win_back"].keys() == {"gone"}
    assert wanted["campaign", "loyal_customers"].keys() == {"new"}
    assert wanted["conversation", "review_request"].keys() == {"new"}
    reasons = {(row["name"], row["change"], re.sub(r"[\d-]+", "#", row["reason"])) for row in answer["rows"]}
    assert {
        ("thank_you", "moved", "# days later"),
        ("thank_you", "gone", "now: waits, due #"),
        ("newcomers", "new", "before: no such campaign"),
        ("win_back", "gone", "now: no such campaign"),
        ("loyal_customers", "new", "before: left as filtered #"),
        ("review_request", "new", "before: its run does not come to it, begun #"),
    } <= reasons


def test_what_was_known_at_a_time_equals_the_home_of_then(history: History) -> None:
    answer = history.diff("--known-at", history.times[0].isoformat())
    assert told(answer) == expected(history.plan_before, history.plan) != {}
    assert (answer["from"], answer["to"]) == (str(january(5)), str(LAST))


def test_a_content_of_the_inbox_equals_the_home_of_then(history: History) -> None:
    history.shop.write_file(5, FILES[5])
    try:
        answer = history.diff("--file", CORRECTED, "--after", "inbox", "--from", str(january(9)))
    finally:
        history.shop.write_file(5, ONE_MOVED)
    plans = history.plan, history.plan_before
    assert told(answer) == expected(*plans, first=9) != expected(*plans)


def test_which_contents_are_meant(history: History, tmp_path: Path) -> None:
    settings, others = history.shop.settings, {HASHES[0]: {CORRECTED: HASHES[0]}, HASHES[1]: {CORRECTED: HASHES[1]}}
    path = tmp_path / "tried.csv"
    path.write_text(file_text(FILES[5]))
    with Ledger(settings) as ledger:
        for before, after, contents in [
            ("", "", (others[HASHES[1]], {})),
            (HASHES[0][:8], "", (others[HASHES[0]], {})),
            (HASHES[2], HASHES[1], ({}, others[HASHES[1]])),
            ("", str(path), ({}, {CORRECTED: str(path)})),
            ("", "inbox", ({}, {CORRECTED: str(settings.inbox / CORRECTED)})),
        ]:
            *sides, day = sides_of_file(settings, ledger, CORRECTED, before, after)
            assert (*(side.contents for side in sides), day) == (*contents, january(5)), (before, after)
        assert first_other_day(ledger, history.times[0], None) == january(5)
        assert first_other_day(ledger, history.times[2], None) is None


def test_people_and_comments_are_told_the_same(history: History, tmp_path: Path) -> None:
    written = tmp_path / "rows.csv"
    text = history.pp("main", "--rows", "2", "--csv", str(written), checkout=history.changed)
    assert "thank_you" in text and "(--rows, --csv, --json)" in text
    with written.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for kind in ("conversation", "campaign"):
        own = [row for row in rows if row["kind"] == kind and row["name"] == "thank_you" and row["sent"]]
        assert Counter(row["sent"] for row in own) == {"live": 2, "rehearsal": 1}, kind
    assert {row["sent"] for row in rows if row["name"] != "thank_you" or row["kind"] == "waiting"} == {""}
    differ = sum(row["kind"] in ("campaign", "conversation", "event") for row in rows)
    comment = history.pp("--markdown", "--fail-above", str(differ), checkout=history.changed)
    assert f"**{differ} rows differ**" in comment and len(comment.splitlines()) <= 60
    assert not any(row["contact_key"] in comment or row["order_number"] in comment for row in rows)


def test_too_much_ends_with_1_and_what_can_not_be_tried_with_2(history: History) -> None:
    for most in ("3", "20%"):
        assert f"more than {most}" in history.pp("main", "--fail-above", most, checkout=history.changed, code=1)
    for words, said in [
        (["nowhere"], "'nowhere' is no revision"),
        (["--", "--output=x"], "is no revision"),
        (["main", "--file", CORRECTED], "one thing"),
        (["--file", "orders_2026-02-01.csv"], "was ever accepted"),
        (["--file", CORRECTED, "--before", "ffff0000"], HASHES[0][:10]),
        (["--file", CORRECTED, "--before", HASHES[2]], "no second"),
        (["--file", CORRECTED, "--after", "no/such/file"], "there is no file"),
        (["--before", HASHES[0]], "--file"),
        (["--known-at", "yesterday"], "is not a time"),
        (["--and", "2026-01-01"], "--known-at"),
        (["--fail-above", "much"], "--fail-above"),
        (["--from", "2026-01-09", "--to", "2026-01-08"], "lies after"),
    ]:
        assert said in " ".join(history.pp(*words, checkout=history.changed, code=2).split()), words


def test_revisions_of_a_checkout_within_a_repository(history: History, tmp_path: Path) -> None:
    checkout = tmp_path / "team" / "shop"
    shutil.copytree(history.changed, checkout, ignore=shutil.ignore_patterns(".git"))
    with pytest.raises(SettingsError, match="git can't read"):
        default_revision(checkout)
    git(tmp_path / "team", "init", "-q", "-b", "trunk")
    revision = commit(checkout)
    assert default_revision(checkout) == "HEAD" and commit_of(checkout, "trunk") == revision
    with configuration_of(checkout, revision) as folder:
        for part in ("dbt", "pp_pipeline"):
            files = {path.relative_to(checkout): path for path in (checkout / part).rglob("*") if path.is_file()}
            kept = {path.relative_to(folder): path for path in (folder / part).rglob("*") if path.is_file()}
            assert files.keys() == kept.keys() and len(files) > 10
            assert all(path.read_bytes() == kept[name].read_bytes() for name, path in files.items())
    assert not folder.exists()


@pytest.mark.heavy
def test_postgresql_tells_the_same(
    history: History, tmp_path: Path, postgres_module_database: PostgresDatabase
) -> None:
    shop = make_shop(tmp_path / "server", ONE_MOVED, postgres_module_database.url)
    shop.build(FIRST, LAST)
    on_server = History(shop, [], [], [], history.changed)
    rows = [each.diff("main", checkout=history.changed)["rows"] for each in (history, on_server)]
    shown = [sorted(json.dumps(row | {"sent": None}) for row in each) for each in rows]
    assert shown[0] == shown[1] != []
