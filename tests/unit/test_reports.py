"""Charts, the decision's page and the terminal tables."""

import io
import itertools
import re
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from rich.console import Console

from eval_pipeline.ports import Message
from eval_pipeline.reports import plots, wording
from eval_pipeline.reports.agreement_plots import agreement_forest
from eval_pipeline.reports.decomposition_plots import waterfall
from eval_pipeline.reports.decomposition_words import moved
from eval_pipeline.reports.drift_timeline import drift_timeline
from eval_pipeline.reports.monitor_plots import monitor_panels, quality_panels
from eval_pipeline.reports.pages import decision_page
from eval_pipeline.reports.telling_items import ExampleItem
from eval_pipeline.reports.terminal import decision_table
from eval_pipeline.tables import (
    ANNOTATOR_AGREEMENT,
    DIMENSION_REPORT,
    DRIFT_REPORT,
    OPERATIONS_REPORT,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    REGRESSION_REPORT,
)
from tests.outline import EVIL, Outline

MINUS = "\N{MINUS SIGN}"


def finding(subset: str, state: str, difference: float | None, **changed: object) -> dict:
    known = difference is not None
    row = {
        "subset": subset,
        "state": state,
        "baseline_mean": 0.9,
        "candidate_mean": 0.9 + difference if known else None,
        "difference": difference,
        "lower": difference - 0.03 if known else None,
        "upper": difference + 0.03 if known else None,
        "margin": 0.05,
        "items": 143,
        "effective_items": 140.0,
        "clusters": 139,
        "wins": 3,
        "losses": 21,
        "p_noninferior": 0.9,
        "p_harm": 0.001,
        "missing_baseline": 0,
        "missing_candidate": 2,
        "looks": 1,
        "items_needed": None if state in {"certified", "blocked"} else 240,
        "method": "tango",
    }
    return row | changed


ROWS = [
    finding("all", "certified", 0.031, margin=0.02),
    finding("invented_drug_interactions", "blocked", -0.121),
    finding("opening_hours", "certified", 0.0),
    finding("prompt_injection", "undecided", -0.02),
    finding("minors", "infeasible", None),
]


def report_of(rows: list[dict]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=REGRESSION_REPORT.schema)


REPORT = report_of(ROWS)


def decision_of(rows: list[dict] = ROWS, **changed: object) -> dict:
    told = {
        "schema_version": 1,
        "decision_id": "d41d8cd9",
        "candidate": "sharper-on-average",
        "baseline": "today",
        "golden_version": 8,
        "verdict": "block",
        "reasons": ["harm is proven"],
        "aggregate": rows[0],
        "subsets": rows[1:],
        "policy_fingerprint": "9f86d081",
        "confidence": 0.95,
    }
    return told | changed


def example(text: str = "Can I take ibuprofen?", **changed: object) -> ExampleItem:
    fields = {
        "item_id": "item-1",
        "subset": "invented_drug_interactions",
        "conversation": (Message("user", text),),
        "reference": text,
        "baseline_response": text,
        "candidate_response": text,
        "baseline_score": 1.0,
        "candidate_score": 0.0,
    }
    return ExampleItem(**(fields | changed))  # type: ignore[arg-type]


def drift_rows(weeks: int = 3, system: str = "today") -> pl.DataFrame:
    rows = [
        {
            "week": f"2026-11-{2 + 7 * week:02d}",
            "system_id": system,
            "golden_version": version,
            "subset": "all",
            "component": component,
            "difference": -0.07 if component == "provider" and week == weeks - 1 else 0.002,
            "lower": -0.09,
            "upper": 0.02,
            "items": 200,
            "clusters": 190,
            "finding": "drift" if component == "provider" and week == weeks - 1 else "within_noise",
        }
        for week in range(weeks)
        for version in (week, week + 1)
        for component in ("provider", "judge", "total")
    ]
    return pl.DataFrame(rows, schema={"week": pl.String, **DRIFT_REPORT.schema})


