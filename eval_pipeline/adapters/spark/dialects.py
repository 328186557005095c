"""DuckDB's SQL as Spark's: the statements of `sql/` mean the same on both, or are refused."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from eval_pipeline.adapters.spark.dialect_json import JsonNames
from eval_pipeline.adapters.spark.dialect_rules import MEANT_ALIKE, Rewriter
from eval_pipeline.adapters.spark.dialect_variants import Untranslatable
from eval_pipeline.errors import EvalPipelineError


class DialectError(EvalPipelineError):
    """A statement has no equivalent in Spark's SQL that is known to mean the same."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"A statement cannot be put into Spark's SQL: {problem}. Nothing was read. "
            "Rewrite that part of the statement, or set `logs.engine: duckdb`."
        )


def to_spark(
    statement: str,
    *,
    parameters: Mapping[str, object] | None = None,
    types: Mapping[str, str] | None = None,
    json_columns: Collection[str] = (),
    without: Collection[str] = (),
) -> str:
    """One SELECT of DuckDB's as Spark's, with `$parameters` as literals.

    `types`: what is known of the source's columns, as Spark names types; a column that is not
    named is cast by its text. `json_columns`: those that Spark holds as VARIANT. `without`: columns
    that the result need not have; what only they need goes too. Raises `DialectError`.
    """
    query = _parsed(statement)
    if without:
        _drop(query, columns=frozenset(without))
    _refuse_unknown(query)
    try:
        _fill(query, parameters=parameters or {})
        names = JsonNames.of(query, known=json_columns)
        rewritten = Rewriter(names, types=types or {}).rewrite(query)
        return rewritten.sql("spark", comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except Untranslatable as error:
        raise DialectError(str(error)) from None
    except SqlglotError:
        raise DialectError("sqlglot knows no equivalent for a part of it") from None


def source_tables(statement: str) -> frozenset[str]:
    """The table functions that a SELECT reads from, by their names in lower case."""
    query = _parsed(statement)
    return frozenset(_reader(table) for table in query.find_all(exp.Table) if _reader(table))


def reading_view(statement: str, *, functions: Mapping[str, str]) -> str:
    """The SELECT with each table function in `functions` replaced by the view it stands for."""
    query = _parsed(statement)
    for table in list(query.find_all(exp.Table)):
        name = _reader(table)
        if name in functions:
            table.set("this", exp.to_identifier(functions[name]))
        elif name:
            raise DialectError(f"it reads by `{name}`, which Spark has not")
    return query.sql("duckdb")


def carrying(statement: str, *, column: str, source: str) -> str:
    """The SELECT with one more column, taken through from the view `source`.

    Raises `DialectError` if rows are joined or grouped on the way, so that none has one origin.
    """
    query = _parsed(statement)
    for select in query.find_all(exp.Select):
        if any(select.args.get(part) for part in ("joins", "group", "distinct")):
            raise DialectError("its rows have no single origin")
        if not any(isinstance(shown, exp.Star) for shown in select.expressions):
            select.append("expressions", exp.column(column))
    if not any(table.name == source for table in query.find_all(exp.Table)):
        raise DialectError(f"it does not read `{source}`")
    return query.sql("duckdb")


_UNLIKE_PARTS: Final = (
    (exp.Join, "method"), (exp.Star, "replace"), (exp.Star, "rename"), (exp.Distinct, "on"),
    (exp.SetOperation, "by_name"), (exp.Group, "totals"),
)  # fmt: skip
_TAKE_LAMBDAS: Final = (exp.Transform, exp.ArrayFilter)
_SELECTS: Final = (exp.Select, exp.SetOperation)


def _parsed(statement: str) -> exp.Query:
    try:
        parsed = [query for query in sqlglot.parse(statement, read="duckdb") if query is not None]
    except SqlglotError:
        raise DialectError("sqlglot cannot parse it") from None
    if len(parsed) != 1 or not isinstance(parsed[0], _SELECTS):
        raise DialectError("it is not one SELECT")
    _take_arrows_as_json(parsed[0])
    return parsed[0]


def _take_arrows_as_json(query: exp.Expr) -> None:
    """Among a function's arguments sqlglot reads `line -> '$.a'` as a lambda, DuckDB as a part."""
    for node in list(query.find_all(exp.Lambda)):
        if isinstance(node.parent, _TAKE_LAMBDAS) and node.arg_key == "expression":
            continue
        path, names = node.this, node.expressions
        if len(names) != 1 or not isinstance(path, exp.Literal):
            raise DialectError("a lambda stands where none is known")
        node.replace(exp.JSONExtract(this=exp.column(names[0].copy()), expression=path.copy()))


def _reader(table: exp.Table) -> str:
    function = table.this
    if isinstance(function, exp.Anonymous):
        return str(function.name).lower()
    return str(function.sql_name()).lower() if isinstance(function, exp.Func) else ""


def _refuse_unknown(query: exp.Expr) -> None:
    for node in query.walk():
        if isinstance(node, exp.Anonymous):
            if node.name.lower() not in Rewriter.FUNCTIONS:
                raise DialectError(f"`{node.name.lower()}` has no known equivalent")
        elif type(node) not in MEANT_ALIKE and type(node) not in Rewriter.NODES:
            raise DialectError(f"`{_name(node)}` has no known equivalent")
        for kind, part in _UNLIKE_PARTS:
            if isinstance(node, kind) and node.args.get(part):
                raise DialectError(f"`{node.key}` with `{part}` has no known equivalent")


def _name(node: exp.Expr) -> str:
    return node.sql_name().lower() if isinstance(node, exp.Func) else node.key


def _fill(query: exp.Expr, *, parameters: Mapping[str, object]) -> None:
    for place in list(query.find_all(exp.Placeholder)):
        if place.name not in parameters:
            raise Untranslatable(f"the parameter ${place.name} has no value")
        place.replace(_literal(place.name, parameters[place.name]))


def _literal(name: str, value: object) -> exp.Expr:
    match value:
        case None:
            return exp.null()
        case bool():
            return exp.true() if value else exp.false()
        case int():
            return exp.Literal.number(value) if value >= 0 else exp.Neg(this=_literal(name, -value))
        case str():
            return exp.Literal.string(value)
        case dt.datetime():
            return exp.cast(exp.Literal.string(value.isoformat()), "timestamptz")
        case dt.date():
            return exp.cast(exp.Literal.string(value.isoformat()), "date")
        case _:
            kind = type(value).__name__
            raise Untranslatable(f"the parameter ${name} is of the type {kind}")


def _drop(query: exp.Query, *, columns: frozenset[str]) -> None:
    """Leaves columns out of the result, and then out of inner SELECTs what nothing else names."""
    for select in _outermost(query):
        _keep(select, [p for p in select.expressions if p.alias_or_name not in columns])
    dropped = True
    while dropped:
        dropped = False
        for select in list(query.find_all(exp.Select)):
            if select in _outermost(query) or not _may_lose_columns(select):
                continue
            kept = [p for p in select.expressions if _is_named(query, p)]
            if kept and len(kept) < len(select.expressions):
                _keep(select, kept)
                dropped = True


def _outermost(query: exp.Expr) -> list[exp.Select]:
    if isinstance(query, exp.SetOperation):
        return _outermost(query.left) + _outermost(query.right)
    return [query] if isinstance(query, exp.Select) else []


def _keep(select: exp.Select, projections: list[exp.Expr]) -> None:
    select.set("expressions", projections)


def _may_lose_columns(select: exp.Select) -> bool:
    """Whether its columns are found by name: not in a union, not as a value, not distinct."""
    return isinstance(select.parent, exp.CTE | exp.Subquery) and not select.args.get("distinct")


def _is_named(query: exp.Expr, projection: exp.Expr) -> bool:
    """Whether anything but the projection itself speaks of its name, or of all columns."""
    name = projection.alias_or_name
    # A star stands for more than its own name; what is unnested makes rows.
    if not name or projection.is_star or isinstance(projection.unalias(), exp.Explode):
        return True
    inner = {id(node) for node in projection.walk()}
    return any(
        id(node) not in inner and (node.name == name or _is_every_column(node))
        for node in query.find_all(exp.Column, exp.Star)
    )


def _is_every_column(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)
