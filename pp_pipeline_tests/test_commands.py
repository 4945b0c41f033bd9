"""The commands that people look with and decide with, in a shop of eight orders over ten days.

The shop is built once by `pp run`; then `pp why` and `pp queue` are asked, and one old batch is let go.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.commands.batches import unique_prefixes
from pp_pipeline.ledger.schema import claims
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.browser import Browser
from pp_pipeline_tests.pipeline import copy_checkout
from pp_pipeline_tests.sending_world import read_mail
from pp_pipeline_tests.serve_process import serve_process
from pp_pipeline_tests.webhook_server import Answer, WebhookServer

TODAY = "2026-01-10"

CAMPAIGNS = {
    "thank_you": "event='thank_you', wait_days=2, date_basis='order_date', max_days_late=3",
    "loyal_customers": "event='loyal_customers', wait_days=2, date_basis='order_date'",
    "review_request": "event='review_request', wait_days=3, date_basis='ship_date', hold_statuses=['hold']",
    "win_back": "event='win_back', wait_days=5, date_basis='order_date', repeat_orders='restart', "
    "audience=\"order_count >= 2 or bought_sku('S9', within_days=30)\"",
    "welcome": "event='welcome', wait_days=0, date_basis='order_date', repeat_orders='first'",
    "summer": "event='win_back', wait_days=1, date_basis='order_date', active_from='2026-06-01', "
    "audience='order_count >= 1'",
}

# Order files by day: order number, who, ordered on, ship date, status.
FILES = {
    "2026-01-01": ["A1 ann 2026-01-01 - processing", "F1 fay 2026-01-01 2026-01-01 shipped"],
    "2026-01-02": ["B1 ben 2026-01-02 - pending", "C1 cy 2025-11-20 2025-11-22 completed"],
    "2026-01-03": ["A1 ann 2026-01-01 2026-01-03 shipped", "B1 ben 2026-01-02 - canceled"],
    "2026-01-04": ["D1 dee 2026-01-04 - processing", "F1 fay 2026-01-01 2026-01-04 shipped"],
    "2026-01-05": ["A2 ann 2026-01-05 - processing", "D1 dee 2026-01-04 2026-01-05 hold"],
    "2026-01-08": ["A1 ann 2026-01-01 2026-01-03 refunded", "E1 - 2026-01-08 - processing"],
    "2026-01-09": ["G1 gus 2026-01-01 - processing"],
}
# What is shipped is asked about; who left a review by then is thanked, the others are asked again.
PARCEL = """
conversation: parcel
scope: order
exit_when: [canceled]
threads:
  - thread: ask
    steps:
      - trigger: [shipped]
      - {id: hold, wait: {days: 2}}
      - {id: arrived, message: {channel: email, template: thank_you}}
      - {wait: {days: 2}}
      - {split: [{when: {reviewed: true}, thread: reviewers}]}
      - {id: patience, wait: {days: 2}}
      - {id: again, message: {channel: email, template: thank_you}}
  - thread: reviewers
    steps:
      - {trigger: []}
      - {id: thanks, message: {channel: email, template: thank_you}}
