"""Any log format as one relation `mapped`: canonical names, nested columns as JSON."""

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from eval_pipeline.adapters.logs.lines import ending, lines_of
from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.errors import LogSchemaError
from eval_pipeline.settings import LogsSettings
from eval_pipeline.settings.logs import LogFormat
from eval_pipeline.tables import INTERACTION_COLUMNS

REQUIRED_COLUMNS: Final = (
    "interaction_id", "occurred_at", "conversation_id", "route", "messages", "response",
)  # fmt: skip
"""What the logs must have under some name; any other column is null where it is absent."""

LOG_COLUMNS: Final = (*INTERACTION_COLUMNS, "arrived_at")
"""What can be mapped: the canonical interaction, and when its record reached the logs."""

JSON_ENDINGS: Final = frozenset({".jsonl", ".ndjson", ".json"})
PARQUET_ENDINGS: Final = frozenset({".parquet", ".pq"})
_NESTED: Final = frozenset({"messages", "attributes"})


def source_statement(log_format: LogFormat) -> str:
    """The SELECT that maps the view `lines` of this format (of otel_genai: the view `spans`)."""
    return load_sql(f"sources/{log_format}")


def is_parquet(settings: LogsSettings, files: Sequence[str]) -> bool:
    """Whether the files are Parquet in (nearly) canonical columns, which can be read one by one."""
    return settings.format == "canonical" and ending(files[0]) in PARQUET_ENDINGS


def mapped_records(
    engine: duckdb.DuckDBPyConnection,
    *,
    settings: LogsSettings,
    files: Sequence[str],
    location: str,
    own_query: str | None,
    records: duckdb.DuckDBPyRelation | None = None,
) -> duckdb.DuckDBPyRelation:
    """One lazy row per record: `LOG_COLUMNS`, and what can be known of texts without reading them.

    Those are `message_count`, `response_missing`, `attributes_missing` and `malformed`;
    `from_json` says that an id may be the text of a JSON object. `records` are some of the rows of
    Parquet files, read already. Raises `LogSchemaError`.
    """
    if settings.format == "sql":
        path: object = files[0] if len(files) == 1 else list(files)
        own = engine.sql(own_query or "", params={"path": path})
        return _shaped(own, names=settings.columns, location=location, from_json=True)
    if is_parquet(settings, files):
        column = settings.columns.get("messages", "messages")
        filled = records is None and _no_conversation_empty(engine, files=files, column=column)
        rows = _parquet_rows(engine, files=files) if records is None else records
        return _shaped(rows, names=settings.columns, location=location, filled=filled)
    lines_in(engine, files=files, location=location).create_view("lines")
    return mapped_lines(engine, settings=settings, location=location)


def mapped_lines(
    engine: duckdb.DuckDBPyConnection, *, settings: LogsSettings, location: str
) -> duckdb.DuckDBPyRelation:
    """What `mapped_records` gives, of the records in a table or view `lines`."""
    if settings.format == "canonical":
        return _canonical_lines(engine, names=settings.columns, location=location)
    if settings.format == "otel_genai":
        engine.sql(load_sql("sources/otel_spans")).create_view("spans")
    return engine.sql(source_statement(settings.format))


def lines_in(
    engine: duckdb.DuckDBPyConnection, *, files: Sequence[str], location: str
) -> duckdb.DuckDBPyRelation:
    """One JSON value per record of files that are all JSON lines, or all Parquet."""
    endings = {ending(file) for file in files}
    if endings <= JSON_ENDINGS:
        return lines_of(engine, files=files)
    if endings <= PARQUET_ENDINGS:
        _parquet_rows(engine, files=files).create_view("rows")
        return engine.sql(load_sql("sources/parquet_lines"))
    strange = sorted(endings - JSON_ENDINGS - PARQUET_ENDINGS) or sorted(endings)
    raise LogSchemaError(
        location,
        f"a file ends in '{strange[0]}'; logs are of one kind, Parquet "
        f"({', '.join(sorted(PARQUET_ENDINGS))}) or JSON ({', '.join(sorted(JSON_ENDINGS))}, "
        "also .gz or .zst)",
    )


