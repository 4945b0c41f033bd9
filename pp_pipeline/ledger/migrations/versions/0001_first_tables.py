"""The first tables of the ledger, with every column that DESIGN 9 names."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """files, batches, deliveries, suppressions, coupons, switches, facts."""
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="messages | events | snapshot"),
        sa.Column("name", sa.Text(), nullable=False, comment="conversation | relay | relay:segment"),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("new_count", sa.Integer(), nullable=False, comment="rows not in the ledger when it was sealed"),
        sa.Column("sent_count", sa.Integer(), nullable=False, comment="rows sent before it was sealed"),
        sa.Column(
            "unplanned_count",
            sa.Integer(),
            nullable=False,
            comment="sent for this day, but no longer planned",
        ),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "first_sendable_on",
            sa.Date(),
            nullable=True,
            comment="first day with every gate open but approval",
        ),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when nothing was left to do for it",
        ),
        sa.Column("finished_for", sa.Text(), nullable=True, comment="the target for which nothing is left to do"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "name", "merchant", "day", "version", name="batches_version"),
        comment="One day's plan for one conversation, relay or snapshot; every changed seal is a new version",
    )
    op.create_index("batches_by_day", "batches", ["day"], unique=False)
    op.create_index("batches_by_hash", "batches", ["hash"], unique=False)
    op.create_table(
        "coupons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("drawn_for", sa.Text(), nullable=True, comment="message_id; null while in stock"),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pool", "code", name="coupons_once"),
        comment="Coupon codes and the message that each was drawn for",
    )
    op.create_index("coupons_by_message", "coupons", ["drawn_for"], unique=False)
    op.create_table(
        "facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="What must stay as it was, such as the fingerprint of the contact secret",
    )
    op.create_table(
        "files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_date", sa.Date(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("quarantined_count", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="accepted | refused"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=True, comment="null when refused"),
        sa.PrimaryKeyConstraint("id"),
        comment="Every content of an order file looked at; in force: the accepted row with the largest id",
    )
    op.create_index("files_by_date", "files", ["file_date"], unique=False)
    op.create_index("files_by_name", "files", ["name", "id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False, comment="'' is every channel"),
        sa.Column("kind", sa.Text(), server_default="", nullable=False, comment="'' is every kind of message"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Who is not to be written to, on which channel, about what",
    )
    op.create_index("suppressions_by_contact", "suppressions", ["contact_key"], unique=False)
    op.create_table(
        "switches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="Switches that people set while the program runs: kill_switch",
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False, comment="rehearsal | live"),
        sa.Column("key", sa.Text(), nullable=False, comment="message_id | relay:event_id | relay:segment:day"),
        sa.Column("kind", sa.Text(), nullable=False, comment="message | event | snapshot"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="claimed | sent | failed | unknown | skipped | deferred",
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("merchant", sa.Text(), nullable=True),
        sa.Column("contact_key", sa.Text(), nullable=True),
        sa.Column("run_key", sa.Text(), nullable=True),
        sa.Column("conversation", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("occurrence", sa.Integer(), nullable=True),
        sa.Column("pass", sa.Integer(), nullable=True),
        sa.Column(
            "channel",
            sa.Text(),
            nullable=True,
            comment="channel of a message, relay of an event or a snapshot",
        ),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True, comment="the day whose plan wanted it when it was claimed"),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("batch", sa.Integer(), nullable=True, comment="the batch under which it was first claimed"),
        sa.Column("claim", sa.Text(), nullable=False, comment="token of the claim that holds or settled it"),
        sa.ForeignKeyConstraint(
            ["batch"],
            ["batches.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("target", "key", name="deliveries_once"),
        comment="One row per delivery that was ever claimed; the unique key is what keeps each to once",
    )
    op.create_index("deliveries_by_batch", "deliveries", ["batch"], unique=False)
    op.create_index("deliveries_by_claim", "deliveries", ["claim"], unique=False)
    op.create_index("deliveries_by_contact", "deliveries", ["contact_key"], unique=False)
    op.create_index("deliveries_by_order", "deliveries", ["order_number"], unique=False)
    op.create_index(
        "deliveries_by_run",
        "deliveries",
        ["conversation", "run_key", "step", "occurrence", "pass"],
        unique=False,
    )
    op.create_index("deliveries_by_state", "deliveries", ["state", "lease_until"], unique=False)
