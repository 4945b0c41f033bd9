"""A message has at most one coupon, and the oldest code of a pool that is in stock is found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing drew coupons so far."""
    in_stock = sa.text("drawn_for is null")
    op.drop_index("coupons_by_message", "coupons")
    op.drop_index("coupons_in_stock", "coupons")
    op.create_index("coupons_by_message", "coupons", ["drawn_for"], unique=True)
    op.create_index("coupons_in_stock", "coupons", ["pool", "id"], sqlite_where=in_stock, postgresql_where=in_stock)
