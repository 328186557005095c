"""Every evaluated candidate beside the baseline: quality, latency and cost in one table."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.errors import SettingsError, UnknownCandidateError
from eval_pipeline.evaluation.decision import Decision, newest_row
from eval_pipeline.flows.candidates import Candidate, resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import SystemSettings
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import (
    GATE_DECISION,
    OPERATIONS_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
)

ALL: Final = "all"
BASELINE: Final = "baseline"
NOT_DECIDED: Final = "not decided"
_BOTH: Final = (
    "latency_p50_seconds",
    "latency_p95_seconds",
    "cost_per_task_usd",
    "cost_per_success_usd",
    "mean_input_tokens",
    "mean_output_tokens",
    "refusal_share",
    "failure_share",
)
_RATIOS: Final = ("latency_p95_ratio", "cost_per_success_ratio")


@dataclass(frozen=True)
class CandidateTable:
    """One row per candidate, after the baseline it was held against; and what to mind of them.

    A figure is {value, lower, upper}, null where it was not measured. `beside` names the candidate
    whose evaluation a baseline's row was measured in.
    """

    subset: str
    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"subset": self.subset, "rows": list(self.rows), "notes": list(self.notes)}


def candidate_table(
    pipeline: Pipeline,
    *,
    names: Collection[str] | None = None,
    subset: str = ALL,
    deciding: Decision | None = None,
) -> CandidateTable:
    """All candidates whose evaluation is in the lake, or those named; newest golden version first.

    `deciding` is a decision that is about to be written. Raises `UnknownCandidateError` for a name
    that was not evaluated.
    """
    evaluated = pipeline.lake.partitions(REGRESSION_REPORT)
    for name in names or ():
        if name not in evaluated:
            raise UnknownCandidateError(name, evaluated)
    chosen = [name for name in evaluated if names is None or name in names]
    found = [_Evaluated.read(pipeline, name, subset=subset, deciding=deciding) for name in chosen]
    found.sort(key=lambda one: (-one.golden_version, one.baseline_id, one.name))
    rows: list[dict[str, Any]] = []
    baselines: set[tuple[int, str]] = set()
    for one in found:
        against = (one.golden_version, one.baseline_id)
        if against not in baselines:
            rows.append(one.row(pipeline, BASELINE))
        baselines.add(against)
        rows.append(one.row(pipeline, "candidate"))
    return CandidateTable(subset, tuple(rows), tuple(_notes(found, subset)))


def changes_of(candidate: Candidate) -> str:
    """What a candidate has that its baseline has not, in a few words."""
    if candidate.recorded_week is not None:
        return "the provider changed the model under its name"
    before, now = candidate.baseline, candidate.system
    return "; ".join(_changes(before, now)) or "nothing"


@dataclass(frozen=True)
class _Evaluated:
    """What the lake holds of one candidate, in one subset."""

    name: str
    baseline_id: str
    golden_version: int
    verdict: str
    quality: dict[str, Any] | None
    operations: pl.DataFrame

    @classmethod
    def read(
        cls, pipeline: Pipeline, name: str, *, subset: str, deciding: Decision | None
    ) -> "_Evaluated":
        trials = pipeline.lake.read(
            REGRESSION_TRIALS, partition=name, columns=["arm", "system_id", "golden_version"]
        )
        report = pipeline.lake.read(REGRESSION_REPORT, partition=name)
        held = pipeline.lake.read_if_made(OPERATIONS_REPORT, partition=name)
        operations = OPERATIONS_REPORT.empty() if held is None else held
        quality = report.filter(pl.col("subset") == subset).to_dicts()
        baseline = trials.filter(pl.col("arm") == BASELINE)["system_id"]
        return cls(
            name=name,
            baseline_id=str(baseline[0]) if baseline.len() else pipeline.settings.baseline,
            golden_version=int(str(trials["golden_version"].max() or 0)),
            verdict=_verdict(pipeline, name, deciding),
            quality=quality[0] if quality else None,
            operations=operations.filter(pl.col("subset") == subset),
        )

    def row(self, pipeline: Pipeline, arm: str) -> dict[str, Any]:
        on_trial = arm != BASELINE
        figures = {
            row["metric"]: _figure(row)
            for row in self.operations.filter(pl.col("arm") == arm).iter_rows(named=True)
        }
        none = _figure(None)
        return {
            "name": self.name if on_trial else self.baseline_id,
            "arm": arm,
            "beside": None if on_trial else self.name,
            "verdict": self.verdict if on_trial else BASELINE,
            "golden_version": self.golden_version,
            "items": 0 if self.quality is None else self.quality["items"],
            "quality": self._mean(arm, pipeline.settings.gate.confidence),
            "difference": _figure(self.quality, "difference") if on_trial else none,
            **{name: figures.get(name, none) for name in _BOTH},
            **{name: figures.get(name, none) if on_trial else none for name in _RATIOS},
            "change": _change_of(pipeline, self.name) if on_trial else "",
        }

    def _mean(self, arm: str, confidence: float) -> dict[str, float | None]:
        """The gate's own mean, with Wilson's interval at its effective items."""
        mean = None if self.quality is None else self.quality[f"{arm}_mean"]
        if mean is None or self.quality is None:
            return _figure(None)
        count = self.quality["effective_items"] or self.quality["items"]
        lower, upper = wilson(mean, count, confidence=confidence)
        return {"value": mean, "lower": lower, "upper": upper}


def _figure(row: dict[str, Any] | None, column: str = "value") -> dict[str, float | None]:
    if row is None:
        return {"value": None, "lower": None, "upper": None}
    return {"value": row[column], "lower": row["lower"], "upper": row["upper"]}


def _verdict(pipeline: Pipeline, name: str, deciding: Decision | None) -> str:
    if deciding is not None and deciding.candidate == name:
        return deciding.verdict
    decisions = pipeline.lake.read_if_made(GATE_DECISION, partition=name)
    return NOT_DECIDED if decisions is None else str(newest_row(decisions)["verdict"])


def _change_of(pipeline: Pipeline, name: str) -> str:
    """Of the configuration as it stands now; it may be gone."""
    try:
        return changes_of(resolve_candidate(pipeline.project, name))
    except (UnknownCandidateError, SettingsError):
        return "no longer configured"


def _changes(before: SystemSettings, now: SystemSettings) -> Iterator[str]:
    for name in ("provider", "model"):
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"{name} {old} → {new}"
    if before.prompt != now.prompt:
        yield f"prompt ({len(before.prompt):,} → {len(now.prompt):,} characters)"
    for name in sorted({*before.parameters, *now.parameters}):
        old, new = before.parameters.get(name), now.parameters.get(name)
        if old != new:
            yield f"{name} {_told(old)} → {_told(new)}"
    for name, words in (("few_shot_files", "examples"), ("fine_tuning_files", "fine-tuned on")):
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"{words} {', '.join(new) or 'nothing'}"
    prices = ("usd_per_million_input_tokens", "usd_per_million_output_tokens")
    if any(getattr(before, name) != getattr(now, name) for name in prices):
        yield "price"


def _told(value: object) -> str:
    return "none" if value is None else str(value)


def _notes(found: list[_Evaluated], subset: str) -> Iterator[str]:
    by_version: dict[int, list[str]] = {}
    for one in found:
        by_version.setdefault(one.golden_version, []).append(one.name)
        if one.quality is None:
            yield f"'{one.name}' has no items in '{subset}'."
        if one.operations.is_empty():
            yield f"'{one.name}' has no figures of latency and cost in '{subset}'."
    if len(found) > 1:
        yield (
            "Differences and ratios are against the baseline on each candidate's own items; the "
            "baseline's row is of the first candidate's, and others were asked other items of the "
            "reserve besides."
        )
    if len(by_version) > 1:
        told = "; ".join(
            f"version {version}: {', '.join(names)}"
            for version, names in sorted(by_version.items())
        )
        yield (
            f"Evaluated on different golden versions, so not comparable with each other ({told}): "
            "each stands against the baseline's row of its own version."
        )
