"""An item that a source holds is found, and how much of it; what a source does not hold is not."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.settings import ContaminationSettings
from eval_pipeline.truth.held_grams import TEMPLATE_ITEMS
from eval_pipeline.truth.item_index import ItemIndex
from eval_pipeline.truth.source_search import Passage, Search, SourceRecord

POLICY = ContaminationSettings()
FIVE = ContaminationSettings(ngram_words=5)

words = st.text(string.ascii_lowercase, min_size=2, max_size=9)
long_text = st.lists(words, min_size=4, max_size=40, unique=True)


def question(*texts: str, item_id: str = "item") -> Passage:
    return Passage(item_id, "question", texts)


def found(index: ItemIndex, *records: SourceRecord) -> dict[tuple[str, str], tuple[float, int]]:
    best = index.search(records).best
    return {
        (item_id, measure): (hit.value, hit.record) for (item_id, _, measure), hit in best.items()
    }


def test_the_covered_share_is_that_of_the_n_grams_one_record_holds() -> None:
    # 10 words: 6 five-grams. The record holds the first 8 words: 4 of them, 4 / 6.
    index = ItemIndex([question("a1 b1 c1 d1 e1 f1 g1 h1 i1 j1")], policy=FIVE)
    hits = found(index, SourceRecord(7, ("zz a1 b1 c1 d1 e1 f1 g1 h1 zz",)))
    assert hits == {("item", "covered_share"): (pytest.approx(4 / 6), 7)}
    # The first 7 words: 3 of 6, under 0.6.
    assert found(index, SourceRecord(7, ("zz a1 b1 c1 d1 e1 f1 g1 zz",))) == {}


def test_two_records_do_not_add_up() -> None:
    index = ItemIndex([question("a1 b1 c1 d1 e1 f1 g1 h1 i1 j1")], policy=FIVE)
    halves = (
        SourceRecord(1, ("a1 b1 c1 d1 e1 f1 g1",)),
        SourceRecord(2, ("d1 e1 f1 g1 h1 i1 j1",)),
    )
    assert found(index, *halves) == {}


def test_similarity_is_jaccard_of_the_three_word_shingles_of_one_text() -> None:
    # 12 words: 10 shingles; with one word more at the end 11, all ten common: 10 / 11.
    item = " ".join(f"w{number}" for number in range(12))
    index = ItemIndex([question(item)], policy=POLICY)
    hits = found(index, SourceRecord(1, ("unrelated", f"{item} more")))
    assert hits["item", "similarity"] == (pytest.approx(10 / 11), 1)
    # The last word of 12 another one: 9 common of 11 distinct = 0.818; the third: 7 of 13.
    late, early = item.replace("w11", "other"), item.replace("w2 ", "other ")
    assert found(index, SourceRecord(1, (late,)))["item", "similarity"][0] == pytest.approx(9 / 11)
    assert ("item", "similarity") not in found(index, SourceRecord(1, (early,)))


def test_raw_names_where_the_item_has_placeholders_do_not_hide_it() -> None:
    masked = "My name is [PERSON_1] and I have waited nine days for order [ORDER_1] to come here"
    raw = "my name is Zoë Quist and I have waited nine days for order QX-1 to come here"
    index = ItemIndex([question(masked)], policy=POLICY)
    # Segments: 'my name is' (too short), 9 words: one 9-gram minus 8 + 1 = 2, 'to come here'.
    assert found(index, SourceRecord(3, (raw,)))["item", "covered_share"] == (1.0, 3)


def test_a_short_item_counts_whole_and_a_shorter_one_is_not_looked_for() -> None:
    index = ItemIndex(
        [question("Is it open today?", item_id="four"), question("Thank you!", item_id="two")],
        policy=POLICY,
    )
    assert index.too_short == 1
    record = SourceRecord(1, ("is it open today", "thank you"))
    assert set(found(index, record)) == {("four", "covered_share"), ("four", "similarity")}


def test_a_template_alone_is_no_match_and_the_item_itself_is() -> None:
    template = "think step by step and then answer yes or no is this number a prime one"
    numbers = [f"{template} {number} {number + 1} {number + 2} {number + 3}" for number in range(9)]
    assert len(numbers) > TEMPLATE_ITEMS
    passages = [question(text, item_id=str(place)) for place, text in enumerate(numbers)]
    index = ItemIndex(passages, policy=POLICY)
    # 20 words: 13 eight-grams, 9 of them the template's: 9 / 13 = 0.69 would be over 0.6.
    unrelated = SourceRecord(1, (f"{template} 77 78 79 80",))
    assert found(index, unrelated) == {}
    planted = found(index, SourceRecord(1, (numbers[4],)))
    assert set(planted) == {("4", "covered_share"), ("4", "similarity")}


def test_a_long_template_with_another_number_is_not_similar_enough() -> None:
    template = " ".join(f"word{number}" for number in range(30))
    passages = [question(f"{number} {template}", item_id=str(number)) for number in range(9)]
    index = ItemIndex(passages, policy=POLICY)
    # 31 words: 29 shingles, 28 of the template's: 28 / 30 = 0.93, and none that tells an item.
    assert found(index, SourceRecord(1, (f"77 {template}",))) == {}
    assert set(found(index, SourceRecord(1, (f"5 {template}",)))) == {
        ("5", "covered_share"),
        ("5", "similarity"),
    }


def test_the_line_of_a_text_file_is_the_one_where_the_match_begins() -> None:
    index = ItemIndex([question("where can I park my car tonight please sir")], policy=POLICY)
    lines = ("one", "", "where can I park my car", "tonight please sir", "end")
    assert found(index, SourceRecord(11, lines, lines=True))["item", "covered_share"] == (1.0, 13)


def test_of_equal_hits_the_first_record_is_named_and_unreadable_ones_are_counted() -> None:
    index = ItemIndex([question("one two three four five")], policy=POLICY)
    text = ("one two three four five",)
    search = index.search(
        [SourceRecord(2, (), problem="no JSON"), SourceRecord(5, text), SourceRecord(9, text)]
    )
    assert {hit.record for hit in search.best.values()} == {5}
    assert (search.records, search.unreadable, search.first_unreadable) == (3, 1, 2)


def test_a_canary_is_noted_with_its_line() -> None:
    canary = "eval-pipeline golden canary 1f2a3b4c-0000-5000-8000-00000000002a"
    search = ItemIndex([], policy=POLICY).search(
        [SourceRecord(4, ("x", f"# {canary}"), lines=True)]
    )
    assert search.canaries == {canary: 5}
    assert Search().canaries == {}


def disguised(text: list[str], draw: random.Random) -> str:
    marks = [" ", "  ", "\n", "\t", ", ", "... ", " **", "!? ", " \u2013 ", "\u00a0", " \u200b"]
    cased = [draw.choice([str.upper, str.title, str.lower])(word) for word in text]
    return "".join(word + draw.choice(marks) for word in cased)


@settings(max_examples=40, deadline=None)
@given(long_text, st.text(max_size=200), st.text(max_size=200), st.randoms(), st.integers(3, 12))
def test_an_item_planted_verbatim_is_found_whatever_surrounds_and_disguises_it(
    item: list[str], before: str, after: str, draw: random.Random, ngram_words: int
) -> None:
    policy = ContaminationSettings(ngram_words=ngram_words)
    index = ItemIndex([question(" ".join(item))], policy=policy)
    planted = f"{before} {disguised(item, draw)} {after}"
    records = [SourceRecord(1, (before, after)), SourceRecord(2, ("noise", planted))]
    search = index.search(records)
    assert search.best["item", "question", "covered_share"].value == 1.0


@settings(max_examples=40, deadline=None)
@given(st.lists(long_text, min_size=1, max_size=8), st.lists(st.text(max_size=300), max_size=20))
def test_a_corpus_that_shares_no_four_words_in_a_row_gives_no_finding(
    items: list[list[str]], corpus: list[str]
) -> None:
    passages = [question(" ".join(item), item_id=str(n)) for n, item in enumerate(items)]
    index = ItemIndex(passages, policy=POLICY)
    # Words of the items have two letters or more of a to z; a digit makes every other word new.
    records = [
        SourceRecord(n, (" ".join(f"{word}9" for word in text.split()),))
        for n, text in enumerate(corpus, start=1)
    ]
    assert index.search(records).best == {}


@settings(max_examples=12, deadline=None)
@given(st.lists(long_text, min_size=1, max_size=5), st.integers(0, 40))
def test_how_records_fall_into_batches_changes_nothing(items: list[list[str]], pad: int) -> None:
    passages = [question(" ".join(item), item_id=str(n)) for n, item in enumerate(items)]
    index = ItemIndex(passages, policy=POLICY)
    records = [SourceRecord(n, (" ".join(item),)) for n, item in enumerate(items, start=1)]
    filler = SourceRecord(99, ("filler " * pad * 2_000,))
    alone: dict[tuple[str, str, str], float] = {}
    for record in records:
        for key, hit in index.search([record]).best.items():
            alone[key] = max(hit.value, alone.get(key, 0.0))
    together = index.search([records[0], filler, *records[1:]]).best
    assert {key: hit.value for key, hit in together.items()} == alone
