"""The operational store's tables: reviews, withdrawals, audit trail, call journal, sightings.

Append-only except states: of tasks, leases, annotators' terms, tokens, sessions, claims,
batches and deliveries of alerts. A correction is a new row that points at the old one.
Alembic's migrations, under `migrations/`, are the only way to this schema.
"""

import sqlalchemy as sa

from eval_pipeline.adapters.alerting.schema import alert_deliveries_table
from eval_pipeline.adapters.policy_schema import policy_records_table

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UtcInstant = sa.DateTime(timezone=True)

review_tasks = sa.Table(
    "review_tasks",
    metadata,
    sa.Column("task_id", sa.String(64), primary_key=True),
    sa.Column("week", sa.String(10), nullable=False, index=True),
    sa.Column("interaction_id", sa.String(255), nullable=False),
    sa.Column("selection", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("label_probability", sa.Float, nullable=False),
    sa.Column("rubric_id", sa.String(96), nullable=False),
    sa.Column("subject_json", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("opened_at", UtcInstant, nullable=False),
    sa.Column("labels_needed", sa.Integer, nullable=False, server_default="2"),
    sa.Column("priority", sa.Float, nullable=False, server_default="0"),
    sa.Column("expected_minutes", sa.Float),
    sa.Column("known_label", sa.String(16)),  # of a gold check; null for every other task
    sa.UniqueConstraint("week", "interaction_id"),
    # Both hold all that choosing a task reads: in a row it stands behind the text, however long.
    sa.Index("ix_review_tasks_states", "week", "state", "known_label", "priority", "task_id"),
    # What waits for labels. On SQLite, which tells nobody the direction of an index, the migration
    # makes `priority` descend: the queue is then read from its top and no further than needed.
    sa.Index(
        "ix_review_tasks_queue",
        "priority",
        "task_id",
        "week",
        "state",
        "labels_needed",
        sqlite_where=sa.text("state IN ('open', 'labelled')"),
        postgresql_where=sa.text("state IN ('open', 'labelled')"),
    ),
)

annotators = sa.Table(
    "annotators",
    metadata,
    sa.Column("annotator_id", sa.String(80), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("may_adjudicate", sa.Boolean, nullable=False),
    sa.Column("added_at", UtcInstant, nullable=False),
    sa.Column("may_administer", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("weekly_budget", sa.Integer),  # null: the policy's
    sa.Column("left_at", UtcInstant),  # null while at the desk
)

review_leases = sa.Table(
    "review_leases",
    metadata,
    sa.Column("lease_id", sa.String(64), primary_key=True),
    sa.Column("task_id", sa.ForeignKey("review_tasks.task_id"), nullable=False, index=True),
    sa.Column("annotator_id", sa.ForeignKey("annotators.annotator_id"), nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),  # label | adjudicate | correct
    sa.Column("seat", sa.Integer, nullable=False),
    sa.Column("leased_at", UtcInstant, nullable=False),
    sa.Column("expires_at", UtcInstant, nullable=False),
    sa.Column("ended_at", UtcInstant),
    sa.Column("outcome", sa.String(16)),  # answered | skipped | released | expired; null: active
    sa.Column("revealed_at", UtcInstant),  # when the answerer was shown what the judges said
    # Whatever the code does, the database gives no seat to two people and nobody two seats.
    sa.Index(
        "uq_review_leases_seat",
        "task_id",
        "purpose",
        "seat",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index(
        "uq_review_leases_person",
        "task_id",
        "annotator_id",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index(
        "uq_review_leases_holder",
        "annotator_id",
        "purpose",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL AND purpose <> 'correct'"),
        postgresql_where=sa.text("ended_at IS NULL AND purpose <> 'correct'"),
    ),
    sa.Index(
        "ix_review_leases_active",
        "expires_at",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

review_skips = sa.Table(
    "review_skips",
    metadata,
    sa.Column("task_id", sa.ForeignKey("review_tasks.task_id"), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotators.annotator_id"), primary_key=True),
    sa.Column("lease_id", sa.ForeignKey("review_leases.lease_id"), nullable=False),
    sa.Column("reason", sa.String(24), nullable=False),
    sa.Column("skipped_at", UtcInstant, nullable=False),
    sa.Index(None, "annotator_id"),
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("label_id", sa.String(64), primary_key=True),
    sa.Column("task_id", sa.ForeignKey("review_tasks.task_id"), nullable=False, index=True),
    sa.Column("annotator_id", sa.ForeignKey("annotators.annotator_id"), nullable=False),
    sa.Column("label", sa.String(16), nullable=False),
    sa.Column("rationale", sa.Text, nullable=False),
    sa.Column("reference_response", sa.Text),
    sa.Column("labelled_at", UtcInstant, nullable=False),
    sa.Column("corrects", sa.ForeignKey("labels.label_id"), unique=True),
    sa.Column("failure_mode", sa.String(80)),
    sa.Column("confidence", sa.String(8)),  # low | medium | high
    sa.Column("criteria_json", sa.Text),  # by criterion: whether it is met, null for cannot tell
    sa.Column("seconds", sa.Float),  # that the answer took; null where nobody measured it
    sa.Column("lease_id", sa.ForeignKey("review_leases.lease_id")),
    sa.Index("uq_labels_lease_id", "lease_id", unique=True),
    sa.Index(
        "uq_labels_person",
        "task_id",
        "annotator_id",
        unique=True,
        sqlite_where=sa.text("corrects IS NULL"),
        postgresql_where=sa.text("corrects IS NULL"),
    ),
    sa.Index(None, "annotator_id", "labelled_at"),
)

label_withdrawals = sa.Table(
    "label_withdrawals",
    metadata,
    sa.Column("label_id", sa.ForeignKey("labels.label_id"), primary_key=True),
    sa.Column("withdrawn_by", sa.String(80), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("withdrawn_at", UtcInstant, nullable=False),
)

adjudications = sa.Table(
    "adjudications",
    metadata,
    sa.Column("adjudication_id", sa.String(64), primary_key=True),
    sa.Column("task_id", sa.ForeignKey("review_tasks.task_id"), nullable=False, index=True),
    sa.Column("label", sa.String(16), nullable=False),
    sa.Column("adjudicated_by", sa.ForeignKey("annotators.annotator_id"), nullable=False),
    sa.Column("rationale", sa.Text, nullable=False),
    sa.Column("reference_response", sa.Text),
    sa.Column("adjudicated_at", UtcInstant, nullable=False),
    sa.Column("corrects", sa.ForeignKey("adjudications.adjudication_id"), unique=True),
    sa.Column("failure_mode", sa.String(80)),
    sa.Column("confidence", sa.String(8)),  # low | medium | high
    sa.Column("criteria_json", sa.Text),  # by criterion: whether it is met, null for cannot tell
    sa.Column("seconds", sa.Float),  # that the answer took; null where nobody measured it
    sa.Column("lease_id", sa.ForeignKey("review_leases.lease_id")),
    sa.Index("uq_adjudications_lease_id", "lease_id", unique=True),
    sa.Index(None, "adjudicated_by", "adjudicated_at"),
)

desk_tokens = sa.Table(
    "desk_tokens",
    metadata,
    sa.Column("token_id", sa.String(24), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotators.annotator_id"), nullable=False, index=True),
    sa.Column("secret_hash", sa.String(64), nullable=False),  # SHA-256 of a random 256-bit secret
    sa.Column("note", sa.String(120), nullable=False),
    sa.Column("created_by", sa.String(80), nullable=False),
    sa.Column("created_at", UtcInstant, nullable=False),
    sa.Column("expires_at", UtcInstant, nullable=False),
    sa.Column("revoked_at", UtcInstant),
)

desk_sessions = sa.Table(
    "desk_sessions",
    metadata,
    sa.Column("session_hash", sa.String(64), primary_key=True),
    sa.Column("annotator_id", sa.ForeignKey("annotators.annotator_id"), nullable=False, index=True),
    sa.Column("token_id", sa.ForeignKey("desk_tokens.token_id")),  # null: a trusted proxy's word
    sa.Column("created_at", UtcInstant, nullable=False),
    sa.Column("expires_at", UtcInstant, nullable=False),
    sa.Column("ended_at", UtcInstant),
)

audit_trail = sa.Table(
    "audit_trail",
    metadata,
    sa.Column("entry", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcInstant, nullable=False),
    sa.Column("actor", sa.String(80), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    sa.Column("detail_json", sa.Text, nullable=False),
)

golden_withdrawals = sa.Table(
    "golden_withdrawals",
    metadata,
    sa.Column("entry", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("item_id", sa.String(255), nullable=False, index=True),
    sa.Column("action", sa.String(16), nullable=False),  # withdraw | reinstate
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_at", UtcInstant, nullable=False),
)

call_attempts = sa.Table(
    "call_attempts",
    metadata,
    sa.Column("scope", sa.String(160), primary_key=True),
    sa.Column("system_id", sa.String(120), primary_key=True),
    sa.Column("item_id", sa.String(255), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("request_fingerprint", sa.String(64), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),  # answered | refused | failed
    sa.Column("error_code", sa.String(40)),
    sa.Column("text", sa.Text),
    sa.Column("requested_model", sa.String(160), nullable=False),
    sa.Column("served_model", sa.String(160)),
    sa.Column("system_fingerprint", sa.String(160)),
    sa.Column("finish_reason", sa.String(40)),
    sa.Column("input_tokens", sa.Integer),
    sa.Column("output_tokens", sa.Integer),
    sa.Column("cost_usd", sa.Float),
    sa.Column("latency_seconds", sa.Float),
    sa.Column("recorded_at", UtcInstant, nullable=False),
    sa.Column("first_byte_seconds", sa.Float),
    sa.Column("headers_json", sa.Text),
    sa.Column("batch_id", sa.String(160)),
    sa.Index(None, "system_id", "recorded_at"),
)

call_claims = sa.Table(
    "call_claims",
    metadata,
    sa.Column("scope", sa.String(160), primary_key=True),
    sa.Column("system_id", sa.String(120), primary_key=True),
    sa.Column("item_id", sa.String(255), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("request_fingerprint", sa.String(64), primary_key=True),
    sa.Column("claimed_by", sa.String(255), nullable=False),
    sa.Column("claimed_at", UtcInstant, nullable=False),
    sa.Column("expires_at", UtcInstant, nullable=False),
)

call_batches = sa.Table(
    "call_batches",
    metadata,
    sa.Column("batch_id", sa.String(160), primary_key=True),  # the provider's own id
    sa.Column("provider", sa.String(80), nullable=False),
    sa.Column("scope", sa.String(160), nullable=False, index=True),
    sa.Column("purpose", sa.String(160), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("submitted_at", UtcInstant, nullable=False),
    sa.Column("ended_at", UtcInstant),
    sa.Column("calls_json", sa.Text, nullable=False),  # custom id -> call key; no texts
    sa.Column("error", sa.Text),
)

provider_sightings = sa.Table(
    "provider_sightings",
    metadata,
    sa.Column("sighting", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("system_id", sa.String(120), nullable=False, index=True),
    sa.Column("seen_at", UtcInstant, nullable=False),
    sa.Column("served_model", sa.String(160)),
    sa.Column("system_fingerprint", sa.String(160)),
    sa.Column("sighting_json", sa.Text, nullable=False),
    sa.Column("canaries", sa.Integer, nullable=False),
    sa.Column("changed_answers", sa.Integer, nullable=False),
    sa.Column("finding", sa.String(16), nullable=False),  # first | same | changed
    sa.Column("candidate_id", sa.String(160)),
)

policy_records = policy_records_table(metadata)
alert_deliveries = alert_deliveries_table(metadata)
