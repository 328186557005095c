"""What is known of the judges' bias for one candidate over another, and tests that allow for it.

Methods 3.2: the difference by the judges plus what people's labels say it gets wrong, with the
variance of both and that of rectifiers between subsets.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from eval_pipeline.evaluation.paired_tests import AugmentedMean, DiscordantPairs, PairedTest
from eval_pipeline.statistics.two_phase import welch_degrees

CORRECTED: Final = "corrected_t"


@dataclass(frozen=True)
class PooledRectifier:
    """People's difference minus the judges', pooled over all items that judges scored.

    `variance` is of the pooled value, `between_variance` of subsets about it, from `groups`
    subsets; `labels` counts settled pairs.
    """

    value: float
    variance: float
    between_variance: float
    degrees: float
    groups: int
    labels: int

    def variance_for(self, *, is_parent: bool) -> float:
        """Of the rectifier as an estimate of a subset's own, or of the parent's."""
        return self.variance + (0.0 if is_parent else self.between_variance)


@dataclass(frozen=True)
class BiasBound:
    """Nobody labelled this candidate's answers: how far judges may be wrong, by experience.

    `candidates` are those that were audited; 0 where the policy assumes the bound.
    """

    value: float
    candidates: int


JudgeBias = PooledRectifier | BiasBound


@dataclass(frozen=True)
class HumanPart:
    """What people's labels did to one subset's reading.

    `rectifier` is already times the share of items that judges scored. `bound` is what a judge-only
    difference has to clear besides its tolerance; null where it is corrected.
    """

    judge_difference: float
    rectifier: float | None = None
    standard_error: float | None = None
    labels: int | None = None
    bound: float | None = None

    @property
    def corrected(self) -> bool:
        """Whether the difference rests on people's labels."""
        return self.rectifier is not None


@dataclass(frozen=True)
class CorrectedMean(AugmentedMean):
    """An augmented mean difference, moved by a rectifier and as unsure as both together."""

    @property
    def method(self) -> str:
        """The name that reports give this test."""
        return CORRECTED


def human_part(
    bias: JudgeBias | None, *, difference: float, share: float, is_parent: bool
) -> HumanPart | None:
    """What the bias does to a subset whose items were scored by judges in this `share`."""
    if bias is None or share <= 0:
        return None
    if isinstance(bias, BiasBound):
        return HumanPart(difference, bound=share * bias.value)
    return HumanPart(
        difference,
        rectifier=share * bias.value,
        standard_error=share * math.sqrt(bias.variance_for(is_parent=is_parent)),
        labels=bias.labels,
    )


def corrected_test(
    test: PairedTest, rectifier: PooledRectifier, *, share: float, is_parent: bool
) -> CorrectedMean:
    """The test of the corrected difference; a score test becomes the augmented t it stands for."""
    mean = as_mean(test)
    own = mean.standard_error**2
    pooled = share**2 * rectifier.variance
    between = 0.0 if is_parent else share**2 * rectifier.between_variance
    return CorrectedMean(
        centre=mean.centre + share * rectifier.value,
        standard_error=math.sqrt(own + pooled + between),
        degrees=welch_degrees(
            (
                (own, mean.degrees),
                (pooled, rectifier.degrees),
                (between, float(rectifier.groups - 1)),
            )
        ),
        effective_items=mean.effective_items,
    )


def as_mean(test: PairedTest) -> AugmentedMean:
    """The augmented mean of the same pairs."""
    if isinstance(test, AugmentedMean):
        return replace(test)
    return _augmented(test)


def _augmented(pairs: DiscordantPairs) -> AugmentedMean:
    """Of n pairs, one item a cluster, with +1 and -1 added: all of it is in the counts."""
    size = pairs.items + 2
    centre = (pairs.wins - pairs.losses) / size
    squares = pairs.wins + pairs.losses + 2 - size * centre**2
    return AugmentedMean(
        centre=centre,
        standard_error=math.sqrt(squares / (size * (size - 1))),
        degrees=size - 1,
        effective_items=float(pairs.items),
    )
