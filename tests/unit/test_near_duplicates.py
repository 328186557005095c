import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.truth import near_duplicates
from eval_pipeline.truth.near_duplicates import (
    PERMUTATIONS,
    bands,
    instructions,
    neighbours,
    normalised,
)


def asks(*contents: str) -> str:
    return normalised([{"role": "user", "content": content} for content in contents])


def runs(text: str) -> set[str]:
    return {text[start : start + 5] for start in range(len(text) - 4)}


def jaccard(one: str, other: str) -> float:
    return len(runs(one) & runs(other)) / len(runs(one) | runs(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("When do you OPEN?", "  when do\nyou open? "),
        ("Is [PERSON_1] in?", "Is [PERSON_22] in?"),
        ("My [MEMBER_NUMBER_1]", "my [MEMBER_NUMBER_3]"),
        ("\ufb01ve \uff12", "five 2"),
        ("STRASSE", "straße"),
    ],
)
def test_case_spacing_forms_and_numbers_of_placeholders_do_not_count(one, other):
    assert asks(one) == asks(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Is [PERSON_1] in?", "Is [BRANCH_1] in?"), ("a b", "ab"), ("5", "6")]
)
def test_what_is_asked_counts(one, other):
    assert asks(one) != asks(other)


def test_who_says_it_counts_and_where_a_message_ends():
    said = normalised([{"role": "assistant", "content": "hello"}])
    assert said != asks("hello")
    assert asks("a", "b") != asks("a b")
    assert normalised([{"role": "user", "content": None}]) == asks("")


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_that_every_question_shares_make_no_two_of_them_alike(role):
    told = {"role": role, "content": "Be kind, brief and right. " * 40}
    one, other = (
        normalised([told, {"role": "user", "content": text}]) for text in ("When?", "How much?")
    )
    assert one == asks("When?")
    assert neighbours([one, other], similarity=0.5)[one] == set()
    assert instructions([told, {"role": "user", "content": "When?"}]) == instructions([told]) != ""


def test_the_threshold_is_exact():
    # one + 4 ends: 'user: ' and 95 characters make 101 runs; the last changed, 5 of them differ:
    # 96 shared of 106 is .9057
    text = "".join(random.Random(1).choices("abcdefghij", k=94))
    one, other = asks(text + "x"), asks(text + "y")
    assert jaccard(one, other) == 96 / 106
    assert neighbours([one, other], similarity=96 / 106)[one] == {other}
    assert neighbours([one, other], similarity=96 / 106 + 1e-9)[one] == set()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.3, 0.6, 0.9]), st.randoms())
def test_exactly_the_pairs_at_the_threshold_are_neighbours_in_any_order(seed, similarity, shuffle):
    draws = random.Random(seed)
    base = [draws.choices("abcd ", k=draws.randrange(0, 120)) for _ in range(4)]
    texts = []
    for letters in base:
        for changes in range(6):
            changed = list(letters)
            for place in draws.sample(range(len(changed)), k=min(changes, len(changed))):
                changed[place] = "z"
            texts.append(asks("".join(changed)))
    expected = {
        one: {other for other in texts if other != one and jaccard(one, other) >= similarity}
        for one in texts
    }
    found = neighbours(texts, similarity=similarity)
    assert found == expected
    shuffle.shuffle(texts)
    assert neighbours(texts, similarity=similarity) == found


@pytest.mark.parametrize("similarity", [0.23, 0.5, 0.8, 0.9, 1.0])
def test_a_pair_at_the_threshold_is_missed_less_than_once_in_ten_million(similarity):
    count, rows = bands(similarity)
    assert count * rows == PERMUTATIONS
    assert (1 - similarity**rows) ** count < 1e-7


def test_the_shortest_texts_are_compared_too():
    assert neighbours(["", "a", "b"], similarity=0.9) == {"": set(), "a": set(), "b": set()}


def test_of_a_hundred_thousand_pairs_of_questions_few_are_compared(monkeypatch):
    draws = random.Random(5)
    words = ["refund", "order", "when", "days", "my", "the", "of", "delivery", "is", "late"]
    texts = [asks(" ".join(draws.choices(words, k=20))) for _ in range(500)]
    compared = []
    exact = near_duplicates._jaccard
    monkeypatch.setattr(
        near_duplicates,
        "_jaccard",
        lambda one, other, **how: compared.append((one, other)) or exact(one, other, **how),
    )
    neighbours(texts, similarity=0.9)
    # Of 124,750 pairs; each that is compared costs about as much as hashing a text.
    assert len(compared) < 500
