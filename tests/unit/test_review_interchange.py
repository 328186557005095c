import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.review.interchange.forms import Known
from eval_pipeline.review.interchange.jsonl import export_queue, parse_adjudications, parse_labels
from eval_pipeline.review.interchange.recognition import recognised
from eval_pipeline.review.interchange.report import Place, Problem

KNOWN = Known(
    tasks={"t1": 2, "t2": 2},
    people=frozenset({"ann", "eve"}),
    failure_modes=frozenset({"late_orders"}),
)
LABEL = {
    "task_id": "t1",
    "annotator_id": "ann",
    "label": "fail",
    "rationale": "no date",
    "labelled_at": "2026-11-24T09:00:00+01:00",
}


def lines(*rows: object) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def problems(*rows: object) -> tuple[Problem, ...]:
    return parse_labels(lines(*rows), known=KNOWN).problems


def test_the_queue_holds_what_reviewers_see_and_no_reason_why() -> None:
    tasks = pl.DataFrame(
        {
            "task_id": ["t2", "t1"],
            "selection": ["audit", "dispute"],
            "reason": ["audit", "split"],
            "label_probability": [0.1, 0.2],
            "known_label": ["fail", None],
            "priority": [0.9, 0.1],
            "rubric_id": ["general@0", "general@0"],
            "subject_json": ['{"response":"später"}', '{"response":"now"}'],
        }
    )
    assert export_queue(tasks) == (
        '{"rubric_id":"general@0","subject":{"response":"now"},"task_id":"t1"}\n'
        '{"rubric_id":"general@0","subject":{"response":"später"},"task_id":"t2"}\n'
    )


def test_an_empty_queue_is_an_empty_text() -> None:
    columns = ["task_id", "rubric_id", "subject_json"]
    empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    assert export_queue(empty) == ""


def test_a_line_of_before_the_desk_and_one_with_every_field_are_read() -> None:
    whole = {
        **LABEL,
        "task_id": "t2",
        "failure_mode": "late_orders",
        "confidence": "high",
        "criteria": [True, None],
        "seconds": 41.5,
    }
    old, new = (row.line for row in parse_labels(lines(LABEL, whole), known=KNOWN).rows)
    assert (old.failure_mode, old.confidence, old.criteria, old.seconds) == (None,) * 4
    assert old.labelled_at.isoformat() == "2026-11-24T08:00:00+00:00"
    assert (new.failure_mode, new.confidence) == ("late_orders", "high")
    assert (new.criteria, new.seconds) == ((True, None), 41.5)


def test_an_id_follows_from_who_says_what_of_which_task_and_not_from_when() -> None:
    def identified(**changes: object) -> str:
        (row,) = parse_labels(lines({**LABEL, **changes}), known=KNOWN).rows
        return row.line.identified(corrects=None).label_id

    assert identified(labelled_at="2026-12-01T00:00:00Z", seconds=3) == identified()
    assert len({identified(), identified(label="pass"), identified(annotator_id="eve")}) == 3
    assert len(identified()) == 32
    assert identified(label_id="mine") == "mine"


def test_one_id_for_two_labels_is_a_bad_row_and_a_repeated_line_is_not() -> None:
    row = {**LABEL, "label_id": "x"}
    assert problems(row, row) == ()
    assert problems(row, {**row, "label": "pass"}) == (
        Problem(Place(2), "", "its id is already given to another row of this file"),
    )


