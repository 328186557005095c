import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.anonymisation.names.lexicon import lexicon
from eval_pipeline.anonymisation.names.model import NameModel, shipped_model
from eval_pipeline.anonymisation.names.shipped import model_file, read_shipped
from eval_pipeline.anonymisation.names.tokens import tokenise
from eval_pipeline.anonymisation.names.weights import parse_weights
from eval_pipeline.anonymisation.spans import Span
from tests.sizes import sized

PIECES = st.sampled_from(
    ["Anna", "Smith", "J", ".", ",", "Acme", "Corp", "from", "Paris", "wrote", "to", "\n", "42",
     "High", "Street", "Dr", "'s", "(", ")", "is", "the", "nurse", "[PERSON_1]", "-", "Tuesday"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map(" ".join), st.text(max_size=60))
LETTER = "Dear Mrs. Anna Smith, our nurse from Acme Corp wrote to you in Paris on Tuesday.\n"


def found(text: str, tau: float) -> list[Span]:
    return shipped_model("en").find([text], taus=[tau])[0]


def masked(text: str, tau: float) -> set[int]:
    return {place for span in found(text, tau) for place in range(span.start, span.end)}


def test_names_are_found_with_their_kinds() -> None:
    spans = found("Hi, this is Maria Lopez from Lisbon.", 0.2)
    assert [(span.start, span.end, span.kind, span.cued) for span in spans] == [
        (12, 23, "PERSON", True), (29, 35, "PLACE", True),
    ]  # fmt: skip
    assert spans[0].rule.startswith("names en: ")


def test_a_full_stop_of_initials_belongs_to_a_name_and_other_marks_do_not() -> None:
    text = "Please call (Robert J. Miller), thank you."
    assert [text[span.start : span.end] for span in found(text, 0.2)] == ["Robert J. Miller"]


@settings(deadline=None)
@given(TEXTS, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_smaller_tau_masks_whatever_a_larger_one_masks(
    text: str, one: float, other: float
) -> None:
    assert masked(text, max(one, other)) <= masked(text, min(one, other))


@settings(deadline=None)
@given(TEXTS, st.floats(0, 1))
def test_spans_are_apart_in_order_and_hold_letters_or_digits(text: str, tau: float) -> None:
    reached = 0
    for span in found(text, tau):
        assert reached <= span.start < span.end <= len(text)
        assert any(character.isalnum() for character in text[span.start : span.end])
        reached = span.end


@settings(deadline=None)
@given(TEXTS, st.lists(TEXTS, max_size=4))
def test_a_text_is_read_alike_whichever_others_are_read_with_it(
    text: str, others: list[str]
) -> None:
    model = shipped_model("en")
    read = [tokenise(each)[0] for each in (*others, text)]
    together = model.probabilities(read)[-1]
    assert together.tobytes() == model.probabilities(read[-1:])[0].tobytes()


def test_each_text_has_its_own_tau() -> None:
    text = "Hi, this is Maria Lopez from Lisbon."
    spans = shipped_model("en").find([text, text], taus=[1.0, 0.2])
    assert (spans[0], len(spans[1])) == ([], 2)


def test_texts_without_words_hold_no_names() -> None:
    assert shipped_model("en").find(["", "   ", "\t"], taus=[0.0] * 3) == [[], [], []]
    assert shipped_model("en").find([], taus=[]) == []


def test_a_long_text_is_read_in_windows_as_if_whole_but_for_a_trace() -> None:
    model = NameModel(
        parse_weights(read_shipped(model_file("en"))), lexicon=lexicon("en"), name="en"
    )
    words = tokenise(LETTER)[0]
    alone = model.probabilities([words])[0]
    table = model.probabilities([words * 40])[0]
    assert len(table) == len(words) * 40
    middle = table[len(words) * 20 : len(words) * 21]
    assert np.abs(middle[3:-3] - alone[3:-3]).max() < 0.05


def test_the_fingerprint_tells_one_set_of_models_from_another() -> None:
    assert shipped_model("en").fingerprint == shipped_model("en").fingerprint
    assert shipped_model("en").fingerprint != shipped_model("de").fingerprint


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_text_of_a_megabyte_takes_linear_time() -> None:
    model = shipped_model("en")

    def seconds(copies: int) -> float:
        text = LETTER * copies
        took = []
        for _ in range(3):
            started = time.process_time()
            model.find([text], taus=[0.2])
            took.append(time.process_time() - started)
        return min(took)

    copies = 1_000_000 // len(LETTER)
    # Eight times the text: eight times the work, with room for what a noisy machine adds.
    assert seconds(copies) < 8 * 2 * seconds(copies // 8)


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_long_text_takes_little_memory() -> None:
    text = LETTER * (sized(300_000, full=1_000_000) // len(LETTER))
    shipped_model("en").find([text], taus=[0.2])
    tracemalloc.start()
    shipped_model("en").find([text], taus=[0.2])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 * len(text)
