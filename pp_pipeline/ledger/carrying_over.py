"""What restoring a backup must not undo: who is not to be written to, and who was forgotten since it was taken.

A person's word that somebody is to be left alone holds whatever becomes of the ledger. And the archive holds no content
with a forgotten person any more: a ledger that names the former contents could load none of their days.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from pp_pipeline.forgetting.known import rename_redacted
from pp_pipeline.forgetting.words import FORGOTTEN, ORDER_FACT, REDACTED_FACT
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import Suppress, apply_changes, in_force


@dataclass(frozen=True)
class CarriedOver:
    """What stood in the ledger, and is kept though the backup may lack it.

    Attributes:
        suppressions: those in force, each with when it was first and last said.
        facts: the orders of forgotten people, and what took the place of contents with them.
    """

    suppressions: tuple[Suppress, ...] = ()
    facts: Mapping[str, str] | None = None

    @classmethod
    def of(cls, connection: Connection, has_same_keys: bool) -> "CarriedOver":
        """What stands now.

        Args:
            has_same_keys: whether the backup's contact keys are made with the same secret; of another one nothing but
                the contents would be understood.
        """
        facts = schema.facts.c
        names = [REDACTED_FACT, *([ORDER_FACT] if has_same_keys else [])]
        wanted = or_(*(facts.name.startswith(name, autoescape=True) for name in names))
        found = connection.execute(select(facts.name, facts.value).where(wanted))
        return cls(_in_force(connection) if has_same_keys else (), {row.name: row.value for row in found})

    @property
    def forgotten(self) -> int:
        """How many people of it were forgotten."""
        return len({one.contact_key for one in self.suppressions if one.reason == FORGOTTEN})

    @property
    def suppressed(self) -> int:
        """How many are suppressed otherwise, by contact, channel, kind and reason."""
        found = {(one.contact_key, one.channel, one.kind, one.reason) for one in self.suppressions}
        return sum(reason != FORGOTTEN for *_, reason in found)

    def write(self, ledger: Ledger, connection: Connection) -> None:
        """Add it to what the backup held, in the transaction that put that in place."""
        if self.suppressions:
            apply_changes(connection, self.suppressions)
        rows = [{"name": name, "value": value} for name, value in (self.facts or {}).items()]
        ledger.insert_new(connection, schema.facts, rows)
        rename_redacted(connection)


def _in_force(connection: Connection) -> tuple[Suppress, ...]:
    table = schema.suppressions.c
    stated_at = func.coalesce(table.stated_at, table.created_at)
    columns = (table.contact_key, table.channel, table.kind, table.reason)
    rows = connection.execute(
        select(*columns, table.created_at, stated_at, table.source).where(in_force()).order_by(table.id)
    ).all()
    first = [Suppress(key, channel, kind, reason, at, source) for key, channel, kind, reason, at, _, source in rows]
    again = [Suppress(key, channel, kind, reason, at, source) for key, channel, kind, reason, _, at, source in rows]
    return (*first, *again)
