"""Two dimensions that are read off every answer, whatever scores it: refusal and valid format.

Both are told as what is wanted: 1 for an answer that is no refusal, 1 for an answer in the form
that its route asks for. So in them, too, a drop is a loss.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from eval_pipeline.evaluation.dimensions import unanswered_score
from eval_pipeline.evaluation.scorers.entities import entities_in
from eval_pipeline.evaluation.scorers.json_answers import (
    UnreadableJsonError,
    json_schema_scores,
    read_json,
    required_fields_scores,
)
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import (
    EntitiesScoring,
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    RequiredFieldsScoring,
    Scoring,
)
from eval_pipeline.settings.policy_dimensions import FORMAT_VALIDITY, REFUSAL, asks_for_format

ANSWERED: Final = Score(1.0, None, REFUSAL)


def built_in_scores(trial: Mapping[str, Any], scorers: Collection[Scoring]) -> dict[str, Score]:
    """The scores of a row of REGRESSION_TRIALS in the built-in dimensions of its route's scorers.

    A refusal is the provider's word (`status`), not a reading of the text. `format_validity` is
    there where the route asks for JSON. A failed call has no score in either.
    """
    answered = trial["status"] == "answered"
    scores = {REFUSAL: ANSWERED if answered else unanswered_score(trial)}
    if not asks_for_format(scorers):
        return scores
    if not answered or trial["response"] is None:
        missing = unanswered_score(trial)
        named = missing if missing.value is None else replace(missing, scorer=FORMAT_VALIDITY)
        return {**scores, FORMAT_VALIDITY: named}
    valid = all(_valid(trial["response"], scorer) for scorer in scorers)
    return {**scores, FORMAT_VALIDITY: Score(float(valid), None, FORMAT_VALIDITY)}


def _valid(response: str, scorer: Scoring) -> bool:
    """Whether the answer has the form that this scorer reads; true for one that reads any text."""
    request = ScoreRequest(
        item_id="", trial=1, route="", messages=(), response=response, reference_response=None
    )
    match scorer:
        case JsonSchemaScoring():
            return json_schema_scores([request], scorer)[0].value == 1.0
        case RequiredFieldsScoring():
            return required_fields_scores([request], scorer)[0].value == 1.0
        case FieldsScoring() | FieldsF1Scoring():
            return _is_object(response)
        case EntitiesScoring():
            return entities_in(response, scorer) is not None
        case _:
            return True


def _is_object(response: str) -> bool:
    try:
        return isinstance(read_json(response), dict)
    except UnreadableJsonError:
        return False
