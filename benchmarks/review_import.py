"""What importing 10,000 labels takes, and that importing them again changes nothing.

    python benchmarks/review_import.py [--tasks 5000] [--rounds 3] [--form label-studio]
        [--scratch FOLDER]

Two people label every task, each with a rationale of their own, some with personal data in it, in a
file as Label Studio exports it (or as JSON lines). It is imported as the command does it: parsed,
validated row by row, masked, compared with what stands, recorded. Then it is imported again, and
once more with every tenth answer changed, and the first file after that. Prints the median and
range of each over the rounds, and the median of the processor's time, which tells how busy the
machine was with other things. Each round has a new SQLite store. Exits with 1 if the first import
takes longer than the bar or a count is not what it must be.
"""

import argparse
import datetime as dt
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from eval_pipeline.adapters.review.records import ReviewTask
from eval_pipeline.adapters.schema import audit_trail, labels
from eval_pipeline.flows.review_imports import Imported, ImportOptions, import_labels
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.interchange.recognition import Form
from eval_pipeline.settings_file import Project, load_project

BAR_SECONDS: Final = 10.0
CHANGED: Final = 10
"""Every so manieth answer is another one in the last file."""

WEEK: Final = "2026-11-16"
NOON: Final = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
PEOPLE: Final = ("ana", "ben")
CONFIG: Final = Path(__file__).parents[1] / "eval_pipeline.yaml"
SUBJECTS: Final = ("The date", "The price", "The branch", "The dosage", "The refund", "Its tone")
FAULTS: Final = (
    "is not what the customer asked for",
    "contradicts the first message",
    "is right, and it says where to look it up",
    "was promised to {name} at {email} and is not in the answer",
    "should name the order of {name}, who can be reached at {phone}",
)
NAMES: Final = ("Maria Lindqvist", "Tom Baker", "Aylin Demir", "Jean Dupont")


