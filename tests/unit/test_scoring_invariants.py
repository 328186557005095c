"""What holds of every scorer whatever the texts are."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.evaluation.scorers.scoring import score
from eval_pipeline.ports import ScoreRequest
from eval_pipeline.settings import (
    ChrfScoring,
    EntitiesScoring,
    ExactScoring,
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    NormalisedScoring,
    NumericScoring,
    RegexScoring,
    RequiredFieldsScoring,
    RougeScoring,
    SimilarityScoring,
)

COMPARING = [
    ExactScoring(),
    ExactScoring(strict=True),
    NormalisedScoring(punctuation=False, articles=("the",)),
    NumericScoring(relative_tolerance=0.1, percent_as_share=True),
    NumericScoring(decimal_comma=True, number="first"),
    RegexScoring(pattern=r"(\w+)!"),
    FieldsF1Scoring(),
    FieldsScoring(fields=("a",)),
    EntitiesScoring(),
    EntitiesScoring(patterns={"number": r"\d+"}, match="overlap"),
    SimilarityScoring(),
    ChrfScoring(),
    RougeScoring(),
]
ALONE = [
    RegexScoring(pattern="a", expect="match"),
    JsonSchemaScoring(schema={"type": "object"}),
    RequiredFieldsScoring(fields=("a",), types={"a": "integer"}),
]
LIBRARIES = {"chrf": "sacrebleu", "rouge": "rouge_score"}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
).map(json.dumps)
NUMBERS = st.text("0123456789.,-+eE% '$\u00a0a!", max_size=20)
ENTITIES = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from("xy"), "text": st.text("ab ", max_size=4)})
).map(json.dumps)
TEXTS = st.text(max_size=30) | JSON | NUMBERS | ENTITIES

each = pytest.mark.parametrize(
    "scoring", COMPARING + ALONE, ids=lambda scoring: f"{scoring.scorer}"
)
each_comparing = pytest.mark.parametrize(
    "scoring", COMPARING, ids=lambda scoring: f"{scoring.scorer}"
)


def scores(response: str, reference: str | None, scoring):
    if scoring.scorer in LIBRARIES:
        pytest.importorskip(LIBRARIES[scoring.scorer], reason="the extra 'scorers'")
    request = ScoreRequest("item", 1, "orders", (), response, reference)
    return {name: found[0] for name, found in score([request], scoring).items()}


@each
@settings(max_examples=40, deadline=None)
@given(response=TEXTS, reference=st.none() | TEXTS)
def test_a_score_is_from_0_to_1_or_null_with_its_reason(scoring, response, reference):
    found = scores(response, reference, scoring)
    assert tuple(found) == scoring.dimensions
    for given_score in found.values():
        if given_score.value is None:
            assert given_score.error == "no_reference"
        else:
            assert 0 <= given_score.value <= 1
            assert given_score.error is None


@each_comparing
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_the_reference_itself_scores_1_wherever_it_can_be_read(scoring, text):
    assert {each.value for each in scores(text, text, scoring).values()} <= {1.0, None}


@pytest.mark.parametrize(
    "scoring",
    [
        ExactScoring(), NormalisedScoring(), NumericScoring(absolute_tolerance=1),
        FieldsF1Scoring(), SimilarityScoring(), RougeScoring(),
    ],
    ids=lambda scoring: scoring.scorer,
)  # fmt: skip
@settings(max_examples=40, deadline=None)
@given(left=TEXTS, right=TEXTS)
def test_what_measures_a_distance_is_symmetric(scoring, left, right):
    (there,) = scores(left, right, scoring).values()
    (back,) = scores(right, left, scoring).values()
    # An unreadable reference is null one way and, as a response, a wrong answer the other.
    if there.value is not None and back.value is not None:
        assert there.value == pytest.approx(back.value)


@pytest.mark.parametrize(
    "scoring",
    [FieldsScoring(), EntitiesScoring(), EntitiesScoring(match="overlap")],
    ids=["fields", "entities", "overlapping"],
)
@settings(max_examples=40, deadline=None)
@given(left=JSON | ENTITIES, right=JSON | ENTITIES)
def test_exchanging_the_texts_exchanges_precision_and_recall(scoring, left, right):
    there, back = scores(left, right, scoring), scores(right, left, scoring)
    name = scoring.dimension
    if there[f"{name}.f1"].value is not None and back[f"{name}.f1"].value is not None:
        assert there[f"{name}.precision"].value == back[f"{name}.recall"].value
        assert there[f"{name}.f1"].value == back[f"{name}.f1"].value


@settings(max_examples=40, deadline=None)
@given(left=TEXTS, right=TEXTS)
def test_what_is_exact_is_right_by_every_looser_rule(left, right):
    if scores(left, right, ExactScoring(strict=True))["exact"].value == 1.0:
        assert scores(left, right, ExactScoring())["exact"].value == 1.0
        assert scores(left, right, NormalisedScoring())["normalised"].value == 1.0
