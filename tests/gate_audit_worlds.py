"""Worlds for audits of the gate whose truth is known, and gates that are broken on purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from eval_pipeline.evaluation.decision_inputs import Decided, DecisionInputs, decided
from eval_pipeline.evaluation.gate_audit.copies import Copies, copies_of
from eval_pipeline.evaluation.gate_audit.material import Labels, Material, PinnedRuns
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import REGRESSION_TRIALS

WEEK = "2026-11-16"
SUBSETS = ("hours", "refunds")
NO_RUNS = pl.DataFrame(schema={"item_id": pl.String, "score": pl.Float64})


def baseline_trials(
    scores: Sequence[float | None],
    *,
    subsets: Sequence[Sequence[str]] | None = None,
    looks: Sequence[int] | None = None,
    scorer: str = "panel",
) -> pl.DataFrame:
    """REGRESSION_TRIALS of the baseline's arm: items i-000, i-001, … with these scores."""
    rows = [
        {
            "arm": "baseline",
            "system_id": "assistant",
            "item_id": f"i-{place:03d}",
            "trial": 1,
            "source": "golden",
            "look": 1 if looks is None else looks[place],
            "golden_version": 1,
            "subsets": list(subsets[place]) if subsets else [SUBSETS[place % len(SUBSETS)]],
            "cluster_id": f"c-{place:03d}",
            "scorer": scorer,
            "status": "answered",
            "attempts": 1,
            "score": score,
        }
        for place, score in enumerate(scores)
    ]
    whole = {name: dtype for name, dtype in REGRESSION_TRIALS.schema.items() if name in rows[0]}
    frame = pl.DataFrame(rows, schema=whole)
    lacking = (
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in REGRESSION_TRIALS.schema.items()
        if name not in frame.columns
    )
    return REGRESSION_TRIALS.conform(frame.with_columns(*lacking))


def copies(
    scores: Sequence[float | None],
    *,
    discordance: float = 0.1,
    further: pl.DataFrame = NO_RUNS,
    **of_trials: Any,
) -> Copies:
    return copies_of(
        baseline_trials(scores, **of_trials),
        further=further,
        discordance={"all": discordance},
        synthetic=False,
    )


def policy(**more: Any) -> GateSettings:
    told: dict[str, Any] = {
        "aggregate_tolerance": 0.1,
        "tolerances": {"default": 0.15},
        "max_missing": 0.03,
        "looks": [],
        "audit": {"replications": 20, "sizes": [2.0]},
    }
    return GateSettings.model_validate({**told, **more})


def material(
    held: Copies | None,
    *,
    gate: GateSettings | None = None,
    labels: Labels | None = None,
    pinned: PinnedRuns | None = None,
    lacking: Mapping[str, str] | None = None,
    week: str = WEEK,
) -> Material:
    return Material(
        week=week,
        baseline_id="assistant",
        policy=gate or policy(),
        subsets=SUBSETS,
        copies=held,
        golden_version=1,
        basis="candidate:steady",
        judge_bias=None,
        labels=labels,
        pinned=pinned,
        lacking=dict(lacking or {"trials": "no trials", "labels": "no labels", "drift": "no pin"}),
    )


def drawn_world(items: int, *, rate: float = 0.85, seed: int = 5, **more: Any) -> Material:
    """`items` golden items of two subsets; the baseline passes that share of them."""
    scores = (np.random.default_rng(seed).random(items) < rate).astype(float)
    return material(copies(list(scores), discordance=0.06), **more)


def without_tolerances(inputs: DecisionInputs) -> Decided:
    """A gate that has lost its tolerances."""
    wide = inputs.policy.model_copy(
        update={"aggregate_tolerance": 0.9, "tolerances": {"default": 0.9}}
    )
    return decided(replace(inputs, policy=wide))


def dropping_what_misses(inputs: DecisionInputs) -> Decided:
    """A gate that compares what is there and counts nothing as missing."""
    trials = inputs.trials.drop_nulls("score")
    both = trials.group_by("item_id").agg(pl.col("arm").n_unique().alias("arms"))
    whole = both.filter(pl.col("arms") == 2).select("item_id")
    return decided(replace(inputs, trials=trials.join(whole, on="item_id", how="semi")))


def blind_to_subsets(inputs: DecisionInputs) -> Decided:
    """A gate that says of every subset what it says of all items."""
    made = decided(inputs)
    state = made.decision.aggregate.state
    subsets = tuple(one.model_copy(update={"state": state}) for one in made.decision.subsets)
    return replace(made, decision=made.decision.model_copy(update={"subsets": subsets}))


def blocking_by_the_point(inputs: DecisionInputs) -> Decided:
    """A gate that blocks whatever is a point below, without any test."""
    made = decided(inputs)
    worse = (made.decision.aggregate.difference or 0.0) < -0.01
    verdict = "block" if worse else made.decision.verdict
    return replace(made, decision=made.decision.model_copy(update={"verdict": verdict}))


def believing_the_judges(inputs: DecisionInputs) -> Decided:
    """A gate that hears people and does not listen."""
    return decided(replace(inputs, judge_bias=None))
