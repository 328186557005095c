"""What moved a system's live score since its reference week, part by part, as DRIFT_REPORT.

The value of the version's paired items then, under old answers, judges and truth and that week's
traffic, becomes today's live value through truth, judge, provider, within, mix, entry and exit, in
this order; the parts that were measured sum to the total exactly (methods 5.1).
"""

from functools import cache
from typing import Any, Final

import polars as pl
import scipy

from eval_pipeline.evaluation.decomposition.paired_items import paired_items
from eval_pipeline.evaluation.decomposition.part import TOTAL, Part
from eval_pipeline.evaluation.decomposition.population_algebra import POPULATION
from eval_pipeline.evaluation.decomposition.sums import ALL, COMPONENTS, Sum, sum_of
from eval_pipeline.evaluation.traffic_mix import TrafficWeek, traffic_week
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import DRIFT_REPORT

NOISE_ERRORS: Final = 2.0
"""A part of fewer standard errors is within noise, whatever the policy's interval says."""
LEAST_UNCOVERED: Final = 0.001


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

    'all' speaks of traffic: synthetic items stand in their own subset only.

    `trials`: this week's DRIFT_TRIALS; `reference_trials`: the reference week's; the two traffics
    are STRATIFIED_INTERACTIONS of the two weeks. Rows of the stream `old_judge` (this week's
    answers as the reference week's judges score them) complete Shapley's values where those judges
    can still be asked. Intervals are at the policy's confidence for 'all', shared over within, mix,
    entry and exit; for subsets Bonferroni's over subsets, versions and `systems` too. A finding is
    drift where the interval excludes 0 and the difference is at least the policy's smallest and
    two standard errors. Rows are `not_measured` without a reference week.
    """
    own = trials.filter(pl.col("system_id") == system_id)
    then = None
    if reference_trials is not None:
        then = reference_trials.filter(pl.col("system_id") == system_id)
    versions = sorted(own["golden_versions"].explode(empty_as_null=True).drop_nulls().unique())

    @cache
    def weeks(subset: str) -> tuple[TrafficWeek | None, TrafficWeek | None]:
        asked = None if subset == ALL else subset
        return traffic_week(reference_traffic, subset=asked), traffic_week(traffic, subset=asked)

    rows: list[dict[str, Any]] = []
    for version in versions:
        items = paired_items(own, then, version=version)
        held = own.filter(pl.col("golden_versions").list.contains(version))
        names = sorted(held["subsets"].explode(empty_as_null=True).drop_nulls().unique())
        claims = max(1, len(names) * len(versions) * systems)
        for name in (ALL, *names):
            named = {
                "system_id": system_id,
                "golden_version": version,
                "subset": name,
                "reference_week": reference_week,
            }
            found = sum_of(items, *weeks(name), subset=name)
            error = (1 - policy.confidence) / (1 if name == ALL else claims)
            rows.extend({**named, **row} for row in _rows(found, error=error, policy=policy))
    return DRIFT_REPORT.conform(pl.DataFrame(rows, schema=DRIFT_REPORT.schema))


def _rows(found: Sum, *, error: float, policy: DriftSettings) -> list[dict[str, Any]]:
    rows = []
    before = found.start
    for name in COMPONENTS:
        part = found.parts[name]
        claims = len(POPULATION) if name in POPULATION else 1
        lower, upper = _interval(part, error=error / claims)
        start = found.start if name == TOTAL else before
        after = None
        if start is not None and part.difference is not None:
            after = start + part.difference
            before = after
        rows.append(
            {
                "component": name,
                "difference": part.difference,
                "standard_error": part.standard_error,
                "lower": lower,
                "upper": upper,
                "before": None if after is None else start,
                "after": after,
                "items": part.items,
                "clusters": part.clusters,
                "missing_items": part.missing_items,
                "uncovered": part.uncovered,
                "shapley": part.shapley,
                "interaction": _interaction(part),
                "finding": _finding(part, lower, upper, policy),
                "note": _note(part),
            }
        )
    return rows


def _interval(part: Part, *, error: float) -> tuple[float | None, float | None]:
    """The two-sided t interval, cut to what differences of scores can be."""
    if part.difference is None or part.standard_error is None:
        return None, None
    if part.degrees is None:
        return part.difference, part.difference
    half = float(scipy.stats.t.ppf(1 - error / 2, part.degrees)) * part.standard_error
    centre = part.difference if part.centre is None else part.centre
    return max(-1.0, centre - half), min(1.0, centre + half)


def _interaction(part: Part) -> float | None:
    if part.difference is None or part.shapley is None:
        return None
    return part.difference - part.shapley


def _finding(part: Part, lower: float | None, upper: float | None, policy: DriftSettings) -> str:
    if part.difference is None:
        return "not_measured"
    if lower is None or upper is None or part.standard_error is None:
        return "within_noise"
    excludes_zero = lower > 0 or upper < 0
    large = abs(part.difference) >= policy.minimum_difference
    sure = abs(part.difference) >= NOISE_ERRORS * part.standard_error
    return "drift" if excludes_zero and large and sure else "within_noise"


def _note(part: Part) -> str | None:
    bare = part.uncovered is not None and part.uncovered >= LEAST_UNCOVERED
    left = f"{part.uncovered:.1%} of traffic is on routes without items" if bare else None
    return "; ".join(filter(None, (part.note, left))) or None
