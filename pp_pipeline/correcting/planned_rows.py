"""Single rows of the plan: whether a delivery is planned on any day, and what order file a planned one stands on."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pp_pipeline.merchants import Merchant
from pp_pipeline.portions import portions
from pp_pipeline.sending.plan import BatchId, BatchKind, delivery_key, marks, sources
from pp_pipeline.warehouse import Connection

_LOOKUP_SIZE = 5_000


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row of the plan; `order_file` and its line are those of the version of its order in force on its day."""

    key: str
    batch: BatchId
    contact_key: str
    order_number: str | None
    order_file: str | None
    order_file_line: int | None


def still_planned(
    connection: Connection, keys: Collection[str], kind: BatchKind, merchants: Mapping[str, Merchant]
) -> set[str]:
    """Which of these message or event keys stand in the plan of any day (a correction can move them)."""
    source = sources(connection, merchants).get(kind)
    if source is None or kind == "snapshot":
        return set()
    ids = sorted({key.rpartition(":")[2] for key in keys})
    known: set[str] = set()
    for part in portions(ids, _LOOKUP_SIZE):
        sql = f"""
            with plan as ({source.rows})
            select name, merchant, day, {source.key} from plan where {source.key} in ({marks(part)})
        """
        for name, merchant, day, row_id in connection.rows(sql, [*source.parameters, *part]):
            known.add(delivery_key(BatchId(day, kind, name, merchant), row_id))
    return known.intersection(keys)


def planned_rows(
    connection: Connection, batches: Collection[BatchId], merchants: Mapping[str, Merchant]
) -> Iterator[PlannedRow]:
    """The messages and events of some batches, by key."""
    for kind, source in sources(connection, merchants).items():
        wanted = {batch for batch in batches if batch.kind == kind}
        if not wanted or kind == "snapshot":
            continue
        days = sorted({batch.day for batch in wanted})
        sql = f"""
            with plan as ({source.rows}),
            ranked as (
                select
                    plan.name, plan.merchant, plan.day, plan.{source.key} as row_id, plan.contact_key,
                    plan.order_number, versions.order_file, versions.order_file_line,
                    row_number() over (
                        partition by plan.name, plan.day, plan.{source.key} order by versions.known_on desc
                    ) as recency
                from plan
                left join order_versions as versions
                    on plan.merchant = versions.merchant
                    and plan.order_number = versions.order_number
                    and plan.day >= versions.known_on
                where plan.day in ({marks(days)})
            )
            select name, merchant, day, row_id, contact_key, order_number, order_file, order_file_line
            from ranked where recency = 1 order by row_id
        """
        for name, merchant, day, row_id, *rest in connection.rows(sql, [*source.parameters, *days]):
            batch = BatchId(day, kind, name, merchant)
            if batch in wanted:
                yield PlannedRow(delivery_key(batch, row_id), batch, *rest)
