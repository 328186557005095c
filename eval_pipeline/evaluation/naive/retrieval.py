"""The reference answer of the nearest golden item of the route, itself and its kin left out.

TF-IDF of words and pairs of words, 1 + log(count), idf = log((1 + n) / (1 + df)) + 1, cosine, as
scikit-learn has it. Counts of documents are taken without what is barred for the question, so an
item gets the very answer that it would get if it had never been in the golden set. Words that no
document has count in the question's length: what is mostly unknown is near to nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.evaluation.naive.asked import Example, Question
from eval_pipeline.ports import OwnAnswer
from eval_pipeline.settings import RetrievalNaive
from eval_pipeline.statistics.clusters import Floats

NEAREST, TOO_FAR, NO_EXAMPLE = "nearest", "below_similarity", "no_example"
DECIMALS = 6
WORDS = r"(?u)\b\w+\b|[^\s\w]"
"""Words, numbers and single signs."""
Vectors = Callable[[Sequence[str]], Floats]


class RetrievalSystem:
    """Learnt from examples; `vectors` embeds texts, None takes TF-IDF."""

    def __init__(
        self, naive: RetrievalNaive, examples: Sequence[Example], *, vectors: Vectors | None = None
    ) -> None:
        self._naive = naive
        self._local = vectors is None
        by_route: dict[str, list[Example]] = {}
        told = (example for example in examples if example.text.strip())
        for example in sorted(told, key=lambda one: one.item_id):
            by_route.setdefault(example.route, []).append(example)
        self._pools: Mapping[str, _Pool] = {
            route: _Pool(own, vectors=vectors) for route, own in by_route.items()
        }

    def answer(self, question: Question) -> OwnAnswer:
        """The nearest example's reference with the cosine as confidence; ties to the first id."""
        return replace(self._nearest(question), local=self._local)

    def _nearest(self, question: Question) -> OwnAnswer:
        pool = self._pools.get(question.route)
        similarities = None if pool is None else pool.similarities(question)
        if pool is None or similarities is None:
            return OwnAnswer(None, 0.0, NO_EXAMPLE)
        place = int(np.argmax(similarities))
        similarity = float(similarities[place])
        if similarity < self._naive.minimum_similarity or similarity <= 0:
            return OwnAnswer(None, max(0.0, similarity), TOO_FAR)
        nearest = pool.examples[place]
        return OwnAnswer(nearest.reference, similarity, NEAREST, nearest.item_id)


class _Pool:
    """One route's examples, by id."""

    def __init__(self, examples: Sequence[Example], *, vectors: Vectors | None) -> None:
        self.examples = examples
        self._places: dict[str, list[int]] = {}
        for place, example in enumerate(examples):
            self._places.setdefault(example.group, []).append(place)
        texts = [example.text for example in examples]
        self._space = _Embedded(vectors, texts) if vectors is not None else _Words(texts)

    def similarities(self, question: Question) -> Floats | None:
        """One per example, -1 where it is barred; None where all are."""
        barred = [
            place for group in sorted(question.barred) for place in self._places.get(group, ())
        ]
        if len(barred) == len(self.examples):
            return None
        found = self._space.cosines(question.text, without=np.array(barred, dtype=np.int64))
        rounded = np.asarray(np.round(np.clip(found, 0, 1), DECIMALS), dtype=np.float64)
        rounded[barred] = -1.0
        return rounded


class _Embedded:
    """A model's vectors, of length one each."""

    def __init__(self, vectors: Vectors, texts: Sequence[str]) -> None:
        self._vectors = vectors
        self._documents = vectors(texts)

    def cosines(self, text: str, *, without: NDArray[np.int64]) -> Floats:
        del without  # what a model's vector is does not depend on the other documents
        found: Floats = self._documents @ self._vectors([text])[0]
        return found


class _Words:
    """Weighted counts of words, as `scikit-learn` weighs them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counter = word_counter()
        self._counts = self._counter.fit_transform(texts).astype(np.float64)
        self._vocabulary: Mapping[str, int] = self._counter.vocabulary_
        self._analyse = self._counter.build_analyzer()
        self._documents = np.asarray((self._counts > 0).sum(axis=0), dtype=np.float64).ravel()
        self._counts.data = 1 + np.log(self._counts.data)
        self._squares = self._counts.multiply(self._counts).tocsr()

    def cosines(self, text: str, *, without: NDArray[np.int64]) -> Floats:
        left = self._counts.shape[0] - without.size
        frequency = self._documents
        if without.size:
            frequency = frequency - np.asarray((self._counts[without] > 0).sum(axis=0)).ravel()
        weights = np.square(np.log((1 + left) / (1 + frequency)) + 1)
        asked, length = self._question(text, weights, unknown=np.log(1 + left) + 1)
        lengths = np.sqrt(self._squares @ weights) * length
        products = self._counts @ (asked * weights)
        found: Floats = np.divide(products, lengths, out=np.zeros(lengths.size), where=lengths > 0)
        return found

    def _question(self, text: str, weights: Floats, *, unknown: float) -> tuple[Floats, float]:
        """The question's known words, and its length with those that no document has."""
        asked = np.zeros(len(self._vocabulary))
        square = 0.0
        counted: dict[str, int] = {}
        for word in self._analyse(text):
            counted[word] = counted.get(word, 0) + 1
        for word, count in counted.items():
            scaled = 1 + np.log(count)
            place = self._vocabulary.get(word)
            if place is not None:
                asked[place] = scaled
            square += scaled**2 * (unknown**2 if place is None else weights[place])
        return asked, float(np.sqrt(square))


def word_counter() -> Any:
    """Counts words and pairs of words, whatever their case; digits are words."""
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415 - slow

    return CountVectorizer(ngram_range=(1, 2), token_pattern=WORDS)