def test_bad_rows_are_named_by_line_and_the_good_ones_are_taken() -> None:
    deep = "[" * 100_000
    result = parse_labels(
        lines(LABEL, "", "{not json", "[1]", {**LABEL, "task_id": "t9"}, deep, '{"a": NaN}'),
        known=KNOWN,
    )
    assert len(result.rows) == 1
    assert [(one.place.row, one.reason) for one in result.problems] == [
        (3, "not JSON"),
        (4, "not a JSON object"),
        (5, "task_id: no such task in this queue"),
        (6, "not JSON that anybody wrote: it is nested too deeply"),
        (7, "not JSON: it holds a number that JSON does not have"),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": "maybe"}, "label"),
        ({"annotator_id": ""}, "annotator_id"),
        ({"annotator_id": 7}, "annotator_id"),
        ({"annotator_id": "stranger"}, "annotator_id"),
        ({"task_id": 12}, "task_id"),
        ({"labelled_at": "2026-11-24T09:00:00"}, "labelled_at"),
        ({"labelled_at": "yesterday"}, "labelled_at"),
        ({"labelled_at": "0001-01-01T00:00:00+14:00"}, "labelled_at"),
        ({"rationale": None}, "rationale"),
        ({"rationale": "a\0b"}, "rationale"),
        ({"rationale": "\ud800"}, "rationale"),
        ({"reference_response": "a" * 1_000_000}, "reference_response"),
        ({"label_id": "a\nb"}, "label_id"),
        ({"failure_mode": "renamed_since"}, "failure_mode"),
        ({"confidence": "very"}, "confidence"),
        ({"criteria": [True]}, "criteria"),
        ({"criteria": ["yes", 1]}, "criteria"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": 1e300}, "seconds"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, object], field: str) -> None:
    found = problems({**LABEL, **changes})
    assert {one.field for one in found} == {field}


def test_bidirectional_controls_are_text_like_any_other() -> None:
    row = {**LABEL, "rationale": "\u202eabc\u2066"}
    assert parse_labels(lines(row), known=KNOWN).rows[0].line.rationale == row["rationale"]


def test_a_report_never_quotes_what_a_reviewer_wrote() -> None:
    secret = "jo@example.org"
    found = problems(
        {**LABEL, "label": secret, "rationale": 5, secret: 1},
        {**LABEL, "annotator_id": secret, "failure_mode": secret},
    )
    assert len(found) == 5
    assert secret not in " ".join(one.reason for one in found)
    assert any("a key that is not allowed" in one.problem for one in found)


def test_an_adjudication_needs_its_reason_and_gets_an_id() -> None:
    row = {
        "task_id": "t2",
        "adjudicated_by": "eve",
        "label": "cannot_tell",
        "rationale": "no order number",
        "adjudicated_at": "2026-11-24T09:00:00Z",
    }
    result = parse_adjudications(lines(row, {**row, "rationale": ""}), known=KNOWN)
    assert [len(taken.line.identified(corrects=None).adjudication_id) for taken in result.rows] == [
        32
    ]
    assert [bad.place.row for bad in result.problems] == [2]


def test_a_text_with_a_byte_order_mark_and_windows_line_ends_is_read() -> None:
    text = "\ufeff" + lines(LABEL, LABEL).replace("\n", "\r\n")
    result = parse_labels(text, known=KNOWN)
    assert (len(result.rows), result.problems) == (2, ())


@given(st.text())
def test_every_nonblank_line_is_taken_or_reported(text: str) -> None:
    result = parse_labels(text, known=KNOWN)
    nonblank = [line for line in text.removeprefix("\ufeff").split("\n") if line.strip()]
    told = {row.place.row for row in result.rows} | {one.place.row for one in result.problems}
    assert len(told) == len(nonblank)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", "jsonl"),
        (lines(LABEL, "{broken"), "jsonl"),
        (lines({"task_id": "t1"}), "jsonl"),
        ("no json at all", "jsonl"),
        ('[{"id": 1, "data": {}, "annotations": []}]', "label-studio"),
        ('{"id": 1,\n"data": {}, "annotations": []}', "label-studio"),
        ('\ufeff[{"task_id": "t1", "label": "pass", "annotation_id": 3}]', "label-studio"),
        ('[{"id": "t1", "fields": {}, "responses": {}}]', "argilla"),
        ('[{"id": "t1", "label.responses": ["pass"]}]', "argilla"),
        ('{"id": ["t1"], "responses": [{}]}', "argilla"),
        ('{"t1": {"id": "t1", "responses": {}}}', "argilla"),
        ('{"items": [{"id": "t1", "responses": []}], "total": 1}', "argilla"),
        ("[", None),
        ("[1]", None),
        ('[{"annotations": [], "responses": []}]', None),
        ('[{"some": "thing"}]', None),
    ],
)
def test_a_file_is_known_by_its_looks_only_where_it_looks_like_one_tool(
    text: str, form: str | None
) -> None:
    assert recognised(text) == form
