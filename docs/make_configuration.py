"""Writes docs/configuration.md from the models: `python docs/make_configuration.py`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from eval_pipeline import settings as models
from eval_pipeline.settings import CandidateFile, Settings

TARGET = Path(__file__).parent / "configuration.md"
JSON_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
}
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}
LONGEST_DEFAULT = 60

INTRODUCTION = """\
# Configuration

*Generated from the configuration's models by `docs/make_configuration.py`; a test holds the two
equal. Change the descriptions in `eval_pipeline/settings/`, not here.*

One YAML file, `eval_pipeline.yaml`. It is found in the current folder, by `--config`, or by the
environment variable `EVAL_PIPELINE_CONFIG`. Relative paths start from the file's folder. A key that
is not listed here is an error, and every error names file, line and key.

Secrets never stand in the file: it names the environment variables that hold them.

- `eval-pipeline config check` says whether a file holds.
- `eval-pipeline config schema` prints the JSON Schema for editors.
- [`eval_pipeline.yaml`](../eval_pipeline.yaml) at the top of the repository is a whole, annotated
  example: the demo's.
"""


def document() -> str:
    """The whole reference as Markdown."""
    schema = Settings.model_json_schema()
    parts = [INTRODUCTION, "## Sections\n", *_overview(schema), ""]
    for name, field in Settings.model_fields.items():
        parts += _section(name, field, schema)
    parts += _candidate_file()
    return "\n".join(parts).rstrip() + "\n"


def _overview(schema: dict[str, Any]) -> Iterator[str]:
    yield "| section | needed | what it says |"
    yield "|---|---|---|"
    for name, field in Settings.model_fields.items():
        defined = _models_of(schema["properties"][name], schema)
        said = field.description or (_summary(defined[0]) if defined else "")
        needed = "yes" if field.is_required() else "no"
        yield f"| [`{name}`](#{name}) | {needed} | {said or TOP_LEVEL[name]} |"


TOP_LEVEL = {
    "baseline": "The system that a candidate must not be worse than: a name under `systems`.",
    "outcome": "The north-star column of the logs that labels are compared with.",
}


def _section(name: str, field: FieldInfo, schema: dict[str, Any]) -> Iterator[str]:
    node = schema["properties"][name]
    defined = _models_of(node, schema)
    yield f"## {name}\n"
    if name in TOP_LEVEL:
        yield f"{TOP_LEVEL[name]} Type: {_type(node)}; default: {_default(field)}.\n"
        return
    if len(defined) > 1:
        yield f"{field.description} Each scorer is one of these:\n"
        for model in defined:
            yield f"**`scorer: {model.model_fields['scorer'].default}`**: {_whole(model)}\n"
            rows = list(_rows(model, skip=("scorer",)))
            if rows:
                yield "\n".join([*_header(), *rows]) + "\n"
        return
    (model,) = defined
    yield _whole(model) + "\n"
    if _values(node) is not None:
        yield f"A mapping: `{name}.<name>`, each entry with these keys.\n"
    yield from _table(model, path=name)


def _table(model: type[BaseModel], *, path: str) -> Iterator[str]:
    yield from _header()
    yield from _rows(model)
    yield ""
    for key, nested in _nested(model):
        yield f"### {path}.{key}{_kind(nested)}\n"
        yield _whole(nested) + "\n"
        yield from _table(nested, path=f"{path}.{key}")


def _kind(model: type[BaseModel]) -> str:
    """Which of several forms a section has, where a `kind` tells them apart."""
    kind = model.model_fields.get("kind")
    named = None if kind is None or not isinstance(kind.default, str) else kind.default
    return "" if named is None else f" of kind {named}"


def _header() -> list[str]:
    return ["| key | type | default | meaning |", "|---|---|---|---|"]


def _rows(model: type[BaseModel], *, skip: tuple[str, ...] = ()) -> Iterator[str]:
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        if name in skip:
            continue
        key = field.alias or name
        node = schema["properties"][key]
        meaning = " ".join((field.description or "").split())
        yield f"| `{key}` | {_type(node)} | {_default(field)} | {_cell(meaning)} |"


def _nested(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        for nested in _models_of(schema["properties"][field.alias or name], schema):
            yield name, nested


def _models_of(node: dict[str, Any], schema: dict[str, Any]) -> list[type[BaseModel]]:
    """The models that a schema node refers to, through lists, mappings and unions."""
    if "$ref" in node:
        return [getattr(models, node["$ref"].rsplit("/", 1)[1])]
    inner: list[dict[str, Any]] = [*node.get("anyOf", []), *node.get("oneOf", [])]
    inner += [part for part in (node.get("items"), _values(node)) if isinstance(part, dict)]
    return list(dict.fromkeys(model for part in inner for model in _models_of(part, schema)))


def _type(node: dict[str, Any]) -> str:
    if "$ref" in node:
        return "section"
    if "anyOf" in node:
        parts = [_type(part) for part in node["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(parts))
    allowed = node.get("enum") or ([node["const"]] if "const" in node else [])
    if allowed:
        return " / ".join(f"`{value}`" for value in allowed)
    if node.get("type") == "array":
        return f"list of {_type(node['items'])}"
    values = _values(node)
    return _plain(node) if values is None else f"mapping to {_type(values)}"


def _plain(node: dict[str, Any]) -> str:
    plain = "date" if node.get("format") == "date" else JSON_TYPES[node.get("type", "object")]
    bounds = [text.format(f"{node[key]:g}") for key, text in BOUNDS.items() if key in node]
    return ", ".join([plain, *bounds])


def _values(node: dict[str, Any]) -> dict[str, Any] | None:
    """What a mapping's values are; None if the node is no such mapping."""
    patterns = list(node.get("patternProperties", {}).values())
    values = patterns[0] if patterns else node.get("additionalProperties")
    return values if isinstance(values, dict) and values else None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "as below"
    if value is None or value in ((), {}, ""):
        return "none"
    shown = json.dumps(value, default=str, ensure_ascii=False)
    return f"`{shown}`" if len(shown) <= LONGEST_DEFAULT else f"{len(value)} entries"


def _candidate_file() -> Iterator[str]:
    yield "## A candidate file\n"
    yield (
        "A candidate is a YAML file in `candidates.folder`, named after the candidate. It holds "
        "the keys of one entry under [`systems`](#systems) at its top level. The provider watch "
        "writes files of the other form by itself:\n"
    )
    schema = CandidateFile.model_json_schema()
    (change,) = _models_of(schema["properties"]["provider_change"], schema)
    yield f"**`provider_change`**: {_whole(change)}\n"
    yield from _header()
    yield from _rows(change)


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _whole(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
    print(f"Wrote {TARGET}")
