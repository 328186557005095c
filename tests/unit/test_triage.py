"""From a candidate's trials to slices, modes and items asked again, on a world made by hand."""

from typing import Any

import polars as pl
import pytest

from eval_pipeline.evaluation.triage.failing import failing_items
from eval_pipeline.evaluation.triage.items import (
    Known,
    first_to_ask,
    item_differences,
    slice_members,
)
from eval_pipeline.evaluation.triage.report import failure_triage
from eval_pipeline.reports import triage as told
from eval_pipeline.settings import TriageSettings
from eval_pipeline.tables import FAILURE_TRIAGE, REGRESSION_TRIALS

KNOWN = Known(weights={}, topics={}, labels={}, kinds={"refunds": "edge"})
EARLIER = pl.DataFrame(schema={**FAILURE_TRIAGE.schema, "candidate": pl.String})


def trials(*rows: dict[str, Any]) -> pl.DataFrame:
    """Each row an item with its two scores; what it leaves out is as it usually is."""
    made = []
    for row in rows:
        scores = {arm: row[arm] for arm in ("baseline", "candidate")}
        usual = {
            "system_id": "s", "trial": 1, "source": "golden", "look": 1, "golden_version": 4,
            "route": "shop", "subsets": [], "cluster_id": row["item_id"], "scorer": "panel",
            "status": "answered", "attempts": 1, "cost_usd": 0.01,
        }  # fmt: skip
        rest = {key: value for key, value in row.items() if key not in scores}
        made += [{**usual, **rest, "arm": arm, "score": score} for arm, score in scores.items()]
    return REGRESSION_TRIALS.conform(pl.DataFrame(made, schema=REGRESSION_TRIALS.schema))


def lost(count: int, prefix: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"item_id": f"{prefix}{at:03}", "baseline": 1.0, "candidate": 0.0, **more}
        for at in range(count)
    ]


def level(count: int, prefix: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"item_id": f"{prefix}{at:03}", "baseline": 1.0, "candidate": 1.0, **more}
        for at in range(count)
    ]


WORLD = trials(
    *lost(12, "bad", subsets=["refunds"]),
    *level(8, "fine", subsets=["refunds"]),
    *level(60, "rest", route="orders"),
    *lost(10, "new", subsets=["refunds"], look=2, source="reserve"),
    *lost(2, "synthetic", subsets=["synthetic_adversarial"], source="synthetic"),
)
NOTHING_AGAIN = failing_items(
    item_differences(WORLD, KNOWN), REGRESSION_TRIALS.empty(), earlier={}, policy=TriageSettings()
)


def triaged(
    world: pl.DataFrame = WORLD,
    *,
    failing: pl.DataFrame = NOTHING_AGAIN,
    earlier: pl.DataFrame = EARLIER,
    known: Known = KNOWN,
    **policy: Any,
) -> pl.DataFrame:
    return failure_triage(
        item_differences(world, known),
        failing,
        earlier,
        candidate_id="steady",
        golden_version=4,
        notes={"refunds": "A wrong window costs the product."},
        policy=TriageSettings(permutations=400, **policy),
        confidence=0.95,
    )


def row(frame: pl.DataFrame, about: str, name: str) -> dict[str, Any]:
    return frame.row(by_predicate=(pl.col("about") == about) & (pl.col("name") == name), named=True)


def test_an_item_s_difference_keeps_its_attributes_and_its_weight():
    known = Known(
        weights={"a": 0.3, "b": 0.1}, topics={"a": "late parcels"},
        labels={"a": ("refunds",)}, kinds={"refunds": "edge"},
    )  # fmt: skip
    rows = trials(
        {"item_id": "a", "baseline": 1.0, "candidate": 0.5, "subsets": ["refunds"]},
        {"item_id": "b", "baseline": 0.0, "candidate": 1.0},
        {"item_id": "c", "baseline": None, "candidate": 1.0},
        {"item_id": "d", "baseline": 1.0, "candidate": 1.0},
        {"item_id": "e", "baseline": 1.0, "candidate": 1.0, "source": "synthetic"},
    )
    items = item_differences(rows, known)
    assert items["item_id"].to_list() == ["a", "b", "d", "e"]
    assert items["difference"].to_list() == [-0.5, 1.0, 0.0, 0.0]
    assert items["weight"].to_list() == pytest.approx([1.5, 0.5, 1.0, 0.0])
    assert items["kind"].to_list() == ["edge", "typical", "typical", "typical"]
    assert items["topic"].to_list() == ["late parcels", None, None, None]


