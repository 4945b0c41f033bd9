"""What a changed batch differs in from the ledger, and deliveries found by the day that they were due."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COUNTS = {
    "moved_count": "rows that the ledger knows for another day",
    "no_longer_due_count": "tried for this day and not sent, planned no more",
    "overtaken_count": "of unplanned_count: taken out by a file of the day that came after the claim",
}


def upgrade() -> None:
    """Of the versions so far nobody counted it."""
    for name, comment in _COUNTS.items():
        op.add_column("batches", sa.Column(name, sa.Integer(), nullable=False, server_default="0", comment=comment))
    op.create_index("deliveries_by_due", "deliveries", ["due_on"])
