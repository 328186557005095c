import datetime as dt

import numpy as np
import polars as pl
import pytest

from eval_pipeline.judging.calibration import calibrate
from eval_pipeline.statistics.weighted_agreement import share_interval
from eval_pipeline.tables import ADJUDICATIONS, PANEL_VERDICTS, VERDICTS

Z = 1.959964


def verdicts(judge_id: str, given: list[str | None], rubric_id: str = "general@0") -> pl.DataFrame:
    rows = [
        {
            "interaction_id": f"i{item:04}",
            "judge_id": judge_id,
            "rubric_id": rubric_id,
            "family": "strix",
            "order": "single",
            "verdict": verdict,
            "status": "answered" if verdict else "failed",
            "attempts": 1,
        }
        for item, verdict in enumerate(given)
    ]
    return VERDICTS.conform(pl.DataFrame(rows, schema=VERDICTS.schema))


def panel(given: list[str | None]) -> pl.DataFrame:
    rows = [
        {
            "interaction_id": f"i{item:04}",
            "panel_verdict": verdict,
            "reason": "unanimous" if verdict else "split",
            "judges": 2, "passes": 0, "fails": 0, "abstentions": 0, "missing": 0,
        }
        for item, verdict in enumerate(given)
    ]  # fmt: skip
    return PANEL_VERDICTS.conform(pl.DataFrame(rows, schema=PANEL_VERDICTS.schema))


def settled(
    labels: list[str | None],
    *,
    probabilities: list[float] | None = None,
    selections: list[str] | None = None,
    pairs: list[list[str]] | None = None,
    settled_by: str = "agreement",
) -> pl.DataFrame:
    rows = [
        {
            "interaction_id": f"i{item:04}",
            "task_id": f"t{item}",
            "label": label,
            "settled_by": settled_by,
            "selection": selections[item] if selections else "audit",
            "label_probability": probabilities[item] if probabilities else 0.5,
            "annotators": ["ann", "ben"],
            "labels": pairs[item] if pairs else [label, label],
            "annotator_kind": "person",
            "labelled_on": dt.date(2026, 11, 20),
        }
        for item, label in enumerate(labels)
        if label is not None
    ]
    return ADJUDICATIONS.conform(pl.DataFrame(rows, schema=ADJUDICATIONS.schema))


def measure(frame: pl.DataFrame, judge_id: str, name: str) -> dict[str, object]:
    rows = frame.filter((pl.col("judge_id") == judge_id) & (pl.col("measure") == name))
    return rows.row(0, named=True)


def calibrated(given: list[str | None], adjudications: pl.DataFrame) -> pl.DataFrame:
    return calibrate(verdicts("owl", given), panel(given), adjudications, weeks=3, resamples=200)


def test_equal_weights_give_the_plain_share_with_wilsons_interval() -> None:
    labels = ["pass"] * 8 + ["fail"] * 2
    given = ["pass"] * 7 + ["fail"] * 3
    row = measure(calibrated(given, settled(labels)), "owl", "agreement")
    # 9 of 10; Wilson: centre (.9 + z2/20) / (1 + z2/10), half z*sqrt(.09/10 + z2/400)/(1 + z2/10)
    z2 = Z**2
    half = Z * (0.9 * 0.1 / 10 + z2 / 400) ** 0.5 / (1 + z2 / 10)
    centre = (0.9 + z2 / 20) / (1 + z2 / 10)
    assert row["value"] == pytest.approx(0.9)
    assert row["lower"] == pytest.approx(centre - half, abs=1e-6)
    assert row["upper"] == pytest.approx(centre + half, abs=1e-6)
    assert (row["labelled"], row["weeks"], row["rubric_id"]) == (10, 3, "general@0")


