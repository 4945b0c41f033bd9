"""What `pp why` says of a version: facts of other feeds, each once."""

from datetime import UTC, date, datetime

from pp_pipeline.why.history import VersionRow
from pp_pipeline.why.words import version_words

_DAY = date(2026, 1, 5)
_STATED = VersionRow(
    order_number="A1", known_on=_DAY, contact_key="k", email="ann@example.com", is_eligible=True,
    ordered_at=datetime(2026, 1, 5, tzinfo=UTC), ordered_on=_DAY, ship_date=None, status="processing",
    total_cents=2000, currency="USD", order_file="orders_2026-01-05.csv", order_file_line=2, delivered_on=None,
    paid_on=None, refunded_on=None, refunded_cents=0, line_count=2, shipped_lines=0, returned_lines=0,
    canceled_lines=0,
)  # fmt: skip


def test_facts_are_told_when_they_are_new() -> None:
    assert version_words(_STATED, None) == "processing, ordered 2026-01-05, no ship date, 20.00 USD"
    shipped = _STATED._replace(shipped_lines=1, paid_on=date(2026, 1, 6))
    words = version_words(shipped, _STATED)
    assert words == "processing, no ship date, 20.00 USD, paid 2026-01-06, 1 of 2 lines shipped"
    delivered = shipped._replace(delivered_on=date(2026, 1, 9), refunded_cents=350, shipped_lines=2, returned_lines=1)
    words = version_words(delivered, shipped)
    facts = "delivered 2026-01-09, 3.50 USD refunded, 1 of 2 lines returned"
    assert words == f"processing, no ship date, 20.00 USD, {facts}"
    assert version_words(delivered, delivered) == "processing, no ship date, 20.00 USD"
