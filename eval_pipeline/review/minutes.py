"""How long a label takes, from how much there is to read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import scipy

SECONDS_A_MINUTE: Final = 60.0
SHORTEST_MINUTES: Final = 0.1
LONGEST_MINUTES: Final = 30.0
ENOUGH_LABELS: Final = 30
NEWEST_LABELS: Final = 500
"""Theil and Sen's slope takes every pair: 500 labels are 125,000 of them."""


@dataclass(frozen=True)
class ReadingRule:
    """Minutes = overhead + characters / characters a minute; `labels` behind it, 0 for a default.

    A null speed says that longer texts did not take longer.
    """

    overhead_minutes: float = 0.5
    characters_a_minute: float | None = 1000.0
    labels: int = 0

    def minutes(self, characters: int) -> float:
        """What one label of so much text takes, from a tenth of a minute to half an hour."""
        reading = 0.0 if self.characters_a_minute is None else characters / self.characters_a_minute
        return min(max(self.overhead_minutes + reading, SHORTEST_MINUTES), LONGEST_MINUTES)


DEFAULT_READING: Final = ReadingRule()
"""Half a minute to decide, and reading at about 200 English words a minute."""


def fitted_reading(measured: Sequence[tuple[int, float]]) -> ReadingRule:
    """The rule that (characters, seconds) of labels follow; the default below thirty labels.

    Theil and Sen's line (1950, 1968), the median of the slopes of all pairs with the median
    residual as its start: three labels in ten may be coffee breaks and it stays. Reads the newest
    five hundred, which come last. Texts of one length have no slope: then the median alone.
    """
    usable = [(length, seconds) for length, seconds in measured if seconds > 0][-NEWEST_LABELS:]
    if len(usable) < ENOUGH_LABELS:
        return DEFAULT_READING
    lengths, seconds = zip(*usable, strict=True)
    if len(set(lengths)) == 1:
        slope, start = 0.0, sorted(seconds)[len(seconds) // 2]
    else:
        line = scipy.stats.theilslopes(seconds, lengths, method="joint")
        slope, start = float(line.slope), float(line.intercept)
    if slope <= 0:
        ordered = sorted(seconds)
        return ReadingRule(ordered[len(ordered) // 2] / SECONDS_A_MINUTE, None, len(usable))
    return ReadingRule(max(start, 0.0) / SECONDS_A_MINUTE, SECONDS_A_MINUTE / slope, len(usable))


def characters_shown(messages: Iterable[Mapping[str, Any]] | None, response: str | None) -> int:
    """How many characters of conversation and response a person reads."""
    said = sum(len(str(message.get("content") or "")) for message in messages or ())
    return said + len(response or "")


def characters_of_subject(subject_json: str) -> int:
    """The same of what a task shows."""
    subject = json.loads(subject_json)
    return characters_shown(subject.get("messages"), subject.get("response"))
