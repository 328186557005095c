"""The decision as one self-contained HTML page: no script, nothing fetched, every text escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jinja2
import polars as pl
from markupsafe import Markup

from eval_pipeline.ports import Message
from eval_pipeline.reports import judge_quality, plots, policy_sections, triage, wording
from eval_pipeline.reports.agreement_plots import agreement_forest, ceiling_rows
from eval_pipeline.reports.decomposition_plots import waterfall
from eval_pipeline.reports.decomposition_words import STEPS, moved
from eval_pipeline.reports.dimension_rows import dimension_rows
from eval_pipeline.reports.templating import page_environment
from eval_pipeline.tables import DRIFT_REPORT, OPERATIONS_REPORT, REGRESSION_REPORT

MAXIMUM_EXAMPLES: Final = 12
MAXIMUM_TURNS: Final = 8
MAXIMUM_TEXT: Final = 1600
MAXIMUM_ROWS: Final = 400
MINUS: Final = "\N{MINUS SIGN}"
_STATE_KEYS: Final = ("certified", "blocked", "undecided", "infeasible")


@dataclass(frozen=True)
class ExampleItem:
    """An item on which the arms differ tellingly; texts are anonymised, scores are null if none."""

    item_id: str
    subset: str
    conversation: tuple[Message, ...]
    reference: str | None
    baseline_response: str | None
    candidate_response: str | None
    baseline_score: float | None
    candidate_score: float | None


@dataclass(frozen=True)
class Beside:
    """What is known beside a decision and is no part of it; null where it is not there.

    judges: the newest JUDGE_QUALITY. triage, failing: the candidate's FAILURE_TRIAGE and
    FAILING_ITEMS.
    """

    judges: pl.DataFrame | None = None
    triage: pl.DataFrame | None = None
    failing: pl.DataFrame | None = None


NOTHING_BESIDE: Final = Beside()


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
    report = report.select(list(REGRESSION_REPORT.schema))
    means = {row["subset"]: row for row in report.iter_rows(named=True)}
    subsets = wording.ordered(decision["subsets"])
    return (
        _environment()
        .get_template("decision.html.jinja")
        .render(
            decision=decision,
            headline=wording.headline(decision),
            subsets=subsets[:MAXIMUM_ROWS],
            unlisted=max(0, len(subsets) - MAXIMUM_ROWS),
            means=means,
            counts={state: _count(subsets, state) for state in _STATE_KEYS},
            missing=_missing(decision),
            forest=Markup(plots.forest(report)),  # noqa: S704 - our own SVG, its texts escaped
            examples=[_shown(example) for example in examples[:MAXIMUM_EXAMPLES]],
            unshown=max(0, len(examples) - MAXIMUM_EXAMPLES),
            drift=_drift_rows(drift),
            moved=[] if drift is None else moved(drift),
            waterfall=_waterfall(drift),
            timeline=_timeline(drift),
            operations=_operations_rows(operations),
            dimensions=dimension_rows(dimensions)[:MAXIMUM_ROWS],
            gated_dimensions=policy_sections.dimension_rows(decision)[:MAXIMUM_ROWS],
            words=policy_sections.people_sentences(decision)[:MAXIMUM_ROWS],
            judges=judge_quality.page_rows(beside.judges)[:MAXIMUM_ROWS],
            judge_columns=judge_quality.COLUMNS,
            triage_sentences=triage.sentences(beside.triage),
            triage_modes=triage.mode_rows(beside.triage),
            triage_items=triage.item_rows(beside.failing)[:MAXIMUM_ROWS],
            corrections=wording.corrections(decision)[:MAXIMUM_ROWS],
            ceilings=wording.ceilings(decision)[:MAXIMUM_ROWS],
            agreement=_agreement(decision),
            provenance=_provenance(decision, golden),
            interval_name=wording.interval_name(decision),
        )
    )


def _environment() -> jinja2.Environment:
    environment = page_environment()
    environment.filters.update(
        points=lambda share: wording.points(share).replace("-", MINUS),
        interval=lambda row: wording.interval(row).replace("-", MINUS),
        tolerance=wording.tolerance,
        share=_share,
        number=_number,
        minus=lambda text: text.replace(" -", f" {MINUS}"),
        clean=wording.printable,
        breakable=_breakable,
    )
    environment.globals.update(
        verdict_words=wording.VERDICT_WORDS,
        state_words=wording.STATE_WORDS,
        state_symbols=wording.STATE_SYMBOLS,
    )
    return environment


def _count(subsets: Sequence[wording.SubsetRow], state: str) -> int:
    return sum(row["state"] == state for row in subsets)


def _missing(decision: Mapping[str, Any]) -> list[str]:
    """Sentences on what the decision had to do without; empty if it lacked nothing."""
    sentences = []
    for row in wording.ordered(decision["subsets"]):
        name = wording.name_of(row)
        needed = row.get("items_needed")
        if row["state"] in {"undecided", "infeasible"} and needed:
            sentences.append(f"{name} has {row['items']} items and needs about {needed} to decide.")
        absent = [
            f"{row[f'missing_{arm}']} of the {arm}"
            for arm in ("baseline", "candidate")
            if row.get(f"missing_{arm}")
        ]
        if absent:
            sentences.append(f"{name} lacks scores: {' and '.join(absent)}.")
    return sentences[:MAXIMUM_ROWS]


def _shown(example: ExampleItem) -> dict[str, Any]:
    hidden = max(0, len(example.conversation) - MAXIMUM_TURNS)
    return {
        "item_id": example.item_id,
        "subset": example.subset,
        "hidden_turns": hidden,
        "turns": [
            (wording.printable(turn.role), _text(turn.content))
            for turn in example.conversation[hidden:]
        ],
        "reference": _text(example.reference),
        "arms": [
            ("Baseline", _text(example.baseline_response), example.baseline_score),
            ("Candidate", _text(example.candidate_response), example.candidate_score),
        ],
    }


def _text(text: str | None) -> str | None:
    if text is None:
        return None
    rest = len(text) - MAXIMUM_TEXT
    shown = wording.printable(text[:MAXIMUM_TEXT])
    return shown if rest <= 0 else f"{shown}… ({rest} more characters)"


def _drift_rows(drift: pl.DataFrame | None) -> list[dict[str, Any]]:
    if drift is None or drift.is_empty():
        return []
    if "week" in drift.columns:
        drift = drift.filter(pl.col("week") == pl.col("week").max())
    columns = list(DRIFT_REPORT.schema)
    order = {name: place for place, name in enumerate((*STEPS, "total"))}
    place = pl.col("component").replace_strict(order, default=len(order))
    rows = drift.select(columns).sort(*DRIFT_REPORT.key[:-1], place, "component").to_dicts()
    newest = {row["system_id"]: row["golden_version"] for row in rows}
    told = [
        row
        for row in rows
        if row["finding"] == "drift"
        or (row["subset"], row["golden_version"]) == (wording.AGGREGATE, newest[row["system_id"]])
    ]
    return told[:MAXIMUM_ROWS]


def _waterfall(drift: pl.DataFrame | None) -> Markup | None:
    if drift is None or drift.is_empty():
        return None
    return Markup(waterfall(drift))  # noqa: S704 - our own SVG, its texts escaped


def _timeline(drift: pl.DataFrame | None) -> Markup | None:
    if drift is None or "week" not in drift.columns or drift["week"].n_unique() <= 1:
        return None
    return Markup(plots.drift_timeline(drift))  # noqa: S704 - our own SVG, its texts escaped


def _agreement(decision: Mapping[str, Any]) -> Markup | None:
    gated = [
        row
        for row in (decision["aggregate"], *decision["subsets"])
        if row["state"] != "reported" and row.get("human_agreement") is not None
    ]
    if not gated:
        return None
    return Markup(agreement_forest(ceiling_rows(gated)))  # noqa: S704 - our own SVG, texts escaped


def _operations_rows(operations: pl.DataFrame | None) -> list[dict[str, Any]]:
    """One row per metric with both arms side by side."""
    if operations is None or operations.is_empty():
        return []
    by_metric: dict[str, dict[str, Any]] = {}
    for row in operations.select(list(OPERATIONS_REPORT.schema)).sort("metric", "arm").to_dicts():
        by_metric.setdefault(row["metric"], {})[row["arm"]] = row
    return [{"metric": metric, "arms": arms} for metric, arms in by_metric.items()]


def _provenance(decision: Mapping[str, Any], golden: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What reproduces the decision: every plain value of decision and manifest, in key order."""
    known = {"schema_version", "verdict", "reasons", "aggregate", "subsets"}
    pairs = [(f"decision · {key}", decision[key]) for key in sorted(set(decision) - known)]
    pairs += [(f"golden · {key}", golden[key]) for key in sorted(golden)]
    return [
        (wording.one_line(name), wording.clipped(wording.one_line(str(value)), 160))
        for name, value in pairs
        if isinstance(value, str | int | float)
    ][:60]


def _breakable(name: str) -> Markup:
    """The escaped text, which may break after the underscores of its names."""
    return Markup("_<wbr>").join(wording.printable(name).split("_"))


def _share(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits
