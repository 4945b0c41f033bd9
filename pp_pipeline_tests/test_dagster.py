"""Dagster as its users use it: the lineage, the partitions, the job, the sensors, the schedule (DESIGN 8)."""

import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import delete

from pp_pipeline.campaigns.parameters import CampaignError
from pp_pipeline.correcting.movements import event_id
from pp_pipeline.defs.jobs import DAILY, SENDING
from pp_pipeline.defs.location import Location
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.schema import claims
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.batches import batch_states
from pp_pipeline_tests.dagster_home import Installation, install

JULY = [date(2026, 7, day) for day in range(1, 32)]
TODAY = JULY[11]
STEPS = {"landing", "orders", "list", "campaigns", "conversations", "sending"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation whose days 6 to 12 of July are built."""
    installation = install(tmp_path_factory.mktemp("built"), today=TODAY)
    installation.write_orders("2026-07-06", "A1,ann@example.com,2026-07-06T10:00:00,,processing")
    installation.write_orders("2026-07-08", "B1,ben@example.com,2026-07-08T10:00:00,,processing")
    result = installation.run(DAILY, JULY[5], TODAY)
    assert result.success
    return installation


@pytest.fixture
def installation(built: Installation, tmp_path: Path) -> Installation:
    """A copy of the built installation that a test may change."""
    shutil.copytree(built.settings.home, tmp_path / "home", ignore=shutil.ignore_patterns("*.lock"))
    shutil.copytree(built.settings.checkout, tmp_path / "checkout")
    return Installation(
        built.settings.model_copy(
            update={
                "home": tmp_path / "home",
                "checkout": tmp_path / "checkout",
                "ledger_url": f"sqlite:///{tmp_path / 'home' / 'ledger.sqlite'}",
            }
        )
    )


def test_every_campaign_is_an_asset_in_the_groups_of_the_way(built: Installation) -> None:
    graph = built.definitions().resolve_asset_graph()
    nodes = {key.path[-1]: graph.get(key) for key in graph.get_all_asset_keys()}
    assert {node.group_name for node in nodes.values()} == STEPS
    campaigns = {name for name, node in nodes.items() if node.group_name == "campaigns"}
    assert campaigns == {campaign.queue for campaign in Location(built.settings).campaigns}
    assert all(node.description for node in nodes.values())


def test_the_location_loads_whole_as_the_web_server_loads_it(built: Installation) -> None:
    built.definitions().get_repository_def().load_all_definitions()  # names of ops, jobs and assets don't clash


def test_order_files_to_batches_share_one_partitions_definition(built: Installation) -> None:
    graph = built.definitions().resolve_asset_graph()
    definitions = {graph.get(key).partitions_def for key in graph.get_all_asset_keys()}
    assert len(definitions) == 1
    (days,) = definitions
    assert isinstance(days, dg.DailyPartitionsDefinition)
    assert days.end_offset == 1
    assert days.timezone == "America/New_York"


def test_a_corrected_day_leads_to_all_later_days_of_what_reads_history(built: Installation) -> None:
    graph = built.definitions().resolve_asset_graph()

    def children(asset: str, parent: str) -> list[str]:
        mapping = graph.get_partition_mapping(dg.AssetKey(asset), dg.AssetKey(parent))
        days = Location(built.settings).days
        with dg.DagsterInstance.ephemeral() as instance:
            subset = mapping.get_downstream_partitions_for_partitions(
                days.subset_with_partition_keys(["2026-07-08"]), days, days,
                current_time=datetime.fromisoformat("2026-07-10T12:00:00-04:00"), dynamic_partitions_store=instance,
            )  # fmt: skip
        return sorted(subset.get_partition_keys())

    for reader in ("order_versions", "order_lines"):
        assert children(reader, "order_file_rows") == ["2026-07-08", "2026-07-09", "2026-07-10"]
    assert children("order_lines", "order_versions") == ["2026-07-08"]
    for reader in ("queue_win_back", "segment_loyal", "external_events", "planned_messages"):
        assert children(reader, "order_versions") == ["2026-07-08", "2026-07-09", "2026-07-10"]
    assert children("batches", "planned_messages") == ["2026-07-08"]


def test_whatever_way_a_corrected_day_comes_to_an_asset_it_brings_the_same_days(built: Installation) -> None:
    # Else a backfill launched from the graph builds an asset for one day first, and everything after it waits for
    # a run of its own.
    graph = built.definitions().resolve_asset_graph()
    days = Location(built.settings).days
    with dg.DagsterInstance.ephemeral() as instance:
        reached = {"order_file_rows": {frozenset({"2026-07-08"})}}
        for key in graph.toposorted_asset_keys:
            name = key.path[-1]
            for parent in graph.get(key).parent_keys:
                for subset in reached.get(parent.path[-1], set()):
                    downstream = graph.get_partition_mapping(key, parent).get_downstream_partitions_for_partitions(
                        days.subset_with_partition_keys(subset), days, days,
                        current_time=datetime.fromisoformat("2026-07-10T12:00:00-04:00"),
                        dynamic_partitions_store=instance,
                    )  # fmt: skip
                    reached.setdefault(name, set()).add(frozenset(downstream.get_partition_keys()))
    assert {name for name, ways in reached.items() if len(ways) > 1} == set()
    assert reached["deliveries"] == {frozenset({"2026-07-08", "2026-07-09", "2026-07-10"})}


def test_each_queue_shows_who_waits_and_what_left(installation: Installation) -> None:
    result = installation.run(DAILY, JULY[8], TODAY)
    found, due = {}, {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        if materialization.asset_key.path[-1] == "queue_thank_you":
            found[materialization.partition] = materialization.metadata
        if materialization.asset_key.path[-1] == "queue_win_back" and materialization.partition == f"{TODAY}":
            due = materialization.metadata
    assert found["2026-07-09"]["waiting"].value == 1
    assert found["2026-07-09"]["left released"].value == 1
    assert found["2026-07-11"]["left"].value == "released 1"
    assert found["2026-07-12"]["waiting"].value == 0
    assert found["2026-07-12"]["releases to come"].value == "0 due by 2026-08-11"
    assert str(due["releases to come"].value).endswith("due later"), "a win-back waits longer than 30 days"
    assert "data:image/svg+xml" in str(due["releases to come, drawn"].value)


def test_warnings_stand_as_checks_and_stop_nothing(installation: Installation) -> None:
    campaigns = installation.settings.dbt_dir / "models" / "campaigns"
    (campaigns / "queue_unheard.sql").write_text(
        "{{ campaign(event='nobody_listens', wait_days=2, date_basis='ship_date', active_from='2026-07-06', "
        "audience=\"bought_sku('SKU-1')\") }}"
    )
    (campaigns / "queue_undelivered.sql").write_text(
        "{{ campaign(event='loyal_customers', wait_days=2, date_basis='delivered_date', active_from='2026-07-09', "
        "audience='order_count >= 1') }}"
    )
    content = installation.settings.conversations_dir / "content" / "old.yml"
    content.write_text("general: {text: Ask us., review_by: 2026-07-01}")
    result = installation.run(DAILY, JULY[6], TODAY)
    assert result.success
    failed = {
        (found.asset_key.path[-1], found.check_name): found.severity
        for found in result.get_asset_check_evaluations()
        if not found.passed
    }
    warn = dg.AssetCheckSeverity.WARN
    assert failed == {
        ("batches", "no_batch_is_old"): warn,
        ("batches", "messages_are_up_to_date"): warn,
        ("queue_recent_buyers", "wait_is_positive"): warn,
        ("queue_review_request", "feed_has_ship_dates"): warn,  # nothing was shipped yet
        ("queue_undelivered", "feed_has_deliveries"): warn,
        ("queue_unheard", "audience_has_time_frame"): warn,
        ("queue_unheard", "book_is_complete"): warn,  # 7-06 was not built in this run
        ("queue_unheard", "event_is_taken"): warn,
        ("queue_unheard", "feed_has_ship_dates"): warn,
    }


def test_a_bad_parameter_stops_the_load_with_campaign_parameter_and_what_is_allowed(installation: Installation) -> None:
    path = installation.settings.dbt_dir / "models" / "campaigns" / "queue_win_back.sql"
    path.write_text(path.read_text().replace("wait_days = 90", "wait_days = -1"))
    with pytest.raises(CampaignError, match=r"campaign win_back .*wait_days = -1 is not allowed; .*0 or more"):
        installation.definitions()


def test_a_refused_file_fails_its_check_and_stops_nothing_else(installation: Installation) -> None:
    installation.write_orders("2026-07-11", "C1,cleo@example.com,2026-07-11T10:00:00,,processing")
    bad = installation.write_orders("2026-07-10", "D1,dora@example.com,2026-07-10T10:00:00,,processing")
    bad.write_text(bad.read_text().replace("order_number", "ordernumber"))
    result = installation.run(DAILY, JULY[9], TODAY)
    assert result.success
    checks = {found.check_name: found for found in result.get_asset_check_evaluations()}
    assert not checks["order_files_are_sound"].passed
    assert "orders_2026-07-10.csv" in str(checks["order_files_are_sound"].description)
    with Location(installation.settings).warehouse.connect() as connection:
        numbers = connection.rows("select order_number from order_versions order by 1")
    assert numbers == [("A1",), ("B1",), ("C1",)]


def test_what_files_say_against_each_other_warns_and_stops_nothing(installation: Installation) -> None:
    merchant = installation.settings.merchants_dir / "main.yml"
    due = "feeds:\n  - {feed: second_shop, files: 'shop_{date}.csv', due: {by: '06:00'}}\n"
    merchant.write_text(merchant.read_text() + due)
    installation.write_orders(
        "", "C1,cleo@example.com,2026-07-10T10:00:00,2026-07-09,shipped", name="shop_2026-07-10.csv"
    )
    result = installation.run(DAILY, JULY[9], TODAY)
    assert result.success
    checks = {found.check_name: found for found in result.get_asset_check_evaluations()}
    warn = dg.AssetCheckSeverity.WARN
    dates, files = checks["ship_date_not_before_order_date"], checks["due_files_are_there"]
    assert (dates.passed, dates.severity, dates.asset_key.path[-1]) == (False, warn, "order_versions")
    assert dates.description == "1 against it: No order was shipped before it was ordered."
    assert (files.passed, files.severity) == (False, warn)
    # today's file is due tomorrow
    assert files.description == "main: no file of second_shop for 2026-07-11, due 2026-07-12 06:00 EDT"


def test_the_file_sensor_asks_once_for_each_content_and_survives_bad_names(installation: Installation) -> None:
    def tick() -> dg.RunRequest | dg.SkipReason:
        definitions = installation.definitions()
        sensor = definitions.resolve_sensor_def("order_file_sensor")
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance=instance, definitions=definitions)
            found = sensor.evaluate_tick(context)
        return found.run_requests[0] if found.run_requests else dg.SkipReason(found.skip_message)

    assert isinstance(tick(), dg.SkipReason)
    path = installation.write_orders("2026-07-08", "B1,ben@example.com,2026-07-08T10:00:00,,canceled")
    installation.write_orders("", "X1,x@example.com,2026-07-08T10:00:00,,processing", name="orders_2026-13-45.csv")
    installation.write_orders("", "X2,x@example.com,2026-07-08T10:00:00,,processing", name="orders_2031-01-01.csv")
    first = tick()
    assert isinstance(first, dg.RunRequest)
    assert first.tags["dagster/asset_partition_range_start"] == "2026-07-08"
    assert first.tags["dagster/asset_partition_range_end"] == TODAY.isoformat()
    told = {name: value for name, value in first.tags.items() if "touched" in name or "differ" in name}
    touches = "loyal_customers, recent_buyers, thank_you, win_back"  # it was never shipped
    assert told == {"pp/campaigns_touched": touches, "pp/orders_that_differ": "1"}
    again = tick()
    assert isinstance(again, dg.RunRequest)
    assert again.run_key == first.run_key
    original = path.read_text()
    path.write_text(original.replace("canceled", "returned"))
    other = tick()
    assert isinstance(other, dg.RunRequest)
    assert other.run_key != first.run_key
    with Location(installation.settings).ledger() as ledger:
        for content in (original, original.replace("canceled", "returned")):
            path.write_text(content)
            load_days(
                installation.settings, ledger, Location(installation.settings).warehouse.connect, JULY[7], JULY[7],
                Location(installation.settings).merchants, today=TODAY,
            )  # fmt: skip
    path.write_text(original)
    back = tick()
    assert isinstance(back, dg.RunRequest), "A, then B, then A again is two corrections"
    assert back.run_key not in (first.run_key, other.run_key)


def test_the_batch_sensor_asks_for_each_day_that_is_ready_and_the_job_delivers_once(installation: Installation) -> None:
    definitions = installation.definitions()
    sensor = definitions.resolve_sensor_def("batch_sensor")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, definitions=definitions)
        requests = sensor.evaluate_tick(context).run_requests or []
    assert {request.partition_key for request in requests} == {"2026-07-11"}  # B1's thank-you; A1's is too old
    first = installation.run(SENDING, JULY[10], JULY[10])
    assert first.success
    [event] = first.asset_materializations_for_node("deliveries")
    assert event.metadata["deliveries sent"].value == 1
    assert event.metadata["reasons"].value == {"sent": 1}
    delivered = sorted(path.name for path in installation.settings.outbox.rglob("*.eml"))
    assert len(delivered) == 1
    again = installation.run(SENDING, JULY[10], JULY[10])
    [event] = again.asset_materializations_for_node("deliveries")
    assert not {"deliveries sent", "reasons", "not sent to the end"} & event.metadata.keys()
    assert sorted(path.name for path in installation.settings.outbox.rglob("*.eml")) == delivered


def test_a_corrected_file_shows_what_was_sent_in_error(installation: Installation) -> None:
    assert installation.run(SENDING, JULY[10], JULY[10]).success  # B1's thank-you
    installation.write_orders("2026-07-08", "B1,ben@example.com,2026-07-08T10:00:00,,canceled")
    result = installation.run(DAILY, JULY[7], TODAY)
    checks = {found.check_name: found for found in result.get_asset_check_evaluations()}
    landed = result.asset_materializations_for_node("order_file_rows")[-1].metadata
    assert landed["corrected or late files"].value == ["orders_2026-07-08.csv"]
    days = {"loyal_customers": "2026-07-08", "recent_buyers": "2026-07-08", "thank_you": "2026-07-08"}
    assert landed["campaigns touched, from"].value == {**days, "win_back": "2026-07-08"}
    told = checks["nothing_sent_in_error"]
    assert not told.passed and told.severity == dg.AssetCheckSeverity.WARN
    assert str(told.description).startswith("1 sent in error, 0 overtaken")
    assert "`pp batches --on 2026-07-11 --rows`" in str(told.description)
    of_day = {
        event.partition: event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("batches")
    }
    in_error = {day: metadata["sent in error"].value for day, metadata in of_day.items()}
    assert in_error == {str(day): int(day == JULY[10]) for day in JULY[7:12]}


def test_the_ids_of_events_are_those_that_the_program_makes(built: Installation) -> None:
    with Location(built.settings).warehouse.connect() as connection:
        rows = connection.rows("select event_id, merchant, campaign, event_name, order_number from external_events")
    made = [
        event_id(merchant, "release" if campaign else "order", campaign or name, number)
        for _, merchant, campaign, name, number in rows
    ]
    assert {bool(row[2]) for row in rows} == {True, False}
    assert made == [row[0] for row in rows]


def test_the_job_approve_shows_first_and_does_it_when_it_is_confirmed(installation: Installation) -> None:
    job = installation.definitions().resolve_job_def("approve")

    def run(**config: object) -> tuple[bool, dict[str, object]]:
        with dg.DagsterInstance.ephemeral() as instance:
            given = {"ops": {"decide": {"config": {"by": "ann", **config}}}}
            result = job.execute_in_process(instance=instance, run_config=given, raise_on_error=False)
        outputs = [event for event in result.all_events if event.is_successful_output]
        return result.success, {name: value.value for event in outputs for name, value in _metadata_of(event).items()}

    def waiting() -> list[date]:
        location = Location(installation.settings)
        with location.ledger() as ledger:
            states = batch_states(ledger, installation.settings, JULY[0], TODAY, TODAY)
        return [batch.day for batch, state in states if state.state == "waiting"]

    before = waiting()
    assert before and min(before) < JULY[8] <= max(before)
    assert run() == (False, {})  # neither hashes nor days
    assert run(hashes=["0123456789"]) == (False, {})
    span = {"first_day": "2026-07-01", "last_day": "2026-07-12", "due_from": "2026-07-09"}
    success, told = run(**span)
    earlier = sum(day < JULY[8] for day in before)
    assert success and waiting() == before
    assert (told["batches never to go"], told["batches to approve"]) == (earlier, len(before) - earlier)
    table = told["rows that differ"]
    assert isinstance(table, dg.TableMetadataValue) and "@" not in str(table)
    assert {record.data["category"] for record in table.records} == {"new"}
    assert run(first_day="2026-13-01") == (False, {})
    hashes = told["their hashes"]
    assert isinstance(hashes, list) and len(hashes) == len(before)
    assert run(hashes=hashes, due_from="2026-07-09", confirm=True)[0]  # what was shown, and nothing else
    assert waiting() == []


def _metadata_of(event: dg.DagsterEvent) -> Mapping[str, Any]:
    return event.step_output_data.metadata


def test_a_ledger_that_lacks_what_was_sent_is_told_and_sends_nothing(installation: Installation) -> None:
    def told() -> tuple[bool, str]:
        result = installation.run(SENDING, JULY[10], JULY[10])
        assert result.success
        checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
        [event] = result.asset_materializations_for_node("deliveries")
        lacking = event.metadata.get("nothing is sent")
        return checks["ledger_is_whole"], str(lacking.value if lacking else "")

    assert told() == (True, "")
    with Ledger(installation.settings) as ledger, ledger.writing() as connection:
        connection.execute(delete(claims))
    is_whole, words = told()
    assert not is_whole
    assert "Nothing is sent: the ledger is not the one" in words
    definitions = installation.definitions()
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, definitions=definitions)
        tick = definitions.resolve_sensor_def("batch_sensor").evaluate_tick(context)
    assert tick.run_requests == []
    assert "nothing is sent before `pp ledger accept`" in str(tick.skip_message)


def test_the_schedule_builds_today_and_with_it_what_no_longer_holds(installation: Installation) -> None:
    def evaluate() -> dg.RunRequest:
        schedule = installation.definitions().resolve_schedule_def("daily_schedule")
        context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 7, 12, 6))
        requests = schedule.evaluate_tick(context).run_requests
        assert requests is not None
        return requests[0]

    assert evaluate().tags["dagster/asset_partition_range_start"] == "2026-07-12"
    path = installation.settings.dbt_dir / "models" / "campaigns" / "queue_thank_you.sql"
    path.write_text(path.read_text().replace("wait_days = 3", "wait_days = 4"))
    request = evaluate()
    assert request.tags["dagster/asset_partition_range_start"] == "2026-07-06"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-07-12"


def test_the_hourly_schedule_asks_where_something_came_in_a_day_is_new_or_a_run_failed(
    installation: Installation,
) -> None:
    schedule = installation.definitions().resolve_schedule_def("hourly_schedule")

    def asked(hour: str, instance: dg.DagsterInstance) -> list[tuple[str, str]]:
        context = dg.build_schedule_context(instance, scheduled_execution_time=datetime.fromisoformat(hour))
        days = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
        requests = schedule.evaluate_tick(context).run_requests or []
        return [(request.tags[days[0]], request.tags[days[1]]) for request in requests]

    with dg.instance_for_test() as instance:
        assert asked("2026-07-12T11:00", instance) == []
        assert asked("2026-07-13T00:00", instance) == [("2026-07-13", "2026-07-13")]
        instance.add_run(dg.DagsterRun(job_name=DAILY, status=dg.DagsterRunStatus.FAILURE))
        assert asked("2026-07-12T11:00", instance) == [("2026-07-12", "2026-07-12")]
        instance.add_run(dg.DagsterRun(job_name=DAILY, status=dg.DagsterRunStatus.SUCCESS))
        assert asked("2026-07-12T11:00", instance) == []
        installation.write_orders("2026-07-12", "C1,cleo@example.com,2026-07-12T10:00:00,,processing")
        assert asked("2026-07-12T12:00", instance) == [("2026-07-12", "2026-07-12")]


def test_files_that_come_while_a_run_for_files_goes_on_wait_for_its_end(installation: Installation) -> None:
    installation.write_orders("2026-07-12", "C1,cleo@example.com,2026-07-12T10:00:00,,processing")
    definitions = installation.definitions()

    def tick(instance: dg.DagsterInstance) -> tuple[int, str]:
        context = dg.build_sensor_context(instance=instance, definitions=definitions)
        found = definitions.resolve_sensor_def("order_file_sensor").evaluate_tick(context)
        return len(found.run_requests or []), found.skip_message or ""

    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.DagsterRun(job_name=DAILY, tags={"pp/order_files": "before"}, status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
        count, words = tick(instance)
        assert count == 0
        assert "what came in since is asked for when it has ended" in words
        instance.delete_run(run.run_id)
        assert tick(instance) == (1, "")
