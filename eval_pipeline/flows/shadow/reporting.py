"""What a candidate's shadow trials say: per subset the comparison, the answers, the operations."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.shadow.comparing import compare_shadow, trials_of
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import known_of
from eval_pipeline.flows.shadow.asking import drawn_requests
from eval_pipeline.flows.shadow.live import fates_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.monitoring.tail_latency import tail_figures
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import SHADOW_REPORT

FIGURE_COLUMNS = ("arm", "metric", "value", "lower", "upper", "calls")


def report_shadow(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> pl.DataFrame:
    """The SHADOW_REPORT of the candidate's SHADOW_TRIALS: each week by itself, live ones together.

    Nothing here is a decision of the gate, and none rests on it.
    """
    parts = [
        _part(pipeline, candidate, own, source=source, week=week)
        for source, week, own in _parts(trials)
    ]
    return SHADOW_REPORT.conform(pl.concat([SHADOW_REPORT.empty(), *parts]))


def shadow_held(pipeline: Pipeline, candidate_id: str) -> pl.DataFrame | None:
    """The stored SHADOW_REPORT of a candidate; None where nothing was shadowed."""
    report = pipeline.lake.read_if_made(SHADOW_REPORT, partition=candidate_id)
    return None if report is None or report.is_empty() else report


def _parts(trials: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    live = trials.filter(pl.col("source") == "live")
    if not live.is_empty():
        yield "live", str(live["week"].max()), live
    logged = trials.filter(pl.col("source") != "live")
    for key, own in sorted(logged.partition_by("source", "week", as_dict=True).items()):
        yield str(key[0]), str(key[1]), own


def _part(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame, *, source: str, week: str
) -> pl.DataFrame:
    policy = pipeline.settings.gate
    compared = compare_shadow(trials, policy=policy, subsets=pipeline.settings.subsets)
    fates = _fates(pipeline, candidate, trials, source=source, week=week)
    remarks = list(_remarks(candidate, trials, source=source))
    rows: list[dict[str, Any]] = [
        {
            **row,
            "source": source,
            "week": week,
            "figures": _figures(trials_of(trials, row["subset"]), policy),
            "fates": fates if row["subset"] == ALL else [],
            "remarks": remarks if row["subset"] == ALL else [],
        }
        for row in compared.iter_rows(named=True)
    ]
    return SHADOW_REPORT.conform(pl.DataFrame(rows, schema=SHADOW_REPORT.schema))


def _figures(trials: pl.DataFrame, policy: GateSettings) -> list[dict[str, Any]]:
    """Every request counts once here, whatever it weighs: these are figures of calls."""
    if trials.is_empty():
        return []
    operations = report_operations(trials, policy=policy)
    if "subset" in operations.columns:
        operations = operations.filter(pl.col("subset") == ALL)
    tail = tail_figures(trials, confidence=policy.confidence)
    return pl.concat([operations.select(FIGURE_COLUMNS), tail.select(FIGURE_COLUMNS)]).to_dicts()


def _fates(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame, *, source: str, week: str
) -> list[dict[str, Any]]:
    """Of a week's draw, what was asked and what not; of live requests, what the mirror counted."""
    if source == "live":
        counted = fates_of(pipeline, candidate.candidate_id)
    else:
        rows = drawn_requests(pipeline, week=week)
        asked = set(trials["item_id"])
        left = [reserve_identity(one) not in asked for one in rows["interaction_id"]]
        unasked = rows.filter(pl.Series(left, dtype=pl.Boolean))
        known = len(set(known_of(pipeline, candidate, unasked))) if unasked.height else 0
        counted = {
            "asked": rows.height - unasked.height,
            "known_beforehand": known,
            "beyond_maximum_items": unasked.height - known,
        }
    return [{"fate": fate, "requests": number} for fate, number in counted.items() if number]


def _remarks(candidate: Candidate, trials: pl.DataFrame, *, source: str) -> Iterator[str]:
    """What stands between this comparison and the traffic, in sentences."""
    asked = trials.filter(pl.col("arm") == "candidate")
    baseline = trials.filter(pl.col("arm") == "baseline")
    kept = asked.filter(pl.col("prompt_use") == "kept").height
    if kept:
        yield (
            f"{kept} of {asked.height} requests bring a system message that is not the baseline's "
            "prompt; it was kept, so they test the candidate's model and parameters alone."
        )
    if source == "recorded":
        masked = asked.filter(pl.col("masked_texts") > 0).height
        yield (
            "The baseline's latency is what production logged, the candidate's is measured from "
            "here; only `--ask-both` and the mirror measure both alike."
        )
        if masked:
            yield (
                f"{masked} of {asked.height} requests hold masked texts: production answered what "
                "was written, the candidate what is stored. `--ask-both` asks both what is stored."
            )
        model = candidate.baseline.model
        others = baseline.filter(
            (pl.col("status") == "answered") & (pl.col("requested_model") != model)
        ).height
        if others:
            yield f"{others} of the recorded answers are of another model than '{model}'."
    if source == "live":
        yield (
            "The mirror drops what it has no room for, and it is busiest when customers are: read "
            "the difference beside how much was dropped."
        )
        unpriced = baseline.filter(pl.col("cost_usd").is_null()).height
        if unpriced:
            yield (
                f"{unpriced} of the baseline's {baseline.height} answers came without token "
                "counts, so their cost is not known; streams tell them with "
                "`stream_options: {include_usage: true}`."
            )
