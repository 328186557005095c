"""Adds the record of golden items that a person took out of the set, or put back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "golden_withdrawals",
        sa.Column("entry", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("item_id", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_golden_withdrawals")),
    )
    op.create_index(op.f("ix_golden_withdrawals_item_id"), "golden_withdrawals", ["item_id"])
