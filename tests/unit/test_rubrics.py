from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from eval_pipeline.errors import MissingRubricError
from eval_pipeline.judging.parsing import VerdictAnswer, parse_verdict
from eval_pipeline.judging.rubrics import (
    GRACEFUL_CRITERION,
    Rubric,
    asked_of,
    pairwise_for,
    pointwise_for,
    rubrics_from,
)
from eval_pipeline.settings import CriterionSettings, RubricSettings

MEDICATION = Rubric("medication", "pointwise", ("Names no invented interaction.",), ("medication",))
GENERAL = Rubric("general", "pointwise", ("Answers the question.",))
PAIR = Rubric("pair", "pairwise", ("Answers the question.",))


def test_a_changed_criterion_makes_another_rubric() -> None:
    changed = Rubric("general", "pointwise", ("Answers the question!",))
    assert changed.rubric_id != GENERAL.rubric_id


def test_the_same_criteria_under_another_form_make_another_rubric() -> None:
    assert PAIR.rubric_id.split("@")[1] != GENERAL.rubric_id.split("@")[1]


def test_levels_what_passes_and_examples_are_part_of_what_a_rubric_is() -> None:
    graded = {"text": "Answers the question.", "levels": ("no", "half", "all")}
    shown = {"response": "At nine.", "level": "met", "why": "It says when."}
    other = {**shown, "why": "It is brief."}
    rubrics = [
        Rubric("general", "pointwise", (criterion,))
        for criterion in (
            "Answers the question.",
            graded,
            {**graded, "passes_from": "half"},
            {"text": "Answers the question.", "examples": (shown,)},
            {"text": "Answers the question.", "examples": (other,)},
        )
    ]
    assert len({rubric.rubric_id for rubric in rubrics}) == len(rubrics)


def test_a_criterion_spelled_out_is_the_same_as_its_plain_sentence() -> None:
    spelled = {
        "text": "Answers the question.",
        "levels": ("not_met", "met"),
        "passes_from": "met",
    }
    assert Rubric("general", "pointwise", (spelled,)).rubric_id == GENERAL.rubric_id
    # Written down: verdicts of earlier weeks are told apart by it.
    assert GENERAL.rubric_id == "general@b15b6993"


def test_people_read_levels_and_examples_with_the_criterion() -> None:
    criterion = {
        "text": "Explains why.",
        "levels": ("nothing", "part", "all"),
        "passes_from": "part",
        "examples": ({"response": "Because.", "level": "nothing", "why": "No reason given."},),
    }
    assert Rubric("general", "pointwise", ("Is polite.", criterion)).told == (
        "Is polite.",
        """\
Explains why.
Levels from worst to best: nothing, part, all; passes from part.
Example of nothing: Because. (No reason given.)""",
    )


def test_declining_gracefully_is_judged_by_one_criterion_of_its_own() -> None:
    assert asked_of(MEDICATION, "answer") is MEDICATION
    (criterion,) = asked_of(MEDICATION, "graceful_failure").criteria
    assert criterion.text.startswith(GRACEFUL_CRITERION)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": ("a", "a")}, "names a level twice"),
        ({"levels": ("a",)}, "at least 2 items"),
        ({"passes_from": "great"}, "'great' is none of the levels"),
        ({"passes_from": "not_met"}, "nothing fails"),
        ({"examples": [{"response": "r", "level": "so_so", "why": "w"}]}, "'so_so' is none"),
    ],
)
def test_a_criterion_that_makes_no_sense_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CriterionSettings(text="Answers the question.", **changes)


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


def test_the_page_on_judging_shows_a_rubric_that_loads_and_an_answer_that_is_read() -> None:
    page = (Path(__file__).parents[2] / "docs" / "judging.md").read_text(encoding="utf-8")
    shown, answer = (
        page.split(f"```{language}\n")[1].split("```")[0] for language in ("yaml", "json")
    )
    tree = YAML(typ="safe", pure=True).load(shown)
    (rubric,) = rubrics_from(
        {name: RubricSettings.model_validate(each) for name, each in tree["rubrics"].items()}
    )
    assert isinstance(parse_verdict(answer, rubric), VerdictAnswer)
