"""The weekly audit of the gate: what the lake holds of the week, copied, spoilt and decided on.

Nothing is asked, nothing is paid and no other table is touched.
"""

import datetime as dt
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from eval_pipeline.evaluation.aggregate_weights import with_cells
from eval_pipeline.evaluation.decision_inputs import bare, decided
from eval_pipeline.evaluation.drift_detection.readings import FROZEN_COLUMNS, active_pin
from eval_pipeline.evaluation.drift_detection.signals import signals_of_week
from eval_pipeline.evaluation.gate_audit.auditing import audit_gate
from eval_pipeline.evaluation.gate_audit.copies import Copies, copies_of
from eval_pipeline.evaluation.gate_audit.material import Decide, Labels, Material, PinnedRuns
from eval_pipeline.evaluation.gate_audit.standing import AuditStanding
from eval_pipeline.evaluation.human_correction.rectifying import bias_bound
from eval_pipeline.evaluation.preflight import pooled_noise
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.flows.drift import pinned_systems
from eval_pipeline.flows.drift_reference import reference_up_to
from eval_pipeline.flows.golden_weights import live_cells_for
from eval_pipeline.flows.reserve import reserve_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.calibration import calibrate
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import (
    AA_RUNS,
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    GATE_AUDIT,
    HUMAN_CORRECTION,
    PANEL_VERDICTS,
    REGRESSION_TRIALS,
    VERDICTS,
)

SWITCHED_OFF = "`gate.audit.enabled` is false"
NO_TRIALS = "the baseline has not been asked about any golden item yet"
NO_LABELS = "no label is settled yet"
NOT_PINNED = "no system is pinned, so there are no reference runs: `eval-pipeline drift pin`"
LEAST_RUNS = 2
RESAMPLES = 2
"""The gate reads shares of agreement; the bootstrap is of measures that it does not read."""


def audit_week(pipeline: Pipeline, *, week: str, decide: Decide = decided) -> pl.DataFrame:
    """GATE_AUDIT of the week; where the policy switches it off, rows that say so."""
    known = material_of(pipeline, week=week)
    if not pipeline.settings.gate.audit.enabled:
        known = replace(
            known, copies=None, pinned=None, lacking=dict.fromkeys(known.lacking, SWITCHED_OFF)
        )
    return audit_gate(known, decide=decide)


def material_of(pipeline: Pipeline, *, week: str) -> Material:
    """What there is to copy, of this week and those before it."""
    settings = pipeline.settings
    found = _newest_trials(pipeline, week=week) or _drift_trials(pipeline, week=week)
    labels, pinned = _labels(pipeline, week=week), _pinned(pipeline, week=week)
    lacking = {"trials": NO_TRIALS, "labels": NO_LABELS, "drift": NOT_PINNED}
    return Material(
        week=week,
        baseline_id=settings.baseline,
        policy=settings.gate,
        subsets=tuple(sorted(settings.subsets)),
        copies=None if found is None else _copies(pipeline, found[1], week=week),
        golden_version=None if found is None else int(str(found[1]["golden_version"].max())),
        basis=None if found is None else found[0],
        judge_bias=bias_bound(
            [
                pipeline.lake.read(HUMAN_CORRECTION, partition=name)
                for name in pipeline.lake.partitions(HUMAN_CORRECTION)
            ],
            policy=settings.gate.human,
        ),
        labels=labels,
        pinned=pinned,
        lacking=lacking,
    )


def audits_until(pipeline: Pipeline, *, week: str | None = None) -> pl.DataFrame | None:
    """GATE_AUDIT of all weeks up to this one, or of all, with `week`; None before the first."""
    known = [name for name in pipeline.lake.partitions(GATE_AUDIT) if week is None or name <= week]
    if not known:
        return None
    return pipeline.lake.read_all(GATE_AUDIT, partitions=known, partition_column="week")


