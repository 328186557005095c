"""What an audit copies: the week's evidence as it stands, and the product's own ways to read it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.decision_inputs import Decided, DecisionInputs
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate_audit.copies import CANDIDATE, Copies
from eval_pipeline.evaluation.human_correction.judge_bias import JudgeBias
from eval_pipeline.evaluation.operating_characteristics import tolerances_alone
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.fingerprint import fingerprint, seed_for
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings

Decide = Callable[[DecisionInputs], Decided]
"""The gate itself: comparison and decision."""
Calibrate = Callable[[pl.DataFrame], pl.DataFrame]
"""From ADJUDICATIONS of all weeks to JUDGE_CALIBRATION."""
Signal = Callable[[pl.DataFrame, pl.DataFrame, str], pl.DataFrame]
"""From a week's DRIFT_TRIALS, DRIFT_SIGNALS before it (with `week`) and the week: its signals."""


@dataclass(frozen=True)
class Labels:
    """ADJUDICATIONS of all weeks so far, and how judges are held against them."""

    settled: pl.DataFrame
    calibrate: Calibrate


@dataclass(frozen=True)
class PinnedRuns:
    """A pinned system: its DRIFT_TRIALS of a week (`rerun`), and all runs of the same items.

    `runs`: `item_id`, `item_revision` and `score` of DRIFT_REFERENCE, a row a run.
    """

    trials: pl.DataFrame
    runs: pl.DataFrame
    signal: Signal


@dataclass(frozen=True)
class Material:
    """What the gate would read this week; null, with a reason in `lacking`, where there is none.

    `basis` says where the copied trials come from. `lacking`: 'trials', 'labels' or 'drift' to a
    sentence.
    """

    week: str
    baseline_id: str
    policy: GateSettings
    subsets: tuple[str, ...]
    copies: Copies | None
    golden_version: int | None
    basis: str | None
    judge_bias: JudgeBias | None
    labels: Labels | None
    pinned: PinnedRuns | None
    lacking: dict[str, str]

    @property
    def places(self) -> tuple[str, ...]:
        """Where the gate decides: all items, every subset, synthetic items if they are gated."""
        gated = (SYNTHETIC_SUBSET,) if self.policy.decides_on(SYNTHETIC_SUBSET) else ()
        return (ALL, *sorted(self.subsets), *gated)


@dataclass(frozen=True)
class Auditor:
    """Decides on planted trials by the gate's own code, seeded by week and configuration."""

    material: Material
    decide: Decide

    @property
    def copies(self) -> Copies:
        """The trials to plant faults in; only where there are some."""
        if self.material.copies is None:
            raise ValueError("There are no trials to copy.")
        return self.material.copies

    @cached_property
    def configuration(self) -> str:
        """The policy that the audit is seeded by."""
        return fingerprint(self.material.policy.model_dump(mode="json", by_alias=True))

    def rng(self, *parts: object) -> np.random.Generator:
        """Randomness of one copy: the same for the same week, configuration and place."""
        names = ["gate audit", self.material.week, self.configuration, *map(str, parts)]
        return np.random.default_rng(seed_for(*names))

    def on(
        self,
        trials: pl.DataFrame,
        *,
        judge_bias: JudgeBias | None = None,
        calibration: pl.DataFrame | None = None,
    ) -> Decision:
        """The gate's decision on these trials, every limit but those under audit taken as kept.

        With a `calibration` the decision is held to it as if judges had scored.
        """
        known = self.material
        inputs = DecisionInputs(
            candidate_id=CANDIDATE,
            baseline_id=known.baseline_id,
            golden_version=known.golden_version,
            policy=tolerances_alone(known.policy),
            subsets=known.subsets,
            trials=trials,
            reserve=None,
            judge_bias=judge_bias or known.judge_bias,
            evidence=Evidence(calibration=calibration, panel_scored=calibration is not None),
        )
        return self.decide(inputs).decision


def state_in(decision: Decision, subset: str) -> str | None:
    """The state of the subset, or of 'all'; None where the decision has no row of it."""
    findings = (decision.aggregate, *decision.subsets)
    return next((one.state for one in findings if one.subset == subset), None)
