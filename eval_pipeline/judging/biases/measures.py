"""All measurements of the judges in one week, as JUDGE_BIASES."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from eval_pipeline.judging.biases.correlation import shared_errors
from eval_pipeline.judging.biases.drifting import (
    RECURRENCE_WEEKS,
    anchor_drift,
    recurring_disagreement,
    with_faults,
)
from eval_pipeline.judging.biases.labelled import (
    labelled_verdicts,
    self_preference,
    self_preference_against_judges,
    verbosity,
)
from eval_pipeline.judging.biases.measured import (
    FIRST_VERDICTS,
    ITSELF,
    JUDGES,
    LABELS,
    PANEL,
    Bias,
    Measured,
    bias_row,
    finding_of,
)
from eval_pipeline.judging.biases.repeated import (
    differing_share,
    mismatch_share,
    position_effects,
)
from eval_pipeline.settings import JudgeChecksSettings
from eval_pipeline.statistics.paired import benjamini_yekutieli
from eval_pipeline.tables import JUDGE_BIASES

FALSE_DISCOVERIES = 0.10
"""Of all alarms on anchors in a week, the share that may be false (Benjamini-Yekutieli)."""


@dataclass(frozen=True)
class JudgedSoFar:
    """What all weeks up to this one hold of judges: VERDICTS, PANEL_VERDICTS, ADJUDICATIONS.

    `responses`: interaction_id, conversation_key, stratum, design_weight, characters and
    response_family of what was judged, the last null where it is not known.
    """

    verdicts: pl.DataFrame
    panel_verdicts: pl.DataFrame
    adjudications: pl.DataFrame
    responses: pl.DataFrame


def measure_judges(
    probes: pl.DataFrame,
    so_far: JudgedSoFar,
    *,
    week: str,
    judges: Mapping[str, str],
    policy: JudgeChecksSettings,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Every judge under every measure; what could not be measured has a row that says why.

    `probes`: JUDGE_PROBES of this week and the anchors' of all earlier ones, with a column week.
    `judges`: the configured judges' families by name.
    """
    asked = [
        bias
        for judge_id in judges
        for bias in _asked(probes, judge_id, week=week, policy=policy, confidence=confidence)
    ]
    labelled = [*_labelled(so_far, judges, policy=policy, confidence=confidence)]
    drifts = [*_drifts(probes, judges, week=week, policy=policy, confidence=confidence)]
    rows = [bias_row(bias) for bias in (*asked, *labelled)]
    rows += _alarms(drifts)
    return JUDGE_BIASES.conform(pl.DataFrame(rows, schema=JUDGE_BIASES.schema))


def _asked(
    probes: pl.DataFrame,
    judge_id: str,
    *,
    week: str,
    policy: JudgeChecksSettings,
    confidence: float,
) -> Iterator[Bias]:
    own = probes.filter((pl.col("judge_id") == judge_id) & (pl.col("week") == week))

    def of(probe: str) -> pl.DataFrame:
        return own.filter(pl.col("probe") == probe)

    flips = differing_share(of("retest"), confidence=confidence)
    yield Bias(judge_id, "retest_flips", ITSELF, flips, policy.maximum_retest_flips)
    effects = position_effects(of("position"), confidence=confidence)
    yield Bias(judge_id, "position_excess", ITSELF, effects.excess, policy.maximum_position_excess)
    yield Bias(judge_id, "position_bias", ITSELF, effects.bias, policy.maximum_position_bias)
    mismatch = mismatch_share(of("rationale"), confidence=confidence)
    limit = policy.maximum_rationale_mismatch
    yield Bias(judge_id, "rationale_mismatch", ITSELF, mismatch, limit)


def _labelled(
    so_far: JudgedSoFar,
    judges: Mapping[str, str],
    *,
    policy: JudgeChecksSettings,
    confidence: float,
) -> Iterator[Bias]:
    rows = labelled_verdicts(
        so_far.verdicts, so_far.panel_verdicts, so_far.adjudications, so_far.responses
    )
    for judge_id in (*judges, PANEL):
        own = rows.filter(pl.col("judge_id") == judge_id)
        by_length = verbosity(own, confidence=confidence)
        yield Bias(judge_id, "verbosity", LABELS, by_length, policy.maximum_verbosity_effect)
    limit = policy.maximum_self_preference
    for judge_id, family in judges.items():
        own = rows.filter(pl.col("judge_id") == judge_id)
        of_family = self_preference(own, confidence=confidence)
        yield Bias(judge_id, "self_preference", LABELS, of_family, limit)
        against = self_preference_against_judges(
            so_far.verdicts,
            so_far.responses,
            judge_id=judge_id,
            family=family,
            confidence=confidence,
        )
        yield Bias(judge_id, "self_preference", JUDGES, against, limit)
    known = rows.filter(pl.col("judge_id").is_in(list(judges)))
    shared = shared_errors(known, confidence=confidence)
    for (one, other), measured in shared.pairs.items():
        yield Bias(one, "error_correlation", other, measured, policy.maximum_error_correlation)
    yield Bias(PANEL, "effective_judges", LABELS, shared.effective_judges)


def _drifts(
    probes: pl.DataFrame,
    judges: Mapping[str, str],
    *,
    week: str,
    policy: JudgeChecksSettings,
    confidence: float,
) -> Iterator[Bias]:
    asked = probes.filter((pl.col("probe") == "anchor") & (pl.col("week") <= week))
    anchors = with_faults(asked)
    weeks = sorted(anchors["week"].unique().to_list())[-RECURRENCE_WEEKS:]
    for judge_id in judges:
        own = anchors.filter(pl.col("judge_id") == judge_id)
        drift = anchor_drift(own, week=week, confidence=confidence)
        yield Bias(judge_id, "anchor_changes", FIRST_VERDICTS, drift.changes)
        yield Bias(judge_id, "anchor_accuracy", LABELS, drift.accuracy)
        change, least = drift.accuracy_change, policy.minimum_anchor_change
        yield Bias(judge_id, "anchor_accuracy_change", FIRST_VERDICTS, change, least)
        lately = own.filter(pl.col("week").is_in(weeks))
        for fault in sorted(set(lately["fault"].drop_nulls())) or [LABELS]:
            recurring = recurring_disagreement(
                lately, weeks=weeks, fault=fault, confidence=confidence
            )
            least = policy.minimum_recurring_share
            yield Bias(judge_id, "recurring_disagreement", fault, recurring, least)


def _alarms(drifts: list[Bias]) -> list[dict[str, object]]:
    """The rows of the anchors.

    Claims are adjusted together: one that does not survive is within noise, one that does is an
    alarm, unless it is smaller than the policy asks: then it is real and within its limit.
    """
    claims = {
        f"{bias.judge_id}|{bias.measure}|{bias.against}": bias.measured.p_value
        for bias in drifts
        if bias.measured.p_value is not None
    }
    adjusted = benjamini_yekutieli(claims)
    rows = []
    for bias in drifts:
        p_value = adjusted.get(f"{bias.judge_id}|{bias.measure}|{bias.against}")
        finding = finding_of(bias.measured, None)
        if p_value is not None and bias.measured.value is not None and bias.limit is not None:
            large = abs(bias.measured.value) >= bias.limit
            finding = "alarm" if large else "within_limit"
            finding = finding if p_value <= FALSE_DISCOVERIES else "within_noise"
        rows.append(bias_row(_with_p(bias, p_value), finding=finding))
    return rows


def _with_p(bias: Bias, p_value: float | None) -> Bias:
    measured: Measured = replace(bias.measured, p_value=p_value)
    return replace(bias, measured=measured)
