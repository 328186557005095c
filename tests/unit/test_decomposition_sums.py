"""The parts of a change: the documented example by hand, any case's sum, and what is left out."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.evaluation.decomposition.report import decompose
from eval_pipeline.evaluation.decomposition.sums import COMPONENTS
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import DRIFT_TRIALS, STRATIFIED_INTERACTIONS

OLD, NEW = 1, 2
PARTS = [name for name in COMPONENTS if name != "total"]


def trial(item: str, score: float | None, **more: Any) -> dict[str, Any]:
    return {
        "system_id": "steady", "item_id": item, "item_revision": 1, "stream": "rerun", "trial": 1,
        "golden_versions": [OLD, NEW], "route": "orders", "subsets": ["refunds"],
        "conversation_key": f"c-{item}", "scorer": "exact", "score": score, "status": "answered",
        "attempts": 1, **more,
    }  # fmt: skip


def trials(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=DRIFT_TRIALS.schema)


def traffic(**conversations: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "interaction_id": f"{route}{number}", "conversation_key": f"k-{route}{number}",
                "route": route, "selection": "sample", "subsets": ["refunds"], "design_weight": 2.0,
            }
            for route, count in conversations.items()
            for number in range(count)
        ],
        schema=STRATIFIED_INTERACTIONS.schema,
    )  # fmt: skip


def parts_of(
    now: list[dict[str, Any]],
    then: list[dict[str, Any]] | None,
    *,
    weeks: tuple[pl.DataFrame | None, pl.DataFrame],
    version: int = OLD,
) -> dict[str, dict[str, Any]]:
    report = decompose(
        trials(now),
        reference_trials=None if then is None else trials(then),
        traffic=weeks[1],
        reference_traffic=weeks[0],
        reference_week=None if then is None else "2026-11-09",
        system_id="steady",
        systems=1,
        policy=DriftSettings(),
    )
    own = report.filter((pl.col("subset") == "all") & (pl.col("golden_version") == version))
    return {row["component"]: row for row in own.to_dicts()}


def example() -> dict[str, dict[str, Any]]:
    """The documentation's: then, frozen answer now, new answer now, per item of the old version."""
    cells = {
        "orders": [(1, 0, 0), (1, 1, 0), (1, 1, 1), (0, 0, 0)],
        "hours": [(1, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1)],
        "returns": [(1, 1, 1), (0, 0, 0)],
    }
    then, now = [], []
    for route, rows in cells.items():
        for number, (before, frozen, new) in enumerate(rows):
            own = {"route": route, "scorer": "exact" if route == "orders" else "panel"}
            own["golden_versions"] = [OLD] if route == "returns" else [OLD, NEW]
            item = f"{route}{number}"
            then.append(trial(item, before, **own))
            own["item_revision"] = 2 if item == "orders0" else 1
            now.append(trial(item, frozen, stream="rejudged", **own))
            now.append(trial(item, new, **own))
    came = {"golden_versions": [NEW], "scorer": "panel"}
    now += [trial("hours4", 0, route="hours", **came)]
    now += [trial(f"vouchers{number}", 1, route="vouchers", **came) for number in range(2)]
    weeks = traffic(orders=50, hours=40, returns=10), traffic(orders=40, hours=40, vouchers=20)
    return parts_of(now, then, weeks=weeks)


def test_the_example_of_the_documentation_by_hand() -> None:
    found = example()
    assert {name: row["difference"] for name, row in found.items()} == pytest.approx(
        {
            # orders0's new reference makes its old answer wrong: .5 x -1/4
            "truth": -0.125,
            # hours0's old answer is judged worse now: .4 x -1/4
            "judge": -0.1,
            # orders1's new answer is worse: .5 x -1/4
            "provider": -0.125,
            # hours is .75 on the old items and .6 with the one that came: (4/9 + 1/2) / 2 x -.15
            "within": -17 / 36 * 0.15,
            # orders loses 1/18 of the common traffic to hours: 1/18 x ((.75 + .6) / 2 - .25)
            "mix": 0.425 / 18,
            # vouchers: .2 x (1 - .425)
            "entry": 0.115,
            # returns: -.1 x (.5 - 4.25 / 9)
            "exit": -0.1 * 0.25 / 9,
            # .54 - .825
            "total": -0.285,
        }
    )
    assert found["truth"]["before"] == pytest.approx(0.825)
    assert found["exit"]["after"] == pytest.approx(0.54)
    assert (found["total"]["before"], found["total"]["after"]) == pytest.approx((0.825, 0.54))


