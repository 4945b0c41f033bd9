"""Random campaigns over all of DESIGN 3."""

from typing import Any

from hypothesis import strategies as st

from pp_pipeline_tests.audience_pairs import AUDIENCES


def _in_one_level(drawn: dict[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in drawn.items() if name != "basis"}, **drawn["basis"]}


CAMPAIGNS = st.fixed_dictionaries(
    {
        "event": st.just("case_event"),
        "wait_days": st.sampled_from((0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 7, 9, 12)),
        "active_from": st.sampled_from(
            (
                *("2025-12-01", "2025-12-01", "2025-12-28"),
                *("2026-01-01", "2026-01-02", "2026-01-04", "2026-01-08"),
            )
        ),
        "repeat_orders": st.sampled_from(("each", "restart", "restart", "restart", "first", "first")),
        "basis": st.sampled_from(
            (
                {"date_basis": "order_date"},
                {"date_basis": "order_date"},
                {"date_basis": "ship_date", "ship_trigger": "ship_date_only"},
                {"date_basis": "ship_date", "ship_trigger": "ship_date_or_status"},
                {"date_basis": "ship_date", "ship_trigger": "ship_date_or_status"},
                {"date_basis": "delivered_date"},
                {"date_basis": "delivered_date", "transit_days": 2},
                {"date_basis": "delivered_date", "transit_days": 5},
            )
        ),
    },
    optional={
        "active_to": st.sampled_from(("2026-01-08", "2026-01-09", "2026-01-12", "2026-01-20")),
        "back_populate_days": st.sampled_from((0, 1, 2, 4, 10, 12)),
        "max_days_late": st.sampled_from((0, 0, 1, 2, 3, 4, 5, 7, 10, 12)),
        "stop_statuses": st.sampled_from(
            (
                ["canceled", "returned"],
                ["canceled"],
                ["canceled", "returned", "closed"],
                ["returned", "closed"],
                ["returned"],
                [],
                ["canceled", "returned", "unknown", "misc"],
            )
        ),
        "hold_statuses": st.sampled_from((["hold"], ["hold"], ["hold", "back_order"], ["pending", "processing"])),
        "audience": st.sampled_from(sorted(AUDIENCES) + [text for text in AUDIENCES if "bought" in text]),
    },
).map(_in_one_level)
"""Parameters of a campaign model without its merchant; each that has a default is left out at times."""
