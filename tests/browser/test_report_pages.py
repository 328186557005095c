"""Decision and week at their largest in a real Chromium: alone, accessible, whole on paper."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from eval_pipeline.evaluation.failure_costs import Measured, Prices, Traffic, failure_costs
from eval_pipeline.monitoring.weekly.figures import weekly_report
from eval_pipeline.ports import Message
from eval_pipeline.reports.beside import Beside, Standing
from eval_pipeline.reports.pages import decision_page
from eval_pipeline.reports.telling_items import ExampleItem, Vote
from eval_pipeline.reports.weekly_page import weekly_page
from eval_pipeline.tables import DRIFT_REPORT, OPERATIONS_REPORT, REGRESSION_REPORT
from tests.week_evidence import large_week, signal, small_week

pytestmark = pytest.mark.slow

SUBSETS = 60
ROWS = 400
WORDS = "The pharmacist on duty checks interactions before anything is said about a dose. "
CLIPPED = """() => [...document.querySelectorAll('.scroll, .plot, table, svg, pre, code, td, th')]
  .filter(one => one.scrollWidth > one.clientWidth + 2 && getComputedStyle(one).display !== 'inline'
                 && one.clientWidth > 0)
  .map(one => `${one.tagName}: ${one.textContent.slice(0, 40)}`)"""
A4_PIXELS = 688
"""The width of A4 between margins of 14 mm, at 96 pixels an inch."""


def finding(number: int) -> dict:
    difference = -0.09 if number < 3 else 0.01
    return {
        "subset": f"a_subset_with_a_long_name_{number:02}",
        "state": "blocked" if number < 3 else "certified",
        "baseline_mean": 0.9, "candidate_mean": 0.9 + difference, "difference": difference,
        "lower": difference - 0.03, "upper": difference + 0.03, "margin": 0.05, "items": 143,
        "wins": 3, "losses": 21, "missing_baseline": 0, "missing_candidate": 2, "method": "tango",
    }  # fmt: skip


def example(number: int) -> ExampleItem:
    vote = Vote("arbiter", "fail", rationale=WORDS)
    return ExampleItem(
        item_id=f"item-{number:016x}",
        subset="a_subset_with_a_long_name_00",
        why="loss",
        conversation=tuple(Message("user", WORDS * 40) for _ in range(12)),
        reference=WORDS * 60,
        baseline_response=WORDS * 60,
        candidate_response=WORDS.replace("duty", "call") * 60,
        baseline_score=1.0,
        candidate_score=0.0,
        votes={"baseline": (vote, vote), "candidate": (vote, vote)},
        people={"candidate": "fail, two agreed"},
        label="The logged answer was labelled pass by agreement: pass, pass.",
    )


def large_decision(subsets: int = SUBSETS, items: int = 20) -> str:
    rows = [finding(number) for number in range(subsets)]
    whole = finding(50) | {"subset": "all"}
    report = pl.DataFrame([whole, *rows], schema=REGRESSION_REPORT.schema)
    shares = {("subset", row["subset"]): Measured(0.1, 0.05, 0.2) for row in rows}
    prices = Prices({rows[0]["subset"]: 40.0}, 0.01)
    drift = pl.DataFrame(
        [
            {"week": week, "system_id": "assistant", "golden_version": 3, "component": "total",
             "subset": "all" if number == 0 else f"subset_{number}", "difference": -0.1,
             "lower": -0.2, "upper": -0.05, "items": 9, "finding": "drift", "before": 0.9,
             "after": 0.8, "reference_week": "2026-10-05"}
            for week in ("2026-10-05", "2026-10-12")
            for number in range(ROWS if subsets == SUBSETS else subsets)
        ],
        schema={"week": pl.String, **DRIFT_REPORT.schema},
    )  # fmt: skip
    operations = pl.DataFrame(
        [
            {"arm": arm, "system_id": arm, "metric": metric, "value": 1.2, "lower": 1.1,
             "upper": 1.3, "calls": 9, "limit": 1.1 if metric.endswith("ratio") else None,
             "within_limit": False if metric.endswith("ratio") else None}
            for arm in ("baseline", "candidate")
            for metric in ("latency_p95_seconds", "cost_per_success_ratio")
        ],
        schema=OPERATIONS_REPORT.schema,
    )  # fmt: skip
    week = large_week("judge_", subsets=4)
    decision = {
        "schema_version": 1, "decision_id": "d41d8cd9", "candidate": "sharper-on-average",
        "baseline": "today", "golden_version": 8, "verdict": "block", "confidence": 0.95,
        "reasons": [f"Reason {number}: {WORDS}" for number in range(80)], "aggregate": whole,
        "subsets": rows, "policy_fingerprint": "9f86d081884c7d659a2feaa0c55ad015" * 4,
    }  # fmt: skip
    return decision_page(
        decision,
        report,
        examples=[example(number) for number in range(items)],
        drift=drift,
        operations=operations,
        beside=Beside(
            judges=week.judges,
            reliability=week.reliability,
            costs=failure_costs(report, None, traffic=Traffic(9_000, shares), prices=prices),
            traffic_week="2026-10-12",
            signals=signal(),
            refused={"baseline": 1, "candidate": 4},
            excluded=3,
            standing=Standing(
                may_waive=("ada", "ben"),
                waive_blocks=True,
                owners={row["subset"]: "pharmacist-on-duty" for row in rows},
                whys={row["subset"]: WORDS for row in rows},
            ),
        ),
        golden={"version": 8, "content_fingerprint": "9f86d081884c7d65" * 4},
    )


def largest_week(subsets: int = SUBSETS) -> str:
    known = large_week("a_subset_with_a_long_name_", subsets=subsets)
    return weekly_page(weekly_report(known), known)


PAGES = {"decision": large_decision, "week": largest_week}


@pytest.fixture(scope="module", params=PAGES)
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file: Path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    file.write_text(PAGES[request.param](), encoding="utf-8")
    return file


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[tuple[Page, list[str]]]:
    """The page at 1280 by 800, and everything that went wrong or went out."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith("file:") else trouble.append(request.url),
    )
    page.goto(page_file.as_uri())
    yield page, trouble
    page.close()


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_the_page_stands_alone_and_under_two_megabytes(opened, page_file):
    page, trouble = opened
    assert page.title()
    assert trouble == []
    assert page_file.stat().st_size < 2_000_000


