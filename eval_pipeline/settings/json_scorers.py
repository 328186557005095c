"""Scorers of structured answers: JSON's shape, its fields, and the entities that a text names."""

import json
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from eval_pipeline.settings.scorer import MeasuredScorer, ReferenceScorer, Scorer
from eval_pipeline.settings.section import Expression, PositiveShare

JsonType = Literal["string", "number", "integer", "boolean", "array", "object"]


class JsonSchemaScoring(Scorer):
    """1 if the response is JSON that fits the schema."""

    scorer: Literal["json_schema"] = "json_schema"
    json_schema: dict[str, object] = Field(
        alias="schema",
        description="A JSON Schema that the response must fit; its references stay inside it.",
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _is_a_schema(self) -> Self:
        import jsonschema  # noqa: PLC0415 - slow, and few configurations have a schema

        try:
            jsonschema.validators.validator_for(self.json_schema).check_schema(self.json_schema)
        except jsonschema.SchemaError as error:
            raise ValueError(f"not a JSON Schema: {error.message}") from None
        for reference in _references(self.json_schema):
            if not _resolves(self.json_schema, reference):
                raise ValueError(f"`$ref: {reference}` leads to nothing inside the schema")
        return self


class RequiredFieldsScoring(Scorer):
    """1 if the response is a JSON object with all of these fields, none of them null."""

    scorer: Literal["required_fields"] = "required_fields"
    fields: tuple[str, ...] = Field(min_length=1, description="What must be there.")
    types: dict[str, JsonType] = Field(
        default_factory=dict, description="Of which JSON type, for those of the fields named here."
    )

    @model_validator(mode="after")
    def _types_are_of_fields(self) -> Self:
        others = sorted(set(self.types) - set(self.fields))
        if others:
            raise ValueError(f"`types` names {others}, which are not among `fields`")
        return self


class FieldsScoring(MeasuredScorer):
    """Precision, recall and F1 of the JSON object's fields against the reference's."""

    scorer: Literal["fields"] = "fields"
    fields: tuple[str, ...] = Field(
        (), description="Which fields count; empty: all that either object has."
    )


class FieldsF1Scoring(ReferenceScorer):
    """F1 of the JSON object's fields against the reference's; `fields` with that measure alone."""

    scorer: Literal["fields_f1"] = "fields_f1"
    fields: tuple[str, ...] = Field(
        (), description="Which fields count; empty: all that either object has."
    )


class EntitiesScoring(MeasuredScorer):
    """Precision, recall and F1 of the entities that the response names, against the reference's.

    Without `patterns` both texts are JSON: a list of `{type, text}`. An entity named twice
    counts twice.
    """

    scorer: Literal["entities"] = "entities"
    key: str | None = Field(None, description="The JSON object's key that holds the list.")
    patterns: dict[str, Expression] = Field(
        default_factory=dict,
        description="Type to a pattern whose matches (first group, or whole) are the entities of "
        "that type, in texts that are no JSON.",
    )
    match: Literal["strict", "overlap"] = Field(
        "strict",
        description="strict: type and text are the same, whatever case and space. overlap: the "
        "type is, and enough of the words.",
    )
    least_overlap: PositiveShare = Field(
        0.5, description="For overlap: words in common over the words of both."
    )


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        held = node.get("$ref")
        if isinstance(held, str):
            yield held
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _references(value)


def _resolves(schema: dict[str, object], reference: str) -> bool:
    """Whether a reference is to a place inside the schema, by a JSON pointer."""
    if not reference.startswith("#"):
        return False
    node: object = json.loads(json.dumps(schema))
    for part in filter(None, reference[1:].split("/")):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            return False
    return True