OPERATIONS = pl.DataFrame(
    [
        {"arm": arm, "subset": "all", "system_id": arm, "metric": "latency_p95_seconds",
         "value": value, "calls": 9, "missing": 0, "limit": limit, "finding": finding}
        for arm, value, limit, finding in (
            ("baseline", 1.9, None, "reported"), ("candidate", 3.2, 2.4, "beyond_limit"),
        )
    ],
    schema=OPERATIONS_REPORT.schema,
)  # fmt: skip
DIMENSIONS = pl.DataFrame(
    [
        {"dimension": name, "subset": subset, "baseline_mean": 0.9, "candidate_mean": 0.9 + change,
         "difference": change, "lower": change - 0.02, "upper": change + 0.02, "items": 200,
         "missing_baseline": 0, "missing_candidate": 3, "without_reference": 7,
         "deciding_items": deciding, "state": "reported"}
        for name, deciding in (("fields.f1", 203), ("tone", 0))
        for subset, change in (("all", -0.01), ("refunds", -0.05), ("hours", 0.01))
    ],
    schema=DIMENSION_REPORT.schema,
)  # fmt: skip
GOLDEN = {"version": 8, "parent": 7, "content_hash": "9f86d081884c7d65"}


def page(**changed: object) -> str:
    parts = {
        "examples": [example()], "drift": drift_rows(), "operations": OPERATIONS,
        "dimensions": DIMENSIONS,
    }  # fmt: skip
    given = {"golden": GOLDEN} | parts | changed
    decision = given.pop("decision", decision_of())
    report = given.pop("report", REPORT)
    return decision_page(decision, report, **given)  # type: ignore[arg-type]


CHARTS = {
    "forest": lambda: plots.forest(REPORT),
    "drift": lambda: drift_timeline(drift_rows()),
    "waterfall": lambda: waterfall(drift_rows()),
    "monitor": lambda: monitor_panels(monitor_rows()),
    "quality": lambda: quality_panels(quality_rows()),
}


def monitor_rows() -> pl.DataFrame:
    rows = [
        {
            "week": f"2026-11-{2 + 7 * week:02d}",
            "route": "all",
            "metric": "refusal_share",
            "value": 0.03 + 0.05 * (week == 2),
            "lower": 0.02,
            "upper": 0.09,
            "measured": 4000,
            "interactions": 4000,
            "baseline": "rolling",
            "baseline_median": 0.03,
            "baseline_lower": 0.02,
            "baseline_upper": 0.05,
            "baseline_weeks": week,
            "change": 0.05 * (week == 2),
            "robust_z": 0.0,
            "cut_off": 4.0,
            "finding": "unusual" if week == 2 else "usual",
        }
        for week in range(3)
    ]
    return pl.DataFrame(rows, schema={"week": pl.String, **PRODUCTION_MONITOR.schema})


def quality_rows() -> pl.DataFrame:
    told = {"subset": "all", "quality": 0.9, "judged": 100}
    rows = [
        {**dict.fromkeys(PRODUCTION_QUALITY.schema), **told, "week": week, "finding": finding}
        for week, finding in (("2026-11-02", "too_little_history"), ("2026-11-09", "usual"))
    ]
    return pl.DataFrame(rows, schema={"week": pl.String, **PRODUCTION_QUALITY.schema})


@pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)
def test_a_chart_has_the_same_bytes_every_time(draw):
    assert draw() == draw()


@pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)
def test_a_chart_is_one_labelled_svg_element_without_script_date_or_address_to_fetch(draw):
    svg = draw()
    root = ET.fromstring(svg)
    assert root.tag.endswith("}svg")
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert "<script" not in svg
    assert "<metadata" not in svg
    references = re.findall(r'(?:href|src)="([^"]*)"', svg)
    assert all(reference.startswith("#") for reference in references)


def test_a_chart_takes_its_ink_from_the_page():
    svg = plots.forest(REPORT)
    assert "currentColor" in svg
    assert "#010203" not in svg


