"""Exports of Label Studio 1.23 as its server writes them, with what people may do to them."""

import json
from xml.etree.ElementTree import fromstring

import polars as pl
import pytest

from eval_pipeline.review.interchange.forms import Known
from eval_pipeline.review.interchange.label_studio import export_label_studio, label_studio_config
from eval_pipeline.review.interchange.label_studio_answers import parse_label_studio
from eval_pipeline.review.interchange.people import People
from eval_pipeline.review.interchange.report import Parsed
from eval_pipeline.review.interchange.said import CONTROLS

KNOWN = Known(
    tasks={"t1": 2, "t2": 2},
    people=frozenset({"ana", "ben"}),
    failure_modes=frozenset({"late_orders"}),
)
PEOPLE = People(KNOWN.people, {"1": "ana", "Ben@example.org": "ben"})
TASKS = pl.DataFrame(
    {
        "task_id": ["t2", "t1"],
        "selection": ["audit", "dispute"],
        "reason": ["audit", "refuted"],
        "known_label": ["fail", None],
        "priority": [0.9, 0.1],
        "rubric_id": ["general@0"] * 2,
        "subject_json": [
            json.dumps(
                {
                    "route": "orders",
                    "criteria": ["It answers.", "It <is> true."],
                    "messages": [{"role": "user", "content": "<script>x</script>"}],
                    "response": None,
                }
            ),
            '{"messages":[],"response":"At 10."}',
        ],
    }
)


def result(name: str, value: dict[str, object]) -> dict[str, object]:
    kind = "textarea" if "text" in value else next(iter(value))
    return {"from_name": name, "to_name": "response", "type": kind, "value": value}


FULL = [
    result("label", {"choices": ["fail"]}),
    result("failure_mode", {"choices": ["late_orders"]}),
    result("confidence", {"choices": ["high"]}),
    result("rationale", {"text": ["no date"]}),
    result("reference_response", {"text": ["At 10."]}),
]


def annotation(**changes: object) -> dict[str, object]:
    return {
        "id": 1,
        "completed_by": 1,
        "result": FULL,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-24T09:00:00.756845Z",
        "updated_at": "2026-11-24T09:05:00.592055Z",
        "lead_time": 12.5,
        "updated_by": 1,
        "parent_prediction": None,
        "parent_annotation": None,
        **changes,
    }


def task(*annotations: object, **changes: object) -> dict[str, object]:
    return {
        "id": 7,
        "annotations": list(annotations),
        "drafts": [],
        "predictions": [{"result": FULL, "model_version": "m"}],
        "data": {"task_id": "t1", "response": "At 10."},
        **changes,
    }


def parse(value: object) -> Parsed:
    return parse_label_studio(value, known=KNOWN, people=PEOPLE)


def test_its_tasks_hold_what_reviewers_see_by_task_id_and_nothing_of_why() -> None:
    text = export_label_studio(TASKS, week="2026-11-16")
    first, second = json.loads(text)
    assert [first["data"]["task_id"], second["data"]["task_id"]] == ["t1", "t2"]
    assert second == {
        "data": {
            "task_id": "t2",
            "week": "2026-11-16",
            "rubric_id": "general@0",
            "route": "orders",
            "messages": [{"role": "user", "content": "<script>x</script>"}],
            "response": "",
            "criteria": "- It answers.\n- It <is> true.",
        }
    }
    for word in ("audit", "dispute", "refuted", "predictions", "priority", "known"):
        assert word not in text


def test_its_interface_asks_what_the_desk_asks_whatever_the_subsets_are_called() -> None:
    text = label_studio_config({"late_orders": 'why <b>"so"</b>\x00 & then'})
    view = fromstring(text)
    controls = {one.get("name") for tag in ("Choices", "TextArea") for one in view.iter(tag)}
    assert controls == set(CONTROLS)
    (modes,) = [one for one in view.iter("Choices") if one.get("name") == "failure_mode"]
    assert [choice.get("value") for choice in modes] == ["late_orders", "none of these"]
    assert modes[0].get("hint") == 'why <b>"so"</b>  & then'
    assert {one.get("valueType") for one in view.iter("Text")} == {"text"}


def test_an_annotation_is_a_label_of_its_last_change() -> None:
    parsed = parse([task(annotation())])
    (row,) = parsed.rows
    assert row.line.model_dump(mode="json", exclude_defaults=True) == {
        "task_id": "t1",
        "annotator_id": "ana",
        "label": "fail",
        "failure_mode": "late_orders",
        "confidence": "high",
        "rationale": "no date",
        "reference_response": "At 10.",
        "seconds": 12.5,
        "labelled_at": "2026-11-24T09:05:00.592055Z",
    }
    assert (parsed.problems, parsed.skipped, parsed.drafts) == ((), 0, 0)


