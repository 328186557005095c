"""One value of what a control of another tool holds; several, or none of ours, are unclear."""

from collections.abc import Iterable
from typing import Any

from eval_pipeline.review.interchange.label_studio import CONFIDENCES, NO_MODE
from eval_pipeline.review.interchange.report import Place, Problem


class Unclear(Exception):  # noqa: N818 - it is no error of ours
    """Why a control's value says nothing that we can take; it quotes nothing."""


def read_controls(
    said: Iterable[tuple[Any, Any]], *, place: Place
) -> tuple[dict[str, str], list[Problem]]:
    """Our fields out of controls' names and values; others' controls are passed over."""
    held: dict[str, list[Any]] = {name: [] for name in CONTROLS}
    for control, value in said:
        if isinstance(control, str) and control in held:
            held[control].append(value)
    answer: dict[str, str] = {}
    problems: list[Problem] = []
    for name, read in CONTROLS.items():
        try:
            found = read(held[name])
        except Unclear as error:
            problems.append(Problem(place, name, str(error)))
            continue
        if found is not None:
            answer[name] = found
    return answer, problems


def one_choice(values: list[Any]) -> str | None:
    """The one choice of a control, however its tool wraps it; None if nothing was chosen."""
    chosen = _held(values, "choices")
    if not chosen:
        return None
    if len(chosen) > 1:
        raise Unclear("more than one choice")
    if not isinstance(chosen[0], str):
        raise Unclear("not a choice")
    return None if chosen[0] == NO_MODE else chosen[0]


def one_confidence(values: list[Any]) -> str | None:
    """A choice, or a rating from 1 to 3."""
    ratings = _held(values, "rating")
    if len(ratings) == 1 and isinstance(ratings[0], int) and not isinstance(ratings[0], bool):
        if not 1 <= ratings[0] <= len(CONFIDENCES):
            raise Unclear(f"a rating that is not from 1 to {len(CONFIDENCES)}")
        return CONFIDENCES[ratings[0] - 1]
    return one_choice(values)


def one_text(values: list[Any]) -> str | None:
    """All that was typed, line by line; None if nothing was."""
    typed = _held(values, "text")
    if not all(isinstance(text, str) for text in typed):
        raise Unclear("not a text")
    return "\n".join(typed) or None


CONTROLS = {
    "label": one_choice,
    "failure_mode": one_choice,
    "confidence": one_confidence,
    "rationale": one_text,
    "reference_response": one_text,
}
"""The controls that the exported interfaces have, by name, and how each is read."""


def _held(values: list[Any], key: str) -> list[Any]:
    """What the values hold: themselves, or what is under their key, alone or in a list."""
    found: list[Any] = []
    for value in values:
        for item in value if isinstance(value, list) else [value]:
            inner = item[key] if isinstance(item, dict) and key in item else item
            found += inner if isinstance(inner, list) else [inner]
    return [item for item in found if item is not None]