def test_blocked_subsets_are_asked_first_then_what_costs_most():
    items = item_differences(WORLD, KNOWN)
    first = first_to_ask(items, blocked=["refunds"], maximum=18)
    assert first[:2] == ["bad000", "bad001"]
    assert {name[:3] for name in first} == {"bad", "new"}
    assert first_to_ask(items, blocked=[], maximum=0) == []


def test_slices_are_the_declared_attributes_largest_first_and_never_everything():
    items = item_differences(WORLD, KNOWN)
    members = slice_members(items, ("route", "subset", "kind"), maximum=40)
    assert sorted(members) == [
        ("kind", "edge"), ("kind", "typical"), ("route", "orders"), ("route", "shop"),
        ("subset", "refunds"),
    ]  # fmt: skip
    assert int(members["subset", "refunds"].sum()) == 30
    assert sorted(slice_members(items, ("route",), maximum=1)) == [("route", "orders")]


def test_a_slice_that_lost_is_systematic_and_confirmed_on_fresh_items():
    refunds = row(triaged().filter(pl.col("attribute") == "subset"), "slice", "refunds")
    assert (refunds["finding"], refunds["confirmation"]) == ("named", "confirmed")
    assert (refunds["items"], refunds["losses"], refunds["fresh_items"]) == (30, 22, 10)
    assert refunds["difference"] == pytest.approx(-22 / 30)
    assert refunds["upper"] < 0
    assert refunds["note"] == "A wrong window costs the product."
    orders = row(triaged(), "slice", "orders")
    assert (orders["finding"], orders["p_value"]) == ("too_small", None)


def test_without_top_ups_there_is_nothing_to_confirm_with():
    alone = triaged(WORLD.filter(pl.col("look") == 1))
    refunds = row(alone.filter(pl.col("attribute") == "subset"), "slice", "refunds")
    assert (refunds["confirmation"], refunds["fresh_p_value"]) == ("no_fresh_items", None)


def test_what_keeps_losing_over_candidates_is_systematic():
    before = triaged(WORLD.filter(~pl.col("item_id").str.starts_with("new")))
    history = pl.concat(
        before.with_columns(candidate=pl.lit(name)) for name in ("first", "second", "steady")
    )
    again = row(triaged(earlier=history), "slice", "edge")
    once = row(triaged(), "slice", "edge")
    # The candidate's own earlier triage is the same evidence, not more of it.
    assert (once["candidates"], again["candidates"]) == (1, 3)
    assert again["e_product"] == pytest.approx(once["e_value"] ** 3)
    assert again["recurrence"] == "systematic"
    later = history.with_columns(pl.lit(9, dtype=pl.Int64).alias("golden_version"))
    assert row(triaged(earlier=later), "slice", "edge")["candidates"] == 1


def test_modes_are_ranked_by_what_they_take_from_the_whole_score():
    known = Known(
        weights={}, topics={"bad000": "late parcels"}, labels={"bad001": ("refunds",)}, kinds={}
    )
    modes = triaged(known=known).filter(pl.col("about") == "mode").sort("rank")
    named = modes.select("attribute", "name", "losses").rows()
    assert named == [
        ("subset", "refunds", 22), ("label", "refunds", 1), ("topic", "late parcels", 1),
        ("subset", "synthetic_adversarial", 2),
    ]  # fmt: skip
    # 22 of 90 items of weight 1; the two synthetic ones weigh nothing.
    assert modes["cost_points"].to_list() == pytest.approx([22 / 90, 1 / 90, 1 / 90, 0])
    assert modes["cost_usd"][0] == pytest.approx(0.22)


