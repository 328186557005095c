import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.text_matching import (
    CUT,
    segments_of,
    shingles_of,
    units_of,
    words_of,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where's MY order?", "wheres my   order"),
        ("don\u2019t 'quote' it", "don't quote it"),
        ("**Where** is\nit", "where, is... it!"),
        ("\ufb01ve \uff37ide words", "five wide words"),
        ("Straße CAFÉ", "STRASSE cafe\u0301"),
        ("co\u00adoperate zero\u200bwidth", "cooperate zerowidth"),
        ("snake_case", "snake case"),
    ],
)
def test_case_width_punctuation_and_spacing_make_no_difference(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


def test_a_chinese_or_japanese_character_is_a_word_and_a_latin_run_is_one() -> None:
    assert words_of("我要iPhone15吗") == ["我", "要", "iphone15", "吗"]


def test_a_placeholder_cuts_and_its_kind_is_no_word() -> None:
    assert words_of("I am [PERSON_1], hello") == ["i", "am", CUT, "hello"]
    assert segments_of("[PERSON_1] [EMAIL_2] hello there") == [["hello", "there"]]


def test_only_long_segments_give_n_grams_and_short_ones_count_whole_from_four_words() -> None:
    # 6 words: 6 - 5 + 1 = 2 five-grams; 4 words: whole; 3 words: nothing.
    text = "one two three four five six [PERSON_1] please do call back [PERSON_2] thank you all"
    assert units_of(text, ngram_words=5) == {
        ("one", "two", "three", "four", "five"),
        ("two", "three", "four", "five", "six"),
        ("please", "do", "call", "back"),
    }


def test_no_shingle_goes_across_a_placeholder() -> None:
    assert shingles_of(words_of("a b c [PERSON_1] d e")) == {("a", "b", "c")}


@given(st.text())
def test_words_read_again_are_the_same_words(text: str) -> None:
    words = [word for word in words_of(text) if word != CUT]
    assert words_of(" ".join(words)) == words
