"""What the checks of masking say: passed or not, in one sentence, with figures and no value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from eval_pipeline.anonymisation.checks.known_values import KnownValueHits
from eval_pipeline.anonymisation.checks.residual import Residual
from eval_pipeline.settings import AnonymisationSettings


@dataclass(frozen=True)
class Finding:
    """A check's result; `figures` are what a reader wants to see over the weeks."""

    passed: bool
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)


def residual_finding(residual: Residual) -> Finding:
    """Fails on any find."""
    hits = sum(residual.kinds.values())
    figures = {"hits": float(hits), "interactions": float(residual.interactions)}
    if not hits:
        return Finding(
            passed=True, sentence="Nothing that a recogniser knows was left.", figures=figures
        )
    kinds = ", ".join(f"{kind} {count}" for kind, count in residual.kinds.items())
    told = f"Personal data was left in {residual.interactions} interactions: {kinds}."
    return Finding(passed=False, sentence=told, figures=figures)


def known_values_finding(hits: KnownValueHits | None, *, known_values: int) -> Finding:
    """Fails on any occurrence; passes, and says so, where no known values are configured."""
    if hits is None:
        told = "No known values are configured, so masking was not tested against real ones."
        return Finding(passed=True, sentence=told)
    figures = {
        "occurrences": float(hits.occurrences),
        "interactions": float(len(hits.interactions)),
        "known values": float(known_values),
    }
    if not hits.occurrences:
        told = f"None of {known_values} known values was left."
        return Finding(passed=True, sentence=told, figures=figures)
    fields = ", ".join(f"{name} {count}" for name, count in sorted(hits.fields.items()))
    told = f"Known values were left in {len(hits.interactions)} interactions: {fields}."
    return Finding(passed=False, sentence=told, figures=figures)


def canary_finding(report: pl.DataFrame, *, settings: AnonymisationSettings) -> Finding:
    """Fails if the recall's lower bound is below the policy's limit, or a kind's upper bound is.

    So it warns both where recall may be too low and where one kind's surely is. Passes, and says
    so, where no canaries are planted. `report` has `anonymisation_report` rows.
    """
    recall = report.filter(pl.col("measure") == "canary_recall")
    whole = recall.filter(pl.col("dimension") == "week").to_dicts()
    if not whole:
        told = "No canaries were planted, so recall was not measured."
        return Finding(passed=True, sentence=told)
    limit, (week,) = settings.minimum_canary_recall, whole
    low = recall.filter(pl.col("dimension") == "kind", pl.col("upper") < limit)["about"].to_list()
    told = (
        f"{week['value']:.1%} of {week['cases']} canaries were masked whole "
        f"(95 % interval {week['lower']:.1%} to {week['upper']:.1%}; limit {limit:.0%})."
    )
    if low:
        told += f" Surely below the limit: {', '.join(low)}."
    figures = {name: float(week[name]) for name in ("lower", "upper", "cases")}
    return Finding(
        passed=week["lower"] >= limit and not low,
        sentence=told,
        figures={"recall": float(week["value"]), **figures},
    )


def group_finding(report: pl.DataFrame, *, settings: AnonymisationSettings) -> Finding:
    """Fails if a group is smaller than the policy wants although everything was suppressed.

    And if an identifier stands in no interaction, for then it is most likely misspelt.
    """
    of_week = report.filter(pl.col("dimension") == "week")
    found = {row["measure"]: row["value"] for row in of_week.iter_rows(named=True)}
    small, smallest = found["small_groups"], found["smallest_group"]
    counted = "people" if "people" in found else "conversations"
    figures = {
        name: float(found[name])
        for name in ("groups", "small_groups", "smallest_group")
        if found[name] is not None
    }
    least = settings.minimum_group
    absent = report.filter(
        pl.col("measure") == "present_values", pl.col("value") == 0, pl.col("cases") > 0
    )["about"].to_list()
    if absent:
        told = f"Quasi-identifiers that stand in no interaction: {', '.join(absent)}."
        return Finding(passed=False, sentence=told, figures=figures)
    if not small:
        told = f"Every group has {least} {counted} or more."
        return Finding(passed=True, sentence=told, figures=figures)
    told = (
        f"{small:.0f} groups have fewer than {least} {counted}, the smallest {smallest:.0f}, and "
        "nothing is left to suppress but their route."
    )
    return Finding(passed=False, sentence=told, figures=figures)
