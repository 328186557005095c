"""Dimensions side by side: what is stored of a trial, and how the arms compare in each."""

import polars as pl
import pytest

from eval_pipeline.evaluation.dimensions import (
    compare_dimensions,
    dimension_frame,
    dimension_rows,
    unanswered_score,
)
from eval_pipeline.ports import Score
from eval_pipeline.reports.dimension_rows import dimension_rows as shown_rows
from eval_pipeline.settings import SYNTHETIC_SUBSET


def trial(arm: str, item: int, score: float | None, **changed: object) -> dict[str, object]:
    return {
        "arm": arm, "item_id": f"item-{item:03}", "trial": 1, "source": "golden", "look": 1,
        "route": "orders", "subsets": ["refunds"] if item % 2 else [], "cluster_id": f"c-{item}",
        "scorer": "fields.f1", "score": score, "score_error": None, "status": "answered",
        "error_code": None, **changed,
    }  # fmt: skip


def arms(
    first: list[tuple[float | None, float | None]],
    other: list[tuple[Score, Score]],
) -> pl.DataFrame:
    """Both arms' scores of items 0, 1, ...: in the deciding dimension 'f1', and in 'panel'."""
    rows = []
    for item, (decided, scored) in enumerate(zip(first, other, strict=True)):
        for place, arm in enumerate(("baseline", "candidate")):
            rows += dimension_rows(
                trial(arm, item, decided[place]), deciding="f1", others={"panel": scored[place]}
            )
    return dimension_frame(rows)


def judged(value: float | None, error: str | None = None) -> Score:
    return Score(value, error, "panel")


PASS, FAIL = judged(1.0), judged(0.0)


def row(report: pl.DataFrame, dimension: str, subset: str) -> dict[str, object]:
    chosen = (pl.col("dimension") == dimension) & (pl.col("subset") == subset)
    return report.row(by_predicate=chosen, named=True)


def test_the_trial_s_own_score_is_the_deciding_row_whatever_was_computed_beside_it() -> None:
    rows = dimension_rows(
        trial("candidate", 1, 0.5),
        deciding="fields.f1",
        others={"fields.f1": Score(0.9, None, "x"), "panel": PASS},
    )
    frame = dimension_frame(rows)
    assert frame.select("dimension", "deciding", "scorer", "score").rows() == [
        ("fields.f1", True, "fields.f1", 0.5),
        ("panel", False, "panel", 1.0),
    ]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("refused", None, Score(0.0, None, "refusal")),
        ("failed", "timeout", Score(None, "timeout", "none")),
        ("failed", None, Score(None, "failed", "none")),
        ("answered", None, Score(None, "not_scored", "none")),
    ],
)
def test_a_refusal_is_wrong_in_every_dimension_and_a_failure_is_missing(status, code, expected):
    given = trial("candidate", 1, None, status=status, error_code=code)
    assert unanswered_score(given) == expected


def test_each_dimension_is_compared_by_itself_and_none_is_averaged() -> None:
    # f1: 20 items, the candidate loses .5 on each. panel: it wins 5, loses 0: (5 - 0)/20 = .25.
    report = compare_dimensions(
        arms([(1.0, 0.5)] * 20, [(FAIL, PASS)] * 5 + [(PASS, PASS)] * 15), confidence=0.95
    )
    assert report["dimension"].unique().sort().to_list() == ["f1", "panel"]
    decided, other = row(report, "f1", "all"), row(report, "panel", "all")
    assert (decided["baseline_mean"], decided["candidate_mean"]) == (1.0, 0.5)
    assert (decided["difference"], decided["items"], decided["losses"]) == (-0.5, 20, 20)
    assert (decided["deciding_items"], other["deciding_items"]) == (20, 0)
    assert other["difference"] == pytest.approx(0.25)
    assert (other["wins"], other["losses"], other["clusters"]) == (5, 0, 20)
    # Tango's interval for 5 wins and 0 losses of 20.
    assert other["method"] == "tango"
    assert other["lower"] < 0.25 < other["upper"]
    # Items 1, 3, ... 19 are of the subset; 1 and 3 among the 5 won: 2/10
    assert row(report, "panel", "refunds")["difference"] == pytest.approx(0.2)


def test_what_a_dimension_cannot_read_is_counted_and_in_no_mean() -> None:
    bare = judged(None, "no_reference")
    timed_out = judged(None, "timeout")
    report = compare_dimensions(
        arms(
            [(1.0, 1.0)] * 4,
            [(PASS, FAIL), (bare, bare), (PASS, timed_out), (timed_out, PASS)],
        ),
        confidence=0.95,
    )
    found = row(report, "panel", "all")
    assert (found["items"], found["difference"], found["without_reference"]) == (1, -1.0, 1)
    assert (found["missing_baseline"], found["missing_candidate"]) == (1, 1)


def test_a_dimension_without_any_pair_has_no_mean_and_no_interval() -> None:
    bare = judged(None, "no_reference")
    report = compare_dimensions(arms([(1.0, 1.0)] * 2, [(bare, bare)] * 2), confidence=0.95)
    found = row(report, "panel", "all")
    assert (found["items"], found["difference"], found["lower"]) == (0, None, None)
    assert found["without_reference"] == 2


def test_synthetic_items_stand_in_their_own_row_alone() -> None:
    rows = []
    for item, (source, subsets) in enumerate(
        [("golden", ["refunds"]), ("synthetic", [SYNTHETIC_SUBSET])]
    ):
        for arm in ("baseline", "candidate"):
            given = trial(arm, item, 1.0, source=source, subsets=subsets)
            rows += dimension_rows(given, deciding="panel", others={})
    report = compare_dimensions(dimension_frame(rows), confidence=0.95)
    assert report.select("subset", "items").rows() == [
        ("all", 1), ("refunds", 1), (SYNTHETIC_SUBSET, 1),
    ]  # fmt: skip


def test_no_trials_make_an_empty_report() -> None:
    assert compare_dimensions(dimension_frame([]), confidence=0.95).is_empty()


def test_the_page_shows_what_does_not_decide_and_of_subsets_what_excludes_zero() -> None:
    # In the panel's eyes the candidate loses on every item of the subset, and on no other.
    lost = [(PASS, FAIL if item % 2 else PASS) for item in range(40)]
    report = compare_dimensions(arms([(1.0, 0.5)] * 40, lost), confidence=0.95)
    shown = shown_rows(report)
    assert [(each["dimension"], each["subset"]) for each in shown] == [
        ("panel", "all"), ("panel", "refunds"),
    ]  # fmt: skip
    assert shown_rows(None) == []
