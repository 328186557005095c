from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.errors import UnplannedLookError
from eval_pipeline.evaluation.comparison import (
    compare,
    items_for_power,
    losing_items,
)
from eval_pipeline.settings import GateSettings, least_items
from eval_pipeline.tables import REGRESSION_TRIALS

ONE_LOOK = GateSettings(looks=(), aggregate_tolerance=0.05)


def trials(
    baseline: Sequence[float | None],
    candidate: Sequence[float | None],
    *,
    subset: str = "refunds",
    clusters: Sequence[str] | None = None,
    prefix: str = "i",
    look: int = 1,
) -> pl.DataFrame:
    """One item per place; all in one subset, each its own cluster unless named."""
    size = len(baseline)
    ids = [f"{prefix}{number:05d}" for number in range(size)]
    rows = pl.concat(
        pl.DataFrame(
            {
                "arm": [arm] * size,
                "item_id": ids,
                "score": scores,
                "cluster_id": clusters or ids,
            },
            schema_overrides={"score": pl.Float64},
        )
        for arm, scores in (("baseline", list(baseline)), ("candidate", list(candidate)))
    )
    constants = {
        "system_id": "s", "trial": 1, "source": "golden" if look == 1 else "reserve",
        "look": look, "golden_version": 1, "scorer": "exact", "status": "answered", "attempts": 1,
    }  # fmt: skip
    return rows.with_columns(
        pl.lit([subset], dtype=pl.List(pl.String)).alias("subsets"),
        *(
            pl.lit(constants.get(name), dtype=dtype).alias(name)
            for name, dtype in REGRESSION_TRIALS.schema.items()
            if name not in {*rows.columns, "subsets"}
        ),
    ).select(list(REGRESSION_TRIALS.schema))


def row(report: pl.DataFrame, subset: str) -> dict[str, object]:
    return report.row(by_predicate=pl.col("subset") == subset, named=True)


def test_equal_answers_on_many_items_are_certified() -> None:
    # 200 ties, margin .05: T = sqrt(200 x .05 / .95) = 3.244, p = .0006
    found = row(compare(trials([1.0] * 200, [1.0] * 200), policy=ONE_LOOK), "refunds")
    assert found["state"] == "certified"
    assert found["p_noninferior"] == pytest.approx(0.00059, abs=1e-5)
    assert found["method"] == "tango"


def test_a_proven_loss_is_blocked() -> None:
    # 30 losses in 200: difference -.15, far below both -.05 and half of it
    candidate = [0.0] * 30 + [1.0] * 170
    found = row(compare(trials([1.0] * 200, candidate), policy=ONE_LOOK), "refunds")
    assert found["state"] == "blocked"
    assert found["difference"] == pytest.approx(-0.15)
    assert (found["wins"], found["losses"]) == (0, 30)


def test_a_proven_loss_within_the_tolerance_does_not_block() -> None:
    # 400 losses in 10,000: surely worse than -.025, yet -.04 is above -.05
    candidate = [0.0] * 400 + [1.0] * 9600
    found = row(compare(trials([1.0] * 10_000, candidate), policy=ONE_LOOK), "refunds")
    assert found["p_harm"] < 1e-6
    assert found["state"] == "certified"


def test_thirty_perfect_items_can_never_certify_five_points() -> None:
    # ln .05 / ln .95 = 58.4
    assert least_items(margin=0.05, alpha=0.05) == 59
    found = row(compare(trials([1.0] * 30, [1.0] * 30), policy=ONE_LOOK), "refunds")
    assert found["state"] == "infeasible"


@pytest.mark.parametrize(
    ("margin", "least"), [(0.01, 299), (0.02, 149), (0.03, 99), (0.08, 36), (0.10, 29)]
)
def test_the_hard_floor_is_that_of_the_method_of_record(margin: float, least: int) -> None:
    assert least_items(margin=margin, alpha=0.05) == least


@pytest.mark.parametrize(
    ("variance", "margin", "planned"), [(0.05, 0.05, 124), (0.05, 0.03, 344), (0.20, 0.10, 124)]
)
def test_planned_sizes_are_those_of_the_method_of_record(
    variance: float, margin: float, planned: int
) -> None:
    assert items_for_power(variance=variance, margin=margin, alpha=0.05) == planned


