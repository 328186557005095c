"""Whether the judges behind the scores are good enough to decide."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate.grounds import Grounds, together
from eval_pipeline.evaluation.gate.judge_limits import (
    ALL_RUBRICS,
    PANEL,
    HeldAgainst,
    held_against,
    judges_behind,
)
from eval_pipeline.settings import GateSettings, JudgeQualitySettings

_WHAT: Final = {
    "share_of_ceiling": "agrees with people, as a share of their own agreement",
    "retest_flips": "changes its verdict on the very same words",
    "position_excess": "changes its preference when the answers change places",
    "position_bias": "prefers whichever answer stands first",
    "verbosity": "is led by the length of answers",
    "self_preference": "favours answers of its own family",
    "ece_debiased": "is off in what its grades promise",
    "error_correlation": "errs where another judge errs",
}
_SHARES: Final = ("share_of_ceiling", "error_correlation")
ANCHORS: Final = "anchor_accuracy_change"


def calibration_grounds(policy: GateSettings, evidence: Evidence) -> Grounds:
    """Invalid where the panel agrees with people less, or a judge errs more, than is accepted.

    What was not measured has not been kept. A judge whose accuracy on frozen anchors changed
    suspends what its scores would decide. Nothing is asked where no model scored.
    """
    if not evidence.panel_scored:
        return Grounds()
    return together(
        (
            Grounds(invalid=tuple(_uncalibrated(policy, evidence))),
            _limits(policy.judges, evidence),
            _anchors(policy.judges, evidence),
        )
    )


def _uncalibrated(policy: GateSettings, evidence: Evidence) -> Iterator[str]:
    wanted = policy.minimum_judge_agreement
    if wanted is None:
        return
    lower = None
    if evidence.calibration is not None:
        panel = evidence.calibration.filter(
            (pl.col("judge_id") == PANEL) & (pl.col("measure") == "agreement")
        )
        lower = panel["lower"].min()
    if lower is None:
        yield (
            "The panel's agreement with people has not been measured; "
            f"the policy demands at least {wanted:.2f}."
        )
    elif float(str(lower)) < wanted:
        yield (
            f"The panel agrees with people in at least {float(str(lower)):.2f} of cases; "
            f"the policy demands {wanted:.2f}."
        )


def _limits(policy: JudgeQualitySettings, evidence: Evidence) -> Grounds:
    if evidence.judge_quality is None:
        return _unmeasured(policy)
    held = held_against(
        evidence.judge_quality,
        policy,
        judges=judges_behind(evidence.trials, evidence.judge_quality),
        compared=_compared(evidence.trials),
    )
    invalid: list[str] = []
    notes: list[str] = []
    for one in held:
        if one.kept == "kept":
            continue
        noted = one.name in policy.noted_only
        noted |= one.kept == "undecided" and policy.undecided == "note"
        (notes if noted else invalid).append(sentence(one))
    return Grounds(invalid=tuple(invalid), notes=tuple(notes))


def _unmeasured(policy: JudgeQualitySettings) -> Grounds:
    names = [name for name in policy.limits() if name not in policy.noted_only]
    if not names:
        return Grounds()
    listed = ", ".join(f"`{name}`" for name in names)
    told = (
        f"How good the judges are has not been measured, and the policy limits it ({listed}): "
        "run `eval-pipeline judge-checks`."
    )
    return Grounds(invalid=(told,))


def _compared(trials: pl.DataFrame | None) -> bool:
    return trials is None or "preference" in set(trials["scorer"].str.split(":").list.first())


def sentence(one: HeldAgainst) -> str:
    """What a limit that was not kept says, with figures and the reason."""
    rubric = "" if one.rubric_id == ALL_RUBRICS else f" under {one.rubric_id}"
    subject = "The panel" if one.judge_id == PANEL else f"Judge '{one.judge_id}'"
    what = _WHAT[one.measure]
    if one.against and one.measure == "error_correlation":
        what = f"errs where '{one.against}' errs"
    if one.value is None or one.lower is None or one.upper is None:
        why = one.note or "there is no row of it"
        return (
            f"{subject}{rubric}: whether it {what} has not been measured ({why}), and the policy "
            f"limits it (`{one.name}`)."
        )
    told = " to ".join(_number(one, part, unit="") for part in (one.lower, one.upper))
    bound = "at least" if one.name.startswith("minimum_") else "at most"
    certainty = ", but not beyond doubt" if one.kept == "undecided" else ""
    return (
        f"{subject}{rubric} {what}: {_number(one, one.value)} ({told}) on {one.items}; the policy "
        f"accepts {bound} {_number(one, one.limit)}{certainty}."
    )


def _number(one: HeldAgainst, value: float, *, unit: str = " points") -> str:
    return f"{value:.2f}" if one.measure in _SHARES else f"{100 * value:.1f}{unit}"


def _anchors(policy: JudgeQualitySettings, evidence: Evidence) -> Grounds:
    """Only a change counts: a fault that has always been there is in the agreement already."""
    quality = evidence.judge_quality
    if quality is None or policy.anchor_alarm == "off":
        return Grounds()
    behind = judges_behind(evidence.trials, quality)
    alarms = quality.filter(
        (pl.col("measure") == ANCHORS)
        & (pl.col("finding") == "alarm")
        & pl.col("judge_id").is_in(sorted(behind))
    ).sort("judge_id")
    told = [
        f"Judge '{row['judge_id']}' has changed on its anchors: {100 * row['value']:+.1f} points "
        f"of accuracy ({100 * row['lower']:+.1f} to {100 * row['upper']:+.1f}) on {row['items']} "
        f"frozen answers, adjusted p = {row['p_value']:.2g}."
        for row in alarms.iter_rows(named=True)
    ]
    if policy.anchor_alarm == "note" or not told:
        return Grounds(notes=tuple(told))
    told.append("A judge that changed decides nothing: pin its version, re-calibrate, then repeat.")
    return Grounds(suspending=tuple(told))
