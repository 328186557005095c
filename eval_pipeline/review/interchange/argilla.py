"""Argilla 2: the queue as its records, and the settings of a dataset that asks what the desk asks.

Each question has the name of the answer's field, so that its exports are read back field by field.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from eval_pipeline.review.interchange.label_studio import CONFIDENCES, LABELS, NO_MODE

MOST_IN_A_MESSAGE = 20_000
MOST_IN_A_ROLE = 20
"""Characters: Argilla's server refuses more."""


def export_argilla(tasks: pl.DataFrame, *, week: str) -> str:
    """A JSON list of records, by task id, as `Dataset.records.from_json` reads it.

    Without suggestions. Longer messages than Argilla takes go on in a further message of the same
    role. Reads task_id, rubric_id and subject_json; tells nothing of why a task was selected.
    """
    exported = [_record(task, week=week) for task in tasks.sort("task_id").iter_rows(named=True)]
    return json.dumps(exported, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _record(task: Mapping[str, Any], *, week: str) -> dict[str, Any]:
    subject = json.loads(task["subject_json"])
    return {
        "id": task["task_id"],
        "fields": {
            "conversation": _messages(subject.get("messages") or []),
            "response": subject.get("response") or "",
            "criteria": "\n".join(f"- {one}" for one in subject.get("criteria") or []),
        },
        "metadata": {"task_id": task["task_id"], "week": week, "rubric_id": task["rubric_id"]},
        "suggestions": {},
        "responses": {},
        "vectors": {},
    }


def _messages(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "role": "_".join(message["role"].split())[:MOST_IN_A_ROLE] or "unknown",
            "content": content[start : start + MOST_IN_A_MESSAGE],
        }
        for message in messages
        for content in [message["content"] or " "]
        for start in range(0, len(content), MOST_IN_A_MESSAGE)
    ]


def argilla_settings(failure_modes: Mapping[str, str], *, annotators_per_item: int) -> str:
    """The dataset's settings as `rg.Settings.from_json` reads them."""
    why = "\n".join(f"- {name}: {reason}" for name, reason in sorted(failure_modes.items()))
    modes = {name: name for name in [*sorted(failure_modes), NO_MODE]}
    questions = [
        _choice("label", "Does the response meet the criteria?", LABELS, required=True),
        _choice("failure_mode", "If it fails: which failure is it?", modes),
        _choice("confidence", "How sure are you?", {name: name for name in CONFIDENCES}),
        _text("rationale", "Why, in a sentence"),
        _text("reference_response", "The answer that would have been right, if you know it"),
    ]
    settings = {
        "guidelines": "Judge the response by the criteria. Say cannot_tell rather than guess."
        + (f"\n\nFailure modes:\n{why}" if why else ""),
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": annotators_per_item},
        "fields": [
            _field("conversation", "Conversation", kind="chat"),
            _field("response", "Response to judge", kind="text"),
            _field("criteria", "Criteria", kind="text"),
        ],
        # Argilla refuses a choice of one option.
        "questions": [one for one in questions if failure_modes or one["name"] != "failure_mode"],
        "metadata": [_metadata(name) for name in ("task_id", "week", "rubric_id")],
        "vectors": [],
        "mapping": None,
    }
    return json.dumps(settings, ensure_ascii=False, indent=1) + "\n"


def _field(name: str, title: str, *, kind: str) -> dict[str, Any]:
    # Markdown is off: what is shown is what was said, and no picture is fetched.
    plain = {"type": kind, "use_markdown": False}
    return {"name": name, "title": title, "required": True, "settings": plain}


def _choice(
    name: str, title: str, options: Mapping[str, str], *, required: bool = False
) -> dict[str, Any]:
    listed = [{"value": value, "text": text} for value, text in options.items()]
    settings = {"type": "label_selection", "options": listed}
    return {"name": name, "title": title, "required": required, "settings": settings}


def _text(name: str, title: str) -> dict[str, Any]:
    settings = {"type": "text", "use_markdown": False}
    return {"name": name, "title": title, "required": False, "settings": settings}


def _metadata(name: str) -> dict[str, Any]:
    settings = {"type": "terms", "visible_for_annotators": False}
    return {"name": name, "title": name, "visible_for_annotators": False, "settings": settings}
