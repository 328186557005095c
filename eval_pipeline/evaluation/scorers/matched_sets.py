"""Precision, recall and F1 of what a response names against what it should have named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import Measure


@dataclass(frozen=True)
class Matched:
    """How many the response found, how many the reference expects, and how many are both."""

    found: int
    expected: int
    both: int

    def value(self, measure: Measure) -> float:
        """Micro, over this one response.

        Nothing found where nothing is expected is right; where only one side is empty every
        measure is 0, so that exchanging the texts exchanges precision and recall.
        """
        if self.found == self.expected == 0:
            return 1.0
        shares = {
            "precision": (self.both, self.found),
            "recall": (self.both, self.expected),
            "f1": (2 * self.both, self.found + self.expected),
        }
        right, of = shares[measure]
        return right / of if of else 0.0


WRONG = Matched(found=1, expected=1, both=0)
"""A response that cannot be read: all measures are 0."""

Match = Callable[[str, str], Matched | None]


def measured_scores(
    requests: Sequence[ScoreRequest], match: Match, *, measures: Sequence[Measure], scorer: str
) -> list[list[Score]]:
    """One list per measure, in their order; `match` gives null where the reference is unreadable.

    The scores' scorer is `<scorer>.<measure>`.
    """
    matched = [
        None
        if request.reference_response is None
        else match(request.response, request.reference_response)
        for request in requests
    ]
    return [
        [
            Score(None, NO_REFERENCE, f"{scorer}.{measure}")
            if each is None
            else Score(each.value(measure), None, f"{scorer}.{measure}")
            for each in matched
        ]
        for measure in measures
    ]
