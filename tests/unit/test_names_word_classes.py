import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.names.lexicon import BANDS, Listed
from eval_pipeline.anonymisation.names.tokens import tokenise
from eval_pipeline.anonymisation.names.word_classes import (
    FAMILIARITIES,
    SHAPES,
    UNSEEN,
    familiarity,
    shape_of,
)


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("anna", "lower"), ("Anna", "Capital"), ("ANNA", "CAPITAL"), ("A", "X"), ("a", "lower"),
        ("O'neil", "X.x"), ("McNeil", "MixedCase"), ("iPhone", "MixedCase"), ("李", "lower"),
        ("Éva", "Capital"), ("7", "1"), ("42", "12"), ("1987", "1234"), ("12345", "12345+"),
        ("1234567", "12345+"), ("\n", "newline"), ("!", "."), (";", ","), ("\u2013", "-"),
        ("'s", "'s"), ("\u201d", "quote"), ("[", "bracket"), ("@", "@#"), ("$", "mark"),
        ("_", "mark"), ("[PERSON_1]", "placeholder"),
    ],
)  # fmt: skip
def test_the_shape_tells_how_a_token_is_written(word: str, shape: str) -> None:
    assert shape_of(word) == shape


@given(st.text())
def test_every_token_of_any_text_has_a_shape(text: str) -> None:
    assert {shape_of(word) for word in tokenise(text)[0]} <= set(SHAPES)


def test_familiarity_numbers_the_sets_of_name_lists_and_the_bands() -> None:
    # First names are bit 0, last names bit 1, places bit 2; five bands each; 0 is the edge.
    assert familiarity(Listed.NOWHERE, band=0) == 1
    assert familiarity(Listed.FIRST, band=3) == 1 + 1 * 5 + 3
    assert familiarity(Listed.FIRST | Listed.PLACE | Listed.DATE, band=4) == 1 + 5 * 5 + 4


def test_no_two_familiarities_share_a_number() -> None:
    names = (Listed.FIRST, Listed.LAST, Listed.PLACE)
    sets = [
        sum((flag for bit, flag in enumerate(names) if number >> bit & 1), Listed.NOWHERE)
        for number in range(8)
    ]
    numbers = [
        familiarity(Listed(flags), band=band) for flags in sets for band in range(len(BANDS) + 1)
    ]
    assert sorted([UNSEEN, *numbers]) == list(range(FAMILIARITIES))
