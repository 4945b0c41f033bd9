"""A day as it goes: its files come hour by hour, and messages leave as soon as they may (DESIGN 5 and 7).

What the sensors and schedules ask for is run, through the real jobs, and the clock is given. By four in the afternoon
the shop has sent what it has three times; its closing file, due at eight in the evening, comes at eleven.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from sqlalchemy import select

from pp_pipeline.defs.jobs import DAILY
from pp_pipeline.defs.location import Location
from pp_pipeline.defs.sending import sensors
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.sending.batches import batch_states, newest_batches
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.sender import Sender
from pp_pipeline.settings import Settings
from pp_pipeline_tests.dagster_home import Installation, install

pytestmark = pytest.mark.heavy

NEW_YORK = ZoneInfo("America/New_York")
FRIDAY, SATURDAY = date(2026, 7, 10), date(2026, 7, 11)

_MERCHANT = """
zone: America/New_York
currency: USD
sender_name: Corner Shop
sender_email: shop@example.com
postal_address: 1 Corner Street, Springfield
unsubscribe_url: https://example.com/unsubscribe
site_url: https://example.com
feeds:
  - {feed: closing, files: "shop_closing_{date}.csv", due: {by: "20:00", days_after: 0}}
sending:
  quiet_hours: {email: {from: "21:00", to: "08:00"}}
relays:
  - {relay: platform, events: [purchase, ask_platform, ask_both]}
"""

_CONVERSATION = """
conversation: NAME
kind: KIND
scope: order
exit_when: [canceled]
threads:
  - thread: write
    steps:
      - trigger: [EVENT]
      - wait: WAIT
      - id: letter
        message: {channel: email, template: thank_you}
"""

_NO_WAIT = {"      - wait: WAIT\n": ""}
_CONVERSATIONS = {
    "confirmation": {"KIND": "transactional", "EVENT": "purchase", **_NO_WAIT},
    "advice": {"KIND": "transactional", "EVENT": "purchase", "WAIT": "{days: 1, at: '09:30'}"},
    "offer": {"KIND": "commercial", "EVENT": "purchase", **_NO_WAIT},
    "asked_here": {"KIND": "commercial", "EVENT": "ask_here", **_NO_WAIT},
    "asked_both": {"KIND": "commercial", "EVENT": "ask_both", **_NO_WAIT},
}
_CAMPAIGN = "{{ campaign(event='EVENT', wait_days=1, date_basis='order_date', active_from='2026-07-10') }}"
_CAMPAIGNS = ("ask_platform", "ask_here", "ask_both")
"""One campaign three times, to be taken by a platform alone, by a conversation alone, and by both."""


@dataclass
class Shop:
    """An installation with a clock of its own, whose sensors and schedules are looked at every half hour."""

    installation: Installation
    instance: dg.DagsterInstance
    now: datetime
    metadata: dict[str | None, Mapping[str, dg.MetadataValue]] = field(default_factory=dict)
    """What the asset `batches` showed of each day when it was built last."""

    @cached_property
    def definitions(self) -> dg.Definitions:
        """The code location, loaded once."""
        return self.installation.definitions()

    def file(self, name: str, *orders: str) -> None:
        """An order file comes; an order is `number,email,status`, and was ordered half an hour ago."""
        ordered_at = (self.now - timedelta(minutes=30)).isoformat()
        cells = [order.split(",") for order in orders]
        lines = [f"{number},{email},{ordered_at},,{status}" for number, email, status in cells]
        self.installation.write_orders("", *lines, name=name)

    def wait_until(self, day: date, clock: str) -> None:
        """Look at sensors and schedules every half hour, and do what they ask for."""
        while self.now < datetime.combine(day, time.fromisoformat(clock), NEW_YORK):
            self.now += timedelta(minutes=30)
            self._build()
            self._send()

    def went(self) -> list[tuple[str, str, str]]:
        """What went: the hour by the shop's clock, what, and about which order."""
        columns = (deliveries.c.acted_at, deliveries.c.conversation, deliveries.c.order_number)
        with Location(self.installation.settings).ledger() as ledger, ledger.reading() as connection:
            rows = connection.execute(select(*columns).where(deliveries.c.state == "sent")).all()
        found = [(acted_at.astimezone(NEW_YORK), name or "event", number) for acted_at, name, number in rows]
        return [(f"{moment:%a %H:%M}", name, number) for moment, name, number in sorted(found)]

    def told(self) -> list[tuple[str, str]]:
        """What the platform was told of, and about which order."""
        files = sorted((self.installation.settings.outbox / "events" / "platform").glob("*.jsonl"))
        events = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        return sorted((event["event_name"], event["order_number"]) for event in events)

    def states(self) -> dict[str, tuple[str, str]]:
        """How Friday's batches stand."""
        settings = self.installation.settings
        with Location(settings).ledger() as ledger:
            found = batch_states(ledger, settings, FRIDAY, FRIDAY, self.now.date())
        return {batch.id.name: (state.state, state.reason) for batch, state in found}

    def _build(self) -> None:
        if self.now.time() == time(6):
            schedule = self.definitions.resolve_schedule_def("daily_schedule")
            context = dg.build_schedule_context(self.instance, scheduled_execution_time=self.now)
            self._run(schedule.evaluate_tick(context).run_requests or [])
        self._run(self._asked_by("order_file_sensor"))

    def _run(self, requests: Sequence[dg.RunRequest]) -> None:
        for request in requests:
            job = self.definitions.resolve_job_def(DAILY)
            result = job.execute_in_process(instance=self.instance, tags=request.tags, run_config=_QUIET)
            assert result.success
            events = result.asset_materializations_for_node("batches")
            self.metadata = {event.partition: event.metadata for event in events}

    def _send(self) -> None:
        location = Location(self.installation.settings)
        for request in self._asked_by("batch_sensor"):
            day = date.fromisoformat(str(request.partition_key))
            with location.ledger() as ledger:
                sender = Sender(location.settings, ledger, location.warehouse, now=lambda: self.now.astimezone(UTC))
                sender.send(day, day, location.today())

    def _asked_by(self, name: str) -> Sequence[dg.RunRequest]:
        context = dg.build_sensor_context(instance=self.instance, definitions=self.definitions)
        return self.definitions.resolve_sensor_def(name).evaluate_tick(context).run_requests or []