def again(scores: dict[str, list[tuple[float | None, float | None]]]) -> pl.DataFrame:
    rows = [
        {"item_id": item, "trial": repeat, "baseline": pair[0], "candidate": pair[1]}
        for item, pairs in scores.items()
        for repeat, pair in enumerate(pairs, start=1)
    ]
    return pl.concat([REGRESSION_TRIALS.empty(), *(trials(one) for one in rows)])


def test_a_lost_item_is_reproduced_flaky_or_not_lost_again():
    found = failing_items(
        item_differences(WORLD, KNOWN),
        again(
            {
                "bad000": [(1.0, 0.0)] * 3,
                "bad001": [(1.0, 0.0), (1.0, 1.0), (1.0, 0.0)],
                "bad002": [(1.0, 1.0)] * 3,
                "bad003": [(None, 0.0)] * 3,
                "bad004": [(1.0, 0.0)] * 3,
            }
        ),
        # The baseline flips on it week by week: 1 0 1 0 and four times 1 in all.
        earlier={"bad004": [1.0, 0.0, 1.0, 0.0]},
        policy=TriageSettings(),
    )
    outcomes = dict(found.select("item_id", "finding").iter_rows())
    assert outcomes == {
        "bad000": "reproduced", "bad001": "flaky", "bad002": "not_reproduced",
        "bad003": "not_measured", "bad004": "flaky",
    }  # fmt: skip
    counted = found.select("lost_again", "compared").rows()
    assert counted == [(3, 3), (2, 3), (0, 3), (0, 0), (3, 3)]
    assert found["baseline_runs"].to_list() == [4, 4, 4, 1, 8]
    assert found["cost_usd"][0] == pytest.approx(0.06)


def test_a_recorded_baseline_stands_beside_every_repeat():
    only = again({"bad000": [(1.0, 0.0)] * 3}).filter(pl.col("arm") == "candidate")
    found = failing_items(item_differences(WORLD, KNOWN), only, earlier={}, policy=TriageSettings())
    assert found.select("lost_again", "compared", "finding").row(0) == (3, 3, "reproduced")


def test_flaky_items_are_left_out_of_what_a_mode_costs_and_stay_in_the_estimate():
    failing = failing_items(
        item_differences(WORLD, KNOWN),
        again({"bad000": [(1.0, 0.0), (1.0, 1.0)], "bad001": [(1.0, 0.0)] * 2}),
        earlier={},
        policy=TriageSettings(),
    )
    mode = row(triaged(failing=failing), "mode", "refunds")
    assert mode["cost_points"] == pytest.approx(21 / 90)
    assert (mode["losses"], mode["reproduced"], mode["flaky"]) == (22, 1, 1)
    assert mode["finding"] == "reproduced"


def test_the_sentences_say_systematic_or_noise():
    sentences = told.sentences(triaged())
    named = [each for each in sentences if each.startswith("systematic: subset 'refunds' lost 22")]
    assert "confirmed on 10 fresh items" in named[0]
    assert told.sentences(None) == []
    level_only = triaged(trials(*level(30, "a"), *level(30, "b", route="orders")))
    assert told.sentences(level_only)[0].endswith("to be tested.")
    assert told.modes_in_words(level_only).is_empty()
    assert told.item_rows(None) == []


def test_a_loss_that_chance_explains_is_noise():
    won = [
        {**one, "baseline": 0.0, "candidate": 1.0} for one in lost(5, "won", subsets=["refunds"])
    ]
    noise = triaged(trials(*lost(6, "bad", subsets=["refunds"]), *won, *level(40, "b")))
    assert any(each.startswith("noise: ") for each in told.sentences(noise))


def test_the_same_inputs_give_the_same_rows():
    assert triaged().equals(triaged())
