"""Answers that are to be JSON: do they fit a schema, have their fields, have the right fields."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

import jsonschema
from referencing import Registry

from eval_pipeline.evaluation.scorers.comparing import against_reference, one_spaced
from eval_pipeline.evaluation.scorers.matched_sets import WRONG, Matched, measured_scores
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import (
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    JsonType,
    RequiredFieldsScoring,
)

_TYPES: Final[dict[JsonType, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class UnreadableJsonError(ValueError):
    """A text that is no JSON, or nested deeper than can be read."""


def read_json(text: str) -> Any:
    """The JSON value; raises `UnreadableJsonError`. NaN and Infinity are no JSON."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UnreadableJsonError from None


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def json_schema_scores(requests: Sequence[ScoreRequest], scoring: JsonSchemaScoring) -> list[Score]:
    """1 where the response is JSON that fits; no reference is needed and nothing is fetched."""
    kind = jsonschema.validators.validator_for(scoring.json_schema)
    validator = kind(scoring.json_schema, registry=Registry())
    return [
        Score(float(_fits(request.response, validator)), None, scoring.scorer)
        for request in requests
    ]


def _fits(response: str, validator: Any) -> bool:
    try:
        return bool(validator.is_valid(read_json(response)))
    except (UnreadableJsonError, RecursionError):
        return False


def required_fields_scores(
    requests: Sequence[ScoreRequest], scoring: RequiredFieldsScoring
) -> list[Score]:
    """1 where the response is an object that has every field, not null and of its type."""
    return [
        Score(float(_has_all(request.response, scoring)), None, scoring.scorer)
        for request in requests
    ]


def _has_all(response: str, scoring: RequiredFieldsScoring) -> bool:
    try:
        value = read_json(response)
    except UnreadableJsonError:
        return False
    if not isinstance(value, dict):
        return False
    return all(
        value.get(field) is not None and _is_of(value[field], scoring.types.get(field))
        for field in scoring.fields
    )


def _is_of(value: object, wanted: JsonType | None) -> bool:
    """As JSON Schema has it: 2.0 is an integer, and true is no number."""
    if wanted is None:
        return True
    if isinstance(value, bool):
        return wanted == "boolean"
    if wanted == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[wanted])


def fields_f1_scores(requests: Sequence[ScoreRequest], scoring: FieldsF1Scoring) -> list[Score]:
    """F1 of the fields; 0 for a response that is no JSON object."""

    def f1(response: str, reference: str) -> float | None:
        matched = matched_fields(response, reference, fields=scoring.fields)
        return None if matched is None else matched.value("f1")

    return against_reference(requests, f1, scorer=scoring.scorer)


def fields_scores(requests: Sequence[ScoreRequest], scoring: FieldsScoring) -> list[list[Score]]:
    """One list per measure of the scorer; 0 for a response that is no JSON object."""
    return measured_scores(
        requests,
        lambda response, reference: matched_fields(response, reference, fields=scoring.fields),
        measures=scoring.measures,
        scorer=scoring.scorer,
    )


def matched_fields(response: str, reference: str, *, fields: Collection[str]) -> Matched | None:
    """The fields of both objects, same where key and value are; null for no such reference.

    A null value says that the field is absent; texts are the same whatever their case and space.
    """
    expected = _fields(reference, fields)
    if expected is None:
        return None
    found = _fields(response, fields)
    if found is None:
        return WRONG
    return Matched(found=len(found), expected=len(expected), both=len(expected & found))


def _fields(text: str, wanted: Collection[str]) -> set[tuple[str, str]] | None:
    """The object's (key, canonical value) pairs; null where the text is no object."""
    try:
        value = read_json(text)
        if not isinstance(value, dict):
            return None
        return {
            (key, canonical(field))
            for key, field in value.items()
            if field is not None and (not wanted or key in wanted)
        }
    except (UnreadableJsonError, RecursionError):
        return None


def canonical(value: object) -> str:
    """Equal for equal JSON: 2 and 2.0 are one number; a text by itself is folded and one-spaced."""
    if isinstance(value, str):
        return json.dumps(one_spaced(value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)
