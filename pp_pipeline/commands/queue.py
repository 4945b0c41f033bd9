"""`pp queue`: a campaign's queue on a day."""

from pp_pipeline.campaigns.queues import newest_built_day, queue_days, waiting_orders
from pp_pipeline.commands.output import guarded, out, print_json, print_table
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.warehouse import Warehouse

DAYS_SHOWN = 7


def show_queue(name: str, on: str | None, limit: int, as_json: bool) -> int:
    """Print who waits, and what moved on the last days."""
    return guarded(lambda: _show_queue(name, on, limit, as_json))


def _show_queue(name: str, on: str | None, limit: int, as_json: bool) -> int:
    from datetime import timedelta

    settings = Settings.from_environment()
    names = DbtProject(settings).names("campaigns", "queue_")
    name = name.removeprefix("queue_")
    if name not in names:
        raise SettingsError(f"there is no campaign '{name}'; known are {', '.join(names)}")
    queue = f"queue_{name}"
    with Warehouse(settings).connect() as connection:
        newest = newest_built_day(connection, queue)
        if newest is None:
            raise SettingsError(f"{queue} was never built; `pp run --from DAY --to DAY` builds it")
        day = parse_day(on) if on else newest
        if day > newest:
            raise SettingsError(f"{queue} is built up to {newest}; {day} lies after it")
        waiting = waiting_orders(connection, queue, day)
        days = queue_days(connection, queue, day - timedelta(days=DAYS_SHOWN - 1), day)
    if as_json:
        print_json(
            {
                "campaign": name,
                "on": day,
                "waiting": waiting.to_dict("records"),
                "days": [{"day": one, **vars(counts)} for one, counts in days.items()],
            }
        )
        return 0
    shown = waiting.head(limit)
    columns = ["due_on", "order_number", "email", "basis_date", "basis_source", "entered_on"]
    rows = [[record[column] for column in columns] for record in shown.to_dict("records")]
    print_table(f"{name}: {len(waiting)} orders wait at the end of {day}", columns, rows)
    if len(waiting) > limit:
        out.print(f"... and {len(waiting) - limit} more (--limit, --json)", style="dim")
    out.print()
    print_table(
        f"The {DAYS_SHOWN} days up to {day}",
        ["day", "entered", "moved", "left", "waiting"],
        [
            [one, counts.entered, counts.moved,
             ", ".join(f"{reason} {count}" for reason, count in sorted(counts.left.items())) or "-", counts.waiting]
            for one, counts in days.items()
        ],
    )  # fmt: skip
    return 0
