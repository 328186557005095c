"""Logistic regression over a route's few reference answers, cross-fitted by group.

Groups are put into folds by the hash of their names. A question whose item, conversation or
near-duplicate is among the examples is answered by the model that never saw its fold; any other,
such as one of the reserve, which has no label to leak, by the model that saw all examples.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval_pipeline.evaluation.naive.asked import Example, Question
from eval_pipeline.evaluation.naive.retrieval import DECIMALS, WORDS
from eval_pipeline.evaluation.naive.rules import WHOLE, groups_found
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.ports import OwnAnswer
from eval_pipeline.settings import LogisticNaive

CLASSIFIED, UNSURE = "classified", "below_confidence"
TOO_FEW, TOO_MANY = "too_few_labels", "too_many_labels"
LEAST_LABELS = 2
ITERATIONS = 5_000
FOLD_SALT = "naive-logistic-fold"


@dataclass(frozen=True)
class _Labelled:
    example: Example
    label: str


@dataclass(frozen=True)
class _Model:
    """A fitted route; `answers` by label: the wording and the item it is of."""

    labels: Sequence[str]
    answers: Mapping[str, tuple[str, str]]
    vectorizer: Any
    classifier: Any


class LogisticSystem:
    """Models are fitted when a question first needs them."""

    def __init__(self, naive: LogisticNaive, examples: Sequence[Example]) -> None:
        self._naive = naive
        self._routes: dict[str, list[_Labelled]] = {}
        for example in sorted(examples, key=lambda one: one.item_id):
            label = label_of(example.reference, pattern=naive.label_pattern)
            if label is not None and example.text.strip():
                self._routes.setdefault(example.route, []).append(_Labelled(example, label))
        self._models: dict[tuple[str, frozenset[int]], _Model | str] = {}

    def answer(self, question: Question) -> OwnAnswer:
        """The likeliest label's answer with its probability as confidence."""
        model = self.prepare(question)
        if isinstance(model, str):
            return OwnAnswer(None, 0.0, model)
        found = model.classifier.predict_proba(model.vectorizer.transform([question.text]))[0]
        probabilities = np.round(found, DECIMALS)
        place = int(np.argmax(probabilities))
        sure = float(probabilities[place])
        if sure < self._naive.minimum_confidence:
            return OwnAnswer(None, sure, UNSURE)
        reference, item_id = model.answers[model.labels[place]]
        return OwnAnswer(reference, sure, CLASSIFIED, item_id)

    def prepare(self, question: Question) -> _Model | str:
        """The model that may answer the question, or why there is none."""
        examples = self._routes.get(question.route, [])
        held = {one.example.group for one in examples} & question.barred
        folds = frozenset(self.fold_of(group) for group in held)
        key = (question.route, folds)
        if key not in self._models:
            self._models[key] = self._fitted(
                [one for one in examples if self.fold_of(one.example.group) not in folds]
                if folds
                else examples
            )
        return self._models[key]

    def fold_of(self, group: str) -> int:
        """From 0; the same on every machine."""
        return seed_for(FOLD_SALT, group) % self._naive.folds

    def _fitted(self, examples: Sequence[_Labelled]) -> _Model | str:
        counted = Counter(one.label for one in examples)
        labels = sorted(
            label for label, count in counted.items() if count >= self._naive.minimum_examples
        )
        if len(labels) < LEAST_LABELS:
            return TOO_FEW
        if len(labels) > self._naive.maximum_labels:
            return TOO_MANY
        learnt = [one for one in examples if one.label in set(labels)]
        return _fit(learnt, labels, strength=self._naive.inverse_regularisation)


def label_of(reference: str, *, pattern: str | None) -> str | None:
    """What is learnt of a reference answer; None where the pattern finds nothing in it."""
    if pattern is None:
        return " ".join(reference.casefold().split())
    found = groups_found(pattern, reference)
    return None if found is None else found.get("1", found[WHOLE])


def _fit(examples: Sequence[_Labelled], labels: Sequence[str], *, strength: float) -> _Model:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - slow

    places = {label: place for place, label in enumerate(labels)}
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2),
        token_pattern=WORDS,
        sublinear_tf=True,
    )
    # One thread: sums in another order would be other numbers.
    with threadpool_limits(limits=1):
        texts = vectorizer.fit_transform([one.example.text for one in examples])
        classifier = LogisticRegression(C=strength, max_iter=ITERATIONS)
        classifier.fit(texts, [places[one.label] for one in examples])
    answers = {label: _wording(examples, label) for label in labels}
    return _Model(labels, answers, vectorizer, classifier)


def _wording(examples: Sequence[_Labelled], label: str) -> tuple[str, str]:
    """The label's most frequent wording, of several the first in order, and its first item."""
    own = [one.example for one in examples if one.label == label]
    counted = Counter(example.reference for example in own)
    wording = min(counted, key=lambda text: (-counted[text], text))
    return wording, next(one.item_id for one in own if one.reference == wording)
