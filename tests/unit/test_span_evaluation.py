"""The span evaluator of the privacy benchmark, on cases worked by hand and against its model."""

import random
import re

import pytest

from benchmarks.span_evaluation import (
    ANY_KIND,
    Document,
    Entity,
    Score,
    Token,
    fully_covered,
    kinds_of,
    score,
    skip_words,
)

SKIPPED = skip_words()
WORDS = (
    "Anna", "Lee", "the", "of", ",", "-", "4111", "street", "Rome", "\n\n", "born", "İzmir", "'s",
    "Acme", "inc", "12", ".", "Main",
)  # fmt: skip


def tokens_of(text: str) -> tuple[Token, ...]:
    return tuple(Token(m.start(), m.group()) for m in re.finditer(r"\w+|[^\w\s]", text))


def document(text: str, *, gold: dict[str, str], predicted: dict[str, str]) -> Document:
    """Entities are told by their words, each of which stands in the text once."""

    def entities(told: dict[str, str]) -> list[Entity]:
        return [
            Entity(text.index(words), text.index(words) + len(words), kind)
            for words, kind in told.items()
        ]

    return Document.of(tokens_of(text), gold=entities(gold), predicted=entities(predicted))


def scored(one: Document, *, iou: float = 0.9) -> dict[str, Score]:
    return score([one], iou=iou, skipped=SKIPPED)


def test_an_exact_find_of_the_right_kind_counts_once_on_every_side():
    one = document("call Anna Lee", gold={"Anna Lee": "PERSON"}, predicted={"Anna Lee": "PERSON"})
    assert scored(one) == {"PERSON": Score(annotated=1, predicted=1, found=1)}


def test_a_half_find_counts_from_the_threshold_of_its_overlap():
    # "Anna" covers 4 of the 8 characters of "Anna Lee".
    one = document("call Anna Lee", gold={"Anna Lee": "PERSON"}, predicted={"Anna": "PERSON"})
    assert scored(one, iou=0.5)["PERSON"] == Score(1, 1, 1)
    assert scored(one, iou=0.51)["PERSON"] == Score(1, 1, 0)


def test_a_find_of_another_kind_is_a_miss_of_one_and_a_false_find_of_the_other():
    one = document("in Rome now", gold={"Rome": "PLACE"}, predicted={"Rome": "PERSON"})
    assert scored(one) == {"PERSON": Score(0, 1, 0), "PLACE": Score(1, 0, 0)}
    assert scored(one.without_kinds()) == {ANY_KIND: Score(1, 1, 1)}


def test_skip_words_at_the_ends_of_a_span_do_not_count():
    # Of "the Main Street" and "Main" the token "main" alone counts, the other two are skip words.
    one = document(
        "on the Main Street", gold={"the Main Street": "PLACE"}, predicted={"Main": "PLACE"}
    )
    assert scored(one, iou=1.0)["PLACE"] == Score(1, 1, 1)


def test_a_span_of_skip_words_alone_is_none():
    one = document("the street", gold={"the street": "PLACE"}, predicted={"street": "PLACE"})
    assert scored(one) == {}


def test_spans_of_a_kind_with_a_comma_between_them_are_one():
    one = document(
        "at 12 Elm, Rome",
        gold={"12 Elm": "PLACE", "Rome": "PLACE"},
        predicted={"12 Elm, Rome": "PLACE"},
    )
    assert scored(one, iou=1.0)["PLACE"] == Score(1, 1, 1)


def test_finds_with_a_word_between_them_are_pooled_over_the_gold_span_they_touch():
    # Gold is characters 0-13. The claims are 0-4 and 10-13, the second moved to 9-12:
    # {0..4} and {9..12} share 9 of the 14 positions 0..13.
    one = document(
        "Anna Ruth Lee",
        gold={"Anna Ruth Lee": "PERSON"},
        predicted={"Anna": "PERSON", "Lee": "PERSON"},
    )
    assert scored(one, iou=9 / 14)["PERSON"] == Score(1, 1, 1)
    assert scored(one, iou=0.65)["PERSON"] == Score(1, 1, 0)


def test_a_find_that_touches_nothing_is_a_false_one():
    one = document("Anna met Rome", gold={"Anna": "PERSON"}, predicted={"Rome": "PERSON"})
    assert scored(one) == {"PERSON": Score(1, 1, 0)}


def test_f_weighs_recall_four_times_where_beta_is_two():
    # precision 1/2, recall 1/4: 5 * (1/8) / (4 * 1/2 + 1/4) = 0.625 / 2.25
    assert Score(annotated=4, predicted=2, found=1).f() == pytest.approx(0.625 / 2.25)
    assert Score(annotated=4, predicted=0, found=0).f() is None


def test_a_token_is_marked_by_the_entity_that_holds_its_start_or_lies_within_it():
    tokens = (Token(0, "user42"), Token(7, "Anna"))
    assert kinds_of(tokens, [Entity(4, 6, "NUMBER")]) == ("NUMBER", "O")
    assert kinds_of(tokens, [Entity(5, 9, "PERSON")]) == ("O", "PERSON")


def test_an_entity_is_covered_when_its_letters_and_digits_are():
    text = "+1 (212) 555"
    phone = Entity(0, 12, "PHONE")
    assert fully_covered(text, phone, [(1, 2), (4, 7), (9, 12)])
    assert not fully_covered(text, phone, [(4, 12)])


def test_counts_are_those_of_presidio_research_on_random_documents():
    evaluation = pytest.importorskip("presidio_evaluator.evaluation")
    import pandas as pd

    rng = random.Random(7)
    documents = [random_document(rng) for _ in range(400)]
    frame = pd.DataFrame(
        [
            (number, token.text, gold, predicted, token.start)
            for number, one in enumerate(documents)
            for token, gold, predicted in zip(one.tokens, one.gold, one.predicted, strict=True)
        ],
        columns=["sentence_id", "token", "annotation", "prediction", "start_indices"],
    )
    for iou in (0.5, 0.7, 0.9):
        theirs = evaluation.SpanEvaluator(
            iou_threshold=iou, skip_words=evaluation.skipwords.get_skip_words()
        ).calculate_score_on_df(frame)
        ours = score(documents, iou=iou, skipped=SKIPPED)
        assert {
            kind: Score(told.num_annotated, told.num_predicted, told.true_positives)
            for kind, told in theirs.per_type.items()
        } == ours
        assert ours["A"].f() == pytest.approx(theirs.per_type["A"].f_beta)
        whole = score([one.without_kinds() for one in documents], iou=iou, skipped=SKIPPED)
        assert whole[ANY_KIND] == Score(
            theirs.pii_annotated, theirs.pii_predicted, theirs.pii_true_positives
        )
        assert whole[ANY_KIND].f() == pytest.approx(theirs.pii_f)


def random_document(rng: random.Random) -> Document:
    tokens, start = [], 0
    for _ in range(rng.randrange(1, 30)):
        word = rng.choice(WORDS)
        tokens.append(Token(start, word))
        start += len(word) + rng.randrange(0, 2)
    gold = [rng.choice("OOAABC") for _ in tokens]
    predicted = [kind if rng.random() < 0.75 else rng.choice("OABC") for kind in gold]
    return Document(tuple(tokens), tuple(gold), tuple(predicted))


def test_the_skip_words_are_those_of_presidio_research():
    evaluation = pytest.importorskip("presidio_evaluator.evaluation")
    assert frozenset(evaluation.skipwords.get_skip_words()) == SKIPPED
