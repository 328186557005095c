"""What changed since the reference week, and who changed it: provider, judge, truth or population.

Condensed from methods 5.1. Old answers scored now against their old scores move with the judges
alone; new answers scored now against old answers scored now move with the provider alone; both are
means over the same items, so the parts sum to the total exactly. The population's part is the mix
effect: the shift of the routes' shares of traffic times the routes' mean scores.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import scipy

from eval_pipeline.evaluation.paired_tests import AugmentedMean, augmented_mean
from eval_pipeline.evaluation.traffic_mix import TrafficMix, mix_shift, traffic_mix
from eval_pipeline.evaluation.trials import RecordedAnswer, TrialItem, score_request
from eval_pipeline.settings import SYNTHETIC_SUBSET, DriftSettings
from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.tables import DRIFT_REPORT

ALL: Final = "all"
COMPONENTS: Final = ("truth", "judge", "provider", "population", "total")
MODEL_SCORER: Final = "^(panel|judge)"
LEAST_UNCOVERED: Final = 0.001


@dataclass(frozen=True)
class _Part:
    """One component: its size, interval and what to say where it was not measured."""

    difference: float | None
    lower: float | None = None
    upper: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class _Scores:
    """Items with all three scores, in id order: then, the old answers now, the new answers now."""

    reference: Floats
    rejudged: Floats
    rerun: Floats
    revised: Floats  # 1.0 where the item's reference was revised since
    clusters: Any
    routes: tuple[str, ...]
    model_scored: bool


def reference_week(history: Sequence[tuple[str, pl.DataFrame]], *, system_id: str) -> str | None:
    """The week that a system is pinned to, from earlier weeks' DRIFT_REPORTs; None for its first.

    The first week that re-ran the system, until a provider's drift is named: from then on the
    week in which it was named, so one change is not reported for ever. What moves on synthetic
    items alone moves no pin: all that is said of traffic hangs on it.
    """
    pinned = None
    for week, report in sorted(history, key=lambda entry: entry[0]):
        own = report.filter(pl.col("system_id") == system_id)
        named = own.filter(
            (pl.col("component") == "provider")
            & (pl.col("finding") == "drift")
            & (pl.col("subset") != SYNTHETIC_SUBSET)
        )
        if own.height and (pinned is None or named.height):
            pinned = week
    return pinned


def rejudged_items(
    items: Sequence[TrialItem], recorded: pl.DataFrame, *, system_id: str
) -> list[RecordedAnswer]:
    """What the system answered in an earlier week's DRIFT_TRIALS to items that are asked now.

    An item whose reference was revised since is held against today's reference.
    """
    answers = recorded.filter(
        (pl.col("system_id") == system_id)
        & (pl.col("stream") == "rerun")
        & (pl.col("status") == "answered")
        & pl.col("response").is_not_null()
    ).sort("item_id", "item_revision", "trial")
    newest = {(row["item_id"], row["trial"]): row for row in answers.iter_rows(named=True)}
    same = {
        (row["item_id"], row["item_revision"], row["trial"]): row
        for row in answers.iter_rows(named=True)
    }
    trials = sorted({trial for _, trial in newest})
    found = []
    for item in items:
        for trial in trials:
            row = same.get((item.item_id, item.item_revision, trial)) or newest.get(
                (item.item_id, trial)
            )
            if row is not None:
                request = score_request(item, row["response"], trial=trial)
                found.append(RecordedAnswer(item, request, row))
    return found


def decompose(
    trials: pl.DataFrame,
    *,
    reference_trials: pl.DataFrame | None,
    traffic: pl.DataFrame,
    reference_traffic: pl.DataFrame | None,
    reference_week: str | None,
    system_id: str,
    systems: int,
    policy: DriftSettings,
) -> pl.DataFrame:
    """The DRIFT_REPORT of one system: every golden version it was asked, 'all' and each subset.

    'all' and the shift of the mix speak of traffic: synthetic items stand in their own subset only.

    `trials`: this week's DRIFT_TRIALS; `reference_trials`: the reference week's; the two traffics
    are STRATIFIED_INTERACTIONS of the two weeks. Intervals are of the augmented CR2 t, clustered by
    conversation, at the policy's confidence for 'all'; for subsets Bonferroni's over subsets,
    versions and `systems`. A finding is drift where the interval excludes 0 and the difference
    is at least the policy's smallest. Rows are `not_measured` without a reference week.
    """
    own = trials.filter(pl.col("system_id") == system_id)
    versions = sorted(own["golden_versions"].explode(empty_as_null=True).drop_nulls().unique())
    paired = _paired(own, reference_trials, system_id=system_id)
    rows: list[dict[str, Any]] = []
    for version in versions:
        held = own.filter(pl.col("golden_versions").list.contains(version))
        names = sorted(held["subsets"].explode(empty_as_null=True).drop_nulls().unique())
        claims = max(1, len(names) * len(versions) * systems)
        for name in (ALL, *names):
            confidence = policy.confidence if name == ALL else 1 - (1 - policy.confidence) / claims
            scores = _scores_of(paired, version=version, subset=name)
            mix = traffic_mix(traffic, reference_traffic, subset=None if name == ALL else name)
            parts = _parts(scores, mix, confidence=confidence)
            for component, part in parts:
                rows.append(
                    {
                        "system_id": system_id,
                        "golden_version": version,
                        "subset": name,
                        "component": component,
                        "reference_week": reference_week,
                        "difference": part.difference,
                        "lower": part.lower,
                        "upper": part.upper,
                        "items": scores.rerun.size,
                        "clusters": int(np.unique(scores.clusters).size),
                        "finding": _finding(part, policy),
                        "note": part.note,
                    }
                )
    return DRIFT_REPORT.conform(pl.DataFrame(rows, schema=DRIFT_REPORT.schema))


def _finding(part: _Part, policy: DriftSettings) -> str:
    if part.difference is None:
        return "not_measured"
    if part.lower is None or part.upper is None:
        return "within_noise"
    excludes_zero = part.lower > 0 or part.upper < 0
    large = abs(part.difference) >= policy.minimum_difference
    return "drift" if excludes_zero and large else "within_noise"


def _paired(own: pl.DataFrame, reference: pl.DataFrame | None, *, system_id: str) -> pl.DataFrame:
    """One row per item revision of this week with its three mean scores, all present."""
    rerun = _item_means(own.filter(pl.col("stream") == "rerun"), "rerun")
    rejudged = _item_means(own.filter(pl.col("stream") == "rejudged"), "rejudged").select(
        "item_id", "item_revision", "rejudged", "scorer"
    )
    then = (
        own.clear()
        if reference is None
        else reference.filter((pl.col("system_id") == system_id) & (pl.col("stream") == "rerun"))
    )
    old = _item_means(then, "reference")
    exact = old.select("item_id", "item_revision", "reference")
    newest = (
        old.sort("item_id", "item_revision")
        .group_by("item_id", maintain_order=True)
        .agg(pl.col("reference").last().alias("before"))
    )
    return (
        rerun.drop("scorer")
        .join(rejudged, on=["item_id", "item_revision"])
        .join(exact, on=["item_id", "item_revision"], how="left")
        .join(newest, on="item_id")
        .with_columns(
            revised=pl.col("reference").is_null(),
            reference=pl.coalesce("reference", "before"),
        )
        .sort("item_id", "item_revision")
    )


def _item_means(trials: pl.DataFrame, name: str) -> pl.DataFrame:
    return (
        trials.filter(pl.col("score").is_not_null())
        .sort("item_id", "item_revision", "trial")
        .group_by("item_id", "item_revision", maintain_order=True)
        .agg(
            pl.col("score").mean().alias(name),
            pl.col("golden_versions", "subsets", "route", "conversation_key", "scorer").first(),
        )
    )


def _scores_of(paired: pl.DataFrame, *, version: int, subset: str) -> _Scores:
    named = ~pl.col("subsets").list.contains(SYNTHETIC_SUBSET)
    if subset != ALL:
        named = pl.col("subsets").list.contains(subset)
    rows = paired.filter(pl.col("golden_versions").list.contains(version), named)
    model_scored = bool(rows.filter("revised")["scorer"].str.contains(MODEL_SCORER).any())
    if model_scored:
        rows = rows.filter(~pl.col("revised"))
    return _Scores(
        reference=rows["reference"].to_numpy(),
        rejudged=rows["rejudged"].to_numpy(),
        rerun=rows["rerun"].to_numpy(),
        revised=rows["revised"].cast(pl.Float64).to_numpy(),
        clusters=rows["conversation_key"].to_numpy(),
        routes=tuple(rows["route"].to_list()),
        model_scored=model_scored,
    )


def _parts(
    scores: _Scores, mix: TrafficMix | None, *, confidence: float
) -> Iterator[tuple[str, _Part]]:
    """The five components in order; without items none of them was measured."""
    if scores.rerun.size == 0:
        for component in COMPONENTS:
            yield component, _Part(None, note="no item has a score in both weeks")
        return
    moved = scores.rejudged - scores.reference
    yield "truth", _truth_part(scores, moved, confidence)
    yield "judge", _mean_part(moved * (1 - scores.revised), scores, confidence)
    yield "provider", _mean_part(scores.rerun - scores.rejudged, scores, confidence)
    population = _population_part(scores, mix, confidence=confidence)
    yield "population", population
    yield "total", _total_part(scores, population, confidence=confidence)


def _truth_part(scores: _Scores, moved: Floats, confidence: float) -> _Part:
    if scores.model_scored:
        return _Part(None, note="revised items are judged by models, so they are left out")
    if not scores.revised.any():
        return _Part(0.0, 0.0, 0.0, note="no reference was revised")
    return _mean_part(moved * scores.revised, scores, confidence)


def _mean_part(differences: Floats, scores: _Scores, confidence: float) -> _Part:
    lower, upper = _augmented(differences, scores).interval(confidence)
    return _Part(float(differences.mean()), lower, upper)


def _augmented(differences: Floats, scores: _Scores) -> AugmentedMean:
    codes = cluster_codes(differences.size, scores.clusters)
    return augmented_mean(differences, clusters=codes)


def _population_part(scores: _Scores, mix: TrafficMix | None, *, confidence: float) -> _Part:
    if mix is None:
        return _Part(None, note="traffic of both weeks is needed to measure a shift of its mix")
    shift = mix_shift(mix, scores.rerun, routes=scores.routes, clusters=scores.clusters)
    if shift is None:
        return _Part(None, note="the traffic is on routes that the version has no items for")
    half = float(scipy.stats.norm.ppf(0.5 + confidence / 2)) * shift.standard_error
    note = None
    if shift.uncovered >= LEAST_UNCOVERED:
        note = f"{shift.uncovered:.1%} of traffic is on routes without items"
    return _Part(shift.difference, shift.difference - half, shift.difference + half, note=note)


def _total_part(scores: _Scores, population: _Part, *, confidence: float) -> _Part:
    """The sum of what was measured; its interval takes the population's part as independent."""
    differences = scores.rerun - scores.reference
    paired = _mean_part(differences, scores, confidence)
    mean = float(differences.mean())
    if population.difference is None or population.lower is None or population.upper is None:
        return _Part(mean, paired.lower, paired.upper, note="without the population's part")
    if paired.lower is None or paired.upper is None:
        return _Part(None)
    total = mean + population.difference
    half = float(np.hypot(paired.upper - paired.lower, population.upper - population.lower)) / 2
    return _Part(total, total - half, total + half)
