"""Releases per target, claims that are never forgotten, what caps and coupons need.

What was let go in rehearsal is not let go live: how far a batch is on its way stands once for each target.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOVED = ("first_sendable_on", "approved_at", "approved_by", "finished_at")


def upgrade() -> None:
    """All that went so far was rehearsal."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "releases",
        sa.Column("batch", sa.Integer(), sa.ForeignKey("batches.id"), primary_key=True),
        sa.Column("target", sa.Text(), primary_key=True, comment="rehearsal | live"),
        sa.Column("first_sendable_on", sa.Date(), comment="first day with every gate open but approval"),
        sa.Column("approved_at", moment),
        sa.Column("approved_by", sa.Text()),
        sa.Column("finished_at", moment, comment="when nothing was left to do for it"),
        comment="How far a version of a batch is on its way to a target: what a rehearsal let go is not let go live",
    )
    columns = ", ".join(_MOVED)
    op.execute(f"insert into releases (batch, target, {columns}) select id, 'rehearsal', {columns} from batches")
    for column in (*_MOVED, "finished_for"):
        op.drop_column("batches", column)
    op.add_column(
        "batches",
        sa.Column(
            "sealed_for", sa.Text(), nullable=False, server_default="rehearsal", comment="target that the counts are of"
        ),
    )
    op.add_column(
        "batches",
        sa.Column(
            "campaigns",
            sa.Text(),
            nullable=False,
            server_default="",
            comment="of its rows, between blanks; '-' for none",
        ),
    )
    op.create_table(
        "claims",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token", sa.Text(), nullable=False, unique=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("claimed_at", moment, nullable=False),
        sa.Column("delivery_count", sa.Integer(), nullable=False),
        comment="Every claim that was ever committed; a ledger that lacks one was put back from a backup",
    )
    for column in (
        sa.Column("message_kind", sa.Text(), comment="commercial | transactional; null for events and snapshots"),
        sa.Column(
            "has_offer", sa.Boolean(), nullable=False, server_default=sa.false(), comment="counts for the discount cap"
        ),
        sa.Column(
            "first_tried_on",
            sa.Date(),
            comment="the day on which it was first claimed: an approved old one gets its days",
        ),
        sa.Column("acted_at", moment, comment="when it was last claimed, by the clock that caps and spacing go by"),
        sa.Column("deferred_until", moment, comment="not taken up again before; of `deferred` and `failed`"),
    ):
        op.add_column("deliveries", column)
    op.execute("update deliveries set first_tried_on = due_on, acted_at = claimed_at")
    op.create_index("deliveries_by_channel", "deliveries", ["target", "merchant", "channel", "acted_at"])
    op.add_column("coupons", sa.Column("imported_at", moment))
    op.create_index("coupons_in_stock", "coupons", ["pool", "drawn_for"])
    op.add_column("switches", sa.Column("changed_by", sa.Text(), nullable=False, server_default=""))
