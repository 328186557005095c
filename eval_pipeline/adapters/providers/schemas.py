"""A JSON Schema as each API takes it.

Keywords that an API refuses are left out: the answer is parsed by the whole schema in any case.
Properties stand in the order of `required`, which survives canonical JSON, so that a model
writes its reasons before its verdict wherever the form was declared so.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from eval_pipeline.adapters.providers.replies import mapping_of, mappings_of

Schema = dict[str, Any]

STRICT_KEYWORDS: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const"}
    | {"description", "$defs", "$ref"}
)
"""What OpenAI's strict mode takes everywhere, Azure included."""

ANTHROPIC_KEYWORDS: Final = STRICT_KEYWORDS | {"allOf"}
GEMINI_KEYWORDS: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum"}
    | {"description", "format", "minimum", "maximum", "minItems", "maxItems"}
)
_UNITED: Final = ("anyOf", "oneOf", "allOf")
DEEPEST: Final = 16


def loaded(schema: str) -> Schema:
    """The schema of a call; one that is no JSON object allows any object."""
    try:
        value = json.loads(schema)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) and value else {"type": "object"}


def fits_strict_mode(schema: object) -> bool:
    """Whether every object names all its properties as required and allows no others."""
    if isinstance(schema, list):
        return all(fits_strict_mode(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if {"oneOf", "allOf", "not", "if", "patternProperties"} & schema.keys():
        return False
    properties, definitions = mapping_of(schema.get("properties")), mapping_of(schema.get("$defs"))
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or sorted(_listed(schema.get("required"))) != sorted(properties)
    ):
        return False
    inner = [*properties.values(), *definitions.values(), schema.get("items")]
    return fits_strict_mode([*inner, *mappings_of(schema.get("anyOf"))])


def _listed(names: object) -> list[str]:
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def ordered(schema: Schema) -> Schema:
    """The whole schema, its properties in the order of `required`."""
    return _Adapting(None).adapted(schema)


def strict(schema: Schema) -> Schema:
    """For OpenAI's strict mode; the schema must fit it."""
    return _Adapting(STRICT_KEYWORDS).adapted(schema)


def for_anthropic(schema: Schema) -> Schema:
    """With every object closed, as the API demands."""
    return _Adapting(ANTHROPIC_KEYWORDS, closed=True).adapted(schema)


def for_gemini(schema: Schema) -> Schema:
    """Without references and constants, with the order of properties told."""
    definitions = mapping_of(schema.get("$defs"))
    return _Adapting(GEMINI_KEYWORDS, definitions=definitions, told=True).adapted(schema)


class _Adapting:
    def __init__(
        self,
        keywords: frozenset[str] | None,
        *,
        closed: bool = False,
        told: bool = False,
        definitions: Mapping[str, Any] | None = None,
    ) -> None:
        self._keywords = keywords
        self._closed = closed
        self._told = told
        self._definitions = definitions

    def adapted(self, schema: Schema, *, depth: int = 0) -> Schema:
        if depth > DEEPEST:
            return {}
        if self._definitions is not None and "$ref" in schema:
            meant = self._definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1])
            return self.adapted(dict(mapping_of(meant)), depth=depth + 1)
        if self._keywords is not None and "const" in schema and "const" not in self._keywords:
            schema = {**schema, "enum": [schema["const"]]}
        found = {
            keyword: self._value(keyword, value, schema, depth=depth + 1)
            for keyword, value in schema.items()
            if self._keywords is None or keyword in self._keywords
        }
        if found.get("type") == "object" and self._closed:
            found["additionalProperties"] = False
        if self._told and mapping_of(found.get("properties")):
            found["propertyOrdering"] = list(found["properties"])
        return found

    def _value(self, keyword: str, value: Any, schema: Schema, *, depth: int) -> Any:
        if keyword in {"properties", "$defs"} and isinstance(value, dict):
            first = _listed(schema.get("required")) if keyword == "properties" else []
            names = [name for name in first if name in value]
            names += [name for name in value if name not in names]
            return {name: self._inner(value[name], depth=depth) for name in names}
        if keyword in _UNITED and isinstance(value, list):
            return [self._inner(part, depth=depth) for part in value]
        if keyword in {"items", "additionalProperties"}:
            return self._inner(value, depth=depth)
        return value

    def _inner(self, value: Any, *, depth: int) -> Any:
        return self.adapted(value, depth=depth) if isinstance(value, dict) else value