_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Played:
    """What was seen of two days."""

    shop: Shop
    evening: dict[str, tuple[str, str]]
    """How Friday's batches stood when the closing file was half an hour late."""
    held_back: str
    """Why, as Dagster showed it."""
    went: list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Friday and Saturday, from the shop's opening on Thursday on. Dora lives in Los Angeles."""
    installation = install(tmp_path_factory.mktemp("intraday"))
    write_configuration(installation.settings)
    installation.write_orders("", "Z,zoe@example.com,2026-06-01,,processing", name="shop_closing_2026-07-09.csv")
    with pytest.MonkeyPatch.context() as patches, dg.DagsterInstance.ephemeral() as instance:
        shop = Shop(installation, instance, datetime.combine(FRIDAY, time(5, 30), NEW_YORK))
        patches.setattr(Location, "today", lambda _: shop.now.date())
        patches.setattr(sensors, "utc_now", lambda: shop.now.astimezone(UTC))
        shop.wait_until(FRIDAY, "07:30")
        (installation.settings.inbox / "contacts_2026-07-10.csv").write_text(
            "email,zone\ndora@example.com,America/Los_Angeles\n"
        )
        shop.file("orders_2026-07-10_08.csv", "A,ann@example.com,processing", "B,ben@example.com,processing")
        shop.wait_until(FRIDAY, "10:30")
        shop.file("orders_2026-07-10_11.csv", "C,cleo@example.com,processing")
        shop.wait_until(FRIDAY, "15:30")
        shop.file("orders_2026-07-10_16.csv", "A,ann@example.com,canceled", "D,dora@example.com,processing")
        shop.wait_until(FRIDAY, "20:30")
        evening, held_back = shop.states(), str(shop.metadata[FRIDAY.isoformat()]["held back by"].value)
        shop.wait_until(FRIDAY, "22:30")
        shop.file("shop_closing_2026-07-10.csv", "E,eve@example.com,processing")
        shop.wait_until(SATURDAY, "19:30")
        shop.file("shop_closing_2026-07-11.csv", "Z,zoe@example.com,processing")
        shop.wait_until(SATURDAY, "21:00")
        yield Played(shop, evening, held_back, shop.went())


