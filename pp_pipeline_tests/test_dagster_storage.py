"""A team's set-up: warehouse, ledger and Dagster's own storage in PostgreSQL, through the same job."""

from datetime import date
from pathlib import Path

import dagster as dg

from pp_pipeline.defs.jobs import DAILY, SENDING
from pp_pipeline_tests.dagster_home import Installation, install, instance_of
from pp_pipeline_tests.postgres_server import PostgresDatabase

FIRST, LAST = date(2026, 7, 6), date(2026, 7, 9)


def test_the_whole_way_runs_on_postgresql(postgres_database: PostgresDatabase, tmp_path: Path) -> None:
    local = install(tmp_path, today=LAST)
    installation = Installation(
        local.settings.model_copy(
            update={
                "target": "postgres",
                "warehouse_url": postgres_database.url,
                "ledger_url": postgres_database.sqlalchemy_url,
                "dagster_url": postgres_database.url,
            }
        )
    )
    installation.write_orders("2026-07-06", "A1,ann@example.com,2026-07-06T10:00:00,,processing")
    with instance_of(installation) as instance:
        assert "Postgres" in type(instance.event_log_storage).__name__
        assert installation.run(DAILY, FIRST, LAST, instance).success
        sent = installation.run(SENDING, FIRST, LAST, instance)
        assert sent.success
        record = instance.get_latest_materialization_event(dg.AssetKey("queue_thank_you"))
        assert record is not None
    assert len(list(installation.settings.outbox.rglob("*.eml"))) == 1
    assert not (installation.settings.home / "warehouse.duckdb").exists()
    assert not (installation.settings.home / "ledger.sqlite").exists()
