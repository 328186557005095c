"""The store's table of what named people decided about a candidate; append-only by triggers."""

import sqlalchemy as sa


def policy_records_table(metadata: sa.MetaData) -> sa.Table:
    """Waivers, approvals and promotions, a row each; no row is ever changed or removed."""
    return sa.Table(
        "policy_records",
        metadata,
        sa.Column("entry", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("record_id", sa.String(64), nullable=False, unique=True),
        sa.Column("action", sa.String(16), nullable=False),  # waive | approve | promote
        sa.Column("candidate_id", sa.String(255), nullable=False, index=True),
        sa.Column("candidate_fingerprint", sa.String(64), nullable=False),
        sa.Column("baseline_id", sa.String(255), nullable=False),
        sa.Column("baseline_fingerprint", sa.String(64), nullable=False),
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("subsets_json", sa.Text, nullable=False),  # what a waiver names
        sa.Column("blocked_subsets_json", sa.Text, nullable=False),  # proven harm then
        sa.Column("decided_by", sa.String(80), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", sa.Date),  # a waiver's last day; null for the others
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
    )