# On the largest pages axe-core takes a minute; these have one of everything that they have.
@pytest.mark.parametrize("made", [lambda: large_decision(4, 2), lambda: largest_week(3)])
def test_nothing_serious_stands_between_the_page_and_anybody(browser, tmp_path, made):
    file = tmp_path / "page.html"
    file.write_text(made(), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(file.as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == [], scheme
    page.close()


def test_what_was_decided_why_and_what_next_stand_on_the_first_screen(opened):
    page, _ = opened
    for part in ("h1", ".answers > div:first-child", ".answers > div:last-child"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800, part


def test_on_a_phone_nothing_is_wider_than_the_screen(opened):
    page, _ = opened
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_paper_nothing_is_clipped(opened):
    page, _ = opened
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4_PIXELS, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_PIXELS
    assert page.evaluate(CLIPPED) == []
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_what_differs_is_marked_by_more_than_colour(browser, tmp_path):
    file = tmp_path / "decision.html"
    file.write_text(large_decision(), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    styles = [
        page.locator(f"article {tag}").first.evaluate(
            "one => getComputedStyle(one).textDecorationStyle"
        )
        for tag in ("del", "ins")
    ]
    assert styles == ["dotted", "solid"]
    page.close()


def test_an_ordinary_week_fits_its_whole_first_screen(browser, tmp_path):
    known = small_week(signals=signal())
    file = tmp_path / "week.html"
    file.write_text(weekly_page(weekly_report(known), known), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(file.as_uri())
    box = page.locator("header").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    page.close()
