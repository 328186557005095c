"""How DuckDB's expressions are said in Spark's SQL, where sqlglot alone says something else."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from sqlglot import exp

from eval_pipeline.adapters.spark.dialect_json import JsonNames, fields_of
from eval_pipeline.adapters.spark.dialect_variants import (
    Untranslatable,
    arguments_of,
    call,
    cast_to,
    parsed_text,
    part,
    path_of,
)

MEANT_ALIKE: Final[frozenset[type[exp.Expr]]] = frozenset(
    {
        exp.Select, exp.From, exp.Where, exp.Join, exp.With, exp.CTE, exp.Subquery, exp.Table,
        exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Null,
        exp.Boolean, exp.And, exp.Or, exp.Not, exp.Paren, exp.Tuple, exp.EQ, exp.NEQ, exp.LT,
        exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In, exp.Between, exp.Is,
        exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Group, exp.GroupingSets, exp.Grouping,
        exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Window,
        exp.WindowSpec, exp.RowNumber, exp.Filter, exp.Union, exp.Distinct, exp.Exists, exp.Lambda,
        exp.Dot, exp.DataType, exp.DataTypeParam, exp.Placeholder, exp.Add, exp.Sub, exp.Mul,
        exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe, exp.Abs, exp.Floor, exp.Ceil, exp.Ln,
        exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseLeftShift, exp.BitwiseRightShift,
        exp.BitwiseOrAgg, exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Lower, exp.Upper,
        exp.Length, exp.Trim, exp.Replace, exp.MD5, exp.ConcatWs, exp.Concat, exp.StartsWith,
        exp.Contains, exp.Chr, exp.RegexpLike, exp.RegexpExtract, exp.Greatest, exp.Least,
        exp.Transform, exp.ArrayFilter, exp.ArrayToString, exp.Array, exp.Struct, exp.PropertyEQ,
        exp.Explode, exp.TimestampTrunc, exp.Var, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey,
        exp.JSONPathSubscript,
    }
)  # fmt: skip
"""What sqlglot puts into Spark's SQL without a change of meaning; whatever else is refused."""

# DuckDB and Spark read these alike. Spark alone would also take a year or a time of today.
_INSTANT: Final = (
    r"^\s*\d{4}-\d{1,2}-\d{1,2}"
    r"([ T]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d*)?)?"
    r"(Z|[+-]\d{2}(:?\d{2}(:\d{2})?)?| UTC| [A-Za-z_]+/[A-Za-z_/]+)?)?\s*$"
)
_WITHOUT_SECONDS: Final = r"([ T]\d{1,2}:\d{1,2})(Z|[+-]\d{2}:?\d{0,2}\s*$)"
_JAVA_SUFFIX: Final = r"[0-9.][dDfF]\s*$"
_INSTANTS: Final = (exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMP)
_INTEGERS: Final = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT)
_REALS: Final = (exp.DType.DOUBLE, exp.DType.FLOAT)
_EXACT_TYPES: Final = frozenset({"tinyint", "smallint", "int", "bigint"})


