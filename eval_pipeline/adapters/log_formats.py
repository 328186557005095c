"""Any log format as one relation `mapped`: canonical names, nested columns as JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.errors import LogSchemaError
from eval_pipeline.settings import LogsSettings
from eval_pipeline.tables import INTERACTION_COLUMNS

REQUIRED_COLUMNS: Final = (
    "interaction_id", "occurred_at", "conversation_id", "route", "messages", "response",
)  # fmt: skip
"""What the logs must have under some name; any other column is null where it is absent."""

_NESTED: Final = frozenset({"messages", "attributes"})
_PARQUET_ENDINGS: Final = frozenset({".parquet", ".pq"})
_JSON_ENDINGS: Final = frozenset({".jsonl", ".ndjson", ".json"})
_COMPRESSIONS: Final = frozenset({".gz", ".zst"})


def mapped_records(
    engine: duckdb.DuckDBPyConnection,
    *,
    settings: LogsSettings,
    files: Sequence[str],
    location: str,
    own_query: str | None,
    trust_statistics: bool,
) -> duckdb.DuckDBPyRelation:
    """One lazy row per record: canonical columns, `message_count` and `malformed`.

    `trust_statistics`: where Parquet's own statistics say that no conversation is empty, they are
    believed and the column of the texts is not read to count. Raises `LogSchemaError`.
    """
    if settings.format == "sql":
        path: object = files[0] if len(files) == 1 else list(files)
        records = engine.sql(own_query or "", params={"path": path})
        return _shaped(records, names=settings.columns, location=location)
    ending = _ending(files[0])
    if settings.format == "canonical" and ending in _PARQUET_ENDINGS:
        records = engine.sql(
            "SELECT * FROM read_parquet($files, union_by_name = true)",
            params={"files": list(files)},
        )
        filled = trust_statistics and _no_conversation_empty(
            engine, files=files, column=settings.columns.get("messages", "messages")
        )
        return _shaped(records, names=settings.columns, location=location, filled=filled)
    if ending not in _JSON_ENDINGS:
        raise LogSchemaError(
            location, f"a file ends in '{ending}'; '{settings.format}' reads {_readable(settings)}"
        )
    _view_lines(engine, files=files)
    if settings.format == "openai_jsonl":
        records = engine.sql(load_sql("sources/openai_jsonl"))
        return _shaped(records, names={}, location=location)
    records = _canonical_lines(engine, names=settings.columns, location=location)
    return _shaped(records, names={}, location=location)


def _readable(settings: LogsSettings) -> str:
    endings = sorted(_JSON_ENDINGS)
    if settings.format == "canonical":
        endings = sorted(_PARQUET_ENDINGS) + endings
    return ", ".join(endings)


def _ending(file: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(file).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _view_lines(engine: duckdb.DuckDBPyConnection, *, files: Sequence[str]) -> None:
    """The view `lines` (line JSON); a line that is not JSON is null, so that it can be counted."""
    engine.sql(
        "SELECT json AS line FROM read_ndjson_objects($files, ignore_errors = true)",
        params={"files": list(files)},
    ).create_view("lines")


def _canonical_lines(
    engine: duckdb.DuckDBPyConnection, *, names: Mapping[str, str], location: str
) -> duckdb.DuckDBPyRelation:
    keys = {row[0] for row in engine.sql(load_sql("sources/json_keys")).fetchall()}
    if keys:  # no key at all: every line is malformed, which the profile tells better
        _refuse_missing(keys, names=names, location=location)
    line = duckdb.ColumnExpression("line")
    columns = [
        duckdb.FunctionExpression(
            "json_extract" if name in _NESTED else "json_extract_string",
            line,
            duckdb.ConstantExpression(_pointer(names.get(name, name))),
        ).alias(name)
        for name in INTERACTION_COLUMNS
    ]
    object_type = duckdb.ConstantExpression("OBJECT")
    malformed = duckdb.CaseExpression(
        duckdb.FunctionExpression("json_type", line) == object_type,
        duckdb.ConstantExpression(False),  # noqa: FBT003 - a SQL literal
    ).otherwise(duckdb.ConstantExpression(True))  # noqa: FBT003 - a SQL literal
    return engine.view("lines").select(*columns, malformed.alias("malformed"))


def _pointer(key: str) -> str:
    """The JSON pointer (RFC 6901) of a top-level key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _refuse_missing(present: set[str], *, names: Mapping[str, str], location: str) -> None:
    missing = [name for name in REQUIRED_COLUMNS if names.get(name, name) not in present]
    unknown = [theirs for theirs in names.values() if theirs not in present]
    if missing or unknown:
        looked_for = sorted({names.get(name, name) for name in missing} | set(unknown))
        raise LogSchemaError(
            location,
            f"no column {', '.join(repr(name) for name in looked_for)} "
            f"(needed as {', '.join(missing) or 'mapped'}); "
            f"present are {', '.join(sorted(present)[:30])}. "
            "`logs.columns` maps canonical names to yours",
        )


def _shaped(
    records: duckdb.DuckDBPyRelation,
    *,
    names: Mapping[str, str],
    location: str,
    filled: bool = False,
) -> duckdb.DuckDBPyRelation:
    """Renames by quoted identifiers, adds absent columns as null, turns nested ones to JSON."""
    types = {name: str(dtype) for name, dtype in zip(records.columns, records.types, strict=True)}
    _refuse_missing(set(types), names=names, location=location)
    columns = []
    for name in INTERACTION_COLUMNS:
        theirs = names.get(name, name)
        dtype = types.get(theirs)
        value = duckdb.ConstantExpression(None)
        if dtype is not None:
            value = duckdb.ColumnExpression(theirs)
        if name in _NESTED:
            value = _as_json(value, dtype=dtype)
        columns.append(value.alias(name))
    counted = _message_count(names.get("messages", "messages"), types=types, filled=filled)
    malformed = (
        duckdb.ColumnExpression("malformed")
        if types.get("malformed") == "BOOLEAN"
        else duckdb.ConstantExpression(False)  # noqa: FBT003 - a SQL literal
    )
    return records.select(*columns, counted.alias("message_count"), malformed.alias("malformed"))


def _as_json(value: duckdb.Expression, *, dtype: str | None) -> duckdb.Expression:
    if dtype is None:
        return value.cast("JSON")
    if dtype == "VARCHAR":
        valid = duckdb.FunctionExpression("json_valid", value)
        return duckdb.CaseExpression(valid, value.cast("JSON"))
    return value if dtype == "JSON" else duckdb.FunctionExpression("to_json", value)


def _message_count(theirs: str, *, types: Mapping[str, str], filled: bool) -> duckdb.Expression:
    """How many messages a record has, without turning a list into JSON to count it."""
    if filled:
        return duckdb.ConstantExpression(1)
    column = duckdb.ColumnExpression(theirs)
    if types[theirs] in {"VARCHAR", "JSON"}:
        return duckdb.FunctionExpression("json_array_length", _as_json(column, dtype=types[theirs]))
    if not types[theirs].endswith("]"):
        return duckdb.ConstantExpression(0)
    return duckdb.FunctionExpression("len", column)


def _no_conversation_empty(
    engine: duckdb.DuckDBPyConnection, *, files: Sequence[str], column: str
) -> bool:
    """Whether the files' statistics prove that every row has a message.

    A null or empty list leaves one null entry in its leaf column.
    """
    found = engine.sql(
        load_sql("sources/parquet_nulls"), params={"files": list(files), "column": column}
    ).fetchall()
    return bool(found[0][0])
