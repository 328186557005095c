"""Stores as every earlier program left them: each schema with rows in all of its tables."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from eval_pipeline.adapters.migrations.running import upgrade

NOON = dt.datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=dt.UTC)
ROWS = 3
OWN_RULES = {("review_tasks", "state")}
"""What a migration is meant to change: `test_desk_migration.py` says into what."""

Row = dict[str, Any]


def store_of(url: str, revision: str) -> dict[str, list[Row]]:
    """Makes the store of that schema in an empty database; the rows that its tables hold."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            upgrade(connection, revision)
        tables = tables_in(engine)
        held: dict[str, list[Row]] = {}
        with engine.begin() as connection:
            for table in tables.sorted_tables:
                if table.name != "alembic_version":
                    held[table.name] = [_row(table, number, held) for number in range(ROWS)]
                    connection.execute(table.insert(), held[table.name])
    finally:
        engine.dispose()
    return held


def tables_in(engine: sa.Engine) -> sa.MetaData:
    """The tables as the database has them."""
    found = sa.MetaData()
    found.reflect(engine)
    return found


def rows_now(url: str, held: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """The same columns of the same tables, as they are now."""
    engine = sa.create_engine(url)
    try:
        tables = tables_in(engine)
        with engine.connect() as connection:
            return {
                name: [
                    {column: _read(row[column]) for column in rows[0]}
                    for row in connection.execute(
                        sa.select(tables.tables[name]).order_by(*tables.tables[name].primary_key)
                    ).mappings()
                ]
                for name, rows in held.items()
            }
    finally:
        engine.dispose()


def comparable(held: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows without what a migration is meant to change, in one order."""
    return {
        name: sorted(
            ({k: _read(v) for k, v in row.items() if (name, k) not in OWN_RULES} for row in rows),
            key=repr,
        )
        for name, rows in held.items()
    }


def shape_of(url: str) -> dict[str, Any]:
    """Everything that the database enforces: columns, keys, references, indexes, triggers."""
    engine = sa.create_engine(url)
    try:
        inspector = sa.inspect(engine)
        shape: dict[str, Any] = {
            name: {
                "columns": sorted(
                    (c["name"], str(c["type"]), c["nullable"], _default(c.get("default")))
                    for c in inspector.get_columns(name)
                ),
                "key": inspector.get_pk_constraint(name)["constrained_columns"],
                "references": sorted(
                    (key["name"] or "", *key["constrained_columns"], key["referred_table"])
                    for key in inspector.get_foreign_keys(name)
                ),
                "unique": sorted(
                    tuple(one["column_names"]) for one in inspector.get_unique_constraints(name)
                ),
                "indexes": sorted(
                    (one["name"], tuple(map(str, one["column_names"])), bool(one["unique"]),
                     _options(one))
                    for one in inspector.get_indexes(name)
                ),
            }
            for name in inspector.get_table_names()
        }  # fmt: skip
        with engine.connect() as connection:
            shape["triggers"] = sorted(connection.execute(sa.text(_triggers(engine))).scalars())
    finally:
        engine.dispose()
    return shape


def _options(index: Any) -> str:
    return str(sorted((k, str(v)) for k, v in (index.get("dialect_options") or {}).items()))


def _triggers(engine: sa.Engine) -> str:
    if engine.dialect.name == "postgresql":
        return "SELECT DISTINCT tgname FROM pg_trigger WHERE NOT tgisinternal"
    return "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def _default(value: Any) -> str:
    return "" if value is None else str(value).strip("()'\"").partition("::")[0].strip("'\"")


def _row(table: sa.Table, number: int, held: Mapping[str, list[Row]]) -> Row:
    return {column.name: _value(table, column, number, held) for column in table.columns}


def _value(  # noqa: PLR0911 - one for each type
    table: sa.Table, column: sa.Column[Any], number: int, held: Mapping[str, list[Row]]
) -> Any:
    for key in column.foreign_keys:
        if key.column.table is table:
            return None
        return held[key.column.table.name][number][key.column.name]
    if column.nullable and number == 1:
        return None
    if isinstance(column.type, sa.Boolean):
        return number == 0
    if isinstance(column.type, sa.DateTime):
        return NOON + dt.timedelta(days=number)
    if isinstance(column.type, sa.Date):
        return (NOON + dt.timedelta(days=number)).date()
    if isinstance(column.type, sa.Integer):
        return number + 1
    if isinstance(column.type, sa.Float):
        return number + 0.1
    if (table.name, column.name) in OWN_RULES:
        return "open"
    text = f"{column.name}-{number} \u2028 \u00fc'\""
    return text[: column.type.length] if getattr(column.type, "length", None) else text


def _read(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    return value
