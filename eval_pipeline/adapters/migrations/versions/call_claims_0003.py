"""Adds to the journal how an answer came; adds claims of calls, and batches at providers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns, null for what was recorded before, and creates the tables."""
    op.add_column("call_attempts", sa.Column("first_byte_seconds", sa.Float(), nullable=True))
    op.add_column("call_attempts", sa.Column("headers_json", sa.Text(), nullable=True))
    op.add_column("call_attempts", sa.Column("batch_id", sa.String(length=160), nullable=True))
    op.create_index(
        op.f("ix_call_attempts_system_id"), "call_attempts", ["system_id", "recorded_at"]
    )
    op.create_table(
        "call_claims",
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("system_id", sa.String(length=120), nullable=False),
        sa.Column("item_id", sa.String(length=255), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("request_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("claimed_by", sa.String(length=255), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "scope",
            "system_id",
            "item_id",
            "trial",
            "request_fingerprint",
            name=op.f("pk_call_claims"),
        ),
    )
    op.create_table(
        "call_batches",
        sa.Column("batch_id", sa.String(length=160), nullable=False),
        sa.Column("provider", sa.String(length=80), nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("purpose", sa.String(length=160), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calls_json", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_call_batches")),
    )
    op.create_index(op.f("ix_call_batches_scope"), "call_batches", ["scope"])
