"""Whose change an alarm of the re-run is: the judge's or the provider's (methods 5.4).

The re-run moves with the provider and with the judge; frozen answers judged again move with the
judge alone. An alarm of theirs near the re-run's is the judge's; otherwise it is the provider's,
but only where the frozen answers have shown that no judge's shift explains as much as half of it.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from eval_pipeline.evaluation.drift_detection.detectors import Reading

Attribution = Literal["provider", "judge", "unattributed"]
STANDARD_ERRORS = 2.0


def attribute(
    *,
    shift: float,
    since: str,
    anchors: Sequence[Reading],
    anchor_alarms: Sequence[str],
    guard: tuple[str, str],
    sound: bool,
) -> Attribution:
    """Whose an alarm is that moved the re-run by `shift` since the week `since`.

    `anchors` are the frozen answers' readings, `anchor_alarms` the weeks in which they were in
    alarm, `guard` the first and last week that are near the alarm. `sound` is false where the
    frozen answers' own verdicts contradict their reference: then nothing is said.
    """
    if not sound:
        return "unattributed"
    if any(guard[0] <= week <= guard[1] for week in anchor_alarms):
        return "judge"
    return "provider" if judge_is_excluded(shift, since=since, anchors=anchors) else "unattributed"


def judge_is_excluded(shift: float, *, since: str, anchors: Sequence[Reading]) -> bool:
    """Whether no shift of the frozen answers that their noise allows explains half of `shift`.

    Their mean deviation over the weeks since the change began, with twice its standard error,
    that of the reference included.
    """
    seen = [reading for reading in anchors if reading.week >= since]
    if not seen:
        return False
    moved = float(np.mean([reading.value - reading.floor.mu0 for reading in seen]))
    weekly = sum(reading.floor.sigma**2 for reading in seen) / len(seen) ** 2
    reference = max(reading.floor.reference_error for reading in seen) ** 2
    largest = abs(moved) + STANDARD_ERRORS * float(np.sqrt(weekly + reference))
    return largest < abs(shift) / 2
