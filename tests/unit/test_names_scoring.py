import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.names.features import attributes_of
from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed
from eval_pipeline.anonymisation.names.pair_weights import Floats
from eval_pipeline.anonymisation.names.scoring import Scorer
from eval_pipeline.anonymisation.names.tokens import tokenise
from eval_pipeline.anonymisation.names.weights import Weights
from eval_pipeline.fingerprint import unit_hash

LABELS = ("O", "PERSON", "PLACE")
KNOWN = Lexicon(
    listed={"anna": Listed.FIRST, "paris": Listed.PLACE | Listed.FIRST, "mrs": Listed.TITLE},
    ranks={"the": 0, "hi": 500, "paris": 9_000},
)
PIECES = st.sampled_from(
    ["Anna", "anna", "PARIS", "the", "hi", "Mrs", ".", "|", "||", "\n", "1987", "7", "[PERSON_1]",
     "O'Neil's", "\x02", "\u00b6", ",", " ", "=", ":", "x", "\u0130", "\ufb01", "\u00b2",
     "\U0001f600"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=25).map(" ".join), st.text(max_size=40))


def weights_of(texts: list[list[str]]) -> Weights:
    """A weight between -500 and 500 for every label of most features of the texts."""
    names = {
        name
        for words in texts
        for features in attributes_of(words, lexicon=KNOWN)
        for name in features
    }
    state = {
        name: {label: round(unit_hash(label, name) * 1000 - 500) for label in LABELS}
        for name in sorted(names)
        if unit_hash("kept", name) < 0.8
    }
    return Weights(labels=LABELS, transitions={}, state=state)


def summed(words: list[str], weights: Weights) -> Floats:
    """The scores by the definition: every feature's weights, added up."""
    scores = np.zeros((len(words), len(LABELS)))
    for place, features in enumerate(attributes_of(words, lexicon=KNOWN)):
        for name in features:
            for label, weight in weights.state.get(name, {}).items():
                scores[place, LABELS.index(label)] += weight / 1000
    return scores


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_score_is_the_sum_of_the_weights_of_the_features(texts: list[str]) -> None:
    read = [tokenise(text)[0] for text in texts]
    weights = weights_of(read)
    scores = Scorer(weights, lexicon=KNOWN).score(read)
    assert len(scores) == len(read)
    for words, found in zip(read, scores, strict=True):
        assert found == pytest.approx(summed(words, weights), abs=1e-9)


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_scores_do_not_depend_on_other_texts_nor_on_earlier_ones(
    text: str, others: list[str]
) -> None:
    read = [tokenise(each)[0] for each in (text, *others)]
    weights = weights_of(read)
    alone = Scorer(weights, lexicon=KNOWN).score(read[:1])[0]
    scorer = Scorer(weights, lexicon=KNOWN)
    scorer.score(read[1:])
    together = scorer.score([*read[1:], read[0]])[-1]
    assert together.tobytes() == alone.tobytes()


def test_features_that_the_model_does_not_know_weigh_nothing() -> None:
    weights = weights_of([["hi", "Anna"]])
    words = ["nobody", "Paris", "|", "|", "42"]
    found = Scorer(weights, lexicon=KNOWN).score([words])[0]
    assert found == pytest.approx(summed(words, weights), abs=1e-12)


def test_more_words_than_there_are_rows_at_first_are_scored_alike() -> None:
    words = [f"{first}{second}{third}" for first in "abcdefghijkl" for second in "mnopqrstuvwx"
             for third in "aeiouyáéíóúý"]  # fmt: skip
    weights = weights_of([words])
    found = Scorer(weights, lexicon=KNOWN).score([words])[0]
    assert found == pytest.approx(summed(words, weights), abs=1e-9)


def test_words_are_forgotten_past_a_number_and_scored_as_before() -> None:
    texts = [[f"a{number}", "Anna", f"b{number}"] for number in range(40)]
    weights = weights_of(texts)
    scorer = Scorer(weights, lexicon=KNOWN, most_words=20)
    for words in texts * 2:
        assert scorer.score([words])[0] == pytest.approx(summed(words, weights), abs=1e-9)
        assert len(scorer._numbers) <= 20 + len(words)


def test_no_texts_and_empty_texts_give_empty_scores() -> None:
    scorer = Scorer(weights_of([["hi"]]), lexicon=KNOWN)
    assert scorer.score([]) == []
    assert [scores.shape for scores in scorer.score([[], ["hi"], []])] == [(0, 3), (1, 3), (0, 3)]
