import polars as pl
import pytest

from eval_pipeline.review.overrulings import (
    LABELLED_SCHEMA,
    Overruling,
    overrulings,
    recurring_cells,
)

KIND = ("kind", "orders", "edge")


def labelled(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    """Week, the panel's verdict, the label, its probability; all of one cell."""
    return pl.DataFrame(
        [
            {
                "week": week,
                "route": "orders",
                "kind": "edge",
                "subsets": ["risky"],
                "reason": "unanimous",
                "panel_verdict": verdict,
                "label": label,
                "label_probability": probability,
            }
            for week, verdict, label, probability in rows
        ],
        schema=LABELLED_SCHEMA,
    )


def test_each_label_stands_for_as_many_verdicts_as_its_chance_says() -> None:
    # weights 4 and 1: 4 of 5 overruled; Kish (4 + 1)^2 / (16 + 1) = 25/17
    found = overrulings(
        labelled(("w1", "pass", "fail", 0.25), ("w1", "pass", "pass", 1.0)), weeks=4
    )
    assert found == {
        KIND: Overruling(pytest.approx(0.8), pytest.approx(25 / 17), 1),
        ("subset", "risky", "unanimous"): Overruling(pytest.approx(0.8), pytest.approx(25 / 17), 1),
    }


@pytest.mark.parametrize(("overruled", "recurs"), [("w2 w3", False), ("w2 w3 w5", True)])
def test_three_of_the_last_four_weeks_with_labels_recur(overruled, recurs) -> None:
    weeks = ["w1", "w2", "w3", "w4", "w5"]
    rows = labelled(
        *((week, "pass", "fail" if week in overruled else "pass", 0.5) for week in weeks)
    )
    found = overrulings(rows, weeks=4)
    assert (KIND in recurring_cells(found, at_least=3)) is recurs


def test_what_was_overruled_longer_ago_is_over() -> None:
    rows = labelled(
        *((week, "pass", "fail", 0.5) for week in ("w1", "w2", "w3")),
        *((week, "pass", "pass", 0.5) for week in ("w4", "w5")),
    )
    assert recurring_cells(overrulings(rows, weeks=4), at_least=3) == frozenset()


def test_without_labels_nothing_recurs() -> None:
    assert overrulings(labelled(), weeks=4) == {}
