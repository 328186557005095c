"""Which scorer scores what: every measure of a scorer under the name of its dimension."""

from collections.abc import Mapping, Sequence

from eval_pipeline.evaluation.scorers.entities import entities_scores
from eval_pipeline.evaluation.scorers.json_answers import (
    fields_f1_scores,
    fields_scores,
    json_schema_scores,
    required_fields_scores,
)
from eval_pipeline.evaluation.scorers.numbers import numeric_scores
from eval_pipeline.evaluation.scorers.overlap import chrf_scores, rouge_scores
from eval_pipeline.evaluation.scorers.similarity import Embed, similarity_scores
from eval_pipeline.evaluation.scorers.texts import exact_scores, normalised_scores, regex_scores
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import (
    ChrfScoring,
    EntitiesScoring,
    ExactScoring,
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    NormalisedScoring,
    NumericScoring,
    ProgrammaticScoring,
    RegexScoring,
    RequiredFieldsScoring,
    RougeScoring,
    SimilarityScoring,
)

Dimensions = Mapping[str, list[Score]]
"""Dimension to one score per request, in order; the first dimension decides where one must."""


def score(
    requests: Sequence[ScoreRequest], scoring: ProgrammaticScoring, *, embed: Embed | None = None
) -> Dimensions:
    """One score per request and dimension of the scorer, the dimensions in their order.

    A score is null with `no_reference` where nothing can be compared. `embed` makes the vectors of
    a similarity that asks for a model's; it is not called for anything else.
    """
    return dict(zip(scoring.dimensions, _by_dimension(requests, scoring, embed=embed), strict=True))


def _by_dimension(  # noqa: C901, PLR0911 - one case per scorer
    requests: Sequence[ScoreRequest], scoring: ProgrammaticScoring, *, embed: Embed | None
) -> list[list[Score]]:
    match scoring:
        case ExactScoring():
            return [exact_scores(requests, scoring)]
        case NormalisedScoring():
            return [normalised_scores(requests, scoring)]
        case NumericScoring():
            return [numeric_scores(requests, scoring)]
        case RegexScoring():
            return [regex_scores(requests, scoring)]
        case JsonSchemaScoring():
            return [json_schema_scores(requests, scoring)]
        case RequiredFieldsScoring():
            return [required_fields_scores(requests, scoring)]
        case FieldsF1Scoring():
            return [fields_f1_scores(requests, scoring)]
        case FieldsScoring():
            return fields_scores(requests, scoring)
        case EntitiesScoring():
            return entities_scores(requests, scoring)
        case ChrfScoring():
            return [chrf_scores(requests, scoring)]
        case RougeScoring():
            return [rouge_scores(requests, scoring)]
        case SimilarityScoring():
            return [similarity_scores(requests, scoring, embed=embed)]
