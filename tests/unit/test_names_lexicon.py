import bz2
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.names.building import spell_lists
from eval_pipeline.anonymisation.names.lexicon import (
    BANDS,
    LETTERS,
    Lexicon,
    Listed,
    lexicon,
    parse_lexicon,
    parse_lists,
)
from eval_pipeline.settings import Language

WORDS = st.text(st.characters(categories=["Ll", "Lo"]), min_size=1, max_size=8)
FLAGS = st.sets(st.sampled_from(list(Listed)), min_size=1)


@given(st.dictionaries(WORDS, FLAGS, max_size=8))
def test_lists_are_read_as_they_were_spelt(words: dict[str, set[Listed]]) -> None:
    listed = {}
    for word, flags in words.items():
        listed[word] = Listed.NOWHERE
        for flag in flags:
            listed[word] |= flag
    assert parse_lists(spell_lists(listed)) == listed


def test_every_list_has_its_letter() -> None:
    assert set(LETTERS.values()) == set(Listed)


def test_the_band_of_a_word_is_told_by_its_rank() -> None:
    ranks = {"the": 0, "last": 299, "next": 300, "rare": 29_999}
    known = Lexicon(listed={}, ranks=ranks)
    bands = [known.band(word) for word in (*ranks, "unheard")]
    assert bands == [1, 1, 2, 4, 0]


def test_a_lexicon_is_made_of_its_two_files() -> None:
    frequent = bz2.compress(b"the\nof\n")
    known = parse_lexicon(bz2.compress(b"anna\tf\nparis\tfp\n"), frequent=frequent)
    assert known.lists_of("paris") == Listed.FIRST | Listed.PLACE
    assert known.lists_of("the") == Listed.NOWHERE
    assert known.ranks == {"the": 0, "of": 1}


@pytest.mark.parametrize(
    ("word", "listed"),
    [
        ("elizabeth", Listed.FIRST),
        ("abby", Listed.FIRST),
        ("müller", Listed.LAST),
        ("nguyen", Listed.LAST),
        ("tokyo", Listed.PLACE),
        ("deutschland", Listed.COUNTRY),
        ("california", Listed.COUNTRY),
        ("canadians", Listed.GROUP),
        ("española", Listed.GROUP),
        ("gmbh", Listed.ORGANISATION),
        ("university", Listed.ORGANISATION),
        ("straße".casefold(), Listed.STREET),
        ("avenue", Listed.STREET),
        ("ärztin", Listed.TITLE),
        ("mrs", Listed.TITLE),
        ("octobre", Listed.DATE),
        ("miércoles", Listed.DATE),
    ],
)
def test_the_shipped_lists_hold(word: str, listed: Listed) -> None:
    assert listed in lexicon("en").lists_of(word)


def test_the_shipped_lists_hold_no_plain_words_as_names() -> None:
    known = lexicon("en")
    for word in ("refund", "invoice", "yesterday", "because", "parcel"):
        assert not known.lists_of(word) & (Listed.FIRST | Listed.LAST | Listed.PLACE)


@pytest.mark.parametrize("language", get_args(Language))
def test_the_shipped_words_are_case_folded_and_ranked(language: Language) -> None:
    known = lexicon(language)
    assert len(known.ranks) == BANDS[-1]
    assert all(word == word.casefold() for word in known.listed)
    frequent = {"en": "the", "de": "ich", "fr": "de", "es": "de"}[language]
    assert known.band(frequent) == 1


@pytest.mark.parametrize(
    ("least", "listed"), [(3_000, Listed.FIRST), (10_000, Listed.LAST), (20_000, Listed.PLACE)]
)
def test_the_shipped_lists_are_long(least: int, listed: Listed) -> None:
    assert sum(listed in flags for flags in lexicon("en").listed.values()) > least
