"""Suppressions: each fact once, where it came from, when it was last said, when it was lifted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Facts that stand twice become one, the oldest."""
    op.execute(
        "delete from suppressions where id not in"
        " (select min(id) from suppressions group by contact_key, channel, kind, reason)"
    )
    op.add_column(
        "suppressions",
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            server_default="",
            comment="what said it first: file | feedback | command",
        ),
    )
    op.add_column(
        "suppressions",
        sa.Column(
            "stated_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the newest time that was said; null: created_at",
        ),
    )
    op.add_column(
        "suppressions",
        sa.Column(
            "lifted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="in force while null or before stated_at",
        ),
    )
    op.drop_index("suppressions_by_contact", table_name="suppressions")
    op.create_index("suppressions_once", "suppressions", ["contact_key", "channel", "kind", "reason"], unique=True)
