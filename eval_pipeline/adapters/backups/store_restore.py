"""A store made again from a backup: whole or not at all, and nobody's until it is released."""

import datetime as dt
from collections.abc import Callable

import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE, leave_trace
from eval_pipeline.adapters.backups.document import Document, FileEntry
from eval_pipeline.adapters.backups.store_rows import import_rows
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.migrations.running import known_revisions, upgrade
from eval_pipeline.adapters.schema import desk_tokens, metadata
from eval_pipeline.adapters.store import RESTORING, Store
from eval_pipeline.errors import BackupError

_versions = sa.table("alembic_version", sa.column("version_num", sa.String))


def refuse_unknown_schema(document: Document) -> None:
    """Raises `BackupError` for a backup of a store that a newer program had migrated."""
    if document.store_schema not in known_revisions():
        raise BackupError(
            f"The backup '{document.name}' holds a store of schema {document.store_schema}, and "
            f"this program knows {HEAD} and before: eval-pipeline {document.code_version} made it. "
            "Nothing was restored. Install that version or a later one."
        )


def refuse_full_store(store: Store) -> None:
    """Raises `BackupError` unless the store is empty, or was left half restored."""
    found = store.schema()
    if found in (None, RESTORING):
        return
    with store.reading() as connection:
        known = set(sa.inspect(connection).get_table_names())
        held = [
            table.name
            for table in metadata.sorted_tables
            if table.name in known
            and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        ]
    if held:
        raise BackupError(
            f"The store {store.address} is not empty: it has rows in {', '.join(held[:3])}. "
            "Nothing was restored or overwritten. Name an empty one under `storage.store`, or "
            "move this one away."
        )


def restore_store(
    store: Store, document: Document, *, get: Callable[[FileEntry], bytes], at: dt.datetime
) -> int:
    """Makes the store as it was, in the present schema, in one transaction; returns how many rows.

    It is left as `RESTORING`: no program opens it before `release_store`. Nobody is signed in, and
    tokens that were valid work no more: one that was revoked since the backup would be valid again.
    """
    with store.writing() as connection:
        metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
        upgrade(connection, document.store_schema)
        rows = import_rows(connection, document.tables, get=get)
        if document.store_schema != HEAD:
            upgrade(connection)
        connection.execute(
            sa.update(desk_tokens).where(desk_tokens.c.revoked_at.is_(None)).values(revoked_at=at)
        )
        leave_trace(
            connection,
            at=at,
            actor=PIPELINE,
            action="restore",
            subject=document.name,
            made_at=document.made_at.isoformat(),
            rows=rows,
        )
        connection.execute(sa.update(_versions).values(version_num=RESTORING))
    return rows


def release_store(store: Store) -> None:
    """Gives the restored store to every program."""
    with store.writing() as connection:
        connection.execute(sa.update(_versions).values(version_num=HEAD))
