"""How often the gate would be right with this policy and today's items, by seeded simulation.

Every run goes through the product's own path: comparison, top-ups from the reserve as it is, and
decision. What is assumed: pairs of binary scores, items independent given their subsets, nothing
missing, equal discordance of candidate and A/A run, and that every limit besides the tolerances is
kept: on latency, cost, judges, people, age, freshness and further dimensions.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.reserve_order import ALL, ReserveOrder, order_reserve
from eval_pipeline.evaluation.topup import compare_in_looks
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.statistics.proportions import clopper_pearson

CONFIDENCE: Final = 0.95
MULTIPLES: Final = (1.0, 2.0)
"""Of its tolerance: how much worse the one bad subset is."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Rate:
    """A share of simulated runs with its Clopper-Pearson interval; null without runs."""

    count: int
    runs: int

    @property
    def value(self) -> float | None:
        """The share."""
        return self.count / self.runs if self.runs else None

    @property
    def interval(self) -> tuple[float, float]:
        """Two-sided at 95 %; 0 to 1 without runs."""
        return clopper_pearson(self.count, self.runs, confidence=CONFIDENCE)


@dataclass(frozen=True)
class World:
    """Today's items, and how often equal systems differ on each.

    `golden`: `item_id`, `subsets`, `cluster_id`; `reserve`: STRATIFIED_INTERACTIONS rows
    (`interaction_id`, `subsets`, `conversation_key`). `discordance` by subset and 'all'. `live`:
    the cell of the live traffic that an item stands for (`item_id`, `cell`, `cell_share`).
    """

    golden: pl.DataFrame
    reserve: pl.DataFrame
    subsets: Sequence[str]
    discordance: Mapping[str, float]
    live: pl.DataFrame | None = None

    @cached_property
    def order(self) -> ReserveOrder:
        """The reserve's asking order, worked out once for all runs."""
        return order_reserve(self.reserve, self.subsets)

    @cached_property
    def items(self) -> pl.DataFrame:
        """Golden items, then the reserve's: what trials say of an item beside its scores."""
        golden = self.golden.select(
            "item_id", "subsets", "cluster_id", pl.lit("golden").alias("source")
        )
        reserve = self.reserve.select(
            pl.Series(
                "item_id",
                [reserve_identity(one) for one in self.reserve["interaction_id"]],
                dtype=pl.String,
            ),
            "subsets",
            pl.col("conversation_key").alias("cluster_id"),
            pl.lit("reserve").alias("source"),
        )
        synthetic = pl.col("subsets").list.contains(SYNTHETIC_SUBSET)
        items = pl.concat([golden, reserve])
        if self.live is not None:
            items = items.join(self.live, on="item_id", how="left", maintain_order="left")
        return items.with_columns(
            source=pl.when(synthetic).then(pl.lit("synthetic")).otherwise("source"),
            trial=pl.lit(1, dtype=pl.Int64),
            score_error=pl.lit(None, dtype=pl.String),
        )

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each item stands."""
        return {item_id: place for place, item_id in enumerate(self.items["item_id"])}

    @cached_property
    def item_discordance(self) -> Floats:
        """An item's chance of a difference: the mean of its subsets', or all items'."""
        overall = self.discordance[ALL]
        own = [
            float(np.mean([self.discordance.get(name, overall) for name in names]))
            if (names := list(subsets))
            else overall
            for subsets in self.items["subsets"]
        ]
        return np.asarray(own)

    def members(self, subset: str) -> Floats:
        """1 for items of the subset, 0 for others; 'all' is the traffic."""
        held = self.items["subsets"].list.contains(subset)
        if subset == ALL:
            held = ~self.items["subsets"].list.contains(SYNTHETIC_SUBSET)
        return held.cast(pl.Float64).to_numpy()


