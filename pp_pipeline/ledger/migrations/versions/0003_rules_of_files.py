"""Files: the rules that a content was judged by, so that a refused one is tried again under others."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was refused before is tried once more."""
    op.add_column(
        "files",
        sa.Column("rules_hash", sa.Text(), nullable=False, server_default="", comment="of what it was judged by"),
    )