def test_what_the_reserve_could_still_settle_is_undecided() -> None:
    reserve = pl.DataFrame(
        {"interaction_id": [str(n) for n in range(500)], "subsets": [["refunds"]] * 500}
    )
    policy = GateSettings(looks=(400,))
    found = row(compare(trials([1.0] * 30, [1.0] * 30), policy=policy, reserve=reserve), "refunds")
    assert found["state"] == "undecided"
    # (2.2414... at .025 is 1.96, + .8416)^2 x .02 / .0025 = 62.8; the floor ln .025 / ln .95 is 72
    assert found["items_needed"] == 72


def test_what_many_items_left_open_is_planned_at_the_loss_that_was_seen() -> None:
    candidate = [0.0] * 16 + [1.0] * 384
    found = row(compare(trials([1.0] * 400, candidate), policy=ONE_LOOK), "refunds")
    assert (found["state"], found["difference"]) == ("undecided", -0.04)
    # (1.6449 + .8416)^2 x .0384 / .05^2 = 95 items, and there are 400: / (.05 - .04)^2 it is 2374.2
    assert found["items_needed"] == 2375


def test_few_clusters_are_infeasible_however_many_items_they_hold() -> None:
    clusters = [f"c{number % 9}" for number in range(300)]
    found = row(
        compare(trials([1.0] * 300, [1.0] * 300, clusters=clusters), policy=ONE_LOOK), "refunds"
    )
    assert (found["state"], found["clusters"]) == ("infeasible", 9)


def test_items_of_one_conversation_are_not_independent_proof() -> None:
    baseline, candidate = [1.0] * 120, [1.0] * 108 + [0.0] * 12
    alone = row(compare(trials(baseline, candidate), policy=ONE_LOOK), "refunds")
    clusters = [f"c{number // 12}" for number in range(120)]
    together = row(
        compare(trials(baseline, candidate, clusters=clusters), policy=ONE_LOOK), "refunds"
    )
    assert alone["state"] == "blocked"
    assert together["state"] == "undecided"
    assert together["method"] == "augmented_cr2_t"
    assert together["effective_items"] == pytest.approx(10)


def test_trials_of_an_item_are_averaged_inside_it_and_never_counted_as_items() -> None:
    once = trials([1.0] * 100, [0.0] * 50 + [1.0] * 50)
    again = once.with_columns(pl.lit(2, pl.Int64).alias("trial"))
    doubled = compare(pl.concat([once, again]), policy=ONE_LOOK)
    assert doubled.equals(compare(once, policy=ONE_LOOK))


def test_partial_scores_go_to_the_t_test() -> None:
    found = row(compare(trials([0.5] * 100, [0.5] * 100), policy=ONE_LOOK), "refunds")
    assert found["method"] == "augmented_cr2_t"
    assert found["difference"] == 0.0


def test_a_failed_call_is_missing_and_never_a_zero() -> None:
    found = row(compare(trials([1.0] * 100, [1.0] * 99 + [None]), policy=ONE_LOOK), "refunds")
    assert (found["items"], found["missing_baseline"], found["missing_candidate"]) == (99, 0, 1)
    assert found["difference"] == 0.0
    assert found["losses"] == 0


def test_certification_must_survive_the_worst_that_missing_items_hide() -> None:
    # 100 ties certify (p = .011), but with two of the hundred missing they may be two losses
    whole = row(compare(trials([1.0] * 100, [1.0] * 100), policy=ONE_LOOK), "refunds")
    holed = row(compare(trials([1.0] * 100, [1.0] * 98 + [None] * 2), policy=ONE_LOOK), "refunds")
    assert whole["state"] == "certified"
    assert holed["state"] == "undecided"
    assert holed["p_noninferior"] > 0.05


def test_a_block_must_survive_the_best_that_missing_items_hide() -> None:
    # 7 losses in 60 are blocked; eight more items without a score may all be wins
    baseline = [1.0] * 60 + [0.0] * 8
    lost = [0.0] * 7 + [1.0] * 53
    whole = compare(trials(baseline, lost + [0.0] * 8), policy=ONE_LOOK)
    holed = compare(trials(baseline, lost + [None] * 8), policy=ONE_LOOK)
    assert row(whole, "refunds")["state"] == "blocked"
    assert row(holed, "refunds")["state"] == "undecided"


def test_items_that_no_scorer_could_hold_against_a_reference_are_not_missing() -> None:
    frame = trials([1.0] * 100 + [None], [1.0] * 100 + [None]).with_columns(
        pl.when(pl.col("score").is_null()).then(pl.lit("no_reference")).alias("score_error")
    )
    found = row(compare(frame, policy=ONE_LOOK), "refunds")
    assert (found["items"], found["missing_candidate"]) == (100, 0)


