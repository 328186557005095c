"""The view `mapped` on Spark: the logs' records by canonical names, without their texts."""

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from eval_pipeline.adapters.logs.formats import LOG_COLUMNS
from eval_pipeline.adapters.logs.lines import MAXIMUM_LINE_BYTES
from eval_pipeline.adapters.spark.dialect_variants import call, parsed_text, part
from eval_pipeline.errors import LogSchemaError

TEXTS: Final = frozenset({"messages", "response", "attributes"})
"""What a scan leaves out: it comes to the driver for the drawn interactions only."""

_KEYS: Final = ("interaction_id", "conversation_id", "route", "prompt_version", "requested_model")
_WRITTEN_ALIKE: Final = frozenset(
    {"string", "boolean", "tinyint", "smallint", "int", "bigint", "date", "void"}
)
_INSTANTS: Final = ("string", "timestamp", "timestamp_ntz", "date", "void")


def mapped_columns(
    types: Mapping[str, str], *, names: Mapping[str, str], location: str, from_json: bool
) -> str:
    """The SELECT over `records`, columns of these types under the logs' own names."""
    _refuse_types(types, names=names, location=location)
    shown = {name: _column(names.get(name, name), types=types) for name in LOG_COLUMNS}
    messages = names.get("messages", "messages")
    malformed = (
        _column("malformed", types=types) if types.get("malformed") == "boolean" else exp.false()
    )
    return _selected(
        {
            **{name: value for name, value in shown.items() if name not in TEXTS},
            "message_count": _message_count(shown["messages"], kind=types[messages]),
            "response_missing": _is_null(shown["response"]),
            "attributes_missing": _is_null(shown["attributes"]),
            "malformed": malformed,
            "from_json": exp.true() if from_json else exp.false(),
        },
        source="records",
    )


def mapped_types(types: Mapping[str, str], *, names: Mapping[str, str]) -> dict[str, str]:
    """The types of `mapped` by canonical names, as far as the records' own are known."""
    theirs = {name: types.get(names.get(name, name), "void") for name in LOG_COLUMNS}
    return {name: kind for name, kind in theirs.items() if kind not in {"string", "void"}}


def mapped_lines(names: Mapping[str, str]) -> str:
    """The SELECT over `lines` whose lines are canonical records under the logs' own names."""
    values = {name: _field(names.get(name, name), kind="string") for name in LOG_COLUMNS}
    messages = names.get("messages", "messages")
    listed = call("array_size", _field(messages, kind="array<variant>"))
    first = part(exp.column("line"), f"{_path(messages)}[0]", kind="map<string,variant>")
    return _selected(
        {
            **{name: value for name, value in values.items() if name not in TEXTS},
            "message_count": exp.Case().when(_is_some(first), listed).else_(_number(0)),
            "response_missing": _is_null(values["response"]),
            "attributes_missing": _is_null(values["attributes"]),
            "malformed": _is_null(part(exp.column("line"), "$", kind="map<string,variant>")),
            "from_json": exp.true(),
            "raw_line": exp.column("raw_line"),
            "record": exp.column("record"),
        },
        source="lines",
    )


def parsed_lines() -> str:
    """The SELECT over `raw_lines` (value, record) that gives `lines`: null where it is no JSON.

    The parsed value comes out of a generator: filters on it are not moved below, where Spark would
    parse the line once for every part of a filter.
    """
    raw = exp.column("value")
    text = call("regexp_replace", raw, exp.Literal.string("^\ufeff"), exp.Literal.string(""))
    readable = exp.and_(
        call("is_valid_utf8", raw.copy()),
        exp.LTE(this=call("octet_length", raw.copy()), expression=_number(MAXIMUM_LINE_BYTES)),
    )
    line = exp.Case().when(readable, parsed_text(text))
    return _selected(
        {
            "raw_line": raw.copy(),
            "record": exp.column("record"),
            "line": exp.Explode(this=exp.Array(expressions=[line])),
        },
        source="raw_lines",
        where=exp.RegexpLike(this=raw.copy(), expression=exp.Literal.string(r"\S")),
    )


def numbered_lines() -> str:
    """The SELECT that numbers lines of text, so that one is told from its like."""
    number = call("monotonically_increasing_id")
    return _selected({"value": exp.column("value"), "record": number}, source="text_lines")


def rows_as_lines() -> str:
    """The SELECT over `rows` that writes each row of a table as a line of JSON."""
    text = call("to_json", call("to_variant_object", call("struct", exp.Star())))
    number = call("monotonically_increasing_id")
    return _selected({"value": text, "record": number}, source="rows")


def wanted_rows(interaction_id: str) -> str:
    """The SELECT of the rows of `records` whose id, a column of this name, is in `wanted`."""
    column = exp.column(exp.to_identifier(interaction_id, quoted=True), table="records")
    text = exp.cast(column, "string", dialect="spark")
    same = exp.EQ(this=text, expression=exp.column("interaction_id", table="wanted"))
    every = exp.Column(this=exp.Star(), table=exp.to_identifier("records"))
    wanted = exp.Join(this=exp.to_table("wanted"), side="LEFT", kind="SEMI", on=same)
    return exp.select(every).from_("records").join(wanted).sql("spark")


def keys_of_lines(*, among: int) -> str:
    """The top-level keys of some lines, to tell a wrong column name from a missing value."""
    fields = part(exp.column("line"), "$", kind="map<string,variant>")
    inner = exp.select(exp.alias_(fields, "fields")).from_("lines").limit(among)
    keys = exp.Explode(this=call("map_keys", exp.column("fields")))
    return exp.select(exp.alias_(keys, "key")).distinct().from_(inner.subquery("some")).sql("spark")


def _refuse_types(types: Mapping[str, str], *, names: Mapping[str, str], location: str) -> None:
    """Refuses what DuckDB and Spark write as different texts, or read as different times."""
    for name in (*_KEYS, "occurred_at", "arrived_at"):
        theirs = names.get(name, name)
        kind = types.get(theirs, "void")
        alike = kind in _INSTANTS if name.endswith("_at") else _is_written_alike(kind)
        if not alike:
            raise LogSchemaError(
                location,
                f"the column '{theirs}' has the type {kind.partition('<')[0]}, which makes no "
                f"{'time' if name.endswith('_at') else 'key'} that every engine reads alike",
            )


def _is_written_alike(kind: str) -> bool:
    return kind in _WRITTEN_ALIKE or kind.startswith(("decimal", "varchar", "char"))


def _column(theirs: str, *, types: Mapping[str, str]) -> exp.Expr:
    if theirs in types:
        return exp.column(exp.to_identifier(theirs, quoted=True))
    return exp.cast(exp.null(), "string", dialect="spark")


def _message_count(messages: exp.Expr, *, kind: str) -> exp.Expr:
    if kind.startswith("array"):
        return call("array_size", messages.copy())
    if kind in {"string", "variant"}:
        value = parsed_text(messages.copy()) if kind == "string" else messages.copy()
        return call("array_size", part(value, "$", kind="array<variant>"))
    return _number(0)


def _field(key: str, *, kind: str) -> exp.Expr:
    return part(exp.column("line"), _path(key), kind=kind)


def _path(key: str) -> str:
    return f"$['{key}']" if '"' in key else f'$["{key}"]'


def _selected(
    columns: Mapping[str, exp.Expr], *, source: str, where: exp.Expr | None = None
) -> str:
    select = exp.select(*(exp.alias_(value, name) for name, value in columns.items()))
    select = select.from_(source)
    return (select.where(where) if where is not None else select).sql("spark")


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value.copy(), expression=exp.null())


def _is_some(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=_is_null(value))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
