"""Records as Argilla's client and its REST interface write them."""

import datetime as dt
import json

import polars as pl
import pytest

from eval_pipeline.review.interchange.argilla import argilla_settings, export_argilla
from eval_pipeline.review.interchange.argilla_answers import parse_argilla
from eval_pipeline.review.interchange.forms import Known
from eval_pipeline.review.interchange.people import People
from eval_pipeline.review.interchange.report import Parsed
from eval_pipeline.review.interchange.said import CONTROLS

KNOWN = Known(
    tasks={"t1": 2, "t2": 2},
    people=frozenset({"ana", "ben"}),
    failure_modes=frozenset({"late_orders"}),
)
ANA, BEN = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-00000000000B"
PEOPLE = People(KNOWN.people, {ANA: "ana", BEN.lower(): "ben"})
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
FLAT = {
    "id": "t1",
    "status": "pending",
    "_server_id": None,
    "response": "At 10.",
    "task_id": "t1",
    "label.responses": ["fail", "pass"],
    "label.responses.users": [ANA, BEN],
    "label.responses.status": ["submitted", "draft"],
    "confidence.responses": ["high"],
    "confidence.responses.users": [ANA],
    "confidence.responses.status": ["submitted"],
    "rationale.responses": None,
    "rationale.responses.users": None,
    "rationale.responses.status": None,
    "label.suggestion": "pass",
}
NESTED = {
    "id": "t1",
    "fields": {"response": "At 10."},
    "metadata": {"task_id": "t1"},
    "suggestions": {"label": {"value": "pass", "score": None, "agent": "m"}},
    "responses": {
        "label": [{"value": "fail", "user_id": ANA}],
        "confidence": [{"value": "high", "user_id": ANA}],
    },
    "vectors": {},
    "status": "completed",
    "_server_id": None,
}
REST = {
    "id": "0b1e",
    "external_id": "t1",
    "fields": {},
    "responses": [
        {
            "id": "9",
            "user_id": BEN,
            "status": "submitted",
            "values": {"label": {"value": "fail"}, "confidence": {"value": 3}},
            "inserted_at": "2026-11-24T09:00:00.000001",
            "updated_at": "2026-11-24T09:05:00.000001",
        },
        {"id": "10", "user_id": ANA, "status": "discarded", "values": {}},
    ],
}


def parse(value: object, **options: bool) -> Parsed:
    return parse_argilla(value, known=KNOWN, people=PEOPLE, exported_at=NOON, **options)


def test_its_records_hold_what_reviewers_see_by_task_id_and_nothing_of_why() -> None:
    long = "x" * 45_000
    tasks = pl.DataFrame(
        {
            "task_id": ["t2", "t1"],
            "selection": ["audit", "dispute"],
            "reason": ["audit", "refuted"],
            "known_label": ["fail", None],
            "rubric_id": ["general@0"] * 2,
            "subject_json": [
                '{"criteria":["It answers."],"messages":[],"response":"At 10."}',
                json.dumps(
                    {
                        "criteria": [],
                        "messages": [
                            {"role": "the user of the assistant", "content": long},
                            {"role": "assistant", "content": ""},
                        ],
                        "response": None,
                    }
                ),
            ],
        }
    )
    text = export_argilla(tasks, week="2026-11-16")
    first, second = json.loads(text)
    assert second == {
        "id": "t2",
        "fields": {"conversation": [], "response": "At 10.", "criteria": "- It answers."},
        "metadata": {"task_id": "t2", "week": "2026-11-16", "rubric_id": "general@0"},
        "suggestions": {},
        "responses": {},
        "vectors": {},
    }
    messages = first["fields"]["conversation"]
    assert [(one["role"], len(one["content"])) for one in messages] == [
        ("the_user_of_the_assi", 20_000),
        ("the_user_of_the_assi", 20_000),
        ("the_user_of_the_assi", 5_000),
        ("assistant", 1),
    ]
    assert "".join(one["content"] for one in messages[:3]) == long
    for word in ("audit", "dispute", "refuted", "known"):
        assert word not in text


