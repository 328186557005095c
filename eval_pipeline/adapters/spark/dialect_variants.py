"""JSON on Spark: DuckDB's JSON values are Spark's VARIANT, taken apart by paths."""

from sqlglot import exp
from sqlglot.dialects import DuckDB


class Untranslatable(Exception):  # noqa: N818 - caught where the statement is known
    """An expression that has no equivalent; the message says which."""


def parsed_text(text: exp.Expr) -> exp.Expr:
    """A text as VARIANT, null where it is not JSON.

    Alone, Spark's parser ignores what follows the value and takes single quotes, as DuckDB does
    not; inside a list and an object it must find their ends.
    """
    opening, closing = exp.Literal.string('[{"v":'), exp.Literal.string("}]")
    framed = call("concat", opening, cast_to(text, "string"), closing)
    options = call("map", exp.Literal.string("allowSingleQuotes"), exp.Literal.string("false"))
    whole = call("from_json", framed, exp.Literal.string("variant"), options)
    return part(whole, "$[0].v", kind="variant")


def part(value: exp.Expr, path: str, *, kind: str) -> exp.Expr:
    """What a VARIANT holds at a path, as this type of Spark's; null where it does not."""
    return call("try_variant_get", value, exp.Literal.string(path), exp.Literal.string(kind))


def path_of(path: exp.Expr) -> str:
    """A JSON path, a JSON pointer or a key as Spark writes paths of VARIANT."""
    if path.is_string and path.name.startswith("$"):
        path = DuckDB().to_json_path(path) or path
    if isinstance(path, exp.JSONPath):
        return "$" + "".join(_step(step) for step in path.expressions[1:])
    if path.is_string and path.name.startswith("/"):
        keys = [key.replace("~1", "/").replace("~0", "~") for key in path.name[1:].split("/")]
        if not any(key.isdigit() for key in keys):  # a key or an index, the value decides
            return "$" + "".join(_key(key) for key in keys)
    raise Untranslatable("a JSON path that is not a plain literal has no known equivalent")


def _step(step: exp.Expr) -> str:
    if isinstance(step, exp.JSONPathKey) and isinstance(step.this, str):
        return _key(step.this)
    if isinstance(step, exp.JSONPathSubscript) and isinstance(step.this, int) and step.this >= 0:
        return f"[{step.this}]"
    raise Untranslatable("a JSON path with wildcards has no known equivalent")


def _key(key: str) -> str:
    if '"' not in key:
        return f'["{key}"]'
    if "'" not in key:
        return f"['{key}']"
    raise Untranslatable("a JSON key with both kinds of quotes cannot be named")


def arguments_of(node: exp.Expr) -> list[exp.Expr]:
    """The arguments of a call in their order, whether sqlglot knows the function or not."""
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [argument for argument in (node.this, node.args.get("expression")) if argument]


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of a function of Spark's, under its own name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast_to(value: exp.Expr, kind: str, *, tried: bool = False) -> exp.Expr:
    """A cast to a type of Spark's; `tried` gives null where a value does not fit."""
    to = exp.DataType.build(kind, dialect="spark")
    if tried:
        return exp.TryCast(this=value, to=to, safe=True)
    return exp.Cast(this=value, to=to)
