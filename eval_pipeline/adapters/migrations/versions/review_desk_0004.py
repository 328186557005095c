"""Adds the review desk: leases, skips, withdrawn labels, tokens and sessions; states in full."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ACTIVE = sa.text("ended_at IS NULL")
HOLDING = sa.text("ended_at IS NULL AND purpose <> 'correct'")
WAITING = sa.text("state IN ('open', 'labelled')")
NO_CORRECTION = sa.text("corrects IS NULL")


def upgrade() -> None:
    """Adds columns and tables, then says of each task already labelled what it is now.

    A store that holds two uncorrected labels of one task by one person, which its program always
    refused, cannot be migrated: the unique index says so, and nothing is changed.
    """
    _extend_tasks_and_people()
    _create_leases()
    for table in ("labels", "adjudications"):
        _extend_answers(table)
    _create_withdrawals_of_labels()
    _create_sign_in()
    _forbid_changes_of_the_audit_trail()
    _name_states()


def _extend_tasks_and_people() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column(
        "review_tasks",
        sa.Column("labels_needed", sa.Integer(), nullable=False, server_default="2"),
    )
    op.add_column(
        "review_tasks", sa.Column("priority", sa.Float(), nullable=False, server_default="0")
    )
    op.add_column("review_tasks", sa.Column("expected_minutes", sa.Float(), nullable=True))
    op.add_column("review_tasks", sa.Column("known_label", sa.String(length=16), nullable=True))
    op.create_index(
        "ix_review_tasks_states",
        "review_tasks",
        ["week", "state", "known_label", "priority", "task_id"],
    )
    op.create_index(
        "ix_review_tasks_queue",
        "review_tasks",
        [
            sa.desc("priority") if on_sqlite else "priority",
            "task_id",
            "week",
            "state",
            "labels_needed",
        ],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
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
    for name, columns, unique, where in (
        ("uq_review_leases_seat", ["task_id", "purpose", "seat"], True, ACTIVE),
        ("uq_review_leases_person", ["task_id", "annotator_id"], True, ACTIVE),
        ("uq_review_leases_holder", ["annotator_id", "purpose"], True, HOLDING),
        ("ix_review_leases_active", ["expires_at"], False, ACTIVE),
    ):
        op.create_index(
            name,
            "review_leases",
            columns,
            unique=unique,
            sqlite_where=where,
            postgresql_where=where,
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
    op.create_index(op.f("ix_review_skips_annotator_id"), "review_skips", ["annotator_id"])


def _extend_answers(table: str) -> None:
    for column in (
        sa.Column("failure_mode", sa.String(length=80), nullable=True),
        sa.Column("confidence", sa.String(length=8), nullable=True),
        sa.Column("criteria_json", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
    ):
        op.add_column(table, column)
    # In one statement on both databases: SQLite adds no constraint later, and a table that is
    # copied instead loses the corrections that point into it.
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN lease_id VARCHAR(64) "
        f"CONSTRAINT fk_{table}_lease_id_review_leases REFERENCES review_leases (lease_id)"
    )
    op.create_index(f"uq_{table}_lease_id", table, ["lease_id"], unique=True)
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
    else:
        op.create_index(
            op.f("ix_adjudications_adjudicated_by"),
            "adjudications",
            ["adjudicated_by", "adjudicated_at"],
        )


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
            "CREATE OR REPLACE FUNCTION audit_trail_is_append_only() RETURNS trigger "
            "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
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
    """The state of every task with an answer, erased ones left out.

    The rule is written out here as it was when this schema came, and stays so.
    """
    labels = connection.execute(
        sa.text("SELECT task_id, label_id, corrects, label, labelled_at FROM labels")
    ).all()
    decisions = connection.execute(
        sa.text(
            "SELECT task_id, adjudication_id, corrects, label, adjudicated_at FROM adjudications"
        )
    ).all()
    given: dict[str, list[str]] = {}
    for task_id, label, _ in sorted(_standing(labels), key=lambda row: row[2]):
        given.setdefault(task_id, []).append(label)
    states = {task_id: _labelled(answers) for task_id, answers in given.items()}
    corrected = {row[2] for row in decisions}
    latest = sorted((row for row in decisions if row[1] not in corrected), key=_said_at)
    for row in latest:
        states[row[0]] = "cannot_tell" if row[3] == "cannot_tell" else "adjudicated"
    erased = connection.execute(
        sa.text("SELECT task_id FROM review_tasks WHERE state = 'erased'")
    ).scalars()
    for task_id in erased:
        states.pop(task_id, None)
    return states


def _standing(rows: Sequence[Any]) -> Iterator[tuple[str, str, tuple[Any, str]]]:
    """Task, label, and when the person first labelled it, of labels that nothing corrects."""
    known = {row[1]: row for row in rows}
    corrected = {row[2] for row in rows}
    for row in rows:
        first = row
        while first[2] is not None:
            first = known[first[2]]
        if row[1] not in corrected:
            yield row[0], row[3], _said_at(first)


def _said_at(row: Any) -> tuple[Any, str]:
    return row[4], row[1]


def _labelled(answers: list[str]) -> str:
    if len(answers) < 2:  # noqa: PLR2004 - what every task needed then
        return "labelled"
    counted = Counter(answers[:2])
    return "agreed" if len(counted) == 1 and "cannot_tell" not in counted else "disputed"