SCORES = st.one_of(st.none(), st.floats(0, 1))
ITEMS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),  # route
        st.integers(0, 4),  # conversation
        st.sampled_from([(OLD,), (NEW,), (OLD, NEW)]),
        st.tuples(SCORES, SCORES, SCORES),
        st.booleans(),  # revised since
        st.sampled_from(["exact", "panel"]),
    ),
    min_size=1,
    max_size=14,
)
WEEK = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 30))


@settings(max_examples=60, deadline=None)
@given(ITEMS, WEEK, WEEK)
def test_what_was_measured_sums_to_the_total_in_any_case(items, before, now) -> None:
    then, today = [], []
    for number, (route, key, versions, cells, revised, scorer) in enumerate(items):
        own = {"route": route, "conversation_key": f"c{key}", "scorer": scorer}
        name = f"i{number:02d}"
        if OLD in versions:
            then.append(trial(name, cells[0], golden_versions=[OLD], **own))
        own |= {"golden_versions": list(versions), "item_revision": 1 + revised}
        today.append(trial(name, cells[1], stream="rejudged", **own))
        today.append(trial(name, cells[2], **own))
    found = parts_of(today, then, weeks=(traffic(**before), traffic(**now)))
    if not found:
        return
    measured = [
        found[name]["difference"] for name in PARTS if found[name]["difference"] is not None
    ]
    assert found["total"]["difference"] == pytest.approx(sum(measured), abs=1e-12) or not measured
    for name in COMPONENTS:
        row = found[name]
        assert (row["finding"] == "not_measured") == (row["difference"] is None)
        assert row["difference"] is not None or row["note"]
        if row["difference"] is not None and name != "total":
            assert -1 <= row["lower"] <= row["upper"] <= 1