def _parquet_rows(
    engine: duckdb.DuckDBPyConnection, *, files: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    return engine.sql(
        "SELECT * FROM read_parquet($files, union_by_name = true)", params={"files": list(files)}
    )


def rows_with_ids(
    engine: duckdb.DuckDBPyConnection, *, files: Sequence[str], names: Mapping[str, str]
) -> duckdb.DuckDBPyRelation:
    """The rows of Parquet files, under their own names, whose id is in the view `wanted`."""
    theirs = duckdb.ColumnExpression("rows", names.get("interaction_id", "interaction_id"))
    same = theirs.cast("VARCHAR") == duckdb.ColumnExpression("wanted", "interaction_id")
    rows = _parquet_rows(engine, files=files).set_alias("rows")
    return rows.join(engine.view("wanted").set_alias("wanted"), same, how="semi")


def _canonical_lines(
    engine: duckdb.DuckDBPyConnection, *, names: Mapping[str, str], location: str
) -> duckdb.DuckDBPyRelation:
    keys = {row[0] for row in engine.sql(load_sql("sources/json_keys")).fetchall()}
    if keys:  # no key at all: every line is malformed, which the profile tells better
        refuse_missing(keys, names=names, location=location)
    columns = [
        _part("json_extract" if name in _NESTED else "json_extract_string", names, name).alias(name)
        for name in LOG_COLUMNS
    ]
    is_object = _type("") == duckdb.ConstantExpression("OBJECT")
    malformed = duckdb.CaseExpression(is_object, _constant(value=False)).otherwise(
        _constant(value=True)
    )
    return engine.view("lines").select(
        *columns,
        _listed_messages(names).alias("message_count"),
        _part("json_extract_string", names, "response").isnull().alias("response_missing"),
        _part("json_extract_string", names, "attributes").isnull().alias("attributes_missing"),
        malformed.alias("malformed"),
        _constant(value=True).alias("from_json"),
    )


def _part(function: str, names: Mapping[str, str], name: str) -> duckdb.Expression:
    pointer = duckdb.ConstantExpression(_pointer(names.get(name, name)))
    return duckdb.FunctionExpression(function, duckdb.ColumnExpression("line"), pointer)


def _type(pointer: str) -> duckdb.Expression:
    line = duckdb.ColumnExpression("line")
    return duckdb.FunctionExpression("json_type", line, duckdb.ConstantExpression(pointer))


def _listed_messages(names: Mapping[str, str]) -> duckdb.Expression:
    """How many messages the line lists; none where they are no list of objects."""
    first = _type(_pointer(names.get("messages", "messages")) + "/0")
    return duckdb.CaseExpression(
        first == duckdb.ConstantExpression("OBJECT"), _part("json_array_length", names, "messages")
    ).otherwise(duckdb.ConstantExpression(0))


def _constant(*, value: bool) -> duckdb.Expression:
    return duckdb.ConstantExpression(value)


def _pointer(key: str) -> str:
    """The JSON pointer (RFC 6901) of a top-level key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def refuse_missing(present: set[str], *, names: Mapping[str, str], location: str) -> None:
    """Raises `LogSchemaError` if a column that is required or mapped is not among `present`."""
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
    from_json: bool = False,
) -> duckdb.DuckDBPyRelation:
    """Renames by quoted identifiers, adds absent columns as null, turns nested ones to JSON."""
    types = {name: str(dtype) for name, dtype in zip(records.columns, records.types, strict=True)}
    refuse_missing(set(types), names=names, location=location)
    columns = {name: _column(names.get(name, name), types=types) for name in LOG_COLUMNS}
    shown = [
        (_as_json(value, dtype=types.get(names.get(name, name))) if name in _NESTED else value)
        for name, value in columns.items()
    ]
    malformed = (
        duckdb.ColumnExpression("malformed")
        if types.get("malformed") == "BOOLEAN"
        else _constant(value=False)
    )
    counted = _message_count(names.get("messages", "messages"), types=types, filled=filled)
    return records.select(
        *(value.alias(name) for name, value in zip(columns, shown, strict=True)),
        counted.alias("message_count"),
        columns["response"].isnull().alias("response_missing"),
        columns["attributes"].isnull().alias("attributes_missing"),
        malformed.alias("malformed"),
        _constant(value=from_json).alias("from_json"),
    )


def _column(theirs: str, *, types: Mapping[str, str]) -> duckdb.Expression:
    if theirs in types:
        return duckdb.ColumnExpression(theirs)
    return duckdb.ConstantExpression(None)


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
