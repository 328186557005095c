"""Files of reviewers' answers: every row is taken, told as a problem, or counted as no answer."""

import datetime as dt
import json
from typing import Any, Final

from eval_pipeline.review.interchange.argilla_answers import parse_argilla
from eval_pipeline.review.interchange.forms import Known
from eval_pipeline.review.interchange.json_text import NotJson, read_json, without_mark
from eval_pipeline.review.interchange.jsonl import parse_adjudications, parse_labels
from eval_pipeline.review.interchange.label_studio_answers import parse_label_studio
from eval_pipeline.review.interchange.people import People
from eval_pipeline.review.interchange.recognition import recognised
from eval_pipeline.review.interchange.report import Parsed
from tests.fuzz.target import MARK, Target, promise, text_of

KNOWN: Final = Known(
    tasks={"t1": 1, "t2": 0}, people=frozenset({"ana", "bo"}), failure_modes=frozenset({"late"})
)
PEOPLE: Final = People(KNOWN.people, {"7": "bo"})
NOON: Final = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def run(data: bytes) -> object:
    """The text read by every form, and what it is recognised as."""
    text = text_of(data)
    found: list[object] = [recognised(text)]
    lines = [line for line in without_mark(text).split("\n") if line.strip()]
    for parse in (parse_labels, parse_adjudications):
        parsed: Parsed[Any] = parse(text, known=KNOWN)
        places = {row.place for row in parsed.rows} | {one.place for one in parsed.problems}
        promise(len(places) == len(lines), "a line is neither taken nor told")
        found.append(_sound(parsed))
    value = read_json(without_mark(text))
    if isinstance(value, NotJson):
        return found
    found.append(_sound(parse_label_studio(value, known=KNOWN, people=PEOPLE)))
    for dated in (True, False):
        answers = parse_argilla(
            value,
            known=KNOWN,
            people=PEOPLE,
            exported_at=NOON,
            is_exported_then=dated,
            assume_submitted=dated,
        )
        found.append(_sound(answers))
    return found


def _sound(parsed: Parsed[Any]) -> object:
    taken = [row.place for row in parsed.rows]
    promise(len(set(taken)) == len(taken), "one answer was taken twice")
    promise(not set(taken) & {one.place for one in parsed.problems}, "taken, and told as a problem")
    for row in parsed.rows:
        line = row.line
        promise(line.task_id in KNOWN.tasks and line.by in KNOWN.people, "an answer of nobody")
        promise(line.label in {"pass", "fail", "cannot_tell"}, "a label that does not exist")
        promise(bool(line.identified(corrects=None).given_id), "an answer without a name")
        promise(line.failure_mode in {None, *KNOWN.failure_modes}, "an unknown failure mode")
        json.dumps(line.model_dump(mode="json")).encode()
    told = " ".join(one.reason for one in parsed.problems)
    promise(MARK not in told, "a problem quotes what the file says")
    promise(parsed.skipped >= 0 and parsed.drafts >= 0, "a negative count")
    return repr(parsed)


LABEL: Final = {
    "task_id": "t1", "annotator_id": "ana", "label": "fail", "rationale": MARK, "criteria": [True],
    "labelled_at": "2026-11-24T09:00:00Z", "seconds": 3, "confidence": "high",
    "failure_mode": "late", "reference_response": None, "corrects": None, "label_id": "l1",
}  # fmt: skip
ADJUDICATION: Final = {
    "task_id": "t2", "adjudicated_by": "bo", "label": "pass", "rationale": MARK,
    "adjudicated_at": "2026-11-24T09:00:00+02:00",
}  # fmt: skip
LABEL_STUDIO: Final = [
    {"data": {"task_id": "t1"}, "drafts": [{"id": 1}], "annotations": [
        {"completed_by": {"id": 1, "email": "ana"}, "updated_at": "2026-11-24T09:00:00Z",
         "lead_time": 3.5, "was_cancelled": False, "result": [
            {"from_name": "label", "value": {"choices": ["fail"]}},
            {"from_name": "rationale", "value": {"text": [MARK]}},
            {"from_name": "criterion_1", "value": {"choices": ["met"]}},
            {"from_name": "confidence", "value": {"rating": 2}}]}]},
    {"task_id": "t2", "label": "fail", "annotator": "bo", "annotation_id": 1, "rationale": MARK,
     "updated_at": "2026-11-24T09:00:00Z"},
]  # fmt: skip
ARGILLA: Final = [
    {"id": "t1", "responses": [{"user_id": "ana", "status": "submitted", "values": {
        "label": {"value": "fail"}, "rationale": {"value": MARK}},
        "updated_at": "2026-11-24T09:00:00"}]},
    {"id": "t1", "fields": {}, "responses": {"label": [{"value": "fail", "user_id": "ana",
     "status": "discarded"}], "rationale": [{"value": MARK, "user_id": "ana"}]}},
    {"id": "t2", "label.responses": ["pass"], "label.responses.users": ["7"],
     "label.responses.status": ["submitted"], "metadata": {"task_id": "t2"}},
]  # fmt: skip
TARGET: Final = Target(
    name="review_imports",
    run=run,
    structure="json",
    examples=100,
    seeds=(
        json.dumps(LABEL).encode(),
        "\n".join(map(json.dumps, [LABEL, ADJUDICATION, LABEL | {"task_id": "no"}])).encode(),
        json.dumps(LABEL_STUDIO).encode(),
        json.dumps(ARGILLA).encode(),
        json.dumps({"items": ARGILLA}).encode(),
        b"[" * 3_000,
        b'\xef\xbb\xbf{"task_id": "t1"}\r\n\r\n1\n',
    ),
    words=(
        "annotations", "data", "task_id", "result", "from_name", "value", "completed_by", "drafts",
        "choices", "text", "rating", "label", "rationale", "confidence", "updated_at", "annotator",
        "annotation_id", "lead_time", "was_cancelled", "responses", "fields", "items", "id",
        "external_id", "metadata", "values", "status", "user_id", "label.responses", "submitted",
        "label.responses.users", "label.responses.status", "annotator_id", "labelled_at",
        "criteria", "adjudicated_by", "adjudicated_at", "label_id", "corrects", "seconds",
        "failure_mode", "pass", "fail", "cannot_tell", "ana", "bo", "t1", "t2", "late", "draft",
        "discarded", "criterion_1", "reference_response", "7",
    ),
)  # fmt: skip
