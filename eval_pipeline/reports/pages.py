"""The decision as one self-contained HTML page: no script, nothing fetched, every text escaped."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl
from markupsafe import Markup

from eval_pipeline.reports import (
    drift_attribution,
    failure_costs,
    first_screen,
    gate_audit_section,
    judge_quality,
    missing,
    page_rows,
    plots,
    policy_sections,
    shadow,
    telling_items,
    triage,
    wording,
)
from eval_pipeline.reports.beside import NOTHING_BESIDE, Beside, Standing
from eval_pipeline.reports.decomposition_words import moved
from eval_pipeline.reports.dimension_rows import dimension_rows
from eval_pipeline.reports.operations_chart import charted_ratios, operations_chart
from eval_pipeline.reports.operations_rows import operations_rows, ratio_rows
from eval_pipeline.reports.page_filters import report_environment
from eval_pipeline.reports.telling_items import MAXIMUM_EXAMPLES, ExampleItem
from eval_pipeline.tables import REGRESSION_REPORT

MAXIMUM_ROWS: Final = 400
_STATE_KEYS: Final = ("certified", "blocked", "undecided", "infeasible")


def decision_page(
    decision: Mapping[str, Any],
    report: pl.DataFrame,
    *,
    examples: Sequence[ExampleItem] = (),
    drift: pl.DataFrame | None = None,
    operations: pl.DataFrame | None = None,
    dimensions: pl.DataFrame | None = None,
    beside: Beside = NOTHING_BESIDE,
    golden: Mapping[str, Any],
) -> str:
    """The page of one decision: verdict, subsets, what is missing, evidence, provenance.

    `report` holds REGRESSION_REPORT rows, `drift` DRIFT_REPORT rows with or without `week`,
    `operations` OPERATIONS_REPORT rows, `dimensions` DIMENSION_REPORT rows, `golden` is the golden
    version's manifest or a part of it.
    Long texts and long lists are cut and the cut is told, so a page stays under two megabytes.
    """
    told = {
        **_verdict(decision, report, beside),
        **_costs(beside),
        **_judges(decision, beside),
        **_drift(drift, beside),
        **_operations(operations),
        **gate_audit_section.newest(beside.gate_audits),
        "dimensions": dimension_rows(dimensions)[:MAXIMUM_ROWS],
        "examples": [telling_items.shown(one) for one in examples[:MAXIMUM_EXAMPLES]],
        "unshown": max(0, len(examples) - MAXIMUM_EXAMPLES),
        "provenance": page_rows.provenance(decision, golden),
    }
    return report_environment().get_template("decision.html.jinja").render(told)


def _verdict(decision: Mapping[str, Any], report: pl.DataFrame, beside: Beside) -> dict[str, Any]:
    report = report.select(list(REGRESSION_REPORT.schema))
    subsets = wording.ordered(decision["subsets"])
    costs = [] if beside.costs is None else beside.costs.to_dicts()
    triaged = beside.triage is not None
    return {
        "decision": decision,
        "headline": wording.headline(decision),
        "why": first_screen.why(decision, costs=costs, standing=beside.standing),
        "untold": first_screen.untold(decision),
        "steps": first_screen.next_steps(decision, triaged=triaged, standing=beside.standing),
        "subsets": subsets[:MAXIMUM_ROWS],
        "unlisted": max(0, len(subsets) - MAXIMUM_ROWS),
        "means": {row["subset"]: row for row in report.iter_rows(named=True)},
        "counts": {key: sum(row["state"] == key for row in subsets) for key in _STATE_KEYS},
        "forest": page_rows.drawn(plots.forest(report)),
        "missing": missing.sentences(decision, beside)[:MAXIMUM_ROWS],
        "missing_scores": missing.score_rows(beside),
        "gated_dimensions": policy_sections.dimension_rows(decision)[:MAXIMUM_ROWS],
        "words": policy_sections.people_sentences(decision)[:MAXIMUM_ROWS],
        "interval_name": wording.interval_name(decision),
        "shadow_heading": shadow.HEADING,
        "shadow_sentences": shadow.sentences(beside.shadow),
        "triage_sentences": triage.sentences(beside.triage),
        "triage_items": triage.item_rows(beside.failing)[:MAXIMUM_ROWS],
    }


def _costs(beside: Beside) -> dict[str, Any]:
    standing = beside.standing or Standing()
    rows = failure_costs.ranked_rows(beside.costs, beside.triage, whys=standing.whys)
    return {
        "cost_rows": rows[: failure_costs.MAXIMUM_ROWS],
        "cost_notes": failure_costs.untold(beside.costs),
        "cost_chart": page_rows.drawn(failure_costs.cost_chart(beside.costs))
        if rows and beside.costs is not None
        else None,
        "whole": failure_costs.whole_in_words(beside.costs),
        "asked_again": any(row["again"] for row in rows),
        "priced": any(row["usd_told"] for row in rows),
        "owners": {who: name for who, name in standing.owners.items() if name != "unowned"},
        "traffic_week": beside.traffic_week,
    }


def _judges(decision: Mapping[str, Any], beside: Beside) -> dict[str, Any]:
    return {
        "judges": judge_quality.page_rows(beside.judges)[:MAXIMUM_ROWS],
        "judge_columns": judge_quality.COLUMNS,
        "judge_chart": page_rows.judge_chart(beside.judges),
        "reliability": page_rows.reliability(beside.reliability),
        "corrections": wording.corrections(decision)[:MAXIMUM_ROWS],
        "ceilings": wording.ceilings(decision)[:MAXIMUM_ROWS],
        "agreement": page_rows.ceiling_chart(decision),
    }


def _drift(drift: pl.DataFrame | None, beside: Beside) -> dict[str, Any]:
    return {
        "drift": page_rows.drift_rows(drift)[:MAXIMUM_ROWS],
        "moved": [] if drift is None else moved(drift),
        "attributions": drift_attribution.attribution_sentences(beside.signals),
        "waterfall": page_rows.waterfall_chart(drift),
        "timeline": page_rows.timeline(drift, beside.signals),
    }


def _operations(report: pl.DataFrame | None) -> dict[str, Any]:
    chart: Markup | None = None
    if report is not None and charted_ratios(report):
        chart = page_rows.drawn(operations_chart(report))
    return {
        "operations": operations_rows(report)[:MAXIMUM_ROWS],
        "operations_by_subset": ratio_rows(report)[:MAXIMUM_ROWS],
        "operations_chart": chart,
    }
