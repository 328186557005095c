"""The verdict on a subset's predictions, in a sentence or two."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from eval_pipeline.monitoring.outcome_tracking.link import LEAST_WEEKS

LEAST_FOR_CLAIM: Final = 20
ONE_SIDED: Final = 0.5
"""Misses whose mean is at least this part of their mean size lie to one side."""


def sentence_of(
    told: Mapping[str, Any],
    *,
    newest: Mapping[str, Any],
    pairs: int,
    missed: Sequence[Mapping[str, Any]],
) -> str:
    """Of a row of OUTCOME_TRACKING.

    `newest`: the week's own prediction; `pairs`: weeks with score and outcome; `missed`: the weeks
    since the predictions began to miss.
    """
    match told["finding"]:
        case "not_measured":
            return _unmeasured(newest)
        case "no_longer_tracks":
            return (
                f"{counted(told)}. {_since(missed)}: the offline score no longer tracks production."
            )
        case "too_little_history" if not told["weeks"]:
            return (
                f"No week has a predicted interval yet: the link is learned from {LEAST_WEEKS} "
                f"weeks with a score and an outcome, and there {'is' if pairs == 1 else 'are'} "
                f"{pairs}."
            )
        case "too_little_history":
            return f"{counted(told)}; fewer than 10 weeks are no evidence of tracking."
    return f"{counted(told)}.{_claim(pairs)}"


def counted(told: Mapping[str, Any]) -> str:
    """How often the outcome fell inside, without a full stop."""
    weeks, inside = told["weeks"], told["inside"]
    noun = "week" if weeks == 1 else "weeks"
    return f"For {inside} of {weeks} {noun} the outcome fell inside the predicted interval"


def _claim(pairs: int) -> str:
    if pairs >= LEAST_FOR_CLAIM:
        return ""
    return " Rank agreement and slope rest on fewer than 20 weeks and are no claim yet."


def _unmeasured(newest: Mapping[str, Any]) -> str:
    if newest["outcome"] is None:
        return "Not measured: production logged no outcome."
    return "Not measured: there is no offline score."


def _since(missed: Sequence[Mapping[str, Any]]) -> str:
    errors = 100 * np.array([row["outcome"] - row["predicted"] for row in missed])
    mean, size = float(errors.mean()), float(np.abs(errors).mean())
    start = f"Since {missed[0]['week']} it has"
    if abs(mean) < ONE_SIDED * size:
        return f"{start} missed the prediction by {size:.1f} points on average, to both sides"
    way = "above" if mean > 0 else "below"
    return f"{start} been {abs(mean):.1f} points {way} the prediction on average"