def audits_through(pipeline: Pipeline, audit: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """The audits of all weeks up to this one, this week's as it is here, with `week`."""
    rows = audit.with_columns(week=pl.lit(week))
    earlier = audits_until(pipeline, week=week)
    if earlier is None:
        return rows
    before = earlier.filter(pl.col("week") != week).select(rows.columns)
    return pl.concat([before, rows])


def newest_audit(pipeline: Pipeline) -> tuple[str, pl.DataFrame] | None:
    """The newest audit's week and its rows, with `week`; None before the first."""
    weeks = pipeline.lake.partitions(GATE_AUDIT)
    if not weeks:
        return None
    rows = pipeline.lake.read(GATE_AUDIT, partition=weeks[-1])
    return weeks[-1], rows.with_columns(week=pl.lit(weeks[-1]))


def standing_of_audit(pipeline: Pipeline) -> AuditStanding | None:
    """How old the newest audit is, in the logs' own time; None where the policy wants none."""
    policy = pipeline.settings.gate
    if not (policy.audit.enabled or policy.require_audit):
        return None
    audited = pipeline.lake.partitions(GATE_AUDIT)
    if not audited:
        return AuditStanding(week=None, age_days=None)
    drawn = pipeline.lake.partitions(ANONYMISED_INTERACTIONS) or audited
    age = dt.date.fromisoformat(drawn[-1]) - dt.date.fromisoformat(audited[-1])
    return AuditStanding(week=audited[-1], age_days=max(0, age.days))


def _newest_trials(pipeline: Pipeline, *, week: str) -> tuple[str, pl.DataFrame] | None:
    """The baseline's arm of the evaluation on the newest golden version, the largest of those."""
    best: tuple[tuple[int, int, str], str] | None = None
    columns = ["arm", "system_id", "golden_version", "item_id"]
    for name in pipeline.lake.partitions(REGRESSION_TRIALS):
        held = pipeline.lake.read(REGRESSION_TRIALS, partition=name, columns=columns)
        own = _baseline_arm(pipeline, held)
        if own.is_empty():
            continue
        version = int(str(own["golden_version"].max()))
        if pipeline.golden.manifest(version).week > week:
            continue
        rank = (version, own.height, name)
        best = max(best, (rank, name)) if best else (rank, name)
    if best is None:
        return None
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=best[1])
    return f"candidate:{best[1]}", _baseline_arm(pipeline, trials)


def _baseline_arm(pipeline: Pipeline, trials: pl.DataFrame) -> pl.DataFrame:
    baseline = pipeline.settings.baseline
    return trials.filter(pl.col("arm") == "baseline", pl.col("system_id") == baseline)


def _drift_trials(pipeline: Pipeline, *, week: str) -> tuple[str, pl.DataFrame] | None:
    """Before the first candidate: the baseline's weekly re-run on its newest golden version."""
    rows = _rerun(pipeline, week=week, system_id=pipeline.settings.baseline)
    if rows is None:
        return None
    asked, trials = rows
    version = int(str(trials["golden_versions"].list.max().max()))
    own = trials.filter(pl.col("golden_versions").list.contains(version))
    given = own.select(
        "system_id", "item_id", "trial", "route", "subsets", "scorer", "score", "score_error",
        "status", "attempts", arm=pl.lit("baseline"), source=pl.lit("golden"),
        look=pl.lit(1, dtype=pl.Int64), golden_version=pl.lit(version, dtype=pl.Int64),
        cluster_id=pl.col("conversation_key"),
    )  # fmt: skip
    empty = (
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in REGRESSION_TRIALS.schema.items()
        if name not in given.columns
    )
    live = live_cells_for(pipeline, version=version, reserve=reserve_of(pipeline, version=version))
    whole = given.unique(["item_id", "trial"], keep="last", maintain_order=True)
    celled = with_cells(REGRESSION_TRIALS.conform(whole.with_columns(*empty)), live)
    return f"drift_trials:{asked}", celled


def _rerun(pipeline: Pipeline, *, week: str, system_id: str) -> tuple[str, pl.DataFrame] | None:
    """The newest week in which the system was asked again, and its DRIFT_TRIALS of then."""
    for asked in reversed(pipeline.lake.partitions(DRIFT_TRIALS)):
        if asked > week:
            continue
        trials = pipeline.lake.read(DRIFT_TRIALS, partition=asked)
        own = trials.filter(pl.col("system_id") == system_id, pl.col("stream") == "rerun")
        if own.height:
            return asked, own
    return None


