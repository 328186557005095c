"""Equality of texts, and what a pattern finds in them."""

import re
from collections.abc import Sequence

from eval_pipeline.evaluation.scorers.comparing import (
    against_reference,
    first_match,
    normal_form,
    one_spaced,
)
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import ExactScoring, NormalisedScoring, RegexScoring


def exact_scores(requests: Sequence[ScoreRequest], scoring: ExactScoring) -> list[Score]:
    """1 where both texts are the same, character by character or but for case and space."""

    def same(response: str, reference: str) -> float:
        if scoring.strict:
            return float(response == reference)
        return float(one_spaced(response) == one_spaced(reference))

    return against_reference(requests, same, scorer=scoring.scorer)


def normalised_scores(requests: Sequence[ScoreRequest], scoring: NormalisedScoring) -> list[Score]:
    """1 where both texts have the same normal form."""

    def form(text: str) -> str:
        return normal_form(text, punctuation=scoring.punctuation, articles=scoring.articles)

    return against_reference(
        requests,
        lambda response, reference: float(form(response) == form(reference)),
        scorer=scoring.scorer,
    )


def regex_scores(requests: Sequence[ScoreRequest], scoring: RegexScoring) -> list[Score]:
    """1 where the pattern finds the reference's; or where the response holds it, or does not.

    A pattern that finds nothing in the reference leaves nothing to compare with.
    """
    pattern = re.compile(scoring.pattern)
    if scoring.expect != "same_as_reference":
        wanted = scoring.expect == "match"
        return [
            Score(float((pattern.search(request.response) is not None) == wanted), None, "regex")
            for request in requests
        ]

    def same_match(response: str, reference: str) -> float | None:
        expected = first_match(pattern, reference)
        if expected is None:
            return None
        found = first_match(pattern, response)
        return float(found is not None and one_spaced(found) == one_spaced(expected))

    return against_reference(requests, same_match, scorer=scoring.scorer)
