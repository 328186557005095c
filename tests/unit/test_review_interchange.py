import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.review.interchange import (
    BadRow,
    export_queue,
    parse_adjudications,
    parse_labels,
)

TASKS = {"t1", "t2"}
LABEL = {
    "task_id": "t1",
    "annotator_id": "ann",
    "label": "fail",
    "rationale": "no date",
    "labelled_at": "2026-11-24T09:00:00+01:00",
}


def lines(*rows: object) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def problems(*rows: object) -> tuple[BadRow, ...]:
    return parse_labels(lines(*rows), known_tasks=TASKS).bad_rows


def test_the_queue_holds_what_reviewers_see_and_no_reason_why() -> None:
    tasks = pl.DataFrame(
        {
            "task_id": ["t2", "t1"],
            "selection": ["audit", "dispute"],
            "reason": ["audit", "split"],
            "label_probability": [0.1, 0.2],
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


def test_importing_twice_gives_the_same_ids() -> None:
    first = parse_labels(lines(LABEL), known_tasks=TASKS).rows[0]
    later = {**LABEL, "labelled_at": "2026-12-01T00:00:00Z"}
    assert parse_labels(lines(later), known_tasks=TASKS).rows[0].label_id == first.label_id
    other = {**LABEL, "label": "pass"}
    assert parse_labels(lines(other), known_tasks=TASKS).rows[0].label_id != first.label_id
    assert len(first.label_id) == 32


def test_a_given_id_is_kept_and_a_repeated_line_counts_once() -> None:
    row = {**LABEL, "label_id": "mine"}
    result = parse_labels(lines(row, row), known_tasks=TASKS)
    assert [label.label_id for label in result.rows] == ["mine"]
    assert result.bad_rows == ()


def test_one_id_for_two_labels_is_a_bad_row() -> None:
    assert problems({**LABEL, "label_id": "x"}, {**LABEL, "label_id": "x", "label": "pass"}) == (
        BadRow(2, "its id is already given to another row of this file"),
    )


def test_bad_rows_are_named_by_line_and_the_good_ones_are_taken() -> None:
    result = parse_labels(
        lines(LABEL, "", "{not json", "[1]", {**LABEL, "task_id": "t9"}), known_tasks=TASKS
    )
    assert len(result.rows) == 1
    assert result.bad_rows == (
        BadRow(3, "not JSON"),
        BadRow(4, "not a JSON object"),
        BadRow(5, "task_id: no such task in this queue"),
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": "maybe"}, "label"),
        ({"annotator_id": ""}, "annotator_id"),
        ({"labelled_at": "2026-11-24T09:00:00"}, "labelled_at"),
        ({"labelled_at": "yesterday"}, "labelled_at"),
        ({"rationale": None}, "rationale"),
    ],
)
def test_a_bad_field_is_named(changes: dict[str, object], field: str) -> None:
    (bad,) = problems({**LABEL, **changes})
    assert bad.problem.startswith(f"{field}: ")


def test_a_report_never_quotes_what_a_reviewer_wrote() -> None:
    secret = "jo@example.org"
    (bad,) = problems({**LABEL, "label": secret, "rationale": 5, secret: 1})
    assert secret not in bad.problem
    assert "a key that is not allowed" in bad.problem


def test_an_adjudication_needs_its_reason_and_gets_an_id() -> None:
    row = {
        "task_id": "t2",
        "adjudicated_by": "eve",
        "label": "cannot_tell",
        "rationale": "no order number",
        "adjudicated_at": "2026-11-24T09:00:00Z",
    }
    result = parse_adjudications(lines(row, {**row, "rationale": ""}), known_tasks=TASKS)
    assert [len(taken.adjudication_id) for taken in result.rows] == [32]
    assert [bad.line for bad in result.bad_rows] == [2]


def test_a_text_with_a_byte_order_mark_and_windows_line_ends_is_read() -> None:
    text = "\ufeff" + lines(LABEL).replace("\n", "\r\n")
    result = parse_labels(text, known_tasks=TASKS)
    assert (len(result.rows), result.bad_rows) == (1, ())


@given(st.text())
def test_every_nonblank_line_is_taken_or_reported(text: str) -> None:
    result = parse_labels(text, known_tasks=TASKS)
    nonblank = [line for line in text.removeprefix("\ufeff").split("\n") if line.strip()]
    assert len(result.rows) + len(result.bad_rows) == len(nonblank)
