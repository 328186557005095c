import datetime as dt

import numpy as np
import polars as pl
import pytest

from eval_pipeline.judging.refuter_quality import refuter_quality
from eval_pipeline.statistics.weighted_agreement import wilson
from eval_pipeline.tables import ADJUDICATIONS, REFUTATIONS

# finding, label, selection, label probability
Row = tuple[str | None, str | None, str, float]
WORKED: list[Row] = [
    ("refuted", "fail", "dispute", 0.5),
    ("refuted", "fail", "dispute", 0.5),
    ("refuted", "pass", "audit", 0.5),
    ("survived", "pass", "audit", 0.1),
    ("survived", "pass", "audit", 0.1),
    ("survived", "fail", "audit", 0.1),
    ("unproven", "fail", "audit", 0.1),
    ("survived", None, "audit", 0.1),
    (None, "fail", "audit", 0.1),
]


def refutations(rows: list[Row], refuter_id: str = "wolf-1", start: int = 0) -> pl.DataFrame:
    return REFUTATIONS.conform(
        pl.DataFrame(
            [
                {
                    "interaction_id": f"i{place:05}",
                    "refuter_id": refuter_id,
                    "finding": finding,
                    "status": "answered" if finding else "failed",
                    "attempts": 1,
                }
                for place, (finding, *_) in enumerate(rows, start)
            ],
            schema=REFUTATIONS.schema,
        )
    )


def labels(rows: list[Row], settled_by: str = "agreement", start: int = 0) -> pl.DataFrame:
    return ADJUDICATIONS.conform(
        pl.DataFrame(
            [
                {
                    "interaction_id": f"i{place:05}",
                    "task_id": f"t{place}",
                    "label": label,
                    "settled_by": settled_by,
                    "selection": selection,
                    "label_probability": probability,
                    "annotators": ["ann", "ben"],
                    "labels": [label, label],
                    "annotator_kind": "person",
                    "labelled_on": dt.date(2026, 11, 20),
                }
                for place, (_, label, selection, probability) in enumerate(rows, start)
                if label is not None
            ],
            schema=ADJUDICATIONS.schema,
        )
    )


def measured(frame: pl.DataFrame, measure: str, judge_id: str = "refuter") -> dict[str, object]:
    rows = frame.filter((pl.col("judge_id") == judge_id) & (pl.col("measure") == measure))
    return rows.row(0, named=True)


def test_precision_is_the_weighted_share_of_refuted_passes_that_people_fail() -> None:
    row = measured(refuter_quality(refutations(WORKED), labels(WORKED), weeks=4), "precision")
    # 2 of 3, of equal weight.
    assert row["value"] == pytest.approx(2 / 3)
    assert (row["lower"], row["upper"]) == pytest.approx(wilson(2 / 3, 3, confidence=0.95))
    assert (row["labelled"], row["weeks"]) == (3, 4)


def test_the_miss_rate_counts_what_survived_and_people_fail() -> None:
    row = measured(refuter_quality(refutations(WORKED), labels(WORKED), weeks=1), "miss_rate")
    # 1 of 3 labelled survivors; the unlabelled one and the failed call do not count.
    assert row["value"] == pytest.approx(1 / 3)
    assert row["labelled"] == 3


def test_recall_weighs_each_label_by_what_it_stands_for() -> None:
    row = measured(refuter_quality(refutations(WORKED), labels(WORKED), weeks=1), "recall")
    # Failing: two refuted of weight 2, one survived and one unproven of weight 10: 4 / 24.
    assert row["value"] == pytest.approx(4 / 24)
    # Kish's effective n is 24 squared over 2 times 4 plus 2 times 100: 576 / 208.
    assert (row["lower"], row["upper"]) == pytest.approx(wilson(4 / 24, 576 / 208, confidence=0.95))


def test_without_an_audit_nothing_is_said_of_what_survived() -> None:
    disputes = [row for row in WORKED if row[2] == "dispute"]
    found = refuter_quality(refutations(WORKED), labels(disputes), weeks=1)
    assert measured(found, "precision")["value"] == 1.0
    assert measured(found, "miss_rate")["value"] is None
    assert measured(found, "recall")["value"] is None


def test_labels_of_the_log_say_nothing_of_the_refuter() -> None:
    found = refuter_quality(refutations(WORKED), labels(WORKED, "outcome"), weeks=1)
    assert measured(found, "precision")["labelled"] == 0
    assert measured(found, "precision")["value"] is None


def test_two_models_have_rows_of_their_own() -> None:
    rows = pl.concat([refutations(WORKED), refutations(WORKED, "fox-1", start=20)])
    found = refuter_quality(rows, pl.concat([labels(WORKED), labels(WORKED, start=20)]), weeks=2)
    assert found["judge_id"].unique().sort().to_list() == [
        "refuter", "refuter:fox-1", "refuter:wolf-1",
    ]  # fmt: skip
    assert measured(found, "precision")["labelled"] == 6
    assert measured(found, "precision", "refuter:fox-1")["labelled"] == 3


def test_without_a_refuter_there_is_no_row() -> None:
    assert refuter_quality(REFUTATIONS.empty(), labels(WORKED), weeks=1).is_empty()


def test_the_intervals_cover_at_their_level_under_unequal_probabilities() -> None:
    # 150 draws of 600 attacked passes: precision .8, miss rate .1, labels with chance .6 and .15.
    draws = np.random.default_rng(20261116)
    covered = {"precision": 0, "miss_rate": 0}
    for _ in range(150):
        rows: list[Row] = []
        for _ in range(600):
            refuted = draws.random() < 0.2
            fails = draws.random() < (0.8 if refuted else 0.1)
            chance = 0.6 if refuted else 0.15
            if draws.random() < chance:
                finding = "refuted" if refuted else "survived"
                selection = "dispute" if refuted else "audit"
                rows.append((finding, "fail" if fails else "pass", selection, chance))
        found = refuter_quality(refutations(rows), labels(rows), weeks=1)
        for measure, truth in (("precision", 0.8), ("miss_rate", 0.1)):
            row = measured(found, measure)
            covered[measure] += float(str(row["lower"])) <= truth <= float(str(row["upper"]))
    # Nominal .95; three standard errors of 150 draws are .053.
    assert all(count / 150 > 0.95 - 0.053 for count in covered.values())