def test_json_min_says_the_same() -> None:
    row = {
        "id": 7,
        "task_id": "t1",
        "response": "At 10.",
        "label": "fail",
        "failure_mode": "late_orders",
        "confidence": "high",
        "rationale": "no date",
        "reference_response": "At 10.",
        "annotator": 1,
        "annotation_id": 1,
        "created_at": "2026-11-24T09:00:00.756845Z",
        "updated_at": "2026-11-24T09:05:00.592055Z",
        "lead_time": 12.5,
    }
    nobody = {"id": 8, "task_id": "t2", "annotator": "{}", "annotation_id": None}
    parsed = parse([row, nobody])
    assert [one.line for one in parsed.rows] == [
        one.line for one in parse([task(annotation())]).rows
    ]
    assert parsed.problems == ()


@pytest.mark.parametrize(
    "completed_by",
    [1, "1", "ana", {"id": 1, "email": "x@example.org"}, {"id": 5, "email": "ANA"}],
)
def test_people_are_found_by_number_address_object_or_equal_name(completed_by: object) -> None:
    (row,) = parse(task(annotation(completed_by=completed_by, updated_by=None))).rows
    assert row.line.annotator_id == "ana"


def test_a_cancelled_annotation_is_a_skip_and_drafts_and_predictions_are_not_read() -> None:
    cancelled = annotation(was_cancelled=True, result=[], completed_by=99)
    parsed = parse([task(cancelled, drafts=[{"result": FULL}, {}])])
    assert (parsed.rows, parsed.problems) == ((), ())
    assert (parsed.skipped, parsed.drafts) == (1, 2)


def test_a_mark_as_ground_truth_makes_no_other_answer() -> None:
    (row,) = parse([task(annotation(ground_truth=True))]).rows
    assert row.line == parse([task(annotation())]).rows[0].line


def test_a_rating_is_a_confidence_and_no_named_failure_is_none() -> None:
    said = [
        result("label", {"choices": ["fail"]}),
        result("confidence", {"rating": 1}),
        result("failure_mode", {"choices": ["none of these"]}),
        result("somebody_elses", {"choices": ["a", "b"]}),
        result("rationale", {"text": ["one", "two"]}),
    ]
    (row,) = parse([task(annotation(result=said))]).rows
    assert (row.line.confidence, row.line.failure_mode) == ("low", None)
    assert row.line.rationale == "one\ntwo"


SECRET = "jo@example.org"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([5], ""),
        ([{"data": [], "annotations": []}], "data"),
        ([task(7)], "annotations"),
        ([task(annotation(result="x"))], "result"),
        ([task(annotation(result=[]))], "label"),
        ([task(annotation(result=[result("label", {"choices": [SECRET]})]))], "label"),
        ([task(annotation(result=[result("label", {"choices": ["pass", "fail"]})]))], "label"),
        ([task(annotation(result=[result("label", {"choices": [{}]})]))], "label"),
        ([task(annotation(result=[*FULL, result("confidence", {"rating": 9})]))], "confidence"),
        ([task(annotation(result=[FULL[0], result("rationale", {"text": [1]})]))], "rationale"),
        ([task(annotation(result=[FULL[0], result("rationale", {"text": ["\0"]})]))], "rationale"),
        ([task(annotation(completed_by=SECRET))], "completed_by"),
        ([task(annotation(completed_by=True))], "completed_by"),
        ([task(annotation(completed_by=None))], "completed_by"),
        ([task(annotation(updated_by=2))], "updated_by"),
        ([task(annotation(parent_annotation=4))], "parent_annotation"),
        ([task(annotation(updated_at=SECRET))], "updated_at"),
        ([task(annotation(lead_time=-3))], "lead_time"),
        ([task(annotation(), data={"task_id": "of another week"})], "task_id"),
        ([task(annotation(), data={"task_id": 7})], "task_id"),
        ([task(annotation(), data={})], "task_id"),
    ],
)
def test_what_cannot_be_taken_is_told_by_row_and_field_and_never_quoted(
    value: object, field: str
) -> None:
    parsed = parse(value)
    assert parsed.rows == ()
    (problem,) = parsed.problems
    assert (problem.place.row, problem.field) == (1, field)
    assert SECRET not in problem.problem


def test_one_bad_annotation_spoils_no_other() -> None:
    good = annotation(completed_by={"email": "ben@example.org"}, updated_by=None)
    parsed = parse([task(annotation(completed_by=3), good), task(annotation())])
    assert [(row.place.row, row.place.answer, row.line.by) for row in parsed.rows] == [
        (1, 2, "ben"),
        (2, 1, "ana"),
    ]
    assert [(one.place.row, one.place.answer) for one in parsed.problems] == [(1, 1)]
