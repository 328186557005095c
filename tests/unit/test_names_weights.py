import bz2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.names.weights import Weights, parse_weights, spell_weights
from eval_pipeline.errors import ModelFileError

LABELS = ("AGE", "O", "PERSON")
WEIGHTS = Weights(
    labels=LABELS,
    transitions={("O", "PERSON"): -120, ("PERSON", "PERSON"): 2_300},
    state={"0:w=anna": {"PERSON": 1_500, "O": -700}, "w+=:|a\tb": {"O": 1}},
)
NAMES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1)
NUMBERS = st.integers(-99_999, 99_999).filter(bool)


def test_the_file_spells_labels_then_transitions_then_features() -> None:
    assert bz2.decompress(spell_weights(WEIGHTS)).decode() == (
        "eval-pipeline names 1\n"
        "AGE\tO\tPERSON\n"
        "O\tPERSON\t-120\n"
        "PERSON\tPERSON\t2300\n"
        "\n"
        "0:w=anna\t1:-700 2:1500\n"
        "w+=:|a\tb\t1:1"
    )


@given(
    st.dictionaries(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), NUMBERS),
    st.dictionaries(NAMES, st.dictionaries(st.sampled_from(LABELS), NUMBERS, min_size=1)),
)
def test_a_model_is_read_as_it_was_spelt(
    transitions: dict[tuple[str, str], int], state: dict[str, dict[str, int]]
) -> None:
    weights = Weights(labels=LABELS, transitions=transitions, state=state)
    assert parse_weights(spell_weights(weights)) == weights


def test_equal_weights_give_equal_bytes_whatever_their_order() -> None:
    turned = Weights(
        labels=LABELS,
        transitions=dict(reversed(WEIGHTS.transitions.items())),
        state=dict(reversed(WEIGHTS.state.items())),
    )
    assert spell_weights(turned) == spell_weights(WEIGHTS)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_model_that_is_cut_off_is_refused(share: float) -> None:
    data = spell_weights(WEIGHTS)
    with pytest.raises(ModelFileError, match="is cut off"):
        parse_weights(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "some other file\nO\n\n",
        "eval-pipeline names 2\nO\n\n",
        "eval-pipeline names 1",
        "eval-pipeline names 1\nO",
        "eval-pipeline names 1\nO\nO\tO\n\n",
        "eval-pipeline names 1\nO\nO\tO\tmuch\n\n",
        "eval-pipeline names 1\nO\n\n0:w=a",
        "eval-pipeline names 1\nO\n\n0:w=a\t7:12",
        "eval-pipeline names 1\nO\n\n0:w=a\t0:",
        "eval-pipeline names 1\nO\n\n0:w=a\t-1:5",
        "eval-pipeline names 1\nPERSON\n\n0:w=a\t0:5",
        "eval-pipeline names 1\nO\nO\tX\t5\n\n0:w=a\t0:5",
    ],
)
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(ModelFileError):
        parse_weights(bz2.compress(text.encode()))


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"BZh9 and no more", bz2.compress(b"\xff\xfe")])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        parse_weights(data)


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for file in (data, bz2.compress(data), bz2.compress(b"eval-pipeline names 1\n" + data)):
        try:
            parse_weights(file)
        except ModelFileError:
            continue
