"""What tests of several steps use: a clean environment, PostgreSQL databases, small installations."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from dbt_common.behavior_flags import BehaviorFlagRendered

from pp_pipeline.settings import Settings
from pp_pipeline_tests.postgres_server import PostgresDatabase, PostgresServer
from pp_pipeline_tests.sending_world import World

# What a person has set for their own installation must not reach the tests, nor theirs that home.
for _name in [name for name in os.environ if name.startswith(("PP_", "DAGSTER_", "DBT_"))]:
    del os.environ[_name]
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
os.environ["GX_ANALYTICS_ENABLED"] = "false"

# An example runs a pipeline, so its time says nothing. The cases are the same every time: a test that
# turns red does so because of the change; heavy searches ask for random cases (`derandomize=False`).
hypothesis.settings.register_profile("pp_pipeline", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("pp_pipeline")

# Dagster, dbt and Great Expectations are 700,000 objects that stay: going through them after every few thousand new
# ones is a sixth of the processor time of the tests.
gc.set_threshold(20_000, 20, 20)

# dbt asks the whole stack which module wrote a flag of its adapter, 0.1 s each time below pytest and xdist.
BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt.adapters")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the session, one for each worker of pytest-xdist; its absence fails, never skips."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """Address of the server's own database; use `postgres_database` for a place to put tables."""
    return postgres_server.url


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    """An empty database for one test."""
    database = postgres_server.create_database()
    yield database
    postgres_server.drop_database(database)


@pytest.fixture(scope="module")
def postgres_module_database(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    """An empty database that the tests of one module share."""
    database = postgres_server.create_database()
    yield database
    postgres_server.drop_database(database)


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """An installation whose ledger is on each of the two databases."""
    if request.param == "sqlite":
        return World.make(tmp_path)
    return World.make(tmp_path, ledger_url=request.getfixturevalue("postgres_database").url)


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A home whose ledger is on each of the two databases."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database").url
    return Settings(home=tmp_path / "home", ledger_url=url)


@pytest.fixture
def lite(tmp_path: Path) -> World:
    """An installation with the default databases."""
    return World.make(tmp_path)
