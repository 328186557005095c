"""Scorers that need no model: response against reference, or against the task's format.

A response in the wrong format is a wrong answer (0.0): where the format is the task, an unparsable
response has been read and found wanting. A missing or unreadable reference is nobody's fault and
gives no score (`no_reference`).
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import jsonschema
import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import (
    ExactScoring,
    FieldsScoring,
    JsonSchemaScoring,
    RegexScoring,
    Scoring,
    SimilarityScoring,
)

NO_REFERENCE = "no_reference"
HASHED_FEATURES = 2**18

ProgrammaticScoring = (
    ExactScoring | RegexScoring | JsonSchemaScoring | FieldsScoring | SimilarityScoring
)


def needs_reference(scoring: Scoring) -> bool:
    """Whether an item without a good reference response cannot be scored this way."""
    return isinstance(scoring, ExactScoring | RegexScoring | FieldsScoring | SimilarityScoring)


def score(requests: Sequence[ScoreRequest], scoring: ProgrammaticScoring) -> list[Score]:
    """One score per request, in order; null with `no_reference` where nothing can be compared."""
    match scoring:
        case SimilarityScoring():
            return _similarity_scores(requests, scoring)
        case JsonSchemaScoring():
            validator = _validator(scoring)
            return [
                Score(float(_fits(request.response, validator)), None, scoring.scorer)
                for request in requests
            ]
        case ExactScoring():
            return [_against_reference(request, _exact, name="exact") for request in requests]
        case RegexScoring():
            compiled = re.compile(scoring.pattern)
            return [
                _against_reference(
                    request,
                    lambda response, reference: _same_match(compiled, response, reference),
                    name="regex",
                )
                for request in requests
            ]
        case FieldsScoring():
            return [
                _against_reference(
                    request,
                    lambda response, reference: _fields_f1(response, reference, scoring.fields),
                    name="fields_f1",
                )
                for request in requests
            ]


def _against_reference(
    request: ScoreRequest, compare: Callable[[str, str], float | None], *, name: str
) -> Score:
    if request.reference_response is None:
        return Score(None, NO_REFERENCE, name)
    value = compare(request.response, request.reference_response)
    return Score(value, NO_REFERENCE if value is None else None, name)


def _exact(response: str, reference: str) -> float:
    return float(_normalised(response) == _normalised(reference))


def _normalised(text: str) -> str:
    return " ".join(text.casefold().split())


def _same_match(pattern: re.Pattern[str], response: str, reference: str) -> float | None:
    expected = _first_match(pattern, reference)
    if expected is None:
        return None
    found = _first_match(pattern, response)
    return float(found is not None and _normalised(found) == _normalised(expected))


def _first_match(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    if found is None:
        return None
    return found.group(1) if pattern.groups else found.group(0)


def _validator(scoring: JsonSchemaScoring) -> Any:
    kind = jsonschema.validators.validator_for(scoring.json_schema)
    return kind(scoring.json_schema)


def _fits(response: str, validator: Any) -> bool:
    try:
        value = json.loads(response)
    except (ValueError, RecursionError):
        return False
    return bool(validator.is_valid(value))


def _fields_f1(response: str, reference: str, fields: tuple[str, ...]) -> float | None:
    expected = _fields(reference, fields)
    if expected is None:
        return None
    found = _fields(response, fields)
    if found is None:
        return 0.0
    if not expected and not found:
        return 1.0
    return 2 * len(expected & found) / (len(expected) + len(found))


def _fields(text: str, wanted: tuple[str, ...]) -> set[tuple[str, str]] | None:
    """The object's (key, canonical value) pairs; a null value says that the field is absent."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return {
        (key, _canonical(field))
        for key, field in value.items()
        if field is not None and (not wanted or key in wanted)
    }


def _canonical(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(_normalised(value))
    return json.dumps(value, sort_keys=True)


def _similarity_scores(requests: Sequence[ScoreRequest], scoring: SimilarityScoring) -> list[Score]:
    held = [
        index for index, request in enumerate(requests) if request.reference_response is not None
    ]
    scores = [Score(None, NO_REFERENCE, scoring.scorer) for _ in requests]
    if not held:
        return scores
    cosines = _cosines(
        [requests[index].response for index in held],
        [requests[index].reference_response or "" for index in held],
    )
    for index, cosine in zip(held, cosines, strict=True):
        value = round(min(1.0, max(0.0, cosine)), 12)
        if _exact(requests[index].response, requests[index].reference_response or ""):
            value = 1.0
        if scoring.pass_at_least is not None:
            value = float(value >= scoring.pass_at_least)
        scores[index] = Score(value, None, scoring.scorer)
    return scores


def _cosines(responses: list[str], references: list[str]) -> list[float]:
    """Mean of two cosines: of character 3- to 5-grams and of words and word pairs."""
    total = np.zeros(len(responses))
    for analyzer, span in (("char_wb", (3, 5)), ("word", (1, 2))):
        vectorizer = HashingVectorizer(
            analyzer=analyzer,
            ngram_range=span,
            n_features=HASHED_FEATURES,
            alternate_sign=False,
            token_pattern=r"(?u)\b\w+\b" if analyzer == "word" else None,
        )
        left = vectorizer.transform(responses)
        right = vectorizer.transform(references)
        total += np.asarray(left.multiply(right).sum(axis=1)).ravel()
    return [float(value) for value in total / 2]
