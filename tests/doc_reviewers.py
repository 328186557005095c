"""Labels for an exported queue, as people and their tools would send them back.

`python -m tests.doc_reviewers labels queue.jsonl ana ben` prints JSON lines, with one dispute;
`adjudications FILE cleo` decides; `label-studio tasks.json 7 8` prints an export of that tool.
"""

import datetime as dt
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eval_pipeline.demo.reviewers import label
from eval_pipeline.review.interchange.said import CONTROLS

OTHER = {"pass": "fail", "fail": "pass"}


def labels(tasks: Sequence[dict[str, Any]], people: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Everybody's label of every task; the last person disputes the first task."""
    for number, task in enumerate(tasks):
        for person in people:
            said = label(task["subject"], annotator=person)
            disputes = number == 0 and person == people[-1] != people[0]
            yield {
                "task_id": task["task_id"],
                "annotator_id": person,
                "label": OTHER[label(task["subject"], annotator=people[0]).label]
                if disputes
                else said.label,
                "rationale": said.rationale,
                "labelled_at": _now(),
            }


def adjudications(tasks: Sequence[dict[str, Any]], person: str) -> Iterator[dict[str, Any]]:
    """The adjudicator's decision of every task."""
    for task in tasks:
        said = label(task["subject"], annotator=person)
        yield {
            "task_id": task["task_id"],
            "adjudicated_by": person,
            "label": said.label,
            "rationale": said.rationale or "It is so.",
            "adjudicated_at": _now(),
        }


def label_studio(tasks: Sequence[dict[str, Any]], people: Sequence[str]) -> list[dict[str, Any]]:
    """The tasks with everybody's annotation that the answer passes."""
    passes = {"from_name": "label", "to_name": "response", "type": "choices"}
    assert "label" in CONTROLS
    return [
        {
            **task,
            "id": number,
            "annotations": [
                {
                    "id": number * 10 + int(person),
                    "completed_by": int(person),
                    "result": [{**passes, "value": {"choices": ["pass"]}}],
                    "was_cancelled": False,
                    "ground_truth": False,
                    "updated_at": _now(),
                    "lead_time": 30.0,
                }
                for person in people
            ],
        }
        for number, task in enumerate(tasks, start=1)
    ]


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def main(kind: str, file: str, *people: str) -> None:
    """Prints what `kind` says."""
    text = Path(file).read_text(encoding="utf-8")
    if kind == "label-studio":
        sys.stdout.write(json.dumps(label_studio(json.loads(text), people)))
        return
    tasks = [json.loads(line) for line in text.splitlines()]
    said = labels(tasks, people) if kind == "labels" else adjudications(tasks, people[0])
    sys.stdout.write("".join(f"{json.dumps(one)}\n" for one in said))


if __name__ == "__main__":
    main(*sys.argv[1:])
