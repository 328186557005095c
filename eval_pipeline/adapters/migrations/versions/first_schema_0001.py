"""The operational store's first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates every table."""
    _create_journal()
    _create_review()


def _create_journal() -> None:
    op.create_table(
        "audit_trail",
        sa.Column("entry", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("detail_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_audit_trail")),
    )
    op.create_table(
        "call_attempts",
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("system_id", sa.String(length=120), nullable=False),
        sa.Column("item_id", sa.String(length=255), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("request_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("requested_model", sa.String(length=160), nullable=False),
        sa.Column("served_model", sa.String(length=160), nullable=True),
        sa.Column("system_fingerprint", sa.String(length=160), nullable=True),
        sa.Column("finish_reason", sa.String(length=40), nullable=True),
        sa.Column("input_tokens", sa.Integer(), nullable=True),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("latency_seconds", sa.Float(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "scope",
            "system_id",
            "item_id",
            "trial",
            "request_fingerprint",
            "attempt",
            name=op.f("pk_call_attempts"),
        ),
    )
    op.create_table(
        "provider_sightings",
        sa.Column("sighting", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("system_id", sa.String(length=120), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("served_model", sa.String(length=160), nullable=True),
        sa.Column("system_fingerprint", sa.String(length=160), nullable=True),
        sa.Column("sighting_json", sa.Text(), nullable=False),
        sa.Column("canaries", sa.Integer(), nullable=False),
        sa.Column("changed_answers", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=16), nullable=False),
        sa.Column("candidate_id", sa.String(length=160), nullable=True),
        sa.PrimaryKeyConstraint("sighting", name=op.f("pk_provider_sightings")),
    )
    op.create_index(
        op.f("ix_provider_sightings_system_id"), "provider_sightings", ["system_id"], unique=False
    )


def _create_review() -> None:
    op.create_table(
        "annotators",
        sa.Column("annotator_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("may_adjudicate", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("annotator_id", name=op.f("pk_annotators")),
    )
    op.create_table(
        "review_tasks",
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("week", sa.String(length=10), nullable=False),
        sa.Column("interaction_id", sa.String(length=255), nullable=False),
        sa.Column("selection", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("label_probability", sa.Float(), nullable=False),
        sa.Column("rubric_id", sa.String(length=96), nullable=False),
        sa.Column("subject_json", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_review_tasks")),
        sa.UniqueConstraint("week", "interaction_id", name=op.f("uq_review_tasks_week")),
    )
    op.create_index(op.f("ix_review_tasks_week"), "review_tasks", ["week"], unique=False)
    op.create_table(
        "adjudications",
        sa.Column("adjudication_id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("adjudicated_by", sa.String(length=80), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("reference_response", sa.Text(), nullable=True),
        sa.Column("adjudicated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrects", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["adjudicated_by"],
            ["annotators.annotator_id"],
            name=op.f("fk_adjudications_adjudicated_by_annotators"),
        ),
        sa.ForeignKeyConstraint(
            ["corrects"],
            ["adjudications.adjudication_id"],
            name=op.f("fk_adjudications_corrects_adjudications"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["review_tasks.task_id"],
            name=op.f("fk_adjudications_task_id_review_tasks"),
        ),
        sa.PrimaryKeyConstraint("adjudication_id", name=op.f("pk_adjudications")),
        sa.UniqueConstraint("corrects", name=op.f("uq_adjudications_corrects")),
    )
    op.create_index(op.f("ix_adjudications_task_id"), "adjudications", ["task_id"], unique=False)
    op.create_table(
        "labels",
        sa.Column("label_id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("annotator_id", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=16), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("reference_response", sa.Text(), nullable=True),
        sa.Column("labelled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrects", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["annotator_id"],
            ["annotators.annotator_id"],
            name=op.f("fk_labels_annotator_id_annotators"),
        ),
        sa.ForeignKeyConstraint(
            ["corrects"], ["labels.label_id"], name=op.f("fk_labels_corrects_labels")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["review_tasks.task_id"], name=op.f("fk_labels_task_id_review_tasks")
        ),
        sa.PrimaryKeyConstraint("label_id", name=op.f("pk_labels")),
        sa.UniqueConstraint("corrects", name=op.f("uq_labels_corrects")),
    )
    op.create_index(op.f("ix_labels_task_id"), "labels", ["task_id"], unique=False)


def downgrade() -> None:
    """Drops every table and what it holds."""
    for table in (
        "labels",
        "adjudications",
        "review_tasks",
        "provider_sightings",
        "call_attempts",
        "audit_trail",
        "annotators",
    ):
        op.drop_table(table)