class Rewriter:
    """Rewrites one statement from the leaves up, so that every rule sees rewritten operands."""

    def __init__(self, names: JsonNames, *, types: Mapping[str, str]) -> None:
        self._names = names
        self._types = types
        self._json: dict[int, bool] = {}

    def rewrite(self, query: exp.Expr) -> exp.Expr:
        """The whole statement, changed in place."""
        nodes = list(query.walk(bfs=True))
        self._json = {id(node): self._names.is_json(node) for node in nodes}
        for node in reversed(nodes):
            rule = self._rule(node)
            changed = node if rule is None else rule(self, node)
            if changed is not node:
                self._json[id(changed)] = self._json[id(node)]
                node.replace(changed)
        return query

    def _rule(self, node: exp.Expr) -> "Rule | None":
        if isinstance(node, exp.Anonymous):
            return self.FUNCTIONS.get(node.name.lower())
        return self.NODES.get(type(node))

    def _variant(self, node: exp.Expr) -> exp.Expr:
        return node if self._json.get(id(node)) else parsed_text(node)

    def _extract(self, node: exp.Expr) -> exp.Expr:
        kind = "string" if isinstance(node, exp.JSONExtractScalar) else "variant"
        return part(self._variant(node.this), path_of(node.expression), kind=kind)

    def _json_type(self, node: exp.Expr) -> exp.Expr:
        """The names that DuckDB and SQL standard share; a number is only a NUMBER."""
        value = self._at_path(node)
        schema = exp.func("schema_of_variant", value, dialect="spark")
        kinds = {"OBJECT": "OBJECT", "ARRAY": "ARRAY", "STRING": "VARCHAR", "VOID": "NULL"}
        choice = exp.Case().when(exp.Is(this=value.copy(), expression=exp.null()), exp.null())
        for theirs, ours in {**kinds, "BOOLEAN": "BOOLEAN"}.items():
            starts = exp.StartsWith(this=schema.copy(), expression=exp.Literal.string(theirs))
            choice = choice.when(starts, exp.Literal.string(ours))
        return choice.else_(exp.Literal.string("NUMBER"))

    def _json_array_length(self, node: exp.Expr) -> exp.Expr:
        value = self._at_path(node)
        size = call("array_size", part(value.copy(), "$", kind="array<variant>"))
        known = exp.Not(this=exp.Is(this=value, expression=exp.null()))
        return exp.Case().when(known, exp.func("coalesce", size, exp.Literal.number(0)))

    def _at_path(self, node: exp.Expr) -> exp.Expr:
        value, *path = arguments_of(node)
        found = self._variant(value)
        return part(found, path_of(path[0]), kind="variant") if path else found

    def _from_json(self, node: exp.Expr) -> exp.Expr:
        try:
            fields = fields_of(node.expression)
        except ValueError:
            raise Untranslatable("`from_json` with that schema has no known equivalent") from None
        kind = "variant"
        if fields is not None:
            spark = {"VARCHAR": "string", "JSON": "variant"}
            listed = ",".join(f"`{name}`:{spark[kind]}" for name, kind in fields.items())
            kind = f"struct<{listed}>"
        return part(self._variant(node.this), "$", kind=f"array<{kind}>")

    def _to_json(self, node: exp.Expr) -> exp.Expr:
        value = node.expressions[0]
        return value if self._json.get(id(value)) else cast_to(value, "variant")

    def _cast(self, node: exp.Expr) -> exp.Expr:
        value, kind = node.this, node.args["to"]
        if kind.is_type(exp.DType.JSON):
            return self._variant(value)
        if kind.is_type(*exp.DataType.TEXT_TYPES):
            return call("to_json", value) if self._json.get(id(value)) else cast_to(value, "string")
        if kind.is_type(*_INSTANTS):
            return self._instant(node)
        if kind.is_type(*_INTEGERS):
            return self._integer(node)
        if kind.is_type(*_REALS) and isinstance(node, exp.TryCast) and not self._type(value):
            suffixed = exp.RegexpLike(
                this=cast_to(value.copy(), "string"), expression=exp.Literal.string(_JAVA_SUFFIX)
            )
            return exp.Case().when(exp.Not(this=suffixed), node.copy())
        return node

    def _type(self, value: exp.Expr) -> str | None:
        return self._types.get(value.name) if isinstance(value, exp.Column) else None

    def _instant(self, node: exp.Expr) -> exp.Expr:
        value = node.this
        if (self._type(value) or "").startswith(("timestamp", "date")):
            return cast_to(value, "timestamp")
        if value.is_string:
            return cast_to(value, "timestamp")
        text = cast_to(value, "string")
        whole = call(
            "regexp_replace", text, exp.Literal.string(_WITHOUT_SECONDS),
            exp.Literal.string("$1:00$2"),
        )  # fmt: skip
        fits = exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(_INSTANT))
        return exp.Case().when(fits, cast_to(whole, "timestamp", tried=True))

    def _integer(self, node: exp.Expr) -> exp.Expr:
        """DuckDB rounds where Spark cuts off or gives up."""
        value, kind = node.this, node.args["to"].sql("spark").lower()
        whole = isinstance(value, exp.Floor | exp.Ceil | exp.Count) or value.is_int
        if whole or self._type(value) in _EXACT_TYPES:
            return node
        if self._type(value) in {"double", "float"}:
            return cast_to(call("rint", value), kind, tried=isinstance(node, exp.TryCast))
        if not isinstance(node, exp.TryCast):
            return cast_to(exp.Round(this=value), kind)
        text = cast_to(value, "string")
        decimal = cast_to(text.copy(), "decimal(38,10)", tried=True)
        rounded = cast_to(exp.Round(this=decimal), kind, tried=True)
        return exp.func("coalesce", cast_to(text, kind, tried=True), rounded)

    def _hash(self, node: exp.Expr) -> exp.Expr:
        """64 bits as DuckDB has, one of them given up so that no remainder is negative."""
        return call(
            "shiftrightunsigned", call("xxhash64", *node.expressions), exp.Literal.number(1)
        )

    def _is_finite(self, node: exp.Expr) -> exp.Expr:
        value = node.expressions[0]
        infinite = exp.EQ(
            this=exp.Abs(this=value), expression=cast_to(exp.Literal.string("infinity"), "double")
        )
        return exp.paren(
            exp.and_(exp.Not(this=call("isnan", value.copy())), exp.Not(this=exp.paren(infinite)))
        )

    def _epoch_us(self, node: exp.Expr) -> exp.Expr:
        return call("unix_micros", cast_to(node.expressions[0], "timestamp"))

    def _as_is(self, node: exp.Expr) -> exp.Expr:
        return node

    def _unix_to_time(self, node: exp.Expr) -> exp.Expr:
        scale = node.args.get("scale")
        if scale is not None:
            micros = {0: 1_000_000, 3: 1_000, 6: 1}.get(int(scale.name))
            if micros is None:
                raise Untranslatable("a time in that unit has no known equivalent")
        else:
            micros = 1_000_000
        count = node.this if micros == 1 else exp.Mul(
            this=exp.paren(node.this), expression=exp.Literal.number(micros)
        )  # fmt: skip
        return call("timestamp_micros", cast_to(call("round", count), "bigint"))

    def _day_of_week(self, node: exp.Expr) -> exp.Expr:
        """DuckDB counts from Sunday as 0, Spark from Sunday as 1 or from Monday as 0."""
        if isinstance(node, exp.DayOfWeekIso):
            return exp.paren(exp.Add(this=call("weekday", node.this), expression=_ONE.copy()))
        return exp.paren(exp.Sub(this=call("dayofweek", node.this), expression=_ONE.copy()))

    def _element(self, node: exp.Expr) -> exp.Expr:
        """Null beyond the end, as in DuckDB; Spark's brackets would fail."""
        index = node.expressions[0]
        if len(node.expressions) != 1 or not isinstance(index, exp.Literal) or index.is_string:
            raise Untranslatable("a subscript that is not a plain number has no known equivalent")
        return call("get", node.this, index)

    def _like(self, node: exp.Expr) -> exp.Expr:
        """Spark takes a backslash in a pattern as its escape, DuckDB as a letter."""
        pattern = node.expression
        if not pattern.is_string:
            raise Untranslatable(
                "`LIKE` with a pattern that is not a literal is not known to agree"
            )
        pattern.set("this", pattern.name.replace("\\", "\\\\"))
        return node

    def _substring(self, node: exp.Expr) -> exp.Expr:
        numbers = [part for part in (node.args.get("start"), node.args.get("length")) if part]
        if not all(isinstance(number, exp.Literal) and int(number.name) > 0 for number in numbers):
            raise Untranslatable("`substr` from a place that is not a positive number is not known")
        return node

    NODES: ClassVar[Mapping[type[exp.Expr], "Rule"]] = MappingProxyType({
        exp.JSONExtract: _extract, exp.JSONExtractScalar: _extract, exp.JSONType: _json_type,
        exp.FromJson: _from_json, exp.Cast: _cast, exp.TryCast: _cast,
        exp.UnixToTime: _unix_to_time, exp.DayOfWeek: _day_of_week, exp.DayOfWeekIso: _day_of_week,
        exp.Bracket: _element, exp.Like: _like, exp.ILike: _like, exp.Substring: _substring,
    })  # fmt: skip
    FUNCTIONS: ClassVar[Mapping[str, "Rule"]] = MappingProxyType({
        "hash": _hash, "json_array_length": _json_array_length, "to_json": _to_json,
        "isfinite": _is_finite, "epoch_us": _epoch_us, "bit_count": _as_is,
    })  # fmt: skip


Rule = Callable[[Rewriter, exp.Expr], exp.Expr]
_ONE: Final = exp.Literal.number(1)
