"""Whatever a file holds, importing it ends in rows and problems, and quotes nothing."""

import datetime as dt
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.review.interchange.argilla_answers import parse_argilla
from eval_pipeline.review.interchange.forms import Known
from eval_pipeline.review.interchange.json_text import NotJson, read_json
from eval_pipeline.review.interchange.jsonl import parse_adjudications, parse_labels
from eval_pipeline.review.interchange.label_studio_answers import parse_label_studio
from eval_pipeline.review.interchange.people import People
from eval_pipeline.review.interchange.recognition import recognised
from eval_pipeline.review.interchange.report import Parsed

MARK = "§never-quoted§"
KNOWN = Known(tasks={"t1": 1}, people=frozenset({"ana"}), failure_modes=frozenset({"late"}))
PEOPLE = People(KNOWN.people)
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
KEYS = [
    *("annotations", "data", "task_id", "result", "from_name", "value", "completed_by", "drafts"),
    *("choices", "text", "rating", "label", "rationale", "confidence", "updated_at", "annotator"),
    *("annotation_id", "lead_time", "was_cancelled", "updated_by", "responses", "fields", "items"),
    *("id", "external_id", "metadata", "values", "status", "user_id", "user", "label.responses"),
    *("label.responses.users", "label.responses.status", "annotator_id", "labelled_at", "criteria"),
    *("adjudicated_by", "adjudicated_at", "label_id", "corrects", "seconds", "failure_mode", MARK),
]
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["t1", "ana", "pass", "submitted", "label", "2026-11-24T09:00:00Z", "high"]),
    st.sampled_from([MARK, "\0", "\u202e", "\ud800", "\ufeff", "0001-01-01T00:00:00+14:00"]),
    st.text(max_size=5),
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)


def parses(text: str) -> list[Parsed]:
    made: list[Parsed] = [
        parse_labels(text, known=KNOWN),
        parse_adjudications(text, known=KNOWN),
    ]
    value = read_json(text)
    if isinstance(value, NotJson):
        return made
    made.append(parse_label_studio(value, known=KNOWN, people=PEOPLE))
    made += [
        parse_argilla(value, known=KNOWN, people=PEOPLE, exported_at=NOON, assume_submitted=assume)
        for assume in (True, False)
    ]
    return made


GOOD: list[Any] = [
    {
        "task_id": "t1",
        "annotator_id": "ana",
        "label": "fail",
        "rationale": "late",
        "labelled_at": "2026-11-24T09:00:00Z",
        "criteria": [True],
        "seconds": 3,
    },
    [
        {
            "data": {"task_id": "t1"},
            "drafts": [],
            "annotations": [
                {
                    "completed_by": {"id": 1, "email": "ana"},
                    "result": [
                        {"from_name": "label", "value": {"choices": ["fail"]}},
                        {"from_name": "rationale", "value": {"text": ["late"]}},
                        {"from_name": "confidence", "value": {"rating": 2}},
                    ],
                    "updated_at": "2026-11-24T09:00:00Z",
                    "lead_time": 3.5,
                }
            ],
        },
        {"task_id": "t1", "label": "fail", "annotator": "ana", "annotation_id": 1},
    ],
    [
        {
            "id": "t1",
            "responses": [
                {
                    "user_id": "ana",
                    "status": "submitted",
                    "values": {"label": {"value": "fail"}},
                    "updated_at": "2026-11-24T09:00:00",
                }
            ],
        },
        {"id": "t1", "responses": {"label": [{"value": "fail", "user_id": "ana"}]}},
        {
            "id": "t1",
            "label.responses": ["fail"],
            "label.responses.users": ["ana"],
            "label.responses.status": ["submitted"],
        },
    ],
]


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A good file with anything at one place of it."""
    value = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    root: Any = {"file": value}
    holder, key = root, "file"
    while isinstance(holder[key], dict | list) and holder[key] and draw(st.integers(0, 5)):
        holder = holder[key]
        keys = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
    holder[key] = draw(ANYTHING)
    return root["file"]


@settings(max_examples=200)
@given(ANYTHING | spoilt())
def test_any_json_ends_in_rows_and_problems_that_quote_nothing(value: Any) -> None:
    text = json.dumps(value)
    recognised(text)
    for parsed in parses(text):
        for row in parsed.rows:
            assert row.line.identified(corrects=None).given_id
            assert (row.line.task_id, row.line.by) == ("t1", "ana")
        assert MARK not in " ".join(one.reason for one in parsed.problems)


@given(st.text() | st.sampled_from(["[" * 200_000, '{"a":' * 200_000, "9" * 5_000, "\ufeff"]))
def test_any_text_ends_in_rows_and_problems(text: str) -> None:
    recognised(text)
    assert all(not parsed.rows for parsed in parses(text))
