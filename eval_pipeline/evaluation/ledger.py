"""The alpha ledger: which golden version was shown to whom, at which looks, for how much error.

A gate's promise is per candidate. Every candidate that is tuned after a decision on the same items
has learnt a little of them, so what a version has decided is counted, and beyond the policy's
number a new version is advised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import GateSettings, SystemSettings
from eval_pipeline.tables import GATE_LEDGER

DECIDED: Final = ("certified", "blocked", "reported")
_NOT_CONTENT: Final = frozenset({"usd_per_million_input_tokens", "usd_per_million_output_tokens"})


@dataclass(frozen=True)
class Exposure:
    """That a candidate is the `number`th, from 1, that a golden version decides on."""

    golden_version: int
    number: int


def candidate_fingerprint(
    system: SystemSettings, *, baseline: SystemSettings, recorded_week: str | None
) -> str:
    """The content of both arms: what they answer by, not what they cost."""
    arms = [
        {key: value for key, value in each.identity.items() if key not in _NOT_CONTENT}
        for each in (system, baseline)
    ]
    return fingerprint({"arms": arms, "recorded_week": recorded_week})


def exposure_of(
    ledger: pl.DataFrame, *, golden_version: int, candidate_id: str, content: str
) -> Exposure:
    """The candidate's exposure to the version, as the whole GATE_LEDGER of all candidates has it.

    One that is in the ledger keeps its number, so that deciding again tells the same; another is
    the next. A candidate whose content changed is another one.
    """
    own = ledger.filter(
        pl.col("golden_version") == golden_version,
        pl.col("candidate_id") == candidate_id,
        pl.col("candidate_fingerprint") == content,
    )
    if own.height:
        return Exposure(golden_version, int(str(own["exposure"].min())))
    return Exposure(golden_version, exposures(ledger).get(golden_version, 0) + 1)


def exposures(ledger: pl.DataFrame) -> dict[int, int]:
    """How many candidates each golden version has decided on, by version."""
    candidates = ledger.unique(["golden_version", "candidate_id", "candidate_fingerprint"])
    counted = candidates.group_by("golden_version").len("candidates").sort("golden_version")
    return dict(counted.iter_rows())


def ledger_rows(
    decision: Decision,
    *,
    trials: pl.DataFrame,
    continuation: pl.DataFrame | None,
    content: str,
    exposure: Exposure,
    policy: GateSettings,
) -> pl.DataFrame:
    """GATE_LEDGER rows of one decision: every planned look up to the last, then continued weeks.

    `trials`: REGRESSION_TRIALS; `continuation`: CONTINUATION_TRIALS. The e-processes may spend
    their alpha once, however many weeks they go on: the first of these rows has it, the others 0.
    """
    shared = {
        "golden_version": exposure.golden_version,
        "candidate_id": decision.candidate,
        "candidate_fingerprint": content,
        "policy_fingerprint": decision.policy_fingerprint,
        "exposure": exposure.number,
        "decision_id": decision.decision_id,
    }
    rows = [
        *_planned(decision, trials, policy),
        *_continued(decision, trials, continuation, policy),
    ]
    frame = pl.DataFrame([{**shared, **row} for row in rows], schema=GATE_LEDGER.schema)
    return GATE_LEDGER.conform(frame)


def entered(ledger: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """A candidate's GATE_LEDGER with the rows of a decision, which replace what they repeat."""
    identity = ["golden_version", "candidate_fingerprint", "policy_fingerprint"]
    kept = ledger.join(rows.select(identity).unique(), on=identity, how="anti")
    return GATE_LEDGER.conform(pl.concat([kept, rows]))


def _planned(
    decision: Decision, trials: pl.DataFrame, policy: GateSettings
) -> list[dict[str, Any]]:
    last = int(str(trials["look"].max() or 1))
    return [
        {
            "look": look,
            "look_kind": "planned",
            "exposed_items": trials.filter(pl.col("look") <= look)["item_id"].n_unique(),
            "undecided_subsets": _undecided_after(decision, look),
            "alpha": policy.look_alpha,
        }
        for look in range(1, last + 1)
    ]


def _continued(
    decision: Decision,
    trials: pl.DataFrame,
    continuation: pl.DataFrame | None,
    policy: GateSettings,
) -> list[dict[str, Any]]:
    if continuation is None or continuation.is_empty():
        return []
    asked = trials["item_id"].n_unique()
    weeks = continuation["week"].unique().sort().to_list()
    undecided = [each.subset for each in _findings(decision) if each.state not in DECIDED]
    return [
        {
            "look": policy.planned_looks + number,
            "look_kind": "continued",
            "exposed_items": asked
            + continuation.filter(pl.col("week") <= week)["item_id"].n_unique(),
            "undecided_subsets": undecided if number == len(weeks) else _left_open(decision),
            "alpha": policy.continuation_alpha if number == 1 else 0.0,
        }
        for number, week in enumerate(weeks, start=1)
    ]


def _undecided_after(decision: Decision, look: int) -> list[str]:
    """The gated subsets that a planned look left open."""
    return [
        each.subset
        for each in _findings(decision)
        if each.state != "reported"
        and (
            each.state not in DECIDED
            or each.continued_since is not None
            or (each.looks or 0) > look
        )
    ]


def _left_open(decision: Decision) -> list[str]:
    return [
        each.subset
        for each in _findings(decision)
        if each.continued_since is not None or each.state not in DECIDED
    ]


def _findings(decision: Decision) -> Any:
    return (decision.aggregate, *decision.subsets)


def told_exposures(counts: Mapping[int, int], *, version: int, maximum: int) -> str:
    """How often a version has decided, in a line."""
    used = counts.get(version, 0)
    told = f"{used} candidate{'' if used == 1 else 's'} decided on it (advised: {maximum} at most)"
    return told if used < maximum else f"{told}; publish a new version"
