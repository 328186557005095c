"""Label Studio: the queue as its tasks, and the labelling interface that asks what the desk asks.

Each control of the interface has the name of the answer's field, so that its exports are read back
field by field.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import polars as pl

NO_MODE = "none of these"
"""What people choose who see a failure that has no name yet; it is read back as no mode."""

LABELS = {"pass": "Meets every criterion", "fail": "Fails one", "cannot_tell": "Cannot tell"}
CONFIDENCES = ("low", "medium", "high")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def export_label_studio(tasks: pl.DataFrame, *, week: str) -> str:
    """A JSON list of tasks, by task id, for Label Studio's import; without predictions.

    Reads task_id, rubric_id and subject_json; tells nothing of why a task was selected.
    """
    exported = [_task(task, week=week) for task in tasks.sort("task_id").iter_rows(named=True)]
    return json.dumps(exported, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _task(task: Mapping[str, Any], *, week: str) -> dict[str, Any]:
    subject = json.loads(task["subject_json"])
    return {
        "data": {
            "task_id": task["task_id"],
            "week": week,
            "rubric_id": task["rubric_id"],
            "route": subject.get("route") or "",
            "messages": [
                {"role": message["role"], "content": message["content"] or ""}
                for message in subject.get("messages") or []
            ],
            "response": subject.get("response") or "",
            "criteria": "\n".join(f"- {one}" for one in subject.get("criteria") or []),
        }
    }


def label_studio_config(failure_modes: Mapping[str, str]) -> str:
    """The labelling interface as XML; `failure_modes` are names with why the team keeps them."""
    view = Element("View")
    SubElement(view, "Header", value="Conversation", size="4")
    SubElement(
        view,
        "Paragraphs",
        name="messages",
        value="$messages",
        layout="dialogue",
        nameKey="role",
        textKey="content",
    )
    for name, title in (("response", "Response to judge"), ("criteria", "Criteria")):
        SubElement(view, "Header", value=title, size="4")
        # As text: a value that looks like an address is not fetched.
        SubElement(view, "Text", name=name, value=f"${name}", valueType="text")
    label = _choices(view, "label", "Does the response meet the criteria?", required=True)
    for value, hint in LABELS.items():
        SubElement(label, "Choice", value=value, hint=hint)
    on_fail = SubElement(
        view,
        "View",
        visibleWhen="choice-selected",
        whenTagName="label",
        whenChoiceValue="fail",
    )
    modes = _choices(on_fail, "failure_mode", "Which failure is it?", required=False)
    for name, why in sorted(failure_modes.items()):
        SubElement(modes, "Choice", value=name, hint=_NOT_XML.sub(" ", why))
    SubElement(modes, "Choice", value=NO_MODE)
    confidence = _choices(view, "confidence", "How sure are you?", required=False)
    for value in CONFIDENCES:
        SubElement(confidence, "Choice", value=value)
    _text_area(view, "rationale", "Why, in a sentence")
    _text_area(view, "reference_response", "The answer that would have been right, if you know it")
    indent(view)
    return tostring(view, encoding="unicode") + "\n"


def _choices(parent: Element, name: str, title: str, *, required: bool) -> Element:
    SubElement(parent, "Header", value=title, size="5")
    return SubElement(
        parent,
        "Choices",
        name=name,
        toName="response",
        choice="single",
        showInline="true",
        required=str(required).lower(),
    )


def _text_area(parent: Element, name: str, title: str) -> None:
    SubElement(parent, "Header", value=title, size="5")
    SubElement(
        parent,
        "TextArea",
        name=name,
        toName="response",
        rows="3",
        maxSubmissions="1",
        editable="true",
        required="false",
    )
