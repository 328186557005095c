"""The store's table of what was told to which channel."""

import sqlalchemy as sa


def alert_deliveries_table(metadata: sa.MetaData) -> sa.Table:
    """One row per event and channel; `status` and the instants of a row change, rows stay."""
    return sa.Table(
        "alert_deliveries",
        metadata,
        sa.Column("identity", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(80), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),  # info | warn | page
        sa.Column("event_json", sa.Text, nullable=False),  # names, counts, verdicts; no texts
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurrences", sa.Integer, nullable=False),  # looks at which it was there
        sa.Column("status", sa.String(16), nullable=False),  # pending | sent | failed
        sa.Column("sends", sa.Integer, nullable=False),  # how often the channel took it
        sa.Column("failures", sa.Integer, nullable=False),  # since the channel last took it
        sa.Column("error_code", sa.String(40)),  # of the last failure; null where none followed
        sa.Column("sent_at", sa.DateTime(timezone=True)),  # the last time; null: never
        sa.Column("sent_severity", sa.String(8)),  # as it was then
        sa.Column("resolved_at", sa.DateTime(timezone=True)),  # null while it lasts
        sa.Column("claimed_by", sa.String(64)),  # who is sending it
        sa.Column("held_until", sa.DateTime(timezone=True)),  # nobody else sends it before
        sa.Index(None, "channel", "status"),
    )
