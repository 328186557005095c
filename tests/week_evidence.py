"""A week as its page sees it, small enough to count by hand, and one as large as weeks get."""

import polars as pl

from eval_pipeline.monitoring.weekly.evidence import DecidedCandidate, GoldenWeek, WeekEvidence
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANNOTATOR_AGREEMENT,
    ANONYMISATION_REPORT,
    DISPUTES,
    DRIFT_REPORT,
    DRIFT_SIGNALS,
    JUDGE_QUALITY,
    JUDGE_RELIABILITY,
    OUTCOME_VALIDITY,
    PANEL_VERDICTS,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    SAMPLING_FRAME,
    VERDICTS,
    Table,
)

WEEK = "2026-10-12"
BEFORE = "2026-10-05"


def rows_of(table: Table, *rows: dict, **usual: object) -> pl.DataFrame:
    return pl.DataFrame([usual | row for row in rows], schema=table.schema)


def with_week(frame: pl.DataFrame, week: str = WEEK) -> pl.DataFrame:
    return frame.with_columns(week=pl.lit(week))


def judged(
    passes: int,
    fails: int,
    *,
    subsets: tuple[str, ...] = ("refunds",),
    effective: float | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """PANEL_VERDICTS and PRODUCTION_QUALITY; one further response has no verdict."""
    said = [None, *["pass"] * passes, *["fail"] * fails]
    panel = rows_of(
        PANEL_VERDICTS,
        *({"interaction_id": f"i{n}", "panel_verdict": one, "reason": "split" if one is None else
           "unanimous"} for n, one in enumerate(said)),
        judges=2, passes=0, fails=0, abstentions=0, missing=0,
    )  # fmt: skip
    share, decided_on = passes / (passes + fails), float(passes + fails)
    quality = rows_of(
        PRODUCTION_QUALITY,
        *({"subset": name} for name in ("all", *subsets)),
        quality=share, effective=effective or decided_on, judged=len(said), sampled=len(said),
        from_reserve=0, conversations=len(said), passes=passes, fails=fails, undecided=1,
        below_quorum=0, unanswerable=0, finding="usual",
    )  # fmt: skip
    return panel, quality


def signal(**changed: object) -> pl.DataFrame:
    usual = {
        "system_id": "assistant", "stream": "rerun", "subset": "all", "value": 0.75, "mu0": 0.80,
        "sigma": 0.01, "shift": -0.05, "alarm": True, "alarm_since": WEEK, "items": 90,
        "attribution": "provider", "missing": 0, "without_reference": 0, "finding": "alarm",
    }  # fmt: skip
    return with_week(rows_of(DRIFT_SIGNALS, usual | changed))


def monitored(*, finding: str = "usual", name: str = "error_share") -> pl.DataFrame:
    weeks = [
        with_week(
            rows_of(PRODUCTION_MONITOR, {"finding": finding if week == WEEK else "usual"},
                    route="all", metric=name, value=0.02, lower=0.01, upper=0.03,
                    baseline_median=0.01, baseline_weeks=5, robust_z=1.0, interactions=1000),
            week,
        )
        for week in (BEFORE, WEEK)
    ]  # fmt: skip
    return pl.concat(weeks)


def decided(candidate: str, verdict: str, **changed: object) -> DecidedCandidate:
    whole = {"subset": "all", "state": "certified", "difference": 0.01, "lower": -0.01,
             "upper": 0.03, "margin": 0.02, "items": 100}  # fmt: skip
    told = {"candidate": candidate, "baseline": "today", "verdict": verdict, "reasons": ["because"],
            "aggregate": whole, "subsets": [], "confidence": 0.95}  # fmt: skip
    return DecidedCandidate(candidate, told | changed)


def small_week(**changed: object) -> WeekEvidence:
    """One stratum, five judged responses, two tasks of which one is settled, a golden version."""
    panel, quality = judged(3, 1)
    asked = {"task_id": "t", "selection": "dispute", "label_probability": 1.0}
    parts = {
        "frame": rows_of(
            SAMPLING_FRAME,
            {"stratum": "route=care", "population_size": 300, "interactions": 500,
             "late_interactions": 2, "scored_interactions": 0, "requested": 0, "asked_by": [],
             "golden_requested": 0, "golden_asked_by": [], "wanted": 60, "allocated": 40,
             "drawn": 50, "shortfall": 10, "reason": "population"},
        ),
        "masking": rows_of(
            ANONYMISATION_REPORT,
            {"measure": "canary_recall", "value": 0.99, "lower": 0.98, "upper": 1.0, "cases": 200},
            {"measure": "leaked_canaries", "value": 2.0},
            {"measure": "residual_hits", "value": 0.0},
            {"measure": "masked_spans", "value": 77.0},
            dimension="week", about="all", anonymiser_fingerprint="f", versions="v",
        ),
        "panel": panel,
        "quality": quality,
        "verdicts": rows_of(
            VERDICTS,
            {"interaction_id": "i1", "verdict": "pass", "status": "answered"},
            {"interaction_id": "i2", "verdict": "abstain", "status": "answered"},
            {"interaction_id": "i3", "status": "failed", "error_code": "timeout"},
            judge_id="arbiter", rubric_id="r", family="f", order="single", attempts=1,
        ),
        "disputes": rows_of(
            DISPUTES,
            asked | {"interaction_id": "i1", "reason": "split"},
            asked | {"interaction_id": "i2", "reason": "refuted"},
            asked | {"interaction_id": "i3", "reason": "gold_check", "selection": "gold_check"},
        ),
        "adjudications": rows_of(
            ADJUDICATIONS,
            {"interaction_id": "i1", "task_id": "t", "label": "fail", "settled_by": "adjudication",
             "selection": "dispute", "label_probability": 1.0, "annotators": ["a", "b"],
             "labels": ["pass", "fail"], "annotator_kind": "person"},
        ).with_columns(labelled_on=pl.lit("2026-10-20").str.to_date()),
        "agreement": rows_of(
            ANNOTATOR_AGREEMENT,
            {"annotator_kind": "person", "value": 0.81},
            {"annotator_kind": "scripted", "value": 0.99},
            subset="all", span="window", measure="ceiling", lower=0.72, upper=0.995, tasks=45,
            asked=60, weeks=6,
        ),
        "judges": rows_of(
            JUDGE_QUALITY,
            {"judge_id": "arbiter", "value": 0.9, "lower": 0.85, "upper": 0.95},
            rubric_id="all", measure="agreement", against="labels", items=90, missing=0,
            finding="reported", weeks=4,
        ),
        "monitor": monitored(),
        "golden": GoldenWeek(
            version=3, items=60, admitted={"settled_label": 9}, retired={"crowded_out": 4},
            revised={}, per_subset={"refunds": 8}, per_kind={"typical": 60},
            deficits=(("refunds", 20, 8),), content_fingerprint="c", anonymiser_fingerprint="a",
        ),
        "quarantined": {"no text": 3},
    }  # fmt: skip
    return WeekEvidence(week=WEEK, confidence=0.95, **(parts | changed))  # type: ignore[arg-type]


def large_week(name: str, *, subsets: int = 60) -> WeekEvidence:
    """As much as a week can hold, every name the given text: for size, and for hostile names."""
    names = [f"{name}{number}" for number in range(subsets)]
    panel, quality = judged(600, 200, subsets=tuple(names))
    usual = small_week()
    assert usual.frame is not None
    frame = pl.concat([usual.frame.with_columns(stratum=pl.lit(one)) for one in names])
    drift = rows_of(
        DRIFT_REPORT,
        *({"subset": one, "component": part} for one in ["all", *names] for part in _PARTS),
        system_id=name, golden_version=3, difference=-0.1, lower=-0.2, upper=-0.05, items=9,
        finding="drift", reference_week=BEFORE, before=0.9, after=0.8,
    )  # fmt: skip
    outcomes = rows_of(
        OUTCOME_VALIDITY, *({"subset": one} for one in names), predicted=0.5, predicted_lower=0.4,
        predicted_upper=0.6, outcome=0.2, outcome_lower=0.1, outcome_upper=0.3, labelled=9,
        observed=9, finding="disagrees",
    )  # fmt: skip
    bins = rows_of(
        JUDGE_RELIABILITY, {"bin": 1, "said": 0.2}, {"bin": 2, "said": 0.9}, judge_id=name,
        rubric_id="all", against="votes", came=0.5, lower=0.4, upper=0.6, items=9, weight_share=0.5,
    )  # fmt: skip
    ceilings = rows_of(
        ANNOTATOR_AGREEMENT, *({"subset": one} for one in names), annotator_kind="person",
        span="window", measure="ceiling", value=0.8, lower=0.7, upper=0.9, tasks=9, asked=9,
        weeks=1,
    )  # fmt: skip
    alerts = pl.DataFrame(
        {"source": ["monitor"], "metric": [name], "subset": [name], "value": [1.0],
         "sentence": [name * 3], "next_step": [name], "since_week": [WEEK]}
    )  # fmt: skip
    return small_week(
        panel=panel, quality=quality, quality_before=quality,
        frame=frame, drift=pl.concat([with_week(drift, BEFORE), with_week(drift)]),
        signals=signal(system_id=name, attribution="judge"), outcomes=outcomes, reliability=bins,
        agreement=ceilings, alerts=alerts, quarantined={name: 4},
        monitor=monitored(finding="unusual"),
        decisions=tuple(decided(one, "block") for one in names), not_made={name: f"do {name}"},
    )  # fmt: skip


_PARTS = ("truth", "judge", "provider", "within", "mix", "entry", "exit", "total")