def main() -> int:
    """Runs the benchmark; 0 if the bar holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--form", choices=("label-studio", "jsonl"), default="label-studio")
    parser.add_argument("--scratch", type=Path)
    asked = parser.parse_args()
    os.environ.setdefault("EVAL_PIPELINE_KEY", "the key of a benchmark, and of nothing else")
    files = [_file(asked.tasks, form=asked.form, changed=changed) for changed in (False, True)]
    print(
        f"{2 * asked.tasks} labels of {asked.tasks} tasks, {asked.form}, "
        f"{len(files[0]) / 1e6:.1f} MB"
    )
    seconds: dict[str, list[tuple[float, float]]] = {}
    right = True
    for _ in range(asked.rounds):
        with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
            right &= _round(files, tasks=asked.tasks, form=asked.form, at=folder, seconds=seconds)
    for name, took in seconds.items():
        wall, processor = zip(*took, strict=True)
        print(
            f"{name:>8}  {statistics.median(wall):6.2f} s ({min(wall):.2f} to {max(wall):.2f}), "
            f"processor {statistics.median(processor):.2f} s"
        )
    first = statistics.median(wall for wall, _ in seconds["first"])
    return 0 if right and first < BAR_SECONDS else 1


def _round(
    files: list[str],
    *,
    tasks: int,
    form: Form,
    at: str,
    seconds: dict[str, list[tuple[float, float]]],
) -> bool:
    pipeline = _pipeline(at)
    try:
        _open(pipeline, tasks)
        _ = pipeline.anonymiser.mask_text("warm")  # loading the models is not importing
        total, changed = 2 * tasks, len(range(0, 2 * tasks, CHANGED))
        right = True
        for name, text, expected, rows in (
            ("first", files[0], (total, 0, 0), total),
            ("again", files[0], (0, 0, total), total),
            ("changed", files[1], (0, changed, total - changed), total + changed),
            ("older", files[0], (0, 0, total), total + changed),
        ):
            begun = time.perf_counter(), time.process_time()
            did = import_labels(pipeline, text, week=WEEK, options=ImportOptions(form=form))
            took = time.perf_counter() - begun[0], time.process_time() - begun[1]
            seconds.setdefault(name, []).append(took)
            right &= _is(did, expected, pipeline=pipeline, rows=rows)
        return right
    finally:
        pipeline.close()


def _is(did: Imported, expected: tuple[int, int, int], *, pipeline: Pipeline, rows: int) -> bool:
    with pipeline.store.reading() as connection:
        held = connection.execute(sa.select(sa.func.count()).select_from(labels)).scalar()
        traces = connection.execute(
            sa.select(sa.func.count())
            .select_from(audit_trail)
            .where(audit_trail.c.action == "label")
        ).scalar()
    found = (did.recorded, did.corrected, did.known)
    right = found == expected and held == traces == rows and not did.refused
    if not right:
        print(f"wrong: {found}, expected {expected}; {held} labels, {traces} traces, not {rows}")
    return right


def _pipeline(folder: str) -> Pipeline:
    settings = load_project(CONFIG).settings
    storage = {"lake": "memory://", "store": f"sqlite:///{folder}/store.sqlite"}
    changed = settings.model_copy(update={"storage": settings.storage.model_copy(update=storage)})
    return Pipeline(Project(changed, CONFIG), clock=lambda: NOON)


def _open(pipeline: Pipeline, tasks: int) -> None:
    subject = {
        "route": "orders",
        "criteria": ["It answers what was asked.", "It states nothing false."],
        "messages": [{"role": "user", "content": "Where is my order?"}],
        "response": "It is on its way and arrives tomorrow.",
    }
    told = json.dumps(subject)
    pipeline.review.open_tasks(
        [
            ReviewTask(f"task {number:06}", f"i {number}", "audit", "audit", 0.5, "r@0", told)
            for number in range(tasks)
        ],
        week=WEEK,
        at=NOON,
    )
    for person in PEOPLE:
        pipeline.review.add_annotator(person, kind="person", may_adjudicate=False, at=NOON)


def _file(tasks: int, *, form: Form, changed: bool) -> str:
    drawn = random.Random(7)
    answers = [
        _answer(position, drawn=drawn, changed=changed and position % CHANGED == 0)
        for position in range(2 * tasks)
    ]
    if form == "jsonl":
        return "".join(json.dumps(answer) + "\n" for answer in answers)
    listed = [
        {
            "id": number,
            "data": {"task_id": f"task {number:06}", "response": "It is on its way."},
            "annotations": [_annotation(answer) for answer in answers[2 * number : 2 * number + 2]],
            "drafts": [],
            "predictions": [],
        }
        for number in range(tasks)
    ]
    return json.dumps(listed)


def _answer(position: int, *, drawn: random.Random, changed: bool) -> dict[str, Any]:
    name = drawn.choice(NAMES)
    said = f"{drawn.choice(SUBJECTS)} {drawn.choice(FAULTS)}".format(
        name=name,
        email=f"{name.split()[0].lower()}{position}@example.org",
        phone=f"+46 70 {drawn.randrange(10**7):07}",
    )
    label = drawn.choice(("pass", "fail"))
    if changed:
        label = "cannot_tell"
    return {
        "task_id": f"task {position // 2:06}",
        "annotator_id": PEOPLE[position % 2],
        "label": label,
        "confidence": drawn.choice(("low", "medium", "high")),
        "rationale": f"{said} (item {position}).",
        "seconds": 20.5,
        "labelled_at": f"2026-11-24T1{int(changed)}:00:00Z",
    }


def _annotation(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "completed_by": {"email": answer["annotator_id"]},
        "result": [
            {"from_name": "label", "value": {"choices": [answer["label"]]}},
            {"from_name": "confidence", "value": {"choices": [answer["confidence"]]}},
            {"from_name": "rationale", "value": {"text": [answer["rationale"]]}},
        ],
        "was_cancelled": False,
        "updated_at": answer["labelled_at"],
        "lead_time": answer["seconds"],
    }


if __name__ == "__main__":
    sys.exit(main())