def write_configuration(settings: Settings) -> None:
    """The shop's own merchant, campaigns and conversations in place of the sample's."""
    (settings.merchants_dir / "main.yml").write_text(_MERCHANT)
    models = settings.dbt_dir / "models"
    for path in (*models.glob("campaigns/queue_*.sql"), *models.glob("list/segment_*.sql")):
        if path.stem != "segment_snapshots":
            path.unlink()
    (models / "list" / "list.yml").unlink()
    for event in _CAMPAIGNS:
        (models / "campaigns" / f"queue_{event}.sql").write_text(_CAMPAIGN.replace("EVENT", event))
    folder = settings.conversations_dir
    template = (folder / "thank_you" / "thank_you.mjml.j2").read_text()
    for path in folder.glob("*/conversation.yml"):
        shutil.rmtree(path.parent)
    for name, words in _CONVERSATIONS.items():
        (folder / name).mkdir()
        (folder / name / "thank_you.mjml.j2").write_text(template)
        text = _CONVERSATION.replace("NAME", name)
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        (folder / name / "conversation.yml").write_text(text)


def test_what_files_bring_goes_at_once_or_when_the_day_is_complete_each_in_its_hours(played: Played) -> None:
    assert [each for each in played.went if each[1] != "event" and not each[1].startswith("asked")] == [
        ("Fri 08:00", "confirmation", "A"),
        ("Fri 08:00", "confirmation", "B"),
        ("Fri 11:00", "confirmation", "C"),
        ("Fri 16:00", "confirmation", "D"),
        # The closing file is there. In New York it is quiet; in Los Angeles it is eight in the evening.
        ("Fri 23:00", "offer", "D"),
        ("Sat 08:00", "confirmation", "E"),
        ("Sat 08:00", "offer", "B"),
        ("Sat 08:00", "offer", "C"),
        ("Sat 08:00", "offer", "E"),
        ("Sat 09:30", "advice", "B"),
        ("Sat 09:30", "advice", "C"),
        ("Sat 09:30", "advice", "E"),
        ("Sat 12:30", "advice", "D"),
    ]


def test_before_the_closing_file_only_transactional_messages_pass(played: Played) -> None:
    assert played.evening == {
        "confirmation": ("sent", ""),
        "offer": ("blocked", "incomplete_day"),
        "platform": ("blocked", "incomplete_day"),
    }
    assert played.held_back == "incomplete_day 2"


def test_what_went_and_a_later_file_took_back_is_counted(played: Played) -> None:
    settings = played.shop.installation.settings
    with Location(settings).ledger() as ledger:
        newest = newest_batches(ledger, Gates(settings, ledger), FRIDAY, FRIDAY)
    assert {batch.id.name: batch.unplanned_count for batch in newest if batch.unplanned_count} == {"confirmation": 1}


def test_one_campaign_reaches_a_platform_a_conversation_or_both(played: Played) -> None:
    orders = ["B", "C", "D", "E"]
    evening = [each[1:] for each in played.went if each[0] == "Sat 20:00"]
    assert sorted(each for each in evening if each[0] != "event") == [
        (name, order) for name in ("asked_both", "asked_here") for order in orders
    ]
    assert played.shop.told() == [
        (name, order) for name in ("ask_both", "ask_platform", "purchase") for order in orders
    ]  # fmt: skip


def test_nothing_goes_twice_however_often_it_is_sent(played: Played) -> None:
    settings = played.shop.installation.settings
    location = Location(settings)
    with location.ledger() as ledger:
        sender = Sender(settings, ledger, location.warehouse, now=lambda: played.shop.now.astimezone(UTC))
        again = sender.send(FRIDAY, SATURDAY, location.today())
    assert again.sent_count == 0
    messages = [each for each in played.went if each[1] != "event"]
    assert len(set(messages)) == len(messages) == len(list(settings.outbox.rglob("*.eml")))
