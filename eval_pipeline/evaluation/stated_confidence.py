"""How sure a system says it is of an answer: a number in the answer itself, and nothing else.

A judge's score is the judge's: it says what the answer is worth and is not known when the system
has to decide whether to answer.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eval_pipeline.evaluation.naive.rules import WHOLE, groups_found
from eval_pipeline.evaluation.scorers.json_answers import UnreadableJsonError, read_json
from eval_pipeline.ports import CallOutcome
from eval_pipeline.settings import ConfidenceSettings


def with_confidence(
    outcomes: Sequence[CallOutcome], settings: ConfidenceSettings | None
) -> list[CallOutcome]:
    """The outcomes with what each answer says; as they are where nothing tells how to read it."""
    if settings is None:
        return list(outcomes)
    return [
        replace(outcome, confidence=stated_confidence(outcome.text, settings))
        for outcome in outcomes
    ]


def stated_confidence(text: str | None, settings: ConfidenceSettings) -> float | None:
    """From 0 to 1; null where the answer holds no number there, or one outside of the scale."""
    if text is None:
        return None
    found = _in_json(text, settings.field) if settings.field else _in_text(text, settings)
    number = _number(found)
    if number is None:
        return None
    share = number / settings.certain
    return share if 0 <= share <= 1 else None


def _in_json(text: str, path: str) -> Any:
    try:
        value = read_json(text)
    except UnreadableJsonError:
        return None
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def _in_text(text: str, settings: ConfidenceSettings) -> str | None:
    groups = groups_found(settings.pattern or "", text)
    return None if groups is None else groups.get("1", groups[WHOLE])


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
