"""Parts of the privacy benchmark whose answers a hand can work out."""

from statistics import mean

import pytest

from benchmarks.privacy_engines import painted, replaced
from benchmarks.privacy_texts import MEAN_CHARACTERS, texts
from eval_pipeline.anonymisation.spans import Span


def test_where_scored_finds_overlap_the_higher_score_keeps_its_characters():
    scored = [(0.5, Span(0, 10, "URL")), (1.0, Span(4, 8, "EMAIL"))]
    assert painted(scored) == [Span(0, 4, "URL"), Span(4, 8, "EMAIL"), Span(8, 10, "URL")]


def test_finds_below_the_threshold_are_left_out():
    scored = [(0.3, Span(0, 4, "PHONE")), (0.4, Span(6, 9, "CARD"))]
    assert painted(scored, threshold=0.4) == [Span(6, 9, "CARD")]


def test_spans_are_replaced_by_their_kinds():
    assert replaced("Anna in Rome", [Span(8, 12, "PLACE"), Span(0, 4, "PERSON")]) == (
        "[PERSON_1] in [PLACE_1]"
    )


@pytest.mark.parametrize("dense", [False, True])
def test_the_texts_are_those_of_the_seed_and_of_the_length_told(dense):
    made = list(texts(1_000, dense=dense))
    assert made == list(texts(1_000, dense=dense))
    # Lengths have a standard deviation of some 400, so a mean of 1,000 of some 13.
    assert mean(map(len, made)) == pytest.approx(MEAN_CHARACTERS, abs=40)


def test_dense_texts_hold_a_value_in_most_sentences_and_plain_ones_in_few():
    signs = {dense: sum("@" in text for text in texts(500, dense=dense)) for dense in (False, True)}
    # A tenth of the values are addresses: of one value a plain text, of seven a dense one.
    assert signs[False] < 100
    assert signs[True] > 200
