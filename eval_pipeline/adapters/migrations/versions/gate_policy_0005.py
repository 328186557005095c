"""Adds the record of waivers, approvals and promotions, which nobody can change afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table and forbids its change."""
    op.create_table(
        "policy_records",
        sa.Column("entry", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("candidate_id", sa.String(length=255), nullable=False),
        sa.Column("candidate_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("baseline_id", sa.String(length=255), nullable=False),
        sa.Column("baseline_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("subsets_json", sa.Text(), nullable=False),
        sa.Column("blocked_subsets_json", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_policy_records")),
        sa.UniqueConstraint("record_id", name=op.f("uq_policy_records_record_id")),
    )
    op.create_index(op.f("ix_policy_records_candidate_id"), "policy_records", ["candidate_id"])
    _forbid_changes()


def _forbid_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION policy_records_are_append_only() RETURNS trigger "
            "LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'the policy records are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER policy_records_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON policy_records FOR EACH STATEMENT EXECUTE FUNCTION policy_records_are_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER policy_records_refuse_{verb.lower()} BEFORE {verb} ON policy_records "
            "BEGIN SELECT RAISE(ABORT, 'the policy records are append-only'); END"
        )