def _copies(pipeline: Pipeline, trials: pl.DataFrame, *, week: str) -> Copies:
    baseline, policy = pipeline.settings.baseline, pipeline.settings.gate
    reference = reference_up_to(pipeline, week=week)
    pinned = active_pin(reference, system_id=baseline, week=week)
    runs = reference.filter(
        pl.col("system_id") == baseline,
        pl.col("stream") == "rerun",
        pl.col("pinned_week") == (pinned or ""),
    ).sort("item_id", "item_revision", "run")
    return copies_of(
        bare(trials),
        further=runs.select("item_id", "score"),
        discordance=_discordance(pipeline, week=week),
        synthetic=policy.decides_on("synthetic_adversarial"),
    )


def _discordance(pipeline: Pipeline, *, week: str) -> dict[str, float]:
    """Of two equal systems, as the newest A/A run measured it; assumed by the policy before."""
    assumed = pipeline.settings.gate.planning.discordance
    weeks = [name for name in pipeline.lake.partitions(AA_RUNS) if name <= week]
    if not weeks:
        return {ALL: assumed}
    runs = pipeline.lake.read(AA_RUNS, partition=weeks[-1])
    noise = pooled_noise(runs, assumed=assumed, week=weeks[-1])
    return {ALL: assumed, **{name: one.discordance for name, one in noise.items()}}


def _labels(pipeline: Pipeline, *, week: str) -> Labels | None:
    weeks = [known for known in pipeline.lake.partitions(ADJUDICATIONS) if known <= week]
    settled = pipeline.lake.read_all(ADJUDICATIONS, partitions=weeks)
    if settled.is_empty():
        return None
    verdicts = pipeline.lake.read_all(VERDICTS, partitions=weeks)
    panel = pipeline.lake.read_all(PANEL_VERDICTS, partitions=weeks)
    return Labels(
        settled=settled,
        calibrate=partial(calibrate, verdicts, panel, weeks=len(weeks), resamples=RESAMPLES),
    )


def _pinned(pipeline: Pipeline, *, week: str) -> PinnedRuns | None:
    """The baseline's re-run if it is pinned, else that of the first pinned system."""
    reference = reference_up_to(pipeline, week=week)
    named = pinned_systems(pipeline)
    first = pipeline.settings.baseline
    for system_id in sorted(named, key=lambda name: (name != first, name)):
        pinned = active_pin(reference, system_id=system_id, week=week)
        rerun = _rerun(pipeline, week=week, system_id=system_id)
        if pinned is None or rerun is None:
            continue
        own = reference.filter(
            pl.col("system_id") == system_id,
            pl.col("pinned_week") == pinned,
            pl.col("stream") == "rerun",
        )
        keys = ["item_id", "item_revision"]
        scored = own.drop_nulls("score")
        known = scored.filter(pl.len().over(keys) >= LEAST_RUNS).select(*keys, "score")
        asked = rerun[1].unique(keys, keep="first", maintain_order=True)
        trials = asked.join(known.unique(keys), on=keys, how="semi", maintain_order="left")
        if trials.height:
            runs = known.join(trials, on=keys, how="semi")
            watch = _Watch(own, system_id=system_id, policy=pipeline.settings.drift)
            return PinnedRuns(trials=trials, runs=runs, signal=watch.signals)
    return None


@dataclass(frozen=True)
class _Watch:
    """The drift alarm on one pinned system, over its DRIFT_REFERENCE."""

    reference: pl.DataFrame
    system_id: str
    policy: DriftSettings

    def signals(self, trials: pl.DataFrame, history: pl.DataFrame, week: str) -> pl.DataFrame:
        """DRIFT_SIGNALS of the week, of a system whose answers nobody judges again."""
        return signals_of_week(
            trials,
            reference=self.reference,
            frozen=pl.DataFrame(schema=FROZEN_COLUMNS),
            history=history,
            systems=[self.system_id],
            week=week,
            policy=self.policy,
        )
