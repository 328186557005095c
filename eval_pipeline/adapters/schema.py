"""The operational store's tables: reviews, withdrawals, audit trail, call journal, sightings.

Append-only except `review_tasks.state`, claims and the state of batches: a correction is a new row
that points at the old one.
Alembic's migrations, under `migrations/`, are the only way to this schema.
"""

import sqlalchemy as sa

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
    sa.UniqueConstraint("week", "interaction_id"),
)

annotators = sa.Table(
    "annotators",
    metadata,
    sa.Column("annotator_id", sa.String(80), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("may_adjudicate", sa.Boolean, nullable=False),
    sa.Column("added_at", UtcInstant, nullable=False),
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