def test_a_declared_subset_without_items_is_undecided() -> None:
    report = compare(
        trials([1.0] * 100, [1.0] * 100), policy=ONE_LOOK, subsets=("empty", "refunds")
    )
    found = row(report, "empty")
    assert (found["state"], found["items"], found["difference"]) == ("undecided", 0, None)


def test_the_aggregate_has_every_item_once_though_subsets_overlap() -> None:
    frame = trials([1.0] * 100, [1.0] * 100).with_columns(
        pl.lit(["angry", "refunds"]).alias("subsets")
    )
    report = compare(frame, policy=ONE_LOOK)
    assert report.select("subset", "items").rows() == [
        ("all", 100), ("angry", 100), ("refunds", 100)
    ]  # fmt: skip


def test_the_aggregate_keeps_to_the_mix_of_the_first_look() -> None:
    # first look: half refunds (no loss), half angry (no loss); then 300 more of angry, all lost.
    # .5 x 0 + .5 x (-300 / 350), where all items alike would give -300 / 400
    policy = GateSettings(looks=(400,))
    frame = pl.concat(
        [
            trials([1.0] * 50, [1.0] * 50, prefix="r"),
            trials([1.0] * 50, [1.0] * 50, prefix="a", subset="angry"),
            trials([1.0] * 300, [0.0] * 300, prefix="reserve-", subset="angry", look=2),
        ]
    )
    report = compare(frame, policy=policy)
    assert row(report, "all")["difference"] == pytest.approx(-150 / 350)
    assert row(report, "all")["method"] == "augmented_cr2_t"


def test_a_subset_certified_at_an_early_look_stays_so() -> None:
    policy = GateSettings(looks=(400,))
    frame = pl.concat(
        [
            trials([1.0] * 200, [1.0] * 200, prefix="r"),
            trials([1.0] * 300, [0.0] * 300, prefix="reserve-", look=2),
        ]
    )
    found = row(compare(frame, policy=policy), "refunds")
    assert (found["state"], found["looks"], found["items"]) == ("certified", 1, 200)


def test_each_look_spends_its_share_of_alpha() -> None:
    # 75 ties: p = sf(sqrt(75 x .05 / .95)) = .0235: below .05, above .05 / 4
    frame = trials([1.0] * 75, [1.0] * 75)
    assert row(compare(frame, policy=ONE_LOOK), "refunds")["state"] == "certified"
    assert row(compare(frame, policy=GateSettings()), "refunds")["state"] != "certified"


def test_a_look_that_was_not_declared_is_refused() -> None:
    frame = trials([1.0] * 10, [1.0] * 10, look=2)
    with pytest.raises(UnplannedLookError, match="declares 1"):
        compare(frame, policy=ONE_LOOK)


def test_the_largest_losses_are_named_first() -> None:
    frame = trials([1.0, 1.0, 1.0, 0.0], [0.5, 0.0, 1.0, 1.0])
    assert losing_items(frame, "refunds") == ["i00001", "i00000"]
    assert losing_items(frame, "refunds", limit=1) == ["i00001"]
    assert losing_items(frame, "all") == ["i00001", "i00000"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_swapping_the_arms_mirrors_the_differences_and_row_order_never_matters(seed: int) -> None:
    generator = np.random.default_rng(seed)
    baseline = generator.integers(0, 2, 60).astype(float).tolist()
    candidate = generator.integers(0, 2, 60).astype(float).tolist()
    frame = trials(baseline, candidate)
    forth = row(compare(frame, policy=ONE_LOOK), "refunds")
    back = row(compare(trials(candidate, baseline), policy=ONE_LOOK), "refunds")
    assert forth["difference"] == pytest.approx(-back["difference"])
    assert forth["lower"] == pytest.approx(-back["upper"], abs=1e-6)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed % 1000)
    assert compare(shuffled, policy=ONE_LOOK).equals(compare(frame, policy=ONE_LOOK))


def test_a_subset_s_figures_do_not_depend_on_the_subsets_compared_beside_it() -> None:
    generator = np.random.default_rng(3)
    frames = {
        name: trials(
            (generator.random(80) < 0.84).astype(float).tolist(),
            (generator.random(80) < 0.84).astype(float).tolist(),
            prefix=f"{name}-",
            subset=name,
        )
        for name in ("one", "two", "three")
    }
    together = compare(pl.concat(frames.values()), policy=ONE_LOOK)
    assert together.height == 4
    for name, frame in frames.items():
        alone = row(compare(frame, policy=ONE_LOOK), name)
        for figure in ("difference", "lower", "upper", "p_noninferior", "items", "method"):
            assert row(together, name)[figure] == alone[figure], (name, figure)