"""
FEEDBACK = "event,email,occurred_at,order_number,rating\nreview_left,ann@example.com,2026-01-06T10:00:00Z,A1,5\n"
HEADER = (
    "order_number,email,ordered_at,ship_date,status,order_total,currency,sku,product_name,category,quantity,unit_price"
)


@dataclass(frozen=True)
class Shop:
    """The home, and the commands in it."""

    home: Path

    def pp(self, *arguments: str, code: int = 0, answer: str = "") -> str:
        """What a command says, on one line; it has to end with `code`."""
        result = CliRunner().invoke(app, list(arguments), input=answer, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    def records(self, *arguments: str) -> Any:
        """What a command says to programs."""
        result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def order(self, number: str) -> dict[str, Any]:
        """The story of one order."""
        return self.records("why", number, "--today", TODAY)["orders"][0]

    def texts(self, number: str, kind: str) -> list[str]:
        """The sentences of one kind of entry, each after its day of January."""
        return [f"{entry['on'][8:]} {entry['text']}" for entry in self.order(number)[kind]]

    def standing(self, number: str, campaign: str) -> tuple[str, str]:
        """How an order stands in a queue."""
        found = {queue["campaign"]: queue for queue in self.order(number)["queues"]}
        return found[campaign]["state"], found[campaign]["text"]

    def batch(self, name: str, day: str) -> dict[str, Any]:
        """A batch of messages."""
        listed = self.records("batches", "--today", TODAY)
        return next(one for one in listed if (one["name"], one["day"]) == (name, day))

    def mails(self) -> int:
        """How many messages the outbox holds."""
        return len(list(self.home.glob("outbox/messages/*/*.eml")))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    home, checkout = folder / "home", folder / "checkout"
    copy_checkout(checkout)
    for path in (checkout / "dbt/models/campaigns").glob("queue_*.sql"):
        path.unlink()
    for name, parameters in CAMPAIGNS.items():
        active = "" if "active_from" in parameters else ", active_from='2026-01-01'"
        model = f"{{{{ campaign(merchant='main', {parameters}{active}) }}}}\n"
        (checkout / f"dbt/models/campaigns/queue_{name}.sql").write_text(model)
    win_back = checkout / "pp_pipeline/conversations/win_back/conversation.yml"
    win_back.write_text(win_back.read_text().replace("weekday: thursday", "weekday: saturday"))  # that of the last day
    parcel = checkout / "pp_pipeline/conversations/parcel"
    parcel.mkdir()
    (parcel / "conversation.yml").write_text(PARCEL)
    shutil.copy(parcel.parent / "thank_you/thank_you.mjml.j2", parcel)
    (home / "inbox").mkdir(parents=True)
    (home / "inbox/feedback_2026-01-06.csv").write_text(FEEDBACK)
    for day, orders in FILES.items():
        (home / f"inbox/orders_{day}.csv").write_text("\n".join([HEADER, *map(_row, orders)]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PP_HOME", str(home))
        patch.setenv("PP_CHECKOUT", str(checkout))
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))  # what a command sets is undone with it
        made = Shop(home)
        made.pp("run", "--from", "2026-01-01", "--to", TODAY, "--today", TODAY)
        yield made
    assert "PP_HOME" not in os.environ


def _row(order: str) -> str:
    number, who, ordered_on, shipped_on, status = order.split()
    email = "" if who == "-" else f"{who}@example.com"
    sku = "S9" if who == "gus" else "S1"
    return f"{number},{email},{ordered_on}T12:00:00,{shipped_on.strip('-')},{status},20.00,USD,{sku},Pen,Pens,1,20.00"


def test_why_tells_versions_with_file_and_line(shop: Shop) -> None:
    assert shop.texts("A1", "versions") == [
        "01 processing, ordered 2026-01-01, no ship date, 20.00 USD",
        "03 shipped, ship date 2026-01-03, 20.00 USD",
    ]
    assert shop.order("A1")["versions"][1]["source"] == {"order_file": "orders_2026-01-03.csv", "line": 2}
    assert "shipped, ship date 2026-01-03, 20.00 USD orders_2026-01-03.csv:2" in shop.pp("why", "A1")


def test_why_tells_quarantined_rows_without_their_values(shop: Shop) -> None:
    told = "08 a row was not taken: status holds text, rule is_a_known_status"
    assert shop.texts("A1", "quarantined") == [told]
    assert "refunded" not in shop.pp("why", "A1")


def test_why_tells_movements_in_plain_words(shop: Shop) -> None:
    assert shop.texts("A1", "movements") == [
        "01 queue loyal_customers: entered, due 2026-01-03 (order date 2026-01-01 + 2 days)",
        "03 queue loyal_customers: left, released: fires loyal_customers",
        "03 queue review_request: entered, due 2026-01-06 (ship date 2026-01-03 + 3 days)",
        "06 queue review_request: left, released: fires review_request",
        "01 queue thank_you: entered, due 2026-01-03 (order date 2026-01-01 + 2 days)",
        "03 queue thank_you: left, released: fires thank_you",
        "01 queue welcome: entered, due 2026-01-01 (order date 2026-01-01)",
        "01 queue welcome: left, released: fires welcome",
        "01 queue win_back: entered, due 2026-01-06 (order date 2026-01-01 + 5 days)",
        "05 queue win_back: left, superseded: a newer order counts, A2 of 2026-01-05 (orders_2026-01-05.csv:2)",
    ]
    moved = "04 queue review_request: moved, due 2026-01-07 (ship date 2026-01-04 + 3 days)"
    assert moved in shop.texts("F1", "movements")
    assert "03 queue thank_you: left, canceled: its status is canceled" in shop.texts("B1", "movements")
    late = "09 queue thank_you: left, expired, 6 days late: the campaign allows 3 days"
    assert late in shop.texts("G1", "movements")
    assert "09 queue win_back: left, released, 3 days late: fires win_back" in shop.texts("G1", "movements")


def test_why_quotes_the_audience_and_the_values_that_it_saw(shop: Shop) -> None:
    left = next(one for one in shop.order("D1")["movements"] if one["reason"] == "filtered")
    assert left["audience_values"] == {"order_count": 1, "bought_sku('S9', within_days=30)": False}
    assert left["text"] == (
        "queue win_back: left, filtered: not in the audience (order_count >= 2 or bought_sku('S9', within_days=30)): "
        "order_count = 1, bought_sku('S9', within_days=30) = no"
    )


@pytest.mark.parametrize(
    ("order", "campaign", "expected"),
    [
        ("A2", "review_request", "no ship date"),
        ("A2", "welcome", "an older order counts, A1 of 2026-01-01 (orders_2026-01-03.csv:2)"),
        ("A2", "summer", "the campaign is active from 2026-06-01, its book ends on 2026-01-10"),
        ("B1", "review_request", "no ship date; from 2026-01-03 on: its status is canceled"),
        ("C1", "thank_you", "its order date 2025-11-20 lies before the campaign's window, which begins on 2026-01-01"),
        ("E1", "thank_you", "no valid e-mail address"),
    ],
)
def test_why_says_why_an_order_never_entered(shop: Shop, order: str, campaign: str, expected: str) -> None:
    assert shop.standing(order, campaign) == ("never", expected)


def test_why_explains_every_order_and_queue_of_a_complete_book(shop: Shop) -> None:
    texts = [queue["text"] for number in ("A1", "A2", "B1", "C1", "D1", "E1", "F1", "G1")
             for queue in shop.order(number)["queues"]]  # fmt: skip
    assert len(texts) == 8 * len(CAMPAIGNS)
    assert not [text for text in texts if "not complete" in text]


def test_why_says_who_waits_and_what_holds_it(shop: Shop) -> None:
    assert shop.standing("A2", "win_back") == ("left", "left on 2026-01-10, released")
    assert shop.standing("D1", "review_request") == ("waiting", "due since 2026-01-08, held while its status is hold")


def test_why_follows_events_to_messages_and_batches(shop: Shop) -> None:
    held = shop.batch("review_request", "2026-01-06")["hash"]
    waits = f"06 message review_request/ask_for_review by email: not sent, batch {held[:8]} waits for approval (old)"
    assert waits in shop.texts("A1", "outgoing")
    once = "a contact enters it once, and did on 2026-01-03 with order A1"
    assert shop.texts("A2", "no_messages") == [f"07 conversation loyal_thanks: ignored loyal_customers: {once}"]
    welcome = next(one for one in shop.order("A1")["events"] if one["event_name"] == "welcome")
    assert welcome["takers"] == [] and welcome["text"].endswith("nobody takes it")


def test_why_tells_where_runs_of_conversations_stand_and_turn(shop: Shop) -> None:
    assert [text for text in shop.texts("A1", "positions") if "parcel" in text] == [
        "03 conversation parcel: entered at ask by shipped (order A1)",
        "03 conversation parcel: waits at ask.hold (wait 2 days) until 2026-01-05",
        "05 conversation parcel: waits at ask (wait 2 days) until 2026-01-07",
        "07 conversation parcel: split: to reviewers, as reviewed: reviewed = yes",
        "07 conversation parcel: left: it came to its end",
    ]
    assert shop.texts("A1", "feedback") == ["06 feedback: review left (rated 5)"]
    assert "05 conversation parcel: split: no branch is true, on to the next step: reviewed = no" in shop.texts(
        "F1", "positions"
    )
    [standing] = shop.order("D1")["runs"]
    assert standing["text"] == "conversation parcel: stands at ask.patience (wait 2 days) until 2026-01-11"
    assert standing["text"] in shop.pp("why", "dee@example.com", "--since", "2026-01-09")
    told = shop.pp("why", "A1", "--not", "parcel/again", "--on", "2026-01-09", "--today", TODAY)
    assert told.startswith("Did not get parcel/again on 2026-01-09 (split) the run of 2026-01-03 (order A1) went")
    assert shop.records("why", "D1", "--not", "parcel/again", "--today", TODAY)["link"] == "stands"
    assert shop.pp("why", "Z9", "--not", "parcel", code=1).startswith("Nothing is known of 'Z9'")
    assert "there is no campaign, conversation or" in shop.pp("why", "A1", "--not", "parcels", code=2)


def test_why_knows_a_contact_by_address_and_by_key(shop: Shop) -> None:
    story = shop.records("why", " Ann@Example.com ")
    assert [order["order_number"] for order in story["orders"]] == ["A1", "A2"]
    facts = story["contact"]["facts"]
    assert (facts["order_count"], facts["total_spend_cents"], facts["lifecycle_stage"]) == (2, 4000, "in_between")
    assert shop.records("why", story["contact"]["contact_key"]) == story
    told = shop.pp("why", "ann@example.com", "--limit", "1")
    assert "in_between, 2 orders, 40.00 USD in all, 20.00 USD on average" in told
    assert "The newest 1 of 2 orders follow" in told
    assert "A2 processing, ordered" in told and "A1 processing, ordered" not in told


def test_why_says_plainly_that_nothing_is_known(shop: Shop) -> None:
    assert shop.pp("why", "Z9", code=1) == ("Nothing is known of 'Z9' at merchant main: no order, no row, no delivery.")
    assert "there is no merchant 'north'; known are main" in shop.pp("why", "A1", "--merchant", "north", code=2)
    assert "say whom" in shop.pp("why", " ", code=2)


def test_why_makes_no_home_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PP_HOME", str(tmp_path / "nothing"))
    assert "nothing was built" in Shop(tmp_path).pp("why", "A1", code=2)
    assert not (tmp_path / "nothing").exists()


def test_queue_shows_who_waits_and_what_moved(shop: Shop) -> None:
    told = shop.pp("queue", "win_back", "--on", "2026-01-05")
    assert "Holds the orders of merchant `main` until 5 days after the order date" in told
    assert "win_back: 3 orders wait at the end of 2026-01-05" in told
    assert "left superseded A1 ann@example.com 2026-01-06" in told
    waiting = {row["order_number"] for row in shop.records("queue", "win_back", "--on", "2026-01-05")["waiting"]}
    assert waiting == {"A2", "D1", "F1"}


def test_queue_carries_the_warnings_of_its_campaign(shop: Shop) -> None:
    warnings = shop.records("queue", "welcome")["warnings"]
    assert [text for text in warnings if "waits 0 days" in text]
    assert [text for text in warnings if "nobody takes `welcome`" in text]
    assert "known are loyal_customers, review_request" in shop.pp("queue", "nope", code=2)
    assert "lies after it" in shop.pp("queue", "welcome", "--on", "2026-02-01", code=2)


def test_events_say_who_fires_and_who_takes_each(shop: Shop) -> None:
    told = shop.pp("events", code=1)
    assert "purchase main orders - outbox_relay" in told
    assert "thank_you main campaign thank_you thank_you.say_than" in told  # and the rest of it where there is room
    # the sample's campaign of that name is not among the shop's
    assert "relay outbox_relay of main waits for recent_buyers, which no campaign, order event or action fires" in told


def test_batches_say_how_each_stands(shop: Shop) -> None:
    listed = shop.records("batches", "--today", TODAY)
    assert {(one["state"], one["reason"]) for one in listed} >= {("waiting", "old"), ("ready", "")}
    waiting = shop.records("batches", "--waiting", "--today", TODAY)
    assert {one["day"] for one in waiting} == {one["day"] for one in listed if one["day"] < "2026-01-08"}
    told = shop.pp("batches", "--today", TODAY, "--limit", "3")
    assert (
        "older ones are not shown" in told
        and " batches (rehearsal) " in told
        and "waits: old its day was over 2 days back" in told
    )


def status(shop: Shop) -> Any:
    """What `pp status` says to programs of a shop in which something needs a person."""
    return json.loads(CliRunner().invoke(app, ["status", "--today", TODAY, "--json"], catch_exceptions=False).stdout)


def test_status_says_of_everything_what_the_other_commands_say(shop: Shop) -> None:
    found = status(shop)
    for queue in found["built"]["queues"]:
        waiting = shop.records("queue", queue["campaign"])["waiting"]
        assert queue["waiting"] == len(waiting)
        assert queue["due_soon"] == sum(row["due_on"] <= "2026-01-17" for row in waiting)
    assert {queue["campaign"] for queue in found["built"]["queues"]} == set(CAMPAIGNS)
    assert (found["built"]["newest_day"], found["built"]["not_holding"]) == (TODAY, [])
    states = Counter(
        f"{one['state']}: {one['reason']}".rstrip(": ") for one in shop.records("batches", "--today", TODAY)
    )
    assert found["batches"] == states
    assert found["files"]["counts"] == Counter(one["outcome"] for one in shop.records("files")["files"])
    (run,) = found["runs"]
    assert (run["job"], run["status"], run["first"], run["last"]) == ("daily", "SUCCESS", "2026-01-01", TODAY)
    (old,) = found["needs_a_person"]
    assert old["kind"] == "old"
    assert old["causes"] == sorted({one["day"] for one in shop.records("batches", "--waiting", "--today", TODAY)})


def test_status_ends_with_1_and_the_commands_to_go_on(shop: Shop) -> None:
    told = shop.pp("status", "--today", TODAY, code=1)
    assert f"days built to {TODAY}; all hold" in told
    assert "1 thing needs a person" in told and "`pp approve` lets them go or not" in told


def test_status_names_days_that_do_not_hold_refused_files_and_switches(shop: Shop) -> None:
    path = shop.home / "inbox/orders_2026-01-09.csv"
    before = path.read_bytes()
    (shop.home / "inbox/notes.txt").write_text("x")
    path.write_bytes(before + b"\n")
    shop.pp("pause", "win_back", "--campaign", "--by", "ana")
    try:
        found = status(shop)
        told = shop.pp("status", "--today", TODAY, code=1)
    finally:
        shop.pp("pause", "win_back", "--off")
        path.write_bytes(before)
        (shop.home / "inbox/notes.txt").unlink()
    assert found["built"]["not_holding"] == ["1 new or changed files, the earliest for 2026-01-09"]
    assert found["files"]["not_taken"] == ["notes.txt"]
    assert {each["kind"] for each in found["needs_a_person"]} == {"old", "refused"}
    assert "pause of campaign win_back since " in told and "by ana" in told


def test_status_does_not_wait_for_whoever_is_at_work(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pp_pipeline.status.gathering._PATIENCE_SECONDS", 0.0)
    with Warehouse(Settings.from_environment()).locked():
        told = shop.pp("status", "--today", TODAY, code=1)
    assert "days not looked at: the warehouse is held by process" in told
    assert "waiting: old" in told


def test_a_test_alert_is_taken_or_not(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no alerts are declared" in shop.pp("alert-test", code=2)
    with WebhookServer([Answer(200), Answer(500)]) as hooks:
        hooks.key = lambda asked: asked.body.decode()
        monkeypatch.setenv("PP_SECRET_ALERT_WEBHOOK", hooks.url)
        assert "webhook: taken" in shop.pp("alert-test")
        assert "webhook: not taken: server_error: 500" in shop.pp("alert-test", code=1)
        assert "This is a test" in json.loads(hooks.accepted[0].body)["text"]


def test_an_approval_that_is_not_clear_approves_nothing(shop: Shop) -> None:
    full = shop.batch("thank_you", "2026-01-07")["hash"]
    assert "say which" in shop.pp("approve", code=2)
    assert "'xyz' is no batch hash" in shop.pp("approve", full, "xyz", "--yes", code=2)
    assert "no batch has a hash that begins with" in shop.pp("approve", full, "0123456789", "--yes", code=2)
    assert "nothing was approved" in shop.pp("approve", full, code=1, answer="n\n")
    assert "--yes goes on without being asked" in shop.pp("approve", full, code=1)
    assert "with it, say --yes" in shop.pp("approve", full, "--json", code=2)
    assert shop.batch("thank_you", "2026-01-07")["approved_at"] is None


def test_an_old_batch_goes_once_after_approval(shop: Shop) -> None:
    old = shop.batch("thank_you", "2026-01-03")
    span = ("--from", "2026-01-03", "--to", "2026-01-03", "--today", TODAY)
    before = shop.mails()
    assert "Delivered now: 0" in shop.pp("send", *span)
    told = shop.pp("approve", old["hash"][:8], "--by", "Ann", "--today", TODAY, answer="y\n")
    assert f"{old['hash'][:8]} 2 2 0 0 waits: old" in told
    assert f"Ann approved 1 batch. Nothing was sent yet. What was approved goes with pp send {' '.join(span)}" in told
    assert shop.mails() == before
    blocked = shop.home / "outbox" / "messages" / "2026-01-03"
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("no folder can be here")
    told = shop.pp("send", *span, code=1)
    assert f"Delivered now: 0, to {shop.home}/outbox (rehearsal). 1 skipped: order_in_quarantine" in told
    assert "1 failed: outbox: FileExistsError (surely not delivered; tried again at the next sending)" in told
    assert "1 failed (rehearsal); `pp ledger` shows the oldest" in told
    blocked.unlink()
    assert "Delivered now: 1" in shop.pp("send", *span)  # of A1 a row was refused since
    assert shop.mails() == before + 1
    assert "Delivered now: 0" in shop.pp("send", *span)
    assert shop.mails() == before + 1
    state = shop.batch("thank_you", "2026-01-03")
    assert (state["state"], state["approved_by"]) == ("sent", "Ann")
    assert "needs no approval: it is sent" in shop.pp("approve", old["hash"], "--yes")
    [sent] = [one for one in shop.order("F1")["outgoing"] if one["state"] == "sent"]
    assert (shop.home / sent["outbox_file"]).exists()
    [skipped] = [one for one in shop.order("A1")["outgoing"] if one["state"] == "skipped"]
    assert skipped["reason"] == "order_in_quarantine"


def test_the_rows_of_batches_are_held_against_the_ledger(shop: Shop, tmp_path: Path) -> None:
    assert "say of which batches" in shop.pp("batches", "--rows", code=2)
    assert "--to goes with --on" in shop.pp("batches", "--rows", "--to", "2026-01-05", code=2)
    listed = shop.records("batches", "--on", "2026-01-03", "--to", "2026-01-09", "--rows")
    by_order = {(row["day"], row["order_number"]): row for row in listed["rows"] if row["name"] == "thank_you"}
    assert by_order["2026-01-03", "F1"]["category"] == "sent"
    waiting = by_order["2026-01-07", "A2"]
    assert (waiting["category"], waiting["file"]) == ("new", "orders_2026-01-05.csv")
    assert sum(listed["counts"].values()) == len(listed["rows"])
    path = tmp_path / "rows.csv"
    told = shop.pp("batches", "--on", "2026-01-07", "--rows", "--csv", str(path))
    assert f"2026-01-07 messages thank_you new A2 {waiting['why']}" in told
    assert "example.com" not in told + path.read_text() and "orders_2026-01-05.csv" in path.read_text()
    assert "give the name of a new file" in shop.pp("batches", "--on", "2026-01-07", "--csv", str(path), code=2)


def test_what_is_never_to_be_sent_is_told(shop: Shop) -> None:
    batch = next(one for one in shop.records("batches", "--waiting", "--today", TODAY) if one["kind"] == "events")
    given = ("approve", batch["hash"], "--never", "--by", "Ann", "--today", TODAY)
    assert "say --never" in shop.pp(*given, "--due-from", TODAY, code=2)
    told = shop.pp(*given, code=1, answer="n\n")
    assert "What would never go" in told and "Never send what is left of 1 batch?" in told
    assert "nothing was approved" in told
    done = shop.records(*given, "--yes")
    assert (done["approved"], done["never_count"], done["rows"]) == ([], batch["rows"], {"new": batch["rows"]})
    assert done["never"][0]["state"] == "sent"
    listed = shop.records("ledger", "list", "--batch", batch["hash"])
    assert {(row["state"], row["reason"]) for row in listed} == {("skipped", "never_send: Ann")}
    (row, *_) = shop.records("batches", "--on", batch["day"], "--rows")["rows"]
    outgoing = shop.order(row["order_number"])["outgoing"]
    assert "never_send: Ann" in {one["reason"] for one in outgoing if one["kind"] == "event"}


def test_nothing_goes_while_the_kill_switch_is_on(shop: Shop) -> None:
    assert shop.pp("kill-switch") == "The kill switch is off."
    told = shop.records("kill-switch", "on", "--by", "Ann")
    assert (told["is_on"], told["is_on_by_environment"], told["by"]) == (True, False, "Ann")
    assert "UTC by Ann: nothing is sent" in shop.pp("kill-switch")
    try:
        before = shop.mails()
        assert "Delivered now: 0" in shop.pp("send", "--from", TODAY, "--to", TODAY, "--today", TODAY)
        assert shop.mails() == before
        assert "No batch waits while the kill switch is on" in shop.pp("approve", "--all-waiting", "--yes")
        assert "kill switch" in shop.pp("batches", "--today", TODAY)
    finally:
        assert shop.pp("kill-switch", "off") == "The kill switch is off."
    assert "can be on or off, not 'maybe'" in shop.pp("kill-switch", "maybe", code=2)


def test_a_pause_is_listed_and_holds_what_has_its_name(shop: Shop) -> None:
    assert "Nothing is paused" in shop.pp("pause")
    assert "Paused: campaign and conversation thank_you." in shop.pp("pause", "thank_you", "--by", "Ann")
    try:
        assert shop.batch("thank_you", "2026-01-07")["reason"] == "paused"
        assert [(one["what"], one["name"], one["by"]) for one in shop.records("pause")] == [
            ("campaign", "thank_you", "Ann"),
            ("conversation", "thank_you", "Ann"),
        ]
        assert "No longer paused: campaign thank_you" in shop.pp("pause", "thank_you", "--off", "--campaign")
        assert "Not paused: campaign thank_you." in shop.pp("pause", "thank_you", "--off", "--campaign")
    finally:
        assert "No longer paused: conversation thank_you" in shop.pp("pause", "thank_you", "--off")
    assert "thank_yu is not paused" in shop.pp("pause", "thank_yu", "--off", code=2)
    unknown = shop.pp("pause", "thank_yu", code=2)
    assert "there is no campaign or conversation thank_yu" in unknown and "win_back" in unknown


def test_a_test_message_goes_to_somebody_of_the_shop_with_a_sample_order(shop: Shop) -> None:
    before = shop.mails()
    sent = shop.records("send-test", "thank_you", "--to", "Staff@example.com")
    assert (sent["state"], sent["target"]) == ("sent", "rehearsal")
    shop.pp("send-test", "thank_you", "--to", "staff@example.com")  # as often as one likes: another delivery
    assert shop.mails() == before + 2
    (file,) = shop.home.glob(f"outbox/messages/*/{sent['provider_id'].removeprefix('outbox:')}")
    mail = file.read_text()
    assert "To: staff@example.com" in mail and "Subject: [test] " in mail and "SAMPLE" in mail
    assert "there is no message thank_yu" in shop.pp("send-test", "thank_yu", "--to", "a@example.com", code=2)
    assert "is not an e-mail address" in shop.pp("send-test", "thank_you", "--to", "ann", code=2)
    shop.pp("kill-switch", "on")
    try:
        assert "the kill switch is on" in shop.pp("send-test", "thank_you", "--to", "a@example.com", code=2)
    finally:
        shop.pp("kill-switch", "off")


def test_messages_are_rendered_about_real_orders(shop: Shop) -> None:
    found = shop.records("render", "all")
    assert found["about"] == "About order A2 of 2026-01-05, as it was known on 2026-01-09."
    assert [one["message"] for one in found["messages"]] == [
        *("loyal_thanks/you_keep_coming_back", "parcel/thank_you", "review_by_text/how_is_it"),
        *("review_request/how_was_it", "review_request/two_lines", "thank_you/thank_you"),
        *("win_back/we_miss_you", "win_back/still_choosing"),
    ]
    assert "win_back/we_miss_you" in Path(found["gallery"]).read_text()
    before = shop.records("render", "thank_you", "--contact", "ann@example.com", "--on", "2026-01-04")
    assert before["about"] == "About order A1 of 2026-01-01, as it was known on 2026-01-04."
    (message,) = shop.records("render", "thank_you/thank_you", "--order", "B1")["messages"]  # canceled, but asked for
    html, text, mail = (Path(path).read_text() for path in message["files"])
    assert message["subject"] == "Thank you for your order B1" and "B1" in html and "B1" in text and "B1" in mail
    assert "ben@example.com" not in html + text + mail
    assert message["content"] == {"help": "general"} and message["html_bytes"] == len(html.encode())
    for arguments, complaint in (
        (("thank_yu",), "there is no message thank_yu; there are loyal_thanks/you_keep_coming_back"),
        (("all", "--contact", "nobody@example.com"), "the warehouse knows no such order of a contact then"),
        (("all", "--locale", "xx_XX"), "--locale xx_XX is no locale; write one such as de or de_AT"),
    ):
        assert complaint in shop.pp("render", *arguments, code=2)


def test_send_says_what_to_do_about_a_ledger_that_was_put_back(shop: Shop) -> None:
    span = ("--from", TODAY, "--to", TODAY, "--today", TODAY)
    standing = shop.batch("win_back", TODAY)
    if standing["state"] == "waiting":  # the kill switch of another test made it old
        shop.pp("approve", standing["hash"], "--yes", "--today", TODAY)
    shop.pp("send", *span)
    with Ledger(Settings(home=shop.home)) as ledger, ledger.writing() as connection:
        connection.execute(delete(claims))
    before = shop.mails()
    told = shop.pp("send", *span, code=1)
    assert told.count("Nothing is sent: the ledger is not the one that this home has sent by: it lacks claim") == 1
    assert "Delivered now: 0" in told
    assert "ann accepted the ledger" in shop.pp("ledger", "accept", "--by", "ann", "--yes")
    shop.pp("send", *span)
    assert shop.mails() == before


def test_send_names_what_is_wrong_with_its_days(shop: Shop) -> None:
    later = shop.pp("send", "--from", "2026-01-05", "--to", "2026-01-11", "--today", TODAY, code=2)
    assert "lies after today" in later
    assert "lies after --to" in shop.pp("send", "--from", "2026-01-05", "--to", "2026-01-04", code=2)
    assert "is not a day" in shop.pp("send", "--from", "5.1.2026", "--to", TODAY, code=2)


def test_recommendations_go_out_where_a_message_shows_them(shop: Shop) -> None:
    standing = shop.batch("win_back", TODAY)
    if standing["state"] == "waiting":  # the kill switch of another test made it old
        shop.pp("approve", standing["hash"], "--yes", "--today", TODAY)
    shop.pp("send", "--from", TODAY, "--to", TODAY, "--today", TODAY)
    [sent] = [one for one in shop.order("A2")["outgoing"] if "win_back" in one["name"]]
    mail = read_mail(shop.home / sent["outbox_file"]).get_body(("plain",))
    assert mail is not None
    assert "You may also like Pen --" in " ".join(mail.get_content().split())  # S9 alone: ann bought S1


def test_prefixes_are_as_long_as_they_have_to_be() -> None:
    assert unique_prefixes(["a" * 64, "b" * 64]) == {"a" * 64: "a" * 8, "b" * 64: "b" * 8}
    near = ["a" * 9 + "b" * 55, "a" * 64]
    assert unique_prefixes(near) == {near[0]: "a" * 9 + "b", near[1]: "a" * 10}


def test_the_page_tells_the_same_in_a_browser(shop: Shop) -> None:
    """A form posted by a real browser, at the width of a phone; no address stands in the page's own."""
    settings = Settings.from_environment()
    fields = {
        "E-mail address, contact key or order number": "ann@example.com",
        "Message or campaign": "win_back/we_miss_you",
        "On": "2026-01-09",
    }
    browser = Browser()
    try:
        with serve_process(settings, "pages", "--today", TODAY) as port:
            page = f"http://127.0.0.1:{port}/why"
            life = browser.look(page, 390, "dark", fields=fields, clicks=("Tell",))
            order = browser.look(page, 1200, fields=dict([*fields.items()][:1]), clicks=("Tell", "A2"))
    finally:
        browser.close()
    assert (life.too_wide, life.faults, life.violations) == (0, (), ())
    assert (order.too_wide, order.faults, order.violations) == (0, (), ())
    assert "Did not get win_back/we_miss_you on 2026-01-09 (not due)" in life.text
    assert "order A2: it waited in the queue win_back, due 2026-01-10" in life.text
    assert "came into" not in life.text and "queue welcome: left, released: fires welcome" in life.text
    assert "Order A2" in order.text and "queue summer" not in order.text
    assert "summer: the campaign is active from 2026-06-01" in order.text