def test_each_label_weighs_one_over_its_probability() -> None:
    # Two audit rows at 1/4 that agree, two disputes at 1/2 that do not: (4+4) / (4+4+2+2) = 2/3;
    # effective n = 12^2 / (16+16+4+4) = 3.6
    frame = calibrated(
        ["pass", "fail", "pass", "fail"],
        settled(
            ["pass", "fail", "fail", "pass"],
            probabilities=[0.25, 0.25, 0.5, 0.5],
            selections=["audit", "audit", "dispute", "dispute"],
        ),
    )
    row = measure(frame, "owl", "agreement")
    z2, share, n = Z**2, 2 / 3, 3.6
    half = Z * (share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5 / (1 + z2 / n)
    assert row["value"] == pytest.approx(2 / 3)
    assert row["upper"] - row["lower"] == pytest.approx(2 * half, abs=1e-6)


def test_chance_corrected_measures_match_a_table_worked_by_hand() -> None:
    # 20 both pass, 5 judge only, 10 label only, 15 both fail: kappa .4 (po .7, pe .5);
    # AC1: prevalence (20 + 7.5)/50 = .55, pe = 2*.55*.45 = .495, (.7-.495)/.505;
    # alpha: 55 passes and 45 fails of 100 values: 1 - .3 / (2*55*45 / (100*99)) = .4
    given = ["pass"] * 25 + ["fail"] * 25
    labels = ["pass"] * 20 + ["fail"] * 5 + ["pass"] * 10 + ["fail"] * 15
    frame = calibrated(given, settled(labels))
    assert measure(frame, "owl", "kappa")["value"] == pytest.approx(0.4)
    assert measure(frame, "owl", "ac1")["value"] == pytest.approx((0.7 - 0.495) / 0.505)
    assert measure(frame, "owl", "alpha")["value"] == pytest.approx(
        1 - 0.3 / (2 * 55 * 45 / (100 * 99))
    )
    for name in ("kappa", "ac1", "alpha"):
        row = measure(frame, "owl", name)
        assert row["lower"] < row["value"] < row["upper"]


def test_sensitivity_and_specificity_count_their_own_class() -> None:
    # Of 8 labelled pass the judge passes 6; of 2 labelled fail it fails 1.
    given = ["pass"] * 6 + ["fail"] * 2 + ["pass", "fail"]
    frame = calibrated(given, settled(["pass"] * 8 + ["fail"] * 2))
    sensitivity, specificity = (
        measure(frame, "owl", name) for name in ("sensitivity", "specificity")
    )
    assert (sensitivity["value"], sensitivity["labelled"]) == (pytest.approx(0.75), 8)
    assert (specificity["value"], specificity["labelled"]) == (pytest.approx(0.5), 2)


def test_abstentions_and_failed_calls_are_not_disagreement() -> None:
    row = measure(
        calibrated(["pass", "abstain", None], settled(["pass", "pass", "fail"])), "owl", "agreement"
    )
    assert (row["value"], row["labelled"]) == (1.0, 1)


def test_the_panel_counts_where_it_spoke() -> None:
    frame = calibrate(
        verdicts("owl", ["pass", "pass", "pass"]),
        panel(["pass", None, "fail"]),
        settled(["pass", "pass", "pass"]),
        weeks=1,
        resamples=50,
    )
    row = measure(frame, "panel", "agreement")
    assert (row["value"], row["labelled"]) == (pytest.approx(0.5), 2)


def test_people_are_set_against_each_other_without_classes() -> None:
    labels = ["pass", "pass", "fail", "fail"]
    pairs = [["pass", "pass"], ["pass", "fail"], ["fail", "fail"], ["cannot_tell", "fail"]]
    frame = calibrated(["pass"] * 4, settled(labels, pairs=pairs))
    row = measure(frame, "people", "agreement")
    assert (row["value"], row["labelled"], row["rubric_id"]) == (pytest.approx(2 / 3), 3, None)
    # 3 passes, 3 fails of 6 values, 1 disagreement in 3: 1 - (1/3) / (2*3*3 / (6*5)) = 4/9
    assert measure(frame, "people", "alpha")["value"] == pytest.approx(4 / 9)
    assert frame.filter(
        (pl.col("judge_id") == "people") & pl.col("measure").is_in(["sensitivity", "specificity"])
    ).is_empty()


def test_a_queue_of_disputes_alone_calibrates_nobody() -> None:
    adjudications = settled(["pass", "fail"], selections=["dispute", "dispute"])
    frame = calibrated(["pass", "pass"], adjudications)
    assert frame["value"].null_count() == frame.height
    assert measure(frame, "owl", "agreement")["labelled"] == 2


def test_labels_of_the_log_are_not_peoples() -> None:
    frame = calibrated(["pass"], settled(["pass"], settled_by="recorded"))
    assert frame["labelled"].to_list() == [0] * frame.height
    assert frame["value"].null_count() == frame.height


def test_without_variation_kappa_is_null_and_ac1_is_not() -> None:
    frame = calibrated(["pass"] * 4, settled(["pass"] * 4))
    assert measure(frame, "owl", "kappa")["value"] is None
    assert measure(frame, "owl", "kappa")["labelled"] == 4
    assert measure(frame, "owl", "specificity")["value"] is None
    # Wilson's lower bound at 4 of 4 is n / (n + z^2); chance is 0 where all say pass.
    assert measure(frame, "owl", "ac1")["lower"] == pytest.approx(4 / (4 + Z**2), abs=1e-6)


def test_a_judge_with_several_rubrics_has_none_in_particular() -> None:
    both = pl.concat(
        [
            verdicts("owl", ["pass"], rubric_id="a@0"),
            verdicts("owl", ["pass", "fail"], rubric_id="b@0").filter(
                pl.col("interaction_id") == "i0001"
            ),
        ]
    )
    frame = calibrate(both, panel(["pass"]), settled(["pass", "fail"]), weeks=1, resamples=50)
    assert measure(frame, "owl", "agreement")["rubric_id"] is None


def test_no_labels_yet_is_an_answer_too() -> None:
    frame = calibrate(VERDICTS.empty(), PANEL_VERDICTS.empty(), ADJUDICATIONS.empty(), weeks=0)
    assert frame["judge_id"].unique().sort().to_list() == ["panel", "people"]
    assert frame["labelled"].to_list() == [0] * frame.height


def test_equal_inputs_give_equal_bytes() -> None:
    given = ["pass"] * 25 + ["fail"] * 25
    adjudications = settled(["pass"] * 20 + ["fail"] * 30)
    first = calibrated(given, adjudications)
    assert first.equals(calibrated(given, adjudications.reverse()))


def test_weights_undo_the_queue_that_would_slander_the_judge() -> None:
    # 2000 judged, seed 5. The judge is right on 90 % of 1700 undisputed and on 50 % of 300
    # disputed: .9*.85 + .5*.15 = .84 overall. Labelled: disputes with .5, all with .1 besides.
    rng = np.random.default_rng(5)
    disputed = np.arange(2000) < 300
    label = rng.random(2000) < 0.7
    right = rng.random(2000) < np.where(disputed, 0.5, 0.9)
    probability = np.where(disputed, 1 - 0.9 * 0.5, 0.1)
    drawn = rng.random(2000) < probability
    words = np.array(["fail", "pass"])
    adjudications = settled(
        [
            str(words[int(value)]) if taken else None
            for value, taken in zip(label, drawn, strict=True)
        ],
        probabilities=probability.tolist(),
    )
    frame = calibrated([str(words[int(value)]) for value in label == right], adjudications)
    row = measure(frame, "owl", "agreement")
    unweighted = right[drawn].mean()
    assert unweighted < 0.75
    assert row["value"] == pytest.approx(right.mean(), abs=0.04)
    assert row["lower"] < 0.84 < row["upper"]


@pytest.mark.parametrize("drawn", [(16, 16), (48, 16)])
def test_the_weighted_interval_covers_the_truth(drawn: tuple[int, int]) -> None:
    # 1000 judged, 200 of them disputed; right with .95 and .60: .95*.8 + .60*.2 = .88. Audit and
    # queue draw 16 or 48 of the 800 and 16 of the 200. 2000 worlds, seed 7; nominal .95, the
    # simulation's own error .005.
    rng = np.random.default_rng(7)
    undisputed, disputed = drawn
    weight = np.repeat([800 / undisputed, 200 / disputed], [undisputed, disputed])
    chance = np.repeat([0.95, 0.60], [undisputed, disputed])
    covered = 0
    for _ in range(2000):
        interval = share_interval(rng.random(len(weight)) < chance, weight, confidence=0.95)
        covered += interval.lower <= 0.88 <= interval.upper
    assert 0.94 <= covered / 2000 <= 0.995
