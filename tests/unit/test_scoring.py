import pytest

from eval_pipeline.evaluation.scoring import needs_reference, score
from eval_pipeline.ports import Message, Score, ScoreRequest
from eval_pipeline.settings import (
    ExactScoring,
    FieldsScoring,
    JsonSchemaScoring,
    RegexScoring,
    SimilarityScoring,
)


def request(response: str, reference: str | None) -> ScoreRequest:
    return ScoreRequest("item", 1, "orders", (Message("user", "?"),), response, reference)


def value(response: str, reference: str | None, scoring) -> float | None:
    return score([request(response, reference)], scoring)[0].value


def test_exact_looks_past_case_and_space_and_at_nothing_else() -> None:
    assert value(" Yes,\n please ", "yes, please", ExactScoring()) == 1.0
    assert value("Yes please", "yes, please", ExactScoring()) == 0.0


@pytest.mark.parametrize(
    "scoring", [ExactScoring(), RegexScoring(pattern="x"), FieldsScoring(), SimilarityScoring()]
)
def test_without_a_reference_there_is_no_score_and_the_reason_is_given(scoring) -> None:
    found = score([request("x", None)], scoring)
    assert found == [Score(None, "no_reference", scoring.scorer)]
    assert needs_reference(scoring)


def test_regex_compares_what_its_first_group_finds() -> None:
    scoring = RegexScoring(pattern=r"order (\d+)")
    assert value("It is order 17.", "order 17", scoring) == 1.0
    assert value("It is order 18.", "order 17", scoring) == 0.0


def test_regex_that_finds_nothing_is_wrong_in_the_response_and_no_reference_in_the_reference() -> (
    None
):
    scoring = RegexScoring(pattern=r"order (\d+)")
    assert value("no idea", "order 17", scoring) == 0.0
    assert score([request("order 17", "no idea")], scoring)[0].error == "no_reference"


def test_json_schema_needs_no_reference_and_takes_broken_json_for_a_wrong_answer() -> None:
    scoring = JsonSchemaScoring(schema={"type": "object", "required": ["id"]})
    assert value('{"id": 1}', None, scoring) == 1.0
    assert value('{"name": 1}', None, scoring) == 0.0
    assert value('{"id": 1', None, scoring) == 0.0
    assert not needs_reference(scoring)


def test_fields_f1_is_twice_the_shared_fields_over_all_fields() -> None:
    # shared: a; 2 x 1 / (2 + 3)
    response, reference = '{"a": "X", "b": 2}', '{"a": "x", "b": 3, "c": true}'
    assert value(response, reference, FieldsScoring()) == pytest.approx(2 / 5)
    # only field a counts
    assert value(response, reference, FieldsScoring(fields=("a",))) == 1.0


def test_fields_f1_of_an_unparsable_response_is_zero_and_of_such_a_reference_is_nothing() -> None:
    assert value("not json", '{"a": 1}', FieldsScoring()) == 0.0
    assert value('{"a": 1}', "not json", FieldsScoring()) is None


def test_similarity_is_one_for_the_same_text_and_falls_with_the_distance() -> None:
    reference = "Your refund will arrive within five days."
    same = value(reference, reference, SimilarityScoring())
    near = value("The refund arrives within five days.", reference, SimilarityScoring())
    far = value("Our shop opens at nine.", reference, SimilarityScoring())
    assert same == pytest.approx(1.0)
    assert near is not None
    assert far is not None
    assert 1 > near > 0.4 > far >= 0


def test_similarity_does_not_depend_on_what_else_is_scored() -> None:
    one = request("The refund arrives.", "Your refund will arrive.")
    other = request("Open at nine.", "We open at ten.")
    both = score([one, other, request("", None)], SimilarityScoring())
    assert [both[0], both[1]] == [
        *score([one], SimilarityScoring()),
        *score([other], SimilarityScoring()),
    ]
    assert both[2].error == "no_reference"


def test_similarity_can_be_asked_for_a_yes_or_no() -> None:
    scoring = SimilarityScoring(pass_at_least=0.4)
    assert (
        value(
            "The refund arrives within five days.",
            "The refund will arrive within five days.",
            scoring,
        )
        == 1.0
    )
    assert value("Our shop opens at nine.", "The refund arrives.", scoring) == 0.0


def test_two_empty_texts_are_the_same() -> None:
    assert value("", "", SimilarityScoring()) == 1.0
