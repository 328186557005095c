import json

import polars as pl
import pytest

from eval_pipeline.errors import ReviewError
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.review.subjects import review_subjects, task_id_of
from eval_pipeline.tables import DISPUTES

WEEK = "2026-11-16"
RUBRICS = (
    Rubric("pair", "pairwise", ("Better.",)),
    Rubric("general", "pointwise", ("Answers the question.",)),
)


def disputes(*names: str, selection: str = "dispute") -> pl.DataFrame:
    rows = [
        {
            "interaction_id": name,
            "task_id": task_id_of(name, week=WEEK),
            "selection": selection,
            "reason": "split",
            "panel_verdict": None,
            "label_probability": 0.5,
            "value": 0.4,
            "expected_minutes": 1.5,
            "priority": 0.25,
        }
        for name in names
    ]
    return DISPUTES.conform(pl.DataFrame(rows, schema=DISPUTES.schema))


def anonymised(*names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "interaction_id": list(names),
            "route": ["orders"] * len(names),
            "messages": [[{"role": "user", "content": "when?"}]] * len(names),
            "response": ["tomorrow"] * len(names),
        }
    )


def subjects_of(tasks: pl.DataFrame, texts: pl.DataFrame, **more) -> pl.DataFrame:
    return review_subjects(tasks, texts, **{"rubrics": RUBRICS, "annotators_per_item": 2, **more})


def test_a_task_keeps_its_id_and_another_week_gives_another() -> None:
    assert task_id_of("a1", week=WEEK) == task_id_of("a1", week=WEEK)
    assert task_id_of("a1", week=WEEK) != task_id_of("a1", week="2026-11-23")


def test_reviewers_see_criteria_and_texts_and_nothing_of_the_judges() -> None:
    tasks = disputes("d0", "d1")
    subjects = subjects_of(tasks, anonymised("d0", "d1"))
    row = subjects.row(0, named=True)
    assert json.loads(row["subject_json"]) == {
        "route": "orders",
        "criteria": ["Answers the question."],
        "messages": [{"role": "user", "content": "when?"}],
        "response": "tomorrow",
    }
    assert row["rubric_id"] == RUBRICS[1].rubric_id
    assert subjects["task_id"].to_list() == tasks["task_id"].to_list()


def test_the_store_gets_place_minutes_and_how_many_labels_are_needed() -> None:
    row = subjects_of(disputes("d0"), anonymised("d0"), annotators_per_item=3).row(0, named=True)
    assert (row["priority"], row["expected_minutes"], row["labels_needed"]) == (0.25, 1.5, 3)
    assert row["known_label"] is None


def test_a_gold_check_is_shown_as_any_other_task() -> None:
    plain, check = (
        subjects_of(disputes("d0", selection=selection), anonymised("d0"), known_labels=known).row(
            0, named=True
        )
        for selection, known in (("dispute", {}), ("gold_check", {"d0": "fail"}))
    )
    assert check["known_label"] == "fail"
    shown = ("task_id", "rubric_id", "subject_json", "labels_needed")
    assert [check[name] for name in shown] == [plain[name] for name in shown]


def test_a_task_whose_text_is_gone_opens_nothing() -> None:
    with pytest.raises(ReviewError, match="1 of 2 interactions selected for review are not"):
        subjects_of(disputes("d0", "d1"), anonymised("d0"))


def test_a_route_without_criteria_opens_nothing() -> None:
    with pytest.raises(ReviewError, match="No pointwise rubric applies to the route 'orders'"):
        subjects_of(disputes("d0"), anonymised("d0"), rubrics=RUBRICS[:1])
