"""Weights of items, the live traffic's shares, and what they leave out of a comparison."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.errors import TrialWeightError
from eval_pipeline.evaluation.aggregate_weights import with_cells
from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.pairs import pair_trials
from eval_pipeline.settings import GateSettings

ONE_LOOK = GateSettings(looks=(), aggregate_tolerance=0.05)


def trials(differences: list[float], *, names: list[list[str]] | None = None) -> pl.DataFrame:
    """A baseline that is right unless the candidate is better; items i000, i001 and so on."""
    size = len(differences)
    ids = [f"i{number:03d}" for number in range(size)]
    baseline = [0.0 if one > 0 else 1.0 for one in differences]
    candidate = [one + own for one, own in zip(differences, baseline, strict=True)]
    return pl.concat(
        pl.DataFrame(
            {
                "arm": arm, "item_id": ids, "trial": 1, "look": 1, "source": "golden",
                "cluster_id": ids, "subsets": names or [["refunds"]] * size, "score": scores,
                "score_error": pl.Series([None] * size, dtype=pl.String),
            }
        )
        for arm, scores in (("baseline", baseline), ("candidate", candidate))
    )  # fmt: skip


def weighed(frame: pl.DataFrame, weights: list[float | None]) -> pl.DataFrame:
    return frame.with_columns(weight=pl.Series([*weights, *weights], dtype=pl.Float64))


def row(report: pl.DataFrame, subset: str) -> dict[str, object]:
    return report.row(by_predicate=pl.col("subset") == subset, named=True)


def test_items_count_as_much_as_they_weigh() -> None:
    # 20 losses of weight 1 and 80 ties of weight 4: -20 / 340; n_eff = 340^2 / (20 + 80 x 16)
    frame = weighed(trials([-1.0] * 20 + [0.0] * 80), [1.0] * 20 + [4.0] * 80)
    found = row(compare(frame, policy=ONE_LOOK), "refunds")
    assert found["difference"] == pytest.approx(-20 / 340)
    assert found["effective_items"] == pytest.approx(340**2 / 1300)
    assert found["design_effect"] == pytest.approx(100 * 1300 / 340**2)
    assert found["method"] == "augmented_cr2_t"
    assert row(compare(frame, policy=ONE_LOOK), "all")["difference"] == found["difference"]


@pytest.mark.parametrize("weights", [[None] * 60, [2.5] * 60])
def test_no_weights_and_equal_ones_change_nothing(weights: list[float | None]) -> None:
    frame = trials([-1.0] * 5 + [0.0] * 55)
    plain = compare(frame, policy=ONE_LOOK)
    assert compare(weighed(frame, weights), policy=ONE_LOOK).equals(plain)
    assert row(plain, "refunds")["method"] == "tango"


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf"), None])
def test_weights_that_no_estimate_can_use_are_refused(bad: float | None) -> None:
    frame = weighed(trials([0.0] * 3), [1.0, 2.0, bad])
    with pytest.raises(TrialWeightError, match="1 items have no usable weight"):
        pair_trials(frame)


def test_an_item_without_weight_is_not_read() -> None:
    frame = weighed(trials([-1.0] + [0.0] * 60), [0.0] + [1.0] * 60)
    found = row(compare(frame, policy=ONE_LOOK), "refunds")
    assert (found["items"], found["losses"], found["difference"]) == (60, 0, 0.0)


def placed(frame: pl.DataFrame, shares: dict[str, float]) -> pl.DataFrame:
    """The first 40 items stand for 'web', the next 40 for 'app', any others for nothing."""
    cells = ["web"] * 40 + ["app"] * 40
    live = pl.DataFrame(
        {
            "item_id": [f"i{number:03d}" for number in range(80)],
            "cell": cells,
            "cell_share": [shares[cell] for cell in cells],
        }
    )
    empty = frame.with_columns(cell=pl.lit(None, pl.String), cell_share=pl.lit(None, pl.Float64))
    return with_cells(empty, live)


def test_the_aggregate_is_held_to_the_live_shares_and_subsets_are_not() -> None:
    # losses: 10 of 40 in web, none in app: .9 x -.25 live, -10 / 80 as drawn
    frame = trials([-1.0] * 10 + [0.0] * 70)
    report = compare(placed(frame, {"web": 0.9, "app": 0.1}), policy=ONE_LOOK)
    assert row(report, "all")["difference"] == pytest.approx(-0.225)
    assert row(report, "all")["uncovered"] == 0.0
    assert row(report, "refunds")["difference"] == pytest.approx(-0.125)
    assert row(report, "refunds")["uncovered"] is None


def test_what_no_item_stands_for_is_uncovered_and_the_rest_is_scaled_to_one() -> None:
    # .6 and .3 of the traffic: (.6 x -.25) / .9
    frame = trials([-1.0] * 10 + [0.0] * 70)
    found = row(compare(placed(frame, {"web": 0.6, "app": 0.3}), policy=ONE_LOOK), "all")
    assert found["uncovered"] == pytest.approx(0.1)
    assert found["difference"] == pytest.approx(-0.15 / 0.9)


def test_a_cell_whose_items_all_failed_is_uncovered() -> None:
    frame = trials([0.0] * 80).with_columns(
        score=pl.when(pl.col("item_id") >= "i040").then(None).otherwise("score")
    )
    found = row(compare(placed(frame, {"web": 0.9, "app": 0.1}), policy=ONE_LOOK), "all")
    assert found["uncovered"] == pytest.approx(0.1)
    assert found["items"] == 40


def test_items_of_no_live_cell_stand_for_no_traffic() -> None:
    frame = trials([0.0] * 80 + [-1.0] * 20)
    found = row(compare(placed(frame, {"web": 0.5, "app": 0.5}), policy=ONE_LOOK), "all")
    assert (found["items"], found["difference"]) == (80, 0.0)


def test_without_traffic_the_uncovered_share_is_not_known() -> None:
    assert row(compare(trials([0.0] * 80), policy=ONE_LOOK), "all")["uncovered"] is None


@pytest.mark.parametrize(
    ("web", "verdict", "told"),
    [(0.99, "pass", "says nothing of it"), (0.9, "inconclusive", "the policy accepts 2.0%")],
)
def test_nothing_passes_where_too_much_of_the_traffic_has_no_item(
    web: float, verdict: str, told: str
) -> None:
    cells = placed(trials([0.0] * 80), {"web": web - 0.5, "app": 0.5})
    frame = pl.concat(
        cells.with_columns(pl.col("item_id", "cluster_id") + suffix) for suffix in ("", "x", "y")
    )
    report = compare(frame, policy=ONE_LOOK)
    decision = decide(
        report,
        candidate_id="candidate",
        baseline_id="baseline",
        golden_version=1,
        policy=ONE_LOOK,
        evidence=Evidence(trials=frame, panel_scored=False),
    )
    assert decision.verdict == verdict
    assert any(told in reason for reason in decision.reasons)
    assert decision.aggregate.uncovered == pytest.approx(1 - web)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_weights_may_be_in_any_unit_and_rows_in_any_order(seed: int) -> None:
    generator = np.random.default_rng(seed)
    frame = trials(generator.choice([-1.0, 0.0, 0.0, 1.0], size=60).tolist())
    weights = generator.uniform(0.5, 5, size=60).tolist()
    found = row(compare(weighed(frame, weights), policy=ONE_LOOK), "refunds")
    scaled = weighed(frame, [1000 * one for one in weights])
    shuffled = scaled.sample(fraction=1, shuffle=True, seed=seed % 1000)
    again = row(compare(shuffled, policy=ONE_LOOK), "refunds")
    for figure in ("difference", "lower", "upper", "p_noninferior", "effective_items"):
        assert again[figure] == pytest.approx(found[figure], rel=1e-9)


def test_items_that_stand_in_the_same_subsets_are_one_combination_however_many_there_are() -> None:
    names = [[f"s{number:03d}"] for number in range(70)] + [["s000", "s069"], ["s069", "s000"]]
    pairs = pair_trials(trials([0.0] * 72, names=names))
    codes = pairs.combinations([f"s{number:03d}" for number in range(70)])
    assert codes[70] == codes[71]
    assert np.unique(codes).size == 71
    assert np.unique(pairs.combinations(["s000"])).size == 2
