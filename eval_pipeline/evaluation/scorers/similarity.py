"""Similarity of response and reference: cosines of built-in vectors, or of an embeddings model."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE, in_bounds, one_spaced
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import SimilarityScoring

HASHED_FEATURES = 2**18

Embed = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts to vectors of length one, a row per text; zeros for an empty one."""


def similarity_scores(
    requests: Sequence[ScoreRequest], scoring: SimilarityScoring, *, embed: Embed | None = None
) -> list[Score]:
    """The cosine cut to 0 to 1; 1 for texts that are the same but for case and space.

    `embed` makes the vectors in place of the built-in ones.
    """
    held = [
        index for index, request in enumerate(requests) if request.reference_response is not None
    ]
    scores = [Score(None, NO_REFERENCE, scoring.scorer) for _ in requests]
    if not held:
        return scores
    responses = [requests[index].response for index in held]
    references = [requests[index].reference_response or "" for index in held]
    cosines = (
        built_in_cosines(responses, references)
        if embed is None
        else embedded_cosines(responses, references, embed=embed)
    )
    for place, cosine in enumerate(cosines):
        same = one_spaced(responses[place]) == one_spaced(references[place])
        value = in_bounds(1.0 if same else cosine, pass_at_least=scoring.pass_at_least)
        scores[held[place]] = Score(value, None, scoring.scorer)
    return scores


def embedded_cosines(
    responses: Sequence[str], references: Sequence[str], *, embed: Embed
) -> list[float]:
    """Cosines of the vectors that `embed` gives, asked for all texts at once."""
    vectors = embed([*responses, *references])
    left, right = vectors[: len(responses)], vectors[len(responses) :]
    return [float(value) for value in (left * right).sum(axis=1)]


def built_in_cosines(responses: Sequence[str], references: Sequence[str]) -> list[float]:
    """Mean of two cosines: of character 3- to 5-grams and of words and word pairs."""
    from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415 - slow

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
