"""What a person's label of one interaction is worth: its expected value of information.

    value = P(the label changes what is believed) x consequence

The queue is ordered and drawn by value per expected minute. All factors are bounded, so no value is
0 or infinite: a wrong guess here costs efficiency and never validity, because the chance that it
leads to is stored with the task.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from eval_pipeline.review.overrulings import Cell, Overruling, cells_of

REFUTED: Final = "refuted"

LEAST_CHANCE: Final = 0.01
PRIOR_VOTES: Final = 1.0
"""The week's pass share counts as one more vote."""
PRIOR_LABELS: Final = 5.0
"""What the votes alone say of a verdict counts as five labels of its cell."""
PRIOR_FINDINGS: Final = 4.0
"""Before it is measured the refuter is right in half of the cases, as if four had been seen."""
GATE_WEIGHT: Final = 4.0
"""The first label of the subset with the tightest tolerance is worth five elsewhere."""
LACKING_WEIGHT: Final = 9.0
"""A label of what the golden set lacks is worth ten elsewhere: a version may wait for it."""


@dataclass(frozen=True)
class GatedSubset:
    """What the gate accepts to lose in a subset, and how many items in it people have labelled.

    `undecided`: a newest decision could not decide on it, for want of items or in principle.
    """

    tolerance: float
    labels: int
    undecided: bool = False


@dataclass(frozen=True)
class Evidence:
    """What earlier weeks say of the judges, and the gate of its subsets; empty where nothing does.

    `refuter_precision`: the share of refuted passes that people fail, and its labels.
    `recurring`: the cells in which people overruled the panel again and again.
    """

    refuter_precision: tuple[float, int] | None = None
    overrulings: Mapping[Cell, Overruling] = field(default_factory=dict)
    recurring: frozenset[Cell] = frozenset()
    subsets: Mapping[str, GatedSubset] = field(default_factory=dict)
    confidence: float = 0.95

    def recurs(self, row: Mapping[str, Any]) -> bool:
        """Whether people overruled verdicts like this one again and again."""
        return any(cell in self.recurring for cell in cells_of(row))

    @property
    def critical(self) -> frozenset[str]:
        """The subsets in which labels are wanted though the judges agree.

        Those that the newest decisions left undecided, and those with the tightest tolerance where
        tolerances differ, as long as their labels are fewer than ln(1 - confidence) /
        ln(1 - tolerance): with fewer not even labels without a single loss prove the tolerance.
        """
        tolerances = {subset.tolerance for subset in self.subsets.values()}
        tightest = min(tolerances) if len(tolerances) > 1 else None
        return frozenset(
            name
            for name, subset in self.subsets.items()
            if (subset.undecided or subset.tolerance == tightest)
            and subset.labels < math.log(1 - self.confidence) / math.log(1 - subset.tolerance)
        )


NO_EVIDENCE: Final = Evidence()


def pass_share_of(rows: Iterable[Mapping[str, Any]]) -> float:
    """The share of passes among all votes of pass or fail, drawn to one half by two votes."""
    passes, fails = 0, 0
    for row in rows:
        passes += row["passes"]
        fails += row["fails"]
    return (passes + 1) / (passes + fails + 2)


def chance_of_change(row: Mapping[str, Any], *, evidence: Evidence, pass_share: float) -> float:
    """P(a person's label changes what is believed of the interaction), 0.01 to 0.99.

    `row` is its PANEL_VERDICTS row with route, kind and subsets. Under 0-1 loss the value of
    knowing the truth is the chance that the best guess without it is wrong; entropy would rate a
    guess of 0.9 at half of a coin's toss although it is wrong five times less often.

    - no verdict: min(p, 1 - p), where p = (k s + pass_share) / (k + 1) of k votes with pass share
      s (the weighted one where votes weigh);
    - refuted: min(r, 1 - r), where r = (n q + 2) / (n + 4) of the refuter's precision q on n
      labels;
    - a verdict: what votes like these say against it, min(p, 1 - p), and how often people overruled
      verdicts of its cell, as (5 min(p, 1 - p) + n q) / (5 + n) of the share q on n labels: of the
      recurring cells, or else of all its cells, the one that says most.
    """
    votes = row["passes"] + row["fails"]
    share = row["weighted_pass_share"]
    if share is None:
        share = row["passes"] / votes if votes else pass_share
    p = (votes * share + PRIOR_VOTES * pass_share) / (votes + PRIOR_VOTES)
    doubt = min(p, 1 - p)
    if row["panel_verdict"] is not None:
        chance = _overruled(row, doubt, evidence=evidence)
    elif row["reason"] == REFUTED:
        precision, labels = evidence.refuter_precision or (0.0, 0)
        right = (labels * precision + PRIOR_FINDINGS / 2) / (labels + PRIOR_FINDINGS)
        chance = min(right, 1 - right)
    else:
        chance = doubt
    return min(max(chance, LEAST_CHANCE), 1 - LEAST_CHANCE)


def _overruled(row: Mapping[str, Any], doubt: float, *, evidence: Evidence) -> float:
    cells = list(cells_of(row))
    recurring = [cell for cell in cells if cell in evidence.recurring]
    known = [
        evidence.overrulings[cell] for cell in recurring or cells if cell in evidence.overrulings
    ]
    rates = [
        (PRIOR_LABELS * doubt + one.effective_labels * one.share)
        / (PRIOR_LABELS + one.effective_labels)
        for one in known
    ]
    return max(rates, default=doubt)


def consequence(subsets: Iterable[str], *, evidence: Evidence, lacking: bool) -> float:
    """What changing the belief is worth, 1 to 14: 1 + 4 g + 9 if the golden set lacks the like.

    g, 0 to 1, is how much the next label narrows the gate, at most over its subsets. A rate known
    from n labels has a standard error in proportion to 1/sqrt(n); what the next label takes off it,
    in units of the subset's tolerance t, is (1/sqrt(n + 1) - 1/sqrt(n + 2)) / t, relative to that
    of the first label in the subset with the tightest tolerance.
    """
    tightest = min((subset.tolerance for subset in evidence.subsets.values()), default=1.0)
    gained = max(
        (
            narrowing(subset.labels) * tightest / subset.tolerance
            for name in subsets
            if (subset := evidence.subsets.get(name)) is not None
        ),
        default=0.0,
    )
    return 1 + GATE_WEIGHT * gained + LACKING_WEIGHT * lacking


def narrowing(labels: int) -> float:
    """How much the next label narrows a rate known from `labels`, relative to the first: 0 to 1."""
    taken_off = 1 / math.sqrt(labels + 1) - 1 / math.sqrt(labels + 2)
    return taken_off / (1 - 1 / math.sqrt(2))