def steady(count: int, **more: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Items that all scored 1 then, frozen and now: the reference's rows and today's."""
    then = [trial(f"i{number}", 1.0, **more) for number in range(count)]
    again = [trial(f"i{number}", 1.0, stream="rejudged", **more) for number in range(count)]
    return then, [*again, *then]


def test_a_route_with_traffic_and_without_items_is_left_out_of_both_weeks() -> None:
    then, now = steady(6)
    found = parts_of(now, then, weeks=(traffic(orders=50), traffic(orders=30, hours=20)))
    assert found["entry"]["difference"] == 0.0
    assert found["total"]["uncovered"] == pytest.approx(0.4)
    assert found["total"]["note"] == "40.0% of traffic is on routes without items"
    assert found["truth"]["uncovered"] == 0.0


def test_where_no_route_is_in_both_weeks_the_population_is_not_measured() -> None:
    then, now = steady(6)
    weeks = traffic(orders=50), traffic(hours=20)
    found = parts_of(
        [*now, trial("h", 1.0, route="hours", golden_versions=[NEW])], then, weeks=weeks
    )
    assert found["mix"]["note"] == "not measured: no route has items and traffic in both weeks"
    assert found["provider"]["difference"] == 0.0


def test_without_frozen_answers_judge_and_provider_are_not_told_apart() -> None:
    then, now = steady(6)
    fresh = [{**row, "score": 0.0} for row in now if row["stream"] == "rerun"]
    found = parts_of(fresh, then, weeks=(traffic(orders=50), traffic(orders=50)))
    assert {row["finding"] for row in found.values()} == {"not_measured"}
    assert found["provider"]["note"] == (
        "no frozen answer was scored again: judge and provider cannot be told apart"
    )
    assert found["provider"]["missing_items"] == 6


def test_a_new_item_that_fails_is_the_strata_s_and_no_system_s() -> None:
    # 9 items at 1, one that came at 0: m0 = 1, m1 = .9
    then, now = steady(9)
    came = trial("new", 0.0, golden_versions=[NEW])
    found = parts_of([*now, came], then, weeks=(traffic(orders=50), traffic(orders=50)))
    assert found["within"]["difference"] == pytest.approx(-0.1)
    assert found["within"]["finding"] == "within_noise"
    assert [found[name]["difference"] for name in ("truth", "judge", "provider", "mix")] == [
        0.0
    ] * 4


def test_items_without_a_score_are_counted_where_they_are_missed() -> None:
    then, now = steady(6)
    now = [{**row, "score": None} if row["item_id"] == "i0" else row for row in now]
    now.append(trial("new", None, golden_versions=[NEW]))
    found = parts_of(now, then, weeks=(traffic(orders=50), traffic(orders=50)))
    missing = {name: row["missing_items"] for name, row in found.items()}
    assert (missing["provider"], missing["within"], missing["total"]) == (1, 2, 2)


def test_paired_parts_count_items_for_their_route_s_traffic() -> None:
    # orders has 3/4 of traffic and 2 of 4 items, both of which fail now
    then, _ = steady(2)
    more, _ = steady(2, route="hours")
    then += [{**row, "item_id": f"h{row['item_id']}"} for row in more]
    frozen = [{**row, "stream": "rejudged"} for row in then]
    fresh = [{**row, "score": float(row["route"] == "hours")} for row in then]
    weeks = traffic(orders=30, hours=10), traffic(orders=30, hours=10)
    assert parts_of(frozen + fresh, then, weeks=weeks)["provider"]["difference"] == pytest.approx(
        -0.75
    )


def test_a_revision_that_models_judge_is_told_after_the_judge_if_the_old_truth_is_asked() -> None:
    # then 1; frozen: .8 under the old truth, .5 under the new: judge -.2, truth -.3
    then = [trial("a", 1.0, scorer="panel", golden_versions=[OLD])]
    now = [
        trial("a", score, scorer="panel", stream=stream, item_revision=revision,
              golden_versions=[revision])
        for revision, score, stream in [
            (1, 0.8, "rejudged"), (2, 0.5, "rejudged"), (1, 0.8, "rerun"), (2, 0.5, "rerun"),
        ]
    ]  # fmt: skip
    found = parts_of(now, then, weeks=(None, traffic()))
    assert found["judge"]["difference"] == pytest.approx(-0.2)
    assert found["truth"]["difference"] == pytest.approx(-0.3)
    assert found["provider"]["difference"] == 0.0


def test_shapley_s_values_are_the_parts_where_nothing_interacts_and_a_rule_scores() -> None:
    then = [trial(f"i{number}", 1.0) for number in range(4)]
    now = [{**row, "stream": "rejudged"} for row in then]
    now += [{**row, "score": float(row["item_id"] != "i0")} for row in then]
    found = parts_of(now, then, weeks=(None, traffic()))
    assert found["provider"]["shapley"] == pytest.approx(-0.25)
    assert found["provider"]["interaction"] == pytest.approx(0.0)


def test_what_the_order_decides_is_the_gap_to_shapley_s_value() -> None:
    # answers x judge: old, old 1; old, new .6; new, old .7; new, new .1
    then = [trial("a", 1.0, scorer="panel")]
    now = [
        trial("a", score, scorer="panel", stream=stream)
        for stream, score in (("rejudged", 0.6), ("old_judge", 0.7), ("rerun", 0.1))
    ]
    found = parts_of(now, then, weeks=(None, traffic()))
    # the judge moves .6 - 1 and .1 - .7, on average -.5; the provider .7 - 1 and .1 - .6
    assert found["judge"]["difference"] == pytest.approx(-0.4)
    assert found["judge"]["shapley"] == pytest.approx(-0.5)
    assert found["provider"]["shapley"] == pytest.approx(-0.4)
    assert found["provider"]["interaction"] == pytest.approx(-0.1)
    without = [row for row in now if row["stream"] != "old_judge"]
    assert parts_of(without, then, weeks=(None, traffic()))["judge"]["shapley"] is None
