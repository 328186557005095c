"""Adds the review desk: leases, skips, withdrawn labels, tokens and sessions; states in full."""

from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ACTIVE = sa.text("ended_at IS NULL")
NO_CORRECTION = sa.text("corrects IS NULL")


def upgrade() -> None:
    """Adds columns and tables, then says of each task already labelled what it is now."""
    _extend_tasks_and_people()
    _create_leases()
    for table in ("labels", "adjudications"):
        _extend_answers(table)
    _create_withdrawals_of_labels()
    _create_sign_in()
    _forbid_changes_of_the_audit_trail()
    _name_states()


def _extend_tasks_and_people() -> None:
    op.add_column(
        "review_tasks",
        sa.Column("labels_needed", sa.Integer(), nullable=False, server_default="2"),
    )
    op.add_column(
        "review_tasks", sa.Column("priority", sa.Float(), nullable=False, server_default="0")
    )
    op.add_column("review_tasks", sa.Column("expected_minutes", sa.Float(), nullable=True))
    op.add_column("review_tasks", sa.Column("known_label", sa.String(length=16), nullable=True))
    op.create_index(op.f("ix_review_tasks_state"), "review_tasks", ["state", "week"])
    op.add_column(
        "annotators",
        sa.Column("may_administer", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("annotators", sa.Column("weekly_budget", sa.Integer(), nullable=True))
    op.add_column("annotators", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))


def _create_leases() -> None:
    op.create_table(
        "review_leases",
        sa.Column("lease_id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("annotator_id", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("leased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"],
            ["review_tasks.task_id"],
            name=op.f("fk_review_leases_task_id_review_tasks"),
        ),
        sa.ForeignKeyConstraint(
            ["annotator_id"],
            ["annotators.annotator_id"],
            name=op.f("fk_review_leases_annotator_id_annotators"),
        ),
        sa.PrimaryKeyConstraint("lease_id", name=op.f("pk_review_leases")),
    )
    op.create_index(op.f("ix_review_leases_task_id"), "review_leases", ["task_id"])
    for name, columns, unique in (
        ("uq_review_leases_seat", ["task_id", "purpose", "seat"], True),
        ("uq_review_leases_person", ["task_id", "annotator_id"], True),
        ("ix_review_leases_active", ["expires_at"], False),
    ):
        op.create_index(
            name,
            "review_leases",
            columns,
            unique=unique,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        )
    op.create_table(
        "review_skips",
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("annotator_id", sa.String(length=80), nullable=False),
        sa.Column("lease_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("skipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["review_tasks.task_id"], name=op.f("fk_review_skips_task_id_review_tasks")
        ),
        sa.ForeignKeyConstraint(
            ["annotator_id"],
            ["annotators.annotator_id"],
            name=op.f("fk_review_skips_annotator_id_annotators"),
        ),
        sa.ForeignKeyConstraint(
            ["lease_id"],
            ["review_leases.lease_id"],
            name=op.f("fk_review_skips_lease_id_review_leases"),
        ),
        sa.PrimaryKeyConstraint("task_id", "annotator_id", name=op.f("pk_review_skips")),
    )


def _extend_answers(table: str) -> None:
    with op.batch_alter_table(table) as batch:
        batch.add_column(sa.Column("failure_mode", sa.String(length=80), nullable=True))
        batch.add_column(sa.Column("confidence", sa.String(length=8), nullable=True))
        batch.add_column(sa.Column("criteria_json", sa.Text(), nullable=True))
        batch.add_column(sa.Column("seconds", sa.Float(), nullable=True))
        batch.add_column(sa.Column("lease_id", sa.String(length=64), nullable=True))
        batch.create_foreign_key(
            op.f(f"fk_{table}_lease_id_review_leases"), "review_leases", ["lease_id"], ["lease_id"]
        )
        batch.create_unique_constraint(op.f(f"uq_{table}_lease_id"), ["lease_id"])
    if table == "labels":
        op.create_index(
            "uq_labels_person",
            "labels",
            ["task_id", "annotator_id"],
            unique=True,
            sqlite_where=NO_CORRECTION,
            postgresql_where=NO_CORRECTION,
        )
        op.create_index(op.f("ix_labels_annotator_id"), "labels", ["annotator_id", "labelled_at"])


def _create_withdrawals_of_labels() -> None:
    op.create_table(
        "label_withdrawals",
        sa.Column("label_id", sa.String(length=64), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["label_id"], ["labels.label_id"], name=op.f("fk_label_withdrawals_label_id_labels")
        ),
        sa.PrimaryKeyConstraint("label_id", name=op.f("pk_label_withdrawals")),
    )


def _create_sign_in() -> None:
    op.create_table(
        "desk_tokens",
        sa.Column("token_id", sa.String(length=24), nullable=False),
        sa.Column("annotator_id", sa.String(length=80), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=120), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["annotator_id"],
            ["annotators.annotator_id"],
            name=op.f("fk_desk_tokens_annotator_id_annotators"),
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_desk_tokens")),
    )
    op.create_index(op.f("ix_desk_tokens_annotator_id"), "desk_tokens", ["annotator_id"])
    op.create_table(
        "desk_sessions",
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("annotator_id", sa.String(length=80), nullable=False),
        sa.Column("token_id", sa.String(length=24), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["annotator_id"],
            ["annotators.annotator_id"],
            name=op.f("fk_desk_sessions_annotator_id_annotators"),
        ),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["desk_tokens.token_id"],
            name=op.f("fk_desk_sessions_token_id_desk_tokens"),
        ),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_desk_sessions")),
    )
    op.create_index(op.f("ix_desk_sessions_annotator_id"), "desk_sessions", ["annotator_id"])


def _forbid_changes_of_the_audit_trail() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION audit_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_trail_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON audit_trail FOR EACH STATEMENT EXECUTE FUNCTION audit_trail_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_trail_refuses_{verb.lower()} BEFORE {verb} ON audit_trail "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )


def _name_states() -> None:
    """Before, `labelled` meant any label and `adjudicated` any decision; two labels sufficed."""
    connection = op.get_bind()
    tasks = sa.table("review_tasks", sa.column("task_id"), sa.column("state"))
    for task_id, state in _states_now(connection).items():
        connection.execute(sa.update(tasks).where(tasks.c.task_id == task_id).values(state=state))


def _states_now(connection: sa.Connection) -> dict[str, str]:
    standing = (
        "SELECT task_id, label FROM {table} WHERE {key} NOT IN "
        "(SELECT corrects FROM {table} WHERE corrects IS NOT NULL) ORDER BY {at}, {key}"
    )
    labels = connection.execute(
        sa.text(standing.format(table="labels", key="label_id", at="labelled_at"))
    ).all()
    decisions = connection.execute(
        sa.text(standing.format(table="adjudications", key="adjudication_id", at="adjudicated_at"))
    ).all()
    given: dict[str, list[str]] = {}
    for task_id, label in labels:
        given.setdefault(task_id, []).append(label)
    states = {task_id: _labelled(answers) for task_id, answers in given.items()}
    for task_id, label in decisions:
        states[task_id] = "cannot_tell" if label == "cannot_tell" else "adjudicated"
    erased = connection.execute(
        sa.text("SELECT task_id FROM review_tasks WHERE state = 'erased'")
    ).scalars()
    for task_id in erased:
        states.pop(task_id, None)
    return states


def _labelled(answers: list[str]) -> str:
    if len(answers) < 2:  # noqa: PLR2004 - what every task needed then
        return "labelled"
    counted = Counter(answers[:2])
    return "agreed" if len(counted) == 1 and "cannot_tell" not in counted else "disputed"
