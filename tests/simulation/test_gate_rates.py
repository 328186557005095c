"""How often the gate is wrong, simulated through comparison, top-ups and decision.

The world: 12 disjoint subsets, every item its own conversation, baseline right with about .84,
tolerance 5 points per subset and 2 overall. Each run has its own seed, derived from its number.
`make bench-decision` measures the same rates with enough runs to state them.
"""

from collections import Counter

import pytest

from benchmarks.decision_worlds import BROKEN, World, decided
from eval_pipeline.settings import GateSettings
from tests.sizes import sized

RUNS = sized(20, full=40)
POLICY = GateSettings()


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_candidate_that_is_no_worse_nearly_always_passes_and_is_hardly_ever_blocked() -> None:
    # Wins and losses of 4.8 points each: the A/A discordance of .096. With 20 runs the Monte Carlo
    # standard error of a rate of .99 is .022; the bounds allow one block and two that do not pass
    # (P(more) is .0002 and .001 at the rates .001 and .01; with 40 runs .0008 and .008).
    world = World("test, no regression", wins=0.048, losses=0.048)
    verdicts = Counter(decided(world, run, policy=POLICY).verdict for run in range(RUNS))
    assert verdicts["block"] <= 1
    assert verdicts["pass"] >= RUNS - 2


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_subset_ten_points_worse_is_blocked_by_name_though_the_aggregate_hardly_moves() -> None:
    # One of 12 subsets loses 10 points: overall -10/12 = -.83 points, inside the 2 points accepted.
    # A different model of equal quality elsewhere: discordance .15. False passes are promised at
    # .003 or fewer and the right subset at .997 or more; two misses are allowed.
    world = World("test, one hole", wins=0.075, losses=0.075, broken_drop=0.10)
    decisions = [decided(world, run, policy=POLICY) for run in range(RUNS)]
    blocked = [
        [finding.subset for finding in decision.subsets if finding.state == "blocked"]
        for decision in decisions
    ]
    assert sum(decision.verdict == "pass" for decision in decisions) == 0
    assert sum(names == [BROKEN] for names in blocked) >= RUNS - 2
    named = next(each for each in decisions[0].subsets if each.subset == BROKEN)
    assert named.losing_items


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_small_drop_that_is_tolerated_blocks_hardly_ever() -> None:
    # -2 points everywhere where 5 are accepted, overall too. The method of record blocks .015 of
    # such candidates: P(two or more of 10) is .009.
    world = World("test, tolerated", wins=0.065, losses=0.085)
    policy = GateSettings(aggregate_tolerance=0.05)
    verdicts = Counter(decided(world, run, policy=policy).verdict for run in range(RUNS // 2))
    assert verdicts["block"] <= 1
