"""The pipeline of the queue tests on a target, for the fixtures of the modules that compare with it."""

from pathlib import Path

import pytest

from pp_pipeline_tests.pipeline import QueuePipeline
from pp_pipeline_tests.postgres_server import PostgresDatabase

TARGETS = ("duckdb", "postgres")


def queue_pipeline_on(target: str, folder: Path, request: pytest.FixtureRequest) -> QueuePipeline:
    """A pipeline in that folder; on PostgreSQL with the database of the test module."""
    if target == "duckdb":
        return QueuePipeline(folder)
    database: PostgresDatabase = request.getfixturevalue("postgres_module_database")
    return QueuePipeline(folder, database.url)