def one_run(
    world: World, *, policy: GateSettings, bad: str | None, drop: float, seed: int
) -> tuple[Decision, int]:
    """The decision on a candidate that loses `drop` in the subset `bad`, and the items asked.

    Wins are half of the discordance; losses as many, and `drop` more where the candidate is bad.
    """
    wins = world.item_discordance / 2
    losses = wins + (drop * world.members(bad) if bad is not None else 0.0)
    drawn = np.random.default_rng(seed).random(wins.size)
    won, lost = drawn < wins, (drawn >= wins) & (drawn < wins + losses)

    def arms(places: Sequence[int], look: int) -> pl.DataFrame:
        rows = world.items[list(places)].with_columns(look=pl.lit(look, dtype=pl.Int64))
        both = [
            rows.with_columns(
                arm=pl.lit(arm), score=pl.Series((~failed[list(places)]).astype(np.float64))
            )
            for arm, failed in (("baseline", won), ("candidate", lost))
        ]
        return pl.concat(both)

    def ask(look: int, item_ids: Sequence[str]) -> pl.DataFrame:
        return arms([world.places[item_id] for item_id in item_ids], look)

    compared = compare_in_looks(
        arms(range(world.golden.height), 1),
        ask=ask,
        reserve=world.reserve,
        policy=policy,
        subsets=world.subsets,
        order=world.order,
    )
    decision = decide(
        compared.report,
        candidate_id="candidate",
        baseline_id="baseline",
        golden_version=None,
        policy=tolerances_alone(policy),
        evidence=Evidence(trials=compared.trials, panel_scored=False),
    )
    return decision, compared.trials["item_id"].n_unique()


def tolerances_alone(policy: GateSettings) -> GateSettings:
    """The policy without the limits on what is not simulated: unmeasured, they would pass nothing.

    The comparison itself goes by the whole policy, whose gated dimensions share Holm's family.
    """
    return policy.model_copy(
        update={
            "maximum_latency_ratio": None,
            "maximum_cost_ratio": None,
            "minimum_human_agreement": None,
            "maximum_golden_age_days": None,
            "minimum_fresh_share": None,
            "dimensions": {},
            "review_beyond": None,
        }
    )


@dataclass
class Simulated:
    """Counts over the runs of one scenario; `states` by subset, over the runs that it was bad in.

    Without a bad subset every run counts for every subset.
    """

    runs: int = 0
    items: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    passes: Counter[str] = field(default_factory=Counter)
    blocks: Counter[str] = field(default_factory=Counter)
    certified: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)

    def add(self, decision: Decision, items: int, *, of: Collection[str]) -> None:
        """Takes a run into account, for the subsets `of`."""
        states = {each.subset: each.state for each in (decision.aggregate, *decision.subsets)}
        self.runs += 1
        self.items += items
        self.verdicts[decision.verdict] += 1
        for name in of:
            self.tried[name] += 1
            self.passes[name] += decision.verdict == "pass"
            self.blocks[name] += states.get(name) == "blocked"
            self.certified[name] += states.get(name) == "certified"

    def verdict_rate(self, verdict: str) -> Rate:
        """How often the gate said so."""
        return Rate(self.verdicts[verdict], self.runs)


@dataclass(frozen=True)
class Characteristics:
    """What was simulated: no regression, and one subset worse by its tolerance or twice that."""

    subsets: tuple[str, ...]
    no_regression: Simulated
    at_tolerance: Simulated
    at_twice: Simulated

    @property
    def items_per_gate(self) -> float:
        """Items asked of each arm, on average, where nothing is worse."""
        return self.no_regression.items / max(1, self.no_regression.runs)


def characteristics(
    world: World, *, policy: GateSettings, runs: int, progress: Progress | None = None
) -> Characteristics:
    """Simulates `runs` candidates of each of three kinds, seeded by their number.

    The bad subset changes from run to run in turn, 'all' among them: then every item is worse by
    the aggregate's tolerance.
    """
    names = (ALL, *sorted(world.subsets))
    told: list[Simulated] = [Simulated(), Simulated(), Simulated()]
    total = runs * len(told)
    for done, (kind, run) in enumerate(_plan(runs, len(told))):
        if progress is not None:
            progress(done, total)
        bad, drop = None, 0.0
        if kind:
            bad = names[run % len(names)]
            drop = MULTIPLES[kind - 1] * policy.tolerance_of(bad)
        seed = seed_for("operating characteristics", str(kind), str(run))
        decision, items = one_run(world, policy=policy, bad=bad, drop=drop, seed=seed)
        told[kind].add(decision, items, of=names if bad is None else (bad,))
    return Characteristics(names, *told)


def _plan(runs: int, kinds: int) -> Iterator[tuple[int, int]]:
    for kind in range(kinds):
        for run in range(runs):
            yield kind, run