def test_the_forest_shows_subsets_states_and_differences_as_text():
    texts = "".join(ET.fromstring(plots.forest(REPORT)).itertext())
    for words in (
        "invented_drug_interactions",
        "blocked",
        "too few items",
        f"{MINUS}12.1",
        "all items",
    ):
        assert words in texts


def test_states_differ_by_shape_and_not_by_colour_alone():
    marks = plots.STATE_MARKS.values()
    assert len({mark.marker for mark in marks}) == len({mark.colour for mark in marks}) == 5


def test_the_order_of_rows_does_not_change_the_forest():
    assert plots.forest(REPORT.reverse()) == plots.forest(REPORT)


def test_a_forest_without_any_comparison_is_still_drawn():
    rows = [finding("all", "infeasible", None), finding("minors", "infeasible", None)]
    assert "minors" in plots.forest(report_of(rows))


def test_a_name_with_markup_or_mathematics_is_only_text_in_a_chart():
    svg = plots.forest(report_of([ROWS[0], finding(EVIL, "blocked", -0.1)]))
    ET.fromstring(svg)
    assert "<script" not in svg
    assert "<img" not in svg


def test_the_newest_golden_version_speaks_for_a_week():
    older = drift_rows().with_columns(
        difference=pl.when(pl.col("golden_version") < pl.col("golden_version").max().over("week"))
        .then(-0.9)
        .otherwise("difference")
    )
    assert drift_timeline(older) == drift_timeline(drift_rows())


def test_an_empty_drift_report_is_drawn_as_an_empty_chart():
    ET.fromstring(drift_timeline(drift_rows().clear()))


def test_drawing_leaves_matplotlibs_parameters_as_they_were():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    plots.forest(REPORT)
    assert dict(mpl.rcParams) == before


def test_the_page_begins_with_the_verdict_in_a_sentence():
    outline = Outline(page())
    assert len(outline.named("h1")) == 1
    text = " ".join("".join(outline.texts).split())
    assert (
        "invented_drug_interactions falls 12.1 points "
        f"(95 % interval {MINUS}15.1 to {MINUS}9.1; tolerance 5)" in text
    )
    assert text.index("Blocked") < text.index("Subset by subset")


def test_the_page_is_accessible_html():
    outline = Outline(page())
    assert outline.named("html")[0]["lang"] == "en"
    assert outline.named("main")
    assert len(outline.named("table")) == len(outline.named("caption")) == 4
    assert all(head.get("scope") in {"col", "row"} for head in outline.named("th"))
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in outline.named("svg"))


def test_the_page_needs_no_network_and_no_script():
    source = page()
    outline = Outline(source)
    assert not outline.named("script")
    assert not outline.named("link")
    assert not outline.named("img")
    assert "url(http" not in source
    assert "@import" not in source
    policy = next(meta for meta in outline.named("meta") if meta.get("http-equiv"))
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_does_not_decide_is_shown_as_such_and_what_decides_is_not_told_twice():
    text = " ".join("".join(Outline(page()).texts).split())
    told = text[text.index("Other dimensions") : text.index("Provenance")]
    assert "Nothing here is part of the decision" in told
    # tone: all items, and the one subset whose interval leaves out zero
    assert "fields.f1" not in told
    assert f"tone All items 90.0 % 89.0 % {MINUS}1.0" in told
    assert "0 / 3 7" in told
    assert f"refunds 90.0 % 85.0 % {MINUS}5.0 {MINUS}7.0 to {MINUS}3.0 200" in told
    assert "hours" not in told
    assert "Other dimensions" not in page(dimensions=None)


