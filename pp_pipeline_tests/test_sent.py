"""What a sending says of itself: outcomes by state and reason, roads, and the roads that are looked at first."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import yaml

from pp_pipeline.commands.sent import is_sound, print_sending
from pp_pipeline.ledger.inspecting import count_unsettled
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.summary import by_state
from pp_pipeline_tests.ledger_words import Post, pp
from pp_pipeline_tests.sending_world import DAY, World

SMTP = {"email": {"via": "smtp", "host": "smtp.example.com", "username": "shop", "password": "SMTP_MAIN"}}


def report(outcomes: list[tuple[str, str, int]], roads: dict[str, int], lapsed: int = 0) -> dict[str, Any]:
    """A sending as the commands have it."""
    rows = [{"state": state, "reason": reason, "count": count} for state, reason, count in outcomes]
    sent = sum(row["count"] for row in rows if row["state"] == "sent")
    return {
        "delivered": sent, "outcomes": rows, "roads": roads, "lapsed": lapsed, "problems": [], "outbox": "/h/outbox",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("told", "words", "sound"),
    [
        (report([], {}), ["Delivered now: 0."], True),
        (
            report([("sent", "", 2), ("skipped", "suppressed", 3)], {"rehearsal: outbox": 2}),
            ["Delivered now: 2, to /h/outbox (rehearsal).", "3 skipped: suppressed"],
            True,
        ),
        (report([], {"live: email of main by smtp": 0}), ["Delivered now: 0, live: email of main by smtp."], True),
        (
            report([("sent", "", 3)], {"rehearsal: outbox": 1, "live: email of main by smtp": 2}),
            ["Delivered now: 3; 2 live: email of main by smtp; 1 /h/outbox (rehearsal)."],
            True,
        ),
        (report([("failed", "busy: 451", 4)], {}), ["4 failed: busy: 451 (surely not delivered; tried again"], False),
        (report([("unknown", "time_out", 1)], {}), ["1 unknown: time_out", "`pp ledger resolve`"], False),
        (report([], {}, lapsed=2), ["2 deliveries of a sending that was cut off: unknown"], False),
    ],
)
def test_what_is_said(told: dict[str, Any], words: list[str], sound: bool, capsys: pytest.CaptureFixture[str]) -> None:
    print_sending(told)
    said = " ".join(capsys.readouterr().out.split())
    assert [each for each in words if each not in said] == []
    assert is_sound(told) is sound


def test_each_day_has_its_own_counts_and_nothing_empty(lite: World) -> None:
    following = DAY + timedelta(days=1)
    lite.plan(DAY, 3)
    lite.plan_events(DAY, 2)
    lite.plan(following, 1, start=10)
    lite.execute("update order_versions set status = 'canceled' where order_number = 'A1'")
    summary = lite.run(DAY, following, following)
    merchants = load_merchants(lite.settings)
    assert summary.by_day(merchants) == {
        DAY: {
            "deliveries sent": 4, "deliveries skipped": 1, "batches ready": 2,
            "reasons": {"sent": 4, "skipped: exit_when: canceled": 1}, "roads": {"rehearsal: outbox": 4},
        },
        following: {
            "deliveries sent": 1, "batches ready": 1, "reasons": {"sent": 1}, "roads": {"rehearsal: outbox": 1},
        },
    }  # fmt: skip
    assert lite.send(DAY, following, following).by_day(merchants)[following] == {"batches sent": 1}
    assert by_state({"skipped: exit_when: canceled": 1, "skipped: suppressed": 2}) == Counter(skipped=3)


def test_a_road_has_its_name_and_a_broken_one_its_batch(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gates, "target", lambda *_: "live")
    file = lite.settings.merchants_dir / "main.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"channels": SMTP}))
    lite.plan(DAY, 1)
    lite.seal()
    live = lite.with_settings(live=True, environment="production")
    for answer, state in ((Outcome("failed", "busy: 451"), "failed"), (ValueError("broke"), "unknown")):
        summary = live.send(outlets=Post(answer, target="live").outlets)
        told = summary.by_day(load_merchants(lite.settings))[DAY]
        assert (told[f"deliveries {state}"], told["roads"]) == (1, {"live: email of main by smtp": 0})
        with lite.ledger as ledger, ledger.reading() as connection:
            assert count_unsettled(connection) == {("live", state): 1}
    assert told["not sent to the end"][0].endswith("outlet: ValueError")


def test_a_secret_that_is_missing_is_told_before_anything_is_begun(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = lite.settings.merchants_dir / "main.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"channels": SMTP}))
    monkeypatch.setenv("PP_LIVE", "1")
    span = ("--from", str(DAY), "--to", str(DAY))
    assert "only PP_ALLOWED_RECIPIENTS are reached" in pp(lite, "send", *span, code=2)
    monkeypatch.setenv("PP_ENVIRONMENT", "production")
    for command in (("send", *span), ("run", *span, "--send")):
        assert "error PP_SECRET_SMTP_MAIN is not set; channel email of main needs it" in pp(lite, *command, code=2)
    assert not lite.settings.dagster_home.exists()