def test_its_settings_ask_what_the_desk_asks_of_as_many_people() -> None:
    settings = json.loads(argilla_settings({"late_orders": "They cost us."}, annotators_per_item=3))
    assert settings["distribution"] == {"strategy": "overlap", "min_submitted": 3}
    questions = {one["name"]: one["settings"] for one in settings["questions"]}
    assert set(questions) == set(CONTROLS)
    modes = [option["value"] for option in questions["failure_mode"]["options"]]
    assert modes == ["late_orders", "none of these"]
    assert not any(
        one["settings"].get("use_markdown") for one in (*settings["fields"], *settings["questions"])
    )
    without = json.loads(argilla_settings({}, annotators_per_item=2))
    assert "failure_mode" not in {one["name"] for one in without["questions"]}


@pytest.mark.parametrize(
    "value", [[FLAT], FLAT, {"t1": FLAT}, {name: [held] for name, held in FLAT.items()}]
)
def test_flattened_records_say_what_was_submitted_however_they_are_put_together(
    value: object,
) -> None:
    parsed = parse(value)
    assert [(row.line.by, row.line.label, row.line.confidence) for row in parsed.rows] == [
        ("ana", "fail", "high")
    ]
    assert (parsed.problems, parsed.skipped, parsed.drafts) == ((), 0, 1)
    assert not parsed.rows[0].dated
    assert parsed.rows[0].line.labelled_at == NOON


def test_nested_records_do_not_say_what_was_submitted_and_are_taken_only_if_told() -> None:
    refused = parse([NESTED])
    assert refused.rows == ()
    assert [one.field for one in refused.problems] == ["status"]
    (row,) = parse([NESTED], assume_submitted=True).rows
    assert (row.line.by, row.line.label, row.line.confidence) == ("ana", "fail", "high")
    told = [{"value": "fail", "user_id": ANA, "status": "submitted"}]
    assert len(parse([{**NESTED, "responses": {"label": told}}]).rows) == 1


def test_the_rest_interface_says_when_in_utc() -> None:
    parsed = parse({"items": [REST], "total": 1})
    (row,) = parsed.rows
    assert (row.line.by, row.line.label, row.line.confidence) == ("ben", "fail", "high")
    assert row.dated
    assert row.line.labelled_at == dt.datetime(2026, 11, 24, 9, 5, 0, 1, tzinfo=dt.UTC)
    assert parsed.skipped == 1


def test_a_response_in_two_states_is_not_submitted() -> None:
    record = {**FLAT, "confidence.responses.status": ["draft"]}
    parsed = parse([record])
    assert (parsed.rows, parsed.drafts) == ((), 2)


SECRET = "jo@example.org"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (7, ""),
        ([None], ""),
        ([{"id": "t1", "responses": 7}], "responses"),
        ([{"id": "t1", "responses": [7]}], "responses"),
        ([{"id": "t1", "responses": {"label": 7}}], "responses"),
        ([{"id": "t1", "responses": {"label": [7]}}], "responses"),
        ([{**FLAT, "label.responses.users": [ANA]}], "responses"),
        ([{**REST, "responses": [{**REST["responses"][0], "status": SECRET}]}], "status"),
        ([{**REST, "responses": [{**REST["responses"][0], "status": []}]}], "status"),
        ([{**REST, "responses": [{**REST["responses"][0], "user_id": SECRET}]}], "user_id"),
        ([{**REST, "responses": [{**REST["responses"][0], "updated_at": SECRET}]}], "updated_at"),
        ([{**REST, "responses": [{**REST["responses"][0], "values": {}}]}], "label"),
        ([{**REST, "external_id": SECRET}], "id"),
    ],
)
def test_what_cannot_be_taken_is_told_by_row_and_field_and_never_quoted(
    value: object, field: str
) -> None:
    parsed = parse(value)
    assert parsed.rows == ()
    problem = parsed.problems[0]
    assert (problem.place.row, problem.field) == (1, field)
    assert SECRET not in problem.problem
