"""Which schema a store has, read so that no migration comes between that and what is written."""

import sqlalchemy as sa

MIGRATION_LOCK = 7_305_911_462_008_141
"""The key of PostgreSQL's advisory lock while migrations run; any constant will do."""

_SHARED = (
    f"SELECT pg_advisory_xact_lock_shared({MIGRATION_LOCK}); "  # noqa: S608 - a constant
    "SELECT version_num FROM alembic_version"
)
"""Two statements in one message: the second sees what was committed before the lock was had."""


def standing_schema(connection: sa.Connection) -> str | None:
    """The schema, which stays until the transaction ends; None where the store has none.

    On SQLite the transaction must be one that writes: then nobody else writes.
    """
    if connection.dialect.name != "postgresql":
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)
    result = connection.exec_driver_sql(_SHARED, execution_options={"no_parameters": True})
    cursor = result.cursor
    try:
        row = cursor.fetchone() if cursor is not None and cursor.nextset() else None
    finally:
        result.close()
    return None if row is None else str(row[0])
