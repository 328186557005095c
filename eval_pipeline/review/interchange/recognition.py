"""Which tool wrote a file of answers, where it can be told."""

from typing import Any, Literal

from eval_pipeline.review.interchange.argilla_answers import RESPONSES
from eval_pipeline.review.interchange.json_text import NotJson, read_json, without_mark

Form = Literal["jsonl", "label-studio", "argilla"]


def recognised(text: str) -> Form | None:
    """The form of a text of answers; None if it fits none of them, or more than one."""
    text = without_mark(text)
    line = next((line for line in text.split("\n") if line.strip()), "")
    if not line.lstrip().startswith("["):
        value = read_json(line)
        if isinstance(value, NotJson):
            value = read_json(text)
        if isinstance(value, NotJson) or not isinstance(value, dict):
            return "jsonl"
    else:
        value = read_json(text)
    keys = _keys(value)
    marks: dict[Form, bool] = {
        "jsonl": bool({"annotator_id", "adjudicated_by"} & keys),
        "label-studio": bool({"annotations", "annotation_id", "data"} & keys),
        "argilla": bool({"responses", "fields"} & keys)
        or any(key.endswith(RESPONSES) for key in keys),
    }
    fitting = [form for form, fits in marks.items() if fits]
    if not fitting and isinstance(value, dict):
        return "jsonl"
    return fitting[0] if len(fitting) == 1 else None


def _keys(value: Any) -> set[str]:
    """The keys of the first row, and of what holds the rows."""
    if isinstance(value, list):
        return _keys(value[0]) if value else set()
    if not isinstance(value, dict):
        return set()
    items = value.get("items")
    first = items[0] if isinstance(items, list) and items else next(iter(value.values()), None)
    inner = first if isinstance(first, dict) else {}
    return {*value, *inner}
