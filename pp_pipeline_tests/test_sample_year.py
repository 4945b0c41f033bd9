"""A year of the sample through its conversations: each planned message once, and each accounted for (issue 6)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from pp_pipeline_tests.sample_year import LAST, Delivery, SampleYear


@pytest.mark.heavy
def test_every_message_of_a_year_is_sent_skipped_or_deferred_once(tmp_path: Path) -> None:
    year = SampleYear(tmp_path)
    year.live_through()
    planned, found = year.planned(), year.deliveries()

    assert {one.key for one in found} == planned.keys(), "the ledger holds the plan, and nothing else"
    assert len(found) == len(planned), "a key stands twice in the ledger"
    for one in found:
        assert (one.conversation, one.step, one.occurrence, one.pass_number, one.due_on) == planned[one.key]
        assert one.state in ("sent", "skipped", "deferred"), one.key
        assert bool(one.reason) == (one.state != "sent"), "what does not go says why"
        assert one.state != "deferred" or one.due_on > LAST - timedelta(days=7), "what was deferred ends"
    for days in days_by_step(found).values():
        assert all((after - day).days >= 7 for day, after in pairwise(days)), "a step went again within a week"
    of_orders = [one for one in found if one.conversation not in ("win_back", "loyal_thanks")]
    assert all(len(days) == 1 for days in days_by_step(of_orders).values()), "a step of an order went twice"

    # The year is one in which all that the sample's conversations can do happened.
    steps = {(one.conversation, one.step, one.occurrence, one.pass_number) for one in found if one.state == "sent"}
    assert steps >= {
        ("loyal_thanks", "loyal_letter", 1, 1),
        ("thank_you", "thanks", 1, 1),
        ("review_request", "ask_for_review", 1, 1),
        ("review_request", "ask_again", 1, 1),
        ("review_by_text", "text", 1, 1),
        ("win_back", "we_miss_you", 1, 1),
        ("win_back", "we_miss_you", 1, 2),
        ("win_back", "we_miss_you", 2, 1),
        ("win_back", "still_choosing", 1, 1),
    }
    reasons = {one.reason for one in found if one.state == "skipped"}
    assert reasons >= {"exit_when: returned", "suppressed", "given_up: no_feedback"}


def days_by_step(found: Iterable[Delivery]) -> dict[tuple[object, ...], list[date]]:
    """The due days of what was sent, by run key, step, occurrence and pass: of a contact these are of several runs."""
    days: dict[tuple[object, ...], list[date]] = defaultdict(list)
    for one in sorted(found, key=lambda one: one.due_on):
        if one.state == "sent":
            days[one.conversation, one.run_key, one.step, one.occurrence, one.pass_number].append(one.due_on)
    return days