def test_ids_on_the_page_are_unique():
    ids = [attributes["id"] for _, attributes in Outline(page()).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_hostile_texts_stay_text_wherever_they_stand():
    rows = [ROWS[0], finding(EVIL, "blocked", -0.1)]
    source = page(
        decision=decision_of(rows, candidate=EVIL, baseline=EVIL, reasons=[EVIL], note=EVIL),
        report=report_of(rows),
        examples=[example(EVIL, item_id=EVIL, subset=EVIL, conversation=(Message(EVIL, EVIL),))],
        drift=drift_rows(system=EVIL),
        operations=OPERATIONS.with_columns(metric=pl.lit(EVIL)),
        dimensions=DIMENSIONS.head(1).with_columns(
            dimension=pl.lit(EVIL), deciding_items=pl.lit(0, pl.Int64)
        ),
        golden={EVIL: EVIL},
    )
    outline = Outline(source)
    assert not outline.named("script")
    assert not outline.named("img")
    assert all(not name.startswith("on") for _, given in outline.tags for name in given)
    assert "\x1b" not in source
    assert "\u202e" not in source
    # candidate (title and lede), baseline, reason, item and more: told, not swallowed
    assert source.count("&lt;script&gt;") > 8


def test_what_is_missing_is_told_per_arm_and_with_what_would_settle_it():
    text = " ".join("".join(Outline(page()).texts).split())
    assert "prompt_injection has 143 items and needs about 240 to decide." in text
    assert "opening_hours lacks scores: 2 of the candidate." in text


def test_an_answer_that_is_missing_is_not_a_score_of_zero():
    item = example(candidate_response=None, candidate_score=None)
    source = page(examples=[item])
    assert "no score" in source
    assert "No answer" in source


def test_long_conversations_and_lists_are_cut_and_the_cut_is_told():
    talk = tuple(Message("user", f"turn {number}") for number in range(30))
    items = [example("y" * 5000, conversation=talk) for _ in range(28)]
    text = "".join(Outline(page(examples=items)).texts)
    # 30 - 6 turns, 5000 - 1200 characters, 28 - 20 items
    assert "24 earlier messages are not shown." in text
    assert "(3800 more characters)" in text
    assert "8 more items" in text
    assert "turn 29" in text
    assert "turn 23" not in text


def test_the_largest_page_stays_under_two_megabytes():
    rows = [ROWS[0], *(finding(f"{n:03}_{'x' * 74}", "undecided", -0.02) for n in range(900))]
    talk = tuple(Message("user", "&" * 10_000) for _ in range(50))
    source = page(
        decision=decision_of(rows, verdict="inconclusive", reasons=["<" * 400] * 900),
        report=report_of(rows),
        examples=[example("&" * 10_000, conversation=talk)] * 50,
        drift=drift_rows(weeks=4),
    )
    assert len(source.encode()) < 2_000_000
    assert "more subsets are in the decision's JSON" in source


def test_a_page_is_the_same_every_time():
    assert page() == page()


def test_optional_parts_may_be_absent():
    source = page(examples=[], drift=None, operations=None, golden={})
    assert "Cost and latency" not in source
    assert "Drift" not in source
    assert "Provenance" in source


def test_drift_of_one_week_is_a_waterfall_and_a_table_without_a_timeline():
    one = drift_rows(weeks=1).drop("week")
    drawn = [svg["aria-label"] for svg in Outline(page(drift=one)).named("svg")]
    assert len(drawn) == 2
    assert drawn[1] == "What moved the score since the reference week, 1 systems"


def test_a_waterfall_steps_from_then_to_now_and_says_what_is_noise():
    rows = drift_rows().with_columns(
        before=pl.lit(0.9), after=pl.lit(0.9) + pl.col("difference"), reference_week=pl.lit("w1")
    )
    svg = waterfall(rows).replace("\N{MINUS SIGN}", "-")
    assert "then: w1" in svg
    assert "-7.0 (-9.0 to +2.0) drift" in svg
    assert "+0.2 (-9.0 to +2.0) within noise" in svg


def test_a_sentence_says_how_far_the_score_moved_and_by_what():
    rows = drift_rows().with_columns(reference_week=pl.lit("w1"))
    assert moved(rows) == [
        (
            "The score of 'today' moved by +0.2 points (-9.0 to +2.0) since w1: "
            "judges +0.2 (within noise), provider -7.0 (drift)."
        )
    ]
    absent = pl.col("component") == "judge"
    rows = rows.with_columns(
        difference=pl.when(~absent).then("difference"),
        note=pl.when(pl.col("component") == "total").then(pl.lit("of the items alone")),
    )
    (sentence,) = moved(rows)
    assert sentence.endswith("Not measured: judges. This is of the items alone.")
    nothing = rows.with_columns(difference=None, note=pl.lit("no item has two scores"))
    assert moved(nothing) == [
        "What moved the score of 'today' is not measured: no item has two scores."
    ]


def test_a_part_that_was_not_measured_is_named_in_the_waterfall():
    rows = drift_rows().with_columns(finding=pl.lit("not_measured"), difference=None)
    assert waterfall(rows).count("not measured") == 2


@pytest.mark.parametrize("verdict", ["pass", "block", "inconclusive", "invalid"])
def test_every_verdict_has_a_page_and_a_table(verdict):
    told = decision_of(verdict=verdict)
    assert wording.VERDICT_WORDS[verdict] in page(decision=told)
    assert wording.VERDICT_WORDS[verdict] in shown(decision_table(told, REPORT))


def shown(renderable: object, *, width: int = 100, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_decision_fits_a_hundred_columns_without_a_cut_number():
    rows = [ROWS[0] | {"items": 100_000}, *ROWS[1:], finding("x" * 80, "infeasible", None)]
    text = shown(decision_table(decision_of(rows), report_of(rows)))
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= 100
    assert [line for line in lines if "…" in line] == [line for line in lines if "xxx" in line]
    for words in ("✕ blocked", "? undecided", "∅ too few items", "✓ certified", "-15.1 to -9.1"):
        assert words in text


def test_states_are_words_even_where_colour_is_shown():
    plain = shown(decision_table(decision_of(), REPORT))
    coloured = shown(decision_table(decision_of(), REPORT), colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_name_cannot_style_or_drive_the_terminal():
    rows = [ROWS[0], finding("[red]\x1b[2Jx[/]", "blocked", -0.1)]
    text = shown(decision_table(decision_of(rows), report_of(rows)))
    assert "\x1b" not in text
    assert "[red]�[2Jx[/]" in text


HUMAN = {
    "human_agreement": 0.81, "human_lower": 0.72, "human_upper": 0.88, "human_tasks": 45,
    "human_kind": "person",
}  # fmt: skip


def test_the_page_tells_how_far_people_agree_on_what_is_gated_and_only_where_it_was_measured():
    rows = [{**row, **HUMAN} if row["subset"] in {"all", "minors"} else row for row in ROWS]
    rows[4] |= {"human_tasks": 1, "human_kind": "scripted"}
    told = page(decision=decision_of(rows))
    assert "How far people agree" in told
    assert (
        "On all items two people agree on 81 % (72 to 88, 45 tasks): "
        "no system can be asked for more." in told
    )
    assert "On minors two scripts in people's place agree on" in told.replace("&#39;", "'")
    assert "On opening_hours" not in told
    assert "How far people agree" not in page()


def agreement_of(*rows: dict) -> pl.DataFrame:
    usual = {
        "subset": "all", "span": "window", "annotator_kind": "person", "measure": "ceiling",
        "value": 0.81, "lower": 0.72, "upper": 0.88, "tasks": 45, "asked": 60, "weeks": 6,
    }  # fmt: skip
    return pl.DataFrame([usual | row for row in rows], schema=ANNOTATOR_AGREEMENT.schema)


def test_the_chart_of_agreement_has_a_row_a_subset_and_says_whose_it_is():
    report = agreement_of(
        {},
        {"measure": "percent", "value": 0.7, "lower": 0.6, "upper": 0.8},
        {"subset": "minors", "annotator_kind": "scripted", "tasks": 1},
        {"subset": "older", "span": "week"},
        {"subset": EVIL},
    )
    svg = agreement_forest(report)
    assert svg == agreement_forest(report.reverse())
    for told in ("all items", "minors (scripted)", "81 % (72 to 88), 45 tasks", "1 task<"):
        assert told in svg
    assert "older" not in svg
    assert "<script" not in svg
    assert agreement_forest(ANNOTATOR_AGREEMENT.empty()).startswith("<svg")
