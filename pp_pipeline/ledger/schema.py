"""The ledger's tables (DESIGN 5, 6 and 9): the only memory that no rebuild touches.

Written in SQLAlchemy Core for SQLite and PostgreSQL alike. The tables are made and changed by the
migrations beside this file; a test compares the two, so what stands here is what is there.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

HEAD = "0006"
# Not Alembic's usual name: a team may keep the ledger in the database where Dagster keeps its own migrations.
VERSION_TABLE = "ledger_version"
"""The newest migration. Opening a ledger that stands here does not import Alembic."""

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC that comes back aware of its zone; SQLite by itself forgets the zone.

    A value without a zone is refused: it could mean anything.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, on the way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the ledger takes times with their zone only")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Back in UTC, on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("file_date", Date, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("quarantined_count", Integer, nullable=False),
    Column("outcome", Text, nullable=False, comment="accepted | refused"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("rules_hash", Text, nullable=False, server_default="", comment="of what it was judged by"),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("adopted_at", UtcDateTime, comment="null when refused"),
    Index("files_by_name", "name", "id"),
    Index("files_by_date", "file_date"),
    comment="Every content of an order file looked at; in force: the accepted row with the largest id",
)

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False, comment="messages | events | snapshot"),
    Column("name", Text, nullable=False, comment="conversation | relay | relay:segment"),
    Column("merchant", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("new_count", Integer, nullable=False, comment="rows not in the ledger when it was sealed"),
    Column("sent_count", Integer, nullable=False, comment="rows sent before it was sealed"),
    Column("unplanned_count", Integer, nullable=False, comment="sent for this day, but no longer planned"),
    Column(
        "moved_count", Integer, nullable=False, server_default="0", comment="rows that the ledger knows for another day"
    ),
    Column(
        "no_longer_due_count",
        Integer,
        nullable=False,
        server_default="0",
        comment="tried for this day and not sent, planned no more",
    ),
    Column(
        "overtaken_count",
        Integer,
        nullable=False,
        server_default="0",
        comment="of unplanned_count: taken out by a file of the day that came after the claim",
    ),
    Column("sealed_at", UtcDateTime, nullable=False),
    Column("sealed_for", Text, nullable=False, server_default="rehearsal", comment="target that the counts are of"),
    Column("campaigns", Text, nullable=False, server_default="", comment="of its rows, between blanks; '-' for none"),
    UniqueConstraint("kind", "name", "merchant", "day", "version", name="batches_version"),
    Index("batches_by_day", "day"),
    Index("batches_by_hash", "hash"),
    comment="One day's plan for one conversation, relay or snapshot; every changed seal is a new version",
)

releases = Table(
    "releases",
    metadata,
    Column("batch", Integer, ForeignKey("batches.id"), primary_key=True),
    Column("target", Text, primary_key=True, comment="rehearsal | live"),
    Column("first_sendable_on", Date, comment="first day with every gate open but approval"),
    Column("approved_at", UtcDateTime),
    Column("approved_by", Text),
    Column("finished_at", UtcDateTime, comment="when nothing was left to do for it"),
    comment="How far a version of a batch is on its way to a target: what a rehearsal let go is not let go live",
)

claims = Table(
    "claims",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token", Text, nullable=False, unique=True),
    Column("target", Text, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("delivery_count", Integer, nullable=False),
    comment="Every claim that was ever committed; a ledger that lacks one was put back from a backup",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target", Text, nullable=False, comment="rehearsal | live"),
    Column("key", Text, nullable=False, comment="message_id | relay:event_id | relay:segment:day"),
    Column("kind", Text, nullable=False, comment="message | event | snapshot"),
    Column("state", Text, nullable=False, comment="claimed | sent | failed | unknown | skipped | deferred"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("merchant", Text),
    Column("contact_key", Text),
    Column("run_key", Text),
    Column("conversation", Text),
    Column("step", Text),
    Column("occurrence", Integer),
    Column("pass", Integer),
    Column("channel", Text, comment="channel of a message, relay of an event or a snapshot"),
    Column("message_kind", Text, comment="commercial | transactional; null for events and snapshots"),
    Column("has_offer", Boolean, nullable=False, server_default=false(), comment="counts for the discount cap"),
    Column("event_id", Text),
    Column("order_number", Text),
    Column("due_on", Date, comment="the day whose plan wanted it when it was claimed"),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("first_tried_on", Date, comment="the day on which it was first claimed: an approved old one gets its days"),
    Column("acted_at", UtcDateTime, comment="when it was last claimed, by the clock that caps and spacing go by"),
    Column("settled_at", UtcDateTime),
    Column("deferred_until", UtcDateTime, comment="not taken up again before; of `deferred` and `failed`"),
    Column("provider_id", Text),
    Column("batch", Integer, ForeignKey("batches.id"), comment="the batch under which it was first claimed"),
    Column("claim", Text, nullable=False, comment="token of the claim that holds or settled it"),
    UniqueConstraint("target", "key", name="deliveries_once"),
    Index("deliveries_by_batch", "batch"),
    Index("deliveries_by_due", "due_on"),
    Index("deliveries_by_claim", "claim"),
    Index("deliveries_by_contact", "contact_key"),
    Index("deliveries_by_order", "order_number"),
    Index("deliveries_by_run", "conversation", "run_key", "step", "occurrence", "pass"),
    Index("deliveries_by_state", "state", "lease_until"),
    Index("deliveries_by_channel", "target", "merchant", "channel", "acted_at"),
    comment="One row per delivery that was ever claimed; the unique key is what keeps each to once",
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("contact_key", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default="", comment="'' is every channel"),
    Column("kind", Text, nullable=False, server_default="", comment="'' is every kind of message"),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False, server_default="", comment="what said it first: file | feedback | command"),
    Column("stated_at", UtcDateTime, comment="the newest time that was said; null: created_at"),
    Column("lifted_at", UtcDateTime, comment="in force while null or before stated_at"),
    Index("suppressions_once", "contact_key", "channel", "kind", "reason", unique=True),
    comment="Who is not to be written to, on which channel, about what",
)

_IN_STOCK = text("drawn_for is null")

coupons = Table(
    "coupons",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pool", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("drawn_for", Text, comment="message_id; null while in stock"),
    Column("drawn_at", UtcDateTime),
    Column("expires_on", Date),
    Column("imported_at", UtcDateTime),
    UniqueConstraint("pool", "code", name="coupons_once"),
    Index("coupons_in_stock", "pool", "id", sqlite_where=_IN_STOCK, postgresql_where=_IN_STOCK),
    Index("coupons_by_message", "drawn_for", unique=True),
    comment="Coupon codes and the message that each was drawn for",
)

switches = Table(
    "switches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", Text, nullable=False, server_default=""),
    comment="Switches that people set while the program runs: kill_switch",
)

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="What must stay as it was, such as the fingerprint of the contact secret",
)
