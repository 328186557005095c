"""Which expressions of a statement are JSON: DuckDB knows by type, a parsed text only by names."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlglot import exp

_CHOICES = (exp.Coalesce, exp.Case, exp.If, exp.Paren, exp.Nullif)
_JSON_FUNCTIONS = frozenset({"to_json", "json_object", "json_array"})


@dataclass(frozen=True)
class JsonNames:
    """Names that stand for JSON values in one statement, and names that stand for lists of them."""

    values: frozenset[str]
    lists: frozenset[str]

    @classmethod
    def of(cls, query: exp.Expr, *, known: Collection[str]) -> "JsonNames":
        """What follows from the names that are known to be JSON."""
        names = cls(frozenset(known) | _schema_fields(query), frozenset())
        while True:
            more = names._with_aliases(query)
            if more == names:
                return names
            names = more

    def is_json(self, node: exp.Expr | None) -> bool:
        """Whether DuckDB holds this expression as JSON."""
        if isinstance(node, exp.Explode | exp.Bracket):
            return self.is_list(node.this)
        if isinstance(node, _CHOICES):
            return any(self.is_json(branch) for branch in _branches(node))
        if isinstance(node, exp.Cast):
            return bool(node.is_type(exp.DType.JSON))
        if isinstance(node, exp.Anonymous):
            return node.name.lower() in _JSON_FUNCTIONS
        return type(node) is exp.JSONExtract or self._is_name(node, among=self.values)

    def is_list(self, node: exp.Expr | None) -> bool:
        """Whether the expression is a list of JSON values."""
        if isinstance(node, _CHOICES):
            return any(self.is_list(branch) for branch in _branches(node))
        if isinstance(node, exp.Array):
            return any(self.is_json(element) for element in node.expressions)
        if isinstance(node, exp.ArrayFilter):
            return self.is_list(node.this)
        return isinstance(node, exp.FromJson) or self._is_name(node, among=self.lists)

    @staticmethod
    def _is_name(node: exp.Expr | None, *, among: frozenset[str]) -> bool:
        return isinstance(node, exp.Column | exp.Dot | exp.Identifier) and node.name in among

    def _with_aliases(self, query: exp.Expr) -> "JsonNames":
        aliases = list(query.find_all(exp.Alias))
        values = {alias.alias for alias in aliases if self.is_json(alias.this)}
        lists = {alias.alias for alias in aliases if self.is_list(alias.this)}
        for node in query.find_all(exp.Transform, exp.ArrayFilter):
            if self.is_list(node.this) and isinstance(node.expression, exp.Lambda):
                values |= {parameter.name for parameter in node.expression.expressions}
        return JsonNames(self.values | values, self.lists | lists)


def fields_of(schema: exp.Expr) -> dict[str, str] | None:
    """The fields of the objects that `from_json(x, schema)` lists; None where it lists any JSON.

    Raises `ValueError` for a schema of another form.
    """
    shape = json.loads(schema.name)
    if shape == ["JSON"]:
        return None
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], dict):
        fields = {str(name): str(kind) for name, kind in shape[0].items()}
        if set(fields.values()) <= {"JSON", "VARCHAR"}:
            return fields
    raise ValueError(schema.name)


def _schema_fields(query: exp.Expr) -> frozenset[str]:
    found: set[str] = set()
    for node in query.find_all(exp.FromJson):
        try:
            fields = fields_of(node.expression) or {}
        except ValueError:
            continue  # the rewriting refuses it and says so
        found |= {name for name, kind in fields.items() if kind == "JSON"}
    return frozenset(found)


def _branches(node: exp.Expr) -> list[exp.Expr]:
    match node:
        case exp.Case():
            branches = [choice.args["true"] for choice in node.args["ifs"]]
            return [*branches, *([node.args["default"]] if node.args.get("default") else [])]
        case exp.Coalesce():
            return [node.this, *node.expressions]
        case exp.If():
            return [part for part in (node.args["true"], node.args.get("false")) if part]
    return [node.this]
