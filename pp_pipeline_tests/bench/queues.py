"""The twenty campaigns that are measured: each kind with several waits, as a shop would have them."""

import shutil
from pathlib import Path
from typing import Any

KINDS = ("each", "each, audience", "restart", "restart, audience", "first", "first, audience")
_ORDER = {"date_basis": "order_date"}
_SHIP = {"date_basis": "ship_date", "ship_trigger": "ship_date_only"}
_SHIP_OR_STATUS = {"date_basis": "ship_date", "ship_trigger": "ship_date_or_status"}
_HOLD = {"hold_statuses": ["hold"]}
_LOYAL = {"audience": "order_count >= 3 and total_spend_cents >= 100000"}
_REPEATED = {"audience": "order_count >= 2"}
_PRODUCT = {"audience": "bought_category('Technology', within_days=180) and order.total_cents > 5000"}
_RESTART = {"repeat_orders": "restart"}
_FIRST = {"repeat_orders": "first"}

CAMPAIGNS: dict[str, dict[str, Any]] = {
    "thank_you": {"wait_days": 3, **_ORDER},
    "next_day": {"wait_days": 1, **_ORDER, **_HOLD},
    "check_in": {"wait_days": 14, **_ORDER},
    "month_later": {"wait_days": 30, **_ORDER, "max_days_late": 3},
    "quarter_later": {"wait_days": 90, **_ORDER},
    "year_later": {"wait_days": 365, **_ORDER, "back_populate_days": 365},
    "how_to_use": {"wait_days": 5, **_SHIP},
    "care": {"wait_days": 21, **_SHIP},
    "review": {"wait_days": 10, **_SHIP_OR_STATUS, **_HOLD},
    "second_review": {"wait_days": 28, **_SHIP_OR_STATUS},
    "loyal": {"wait_days": 7, **_ORDER, **_LOYAL},
    "loyal_shipped": {"wait_days": 12, **_SHIP_OR_STATUS, **_LOYAL},
    "technology": {"wait_days": 20, **_SHIP, **_PRODUCT},
    "win_back": {"wait_days": 90, **_ORDER, **_RESTART, "back_populate_days": 90},
    "replenish": {"wait_days": 30, **_SHIP_OR_STATUS, **_RESTART, **_HOLD},
    "win_back_loyal": {"wait_days": 120, **_ORDER, **_RESTART, **_REPEATED},
    "half_year": {"wait_days": 180, **_SHIP, **_RESTART},
    "welcome": {"wait_days": 2, **_ORDER, **_FIRST},
    "recent_buyers": {"wait_days": 0, **_ORDER, **_FIRST},
    "first_technology": {"wait_days": 15, **_SHIP, **_FIRST, **_PRODUCT},
}


def kind(parameters: dict[str, Any]) -> str:
    """What decides on the cost of a campaign: how repeat orders count, and whether contacts are looked at."""
    repeat_orders = parameters.get("repeat_orders", "each")
    return f"{repeat_orders}, audience" if "audience" in parameters else repeat_orders


def write_project(dbt_dir: Path, folder: Path, campaigns: dict[str, dict[str, Any]], active_from: str) -> None:
    """Writes a checkout whose dbt project has these campaigns in place of its own.

    Args:
        folder: gets `dbt/`, so it can be the `checkout` of Settings.
        active_from: of every campaign that doesn't state its own.
    """
    shutil.copytree(dbt_dir, folder / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
    models = folder / "dbt" / "models" / "campaigns"
    for path in models.glob("queue_*"):
        path.unlink()
    for name, parameters in campaigns.items():
        everything = {"event": name, "merchant": "main", "active_from": active_from, **parameters}
        lines = "".join(f"    {key} = {value!r},\n" for key, value in everything.items())
        (models / f"queue_{name}.sql").write_text("{{ campaign(\n" + lines + ") }}\n")
