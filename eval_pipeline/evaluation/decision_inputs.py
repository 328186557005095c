"""All that a decision is made of, so that it can be made again, bit for bit."""

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.human_correction.judge_bias import JudgeBias
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import REGRESSION_TRIALS

KEPT: Final = (
    "arm", "system_id", "item_id", "trial", "source", "look", "golden_version", "route", "subsets",
    "cluster_id", "cell", "cell_share", "scorer", "score", "score_error", "status", "attempts",
)  # fmt: skip
"""What figures rest on. Texts and calls are in the trials themselves, as long as those are kept."""


@dataclass(frozen=True)
class DecisionInputs:
    """What one decision on a candidate read, and nothing else.

    `trials`: the REGRESSION_TRIALS that count, `bare`. `reserve`: the `subsets` of what the reserve
    held for it; null where nothing could be asked. `judge_bias`: what people's
    labels say of the judges, if anything. The evidence's own trials are these.
    """

    candidate_id: str
    baseline_id: str
    golden_version: int | None
    policy: GateSettings
    subsets: tuple[str, ...]
    trials: pl.DataFrame
    reserve: pl.DataFrame | None
    judge_bias: JudgeBias | None
    evidence: Evidence


@dataclass(frozen=True)
class Decided:
    """A decision and the REGRESSION_REPORT it rests on."""

    report: pl.DataFrame
    decision: Decision


def decided(inputs: DecisionInputs) -> Decided:
    """The comparison and the decision: a pure function of the inputs, so a replay gives the same.

    Raises `UnplannedLookError` for a look that the policy does not declare.
    """
    report = compare(
        inputs.trials,
        policy=inputs.policy,
        subsets=inputs.subsets,
        reserve=inputs.reserve,
        judge_bias=inputs.judge_bias,
    )
    decision = decide(
        report,
        candidate_id=inputs.candidate_id,
        baseline_id=inputs.baseline_id,
        golden_version=inputs.golden_version,
        policy=inputs.policy,
        evidence=replace(inputs.evidence, trials=inputs.trials),
    )
    return Decided(report, decision)


def bare(trials: pl.DataFrame) -> pl.DataFrame:
    """REGRESSION_TRIALS without texts and calls, its conversations numbered.

    So what is kept for ever of a decision leads to nobody. The numbers change no figure.
    """
    ordered = trials.sort("item_id", "arm", "trial")
    numbers = ordered["cluster_id"].unique(maintain_order=True)
    names = {name: f"conversation-{number:07d}" for number, name in enumerate(numbers, start=1)}
    return REGRESSION_TRIALS.conform(
        ordered.with_columns(
            *(
                pl.lit(None, dtype=dtype).alias(column)
                for column, dtype in REGRESSION_TRIALS.schema.items()
                if column not in KEPT
            ),
            cluster_id=pl.col("cluster_id").replace_strict(names, return_dtype=pl.String),
        )
    )
