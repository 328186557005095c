import pytest

from eval_pipeline.errors import MissingRubricError
from eval_pipeline.judging.rubrics import Rubric, pairwise_for, pointwise_for, rubrics_from
from eval_pipeline.settings import RubricSettings

MEDICATION = Rubric("medication", "pointwise", ("Names no invented interaction.",), ("medication",))
GENERAL = Rubric("general", "pointwise", ("Answers the question.",))
PAIR = Rubric("pair", "pairwise", ("Answers the question.",))


def test_a_changed_criterion_makes_another_rubric() -> None:
    changed = Rubric("general", "pointwise", ("Answers the question!",))
    assert changed.rubric_id != GENERAL.rubric_id


def test_the_same_criteria_under_another_form_make_another_rubric() -> None:
    assert PAIR.rubric_id.split("@")[1] != GENERAL.rubric_id.split("@")[1]


def test_routes_do_not_change_what_a_rubric_is() -> None:
    elsewhere = Rubric("general", "pointwise", GENERAL.criteria, ("orders",))
    assert elsewhere.rubric_id == GENERAL.rubric_id


def test_a_rubric_id_is_the_name_and_eight_hex_digits() -> None:
    name, _, digits = GENERAL.rubric_id.partition("@")
    assert (name, len(digits)) == ("general", 8)
    assert int(digits, 16) >= 0


def test_the_first_rubric_that_applies_is_chosen() -> None:
    assert pointwise_for([MEDICATION, GENERAL], "medication") is MEDICATION
    assert pointwise_for([GENERAL, MEDICATION], "medication") is GENERAL
    assert pointwise_for([PAIR, MEDICATION, GENERAL], "orders") is GENERAL
    assert pairwise_for([MEDICATION, GENERAL, PAIR], "orders") is PAIR


def test_a_route_without_a_rubric_stops_the_step_and_is_named() -> None:
    with pytest.raises(MissingRubricError, match=r"pointwise rubric applies to the route 'orders'"):
        pointwise_for([MEDICATION, PAIR], "orders")


def test_configured_rubrics_keep_their_order() -> None:
    configured = {
        "zebra": RubricSettings(criteria=("a",), routes=("x",)),
        "apple": RubricSettings(form="pairwise", criteria=("b", "c")),
    }
    assert rubrics_from(configured) == (
        Rubric("zebra", "pointwise", ("a",), ("x",)),
        Rubric("apple", "pairwise", ("b", "c")),
    )
