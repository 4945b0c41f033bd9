"""Entries of a life that no order brings: contents of files, suppressions, segments; and reasons in words."""

from datetime import UTC, date, datetime

import pytest

from pp_pipeline.landing.file_ledger import FileRecord, record_files
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import Lift, Suppress, apply_changes
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse
from pp_pipeline.why.history import History
from pp_pipeline.why.ledger_entries import contents, suppression_changes
from pp_pipeline.why.reasons import about_reason
from pp_pipeline.why.segments import segment_changes
from pp_pipeline_tests.worked_examples import january


def at(day: int) -> datetime:
    return datetime(2026, 1, day, 6, 30, tzinfo=UTC)


def record(sha256: str, day: int, reason: str = "") -> FileRecord:
    outcome, adopted = ("refused", None) if reason else ("accepted", at(day))
    return FileRecord(
        "orders_2026-01-02.csv", date(2026, 1, 2), sha256, 1, 1, 0, outcome, reason, first_seen_at=at(day),
        adopted_at=adopted,
    )  # fmt: skip


def test_each_content_of_a_file_is_told_with_what_became_of_it(ledger_settings: Settings) -> None:
    with Ledger(ledger_settings) as ledger:
        for one in (record("aaaaaaaaaa", 2), record("bbbbbbbbbb", 3, "truncated"), record("cccccccccc", 4)):
            record_files(ledger, [one])
        told = contents(ledger, {"orders_2026-01-02.csv", "orders_2026-01-03.csv"})
    name = "orders_2026-01-02.csv"
    assert {one.on for one in told[name]} == {january(2)}  # by the file's date, whenever it was seen
    assert [one.text for one in told.pop(name)] == [
        f"{name}: content aaaaaaaa first seen 2026-01-02 06:30 UTC, adopted 2026-01-02 06:30 UTC, replaced since",
        f"{name}: content bbbbbbbb first seen 2026-01-03 06:30 UTC, refused: truncated",
        f"{name}: content cccccccc first seen 2026-01-04 06:30 UTC, adopted 2026-01-04 06:30 UTC, in force",
    ]
    assert told == {}


def test_suppressions_come_and_go(ledger_settings: Settings) -> None:
    with Ledger(ledger_settings) as ledger:
        with ledger.writing() as connection:
            apply_changes(connection, [
                Suppress("ann", "email", "commercial", "unsubscribed", at(3), "feedback"),
                Suppress("ben", "", "", "complained", at(4), "file"),
                Lift("ann", "email", "commercial", at(6)),
            ])  # fmt: skip
        told = suppression_changes(ledger, "ann")
    assert [(one.on, one.text) for one in told] == [
        (january(3), "suppressed (email, commercial): unsubscribed, by feedback"),
        (january(6), "suppression lifted (email, commercial): unsubscribed"),
    ]


def test_a_day_that_was_not_built_is_no_leaving(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with Warehouse(settings).connect() as connection:
        build(connection, [1, 2, 4, 5, 6])
        told = segment_changes(History(connection, "main"), {"loyal": {january(day) for day in (2, 4, 6)}})
    assert [f"{one.on.day} {one.text}" for one in told] == [
        "2 came into the segment loyal",
        "5 left the segment loyal",
        "6 came into the segment loyal",
    ]


def build(connection: Connection, days: list[int]) -> None:
    connection.execute("create table built_days (model varchar, day date)")
    for day in days:
        connection.execute("insert into built_days values (?, ?)", ("segment_loyal", january(day)))


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("quiet_hours", " (it is quiet by the contact's clock)"),
        ("exit_when: canceled", " (a word of the conversation's `exit_when` is true now)"),
        (
            "given_up: quiet_hours",
            " (it was tried for as many days as max_defer_days allows; it is quiet by the contact's clock)",
        ),
        ("rejected: 550", ""),
    ],
)
def test_reasons_are_told_in_words(reason: str, words: str) -> None:
    assert about_reason(reason) == words
