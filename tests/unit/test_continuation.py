"""What is asked after the last planned look, how it is counted, and what the gate makes of it."""

import polars as pl
import pytest

from eval_pipeline.evaluation.continuation import (
    continuation_rows,
    mix_weights_of,
    open_subsets,
    report_continuation,
    unseen,
    week_items,
)
from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.continuation import continuation_grounds, with_continuation
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import CONTINUATION_TRIALS, REGRESSION_REPORT, REGRESSION_TRIALS

POLICY = GateSettings.model_validate(
    {
        "tolerances": {"default": 0.10},
        "aggregate_tolerance": 0.10,
        "continuation": {"share": 0.2, "weekly_items": 3},
    }
)
UNCAPPED = POLICY.model_copy(
    update={"continuation": POLICY.continuation.model_copy(update={"weekly_items": 500})}
)


def report(**states: str) -> pl.DataFrame:
    rows = [
        {"subset": name, "state": state, "looks": 4, "items": 100, "margin": 0.1,
         "missing_baseline": 0, "missing_candidate": 0}
        for name, state in states.items()
    ]  # fmt: skip
    return REGRESSION_REPORT.conform(pl.DataFrame(rows, schema=REGRESSION_REPORT.schema))


def pool(**subsets_by_id: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "interaction_id": list(subsets_by_id),
            "conversation_key": [f"c-{name}" for name in subsets_by_id],
            "subsets": list(subsets_by_id.values()),
        },
        schema_overrides={"subsets": pl.List(pl.String)},
    )


def trials(
    scores: dict[str, tuple[float | None, float | None]],
    *,
    subset: str = "a",
    source: str = "reserve",
    clusters: dict[str, str] | None = None,
    look: int = 5,
) -> pl.DataFrame:
    """Rows of both arms, `scores` by item id as (baseline, candidate)."""
    rows = [
        {
            "arm": arm, "system_id": arm, "item_id": item_id, "trial": 1, "source": source,
            "look": look, "golden_version": 1, "subsets": [subset],
            "cluster_id": (clusters or {}).get(item_id, item_id),
            "scorer": "exact", "status": "answered", "attempts": 1, "score": score,
        }
        for item_id, pair in scores.items()
        for arm, score in zip(("baseline", "candidate"), pair, strict=True)
    ]  # fmt: skip
    return REGRESSION_TRIALS.conform(pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema))


def continued(scores, *, week: str = "2026-09-21", **more) -> pl.DataFrame:
    return continuation_rows(trials(scores, **more), week=week, weights=dict.fromkeys(scores, 1.0))


def read(frame: pl.DataFrame, *, subset: str = "a", policy: GateSettings = UNCAPPED):
    told = report_continuation(
        report(**{"all": "certified", subset: "undecided"}),
        frame,
        golden_version=1,
        policy=policy,
    )
    return told.row(0, named=True)


def test_only_what_is_open_is_continued_and_nothing_after_a_block():
    assert open_subsets(report(all="certified", a="undecided", b="infeasible")) == ["a", "b"]
    assert open_subsets(report(all="undecided", a="blocked")) == []


def test_a_conversation_that_a_look_has_seen_is_not_asked_again():
    offered = pool(one=["a"], two=["a"], three=["a"])
    asked = trials({reserve_identity("one"): (1.0, 1.0), "gold": (1.0, 1.0)},
                   clusters={"gold": "c-two"})  # fmt: skip
    assert unseen(offered, trials=[asked])["interaction_id"].to_list() == ["three"]


def test_each_undecided_subset_takes_the_first_of_its_own_order():
    offered = pool(**{f"i{n}": ["a"] if n % 2 else ["b"] for n in range(20)})
    asked = week_items(offered, wanted=["a"], subsets=["all", "a", "b"], policy=POLICY)
    assert len(asked) == 3
    whole = week_items(offered, wanted=["a"], subsets=["all", "a", "b"], policy=UNCAPPED)
    assert whole[:3] == asked
    assert len(whole) == 10
    # The aggregate may ask as many for each of the two subsets.
    assert len(week_items(offered, wanted=["all"], subsets=["all", "a", "b"], policy=POLICY)) == 6


def test_items_asked_for_another_subset_do_not_count_beyond_the_own_order():
    frame = continued({f"i{n}": (1.0, 1.0) for n in range(8)})
    assert read(frame, policy=POLICY)["items"] == 3
    assert read(frame)["items"] == 8


def test_the_aggregate_weighs_items_by_the_mix_of_the_first_look():
    # Look 1: three of four in a, one in b. The pool: half and half. So 1.5 and 0.5.
    golden = pl.concat(
        [
            trials({"g1": (1, 1), "g2": (1, 1), "g3": (1, 1)}, source="golden", look=1),
            trials({"g4": (1.0, 1.0)}, subset="b", source="golden", look=1),
        ]
    )
    weights = mix_weights_of(
        pool(x=["a"], y=["b"], z=["c"], w=["a"], v=["b"], u=["c"]),
        first_look=golden,
        subsets=["all", "a", "b"],
    )
    # A third of the pool each; what look 1 does not know weighs nothing.
    expected = {"x": 2.25, "w": 2.25, "y": 0.75, "v": 0.75, "z": 0.0, "u": 0.0}
    assert weights == pytest.approx({reserve_identity(k): v for k, v in expected.items()})


def test_the_aggregate_weighs_items_by_the_live_traffic_where_it_is_known():
    offered = pool(x=["a"], y=["a"], z=["b"], w=["c"])
    live = pl.DataFrame(
        [(reserve_identity("x"), "A", 0.5), (reserve_identity("y"), "A", 0.5),
         (reserve_identity("z"), "B", 0.5)],
        schema=["item_id", "cell", "cell_share"], orient="row",
    )  # fmt: skip
    weights = mix_weights_of(
        offered, first_look=REGRESSION_TRIALS.empty(), subsets=["all", "a", "b"], live=live
    )
    # Of four items two are A and one is B: .5 / .5 and .5 / .25; w stands for nothing.
    expected = {"x": 1.0, "y": 1.0, "z": 2.0, "w": 0.0}
    assert weights == pytest.approx({reserve_identity(k): v for k, v in expected.items()})
    nothing = mix_weights_of(
        offered, first_look=REGRESSION_TRIALS.empty(), subsets=["all"], live=live.clear()
    )
    assert set(nothing.values()) == {0.0}


def test_ties_certify_and_losses_block_at_the_continuation_s_own_alpha():
    # Alpha .05 * .2 = .01: E must reach 100, and two hypotheses need 200 for a block.
    ties = read(continued({f"i{n:03d}": (1.0, 1.0) for n in range(120)}))
    assert ties["state"] == "certified"
    assert ties["e_noninferior"] >= 100
    assert ties["alpha"] == pytest.approx(0.01)
    lost = read(continued({f"i{n:03d}": (1.0, 0.0) for n in range(30)}))
    assert lost["state"] == "blocked"
    assert lost["e_harm"] >= 200
    assert lost["hypotheses"] == 2


def test_a_missing_score_never_helps_either_claim():
    base = {f"i{n:03d}": (1.0, 1.0) for n in range(60)}
    gone = {f"m{n}": (1.0, None) for n in range(10)}
    assert (
        read(continued({**base, **gone}))["e_noninferior"] < read(continued(base))["e_noninferior"]
    )
    told = read(continued({f"i{n:03d}": (1.0, None) for n in range(40)}))
    assert told["state"] == "undecided"
    assert told["e_harm"] == 1.0
    assert told["missing_candidate"] == 40


def test_a_cluster_is_one_step():
    scores = {f"i{n}": (1.0, 0.0) for n in range(12)}
    alone, together = (
        read(continued(scores)),
        read(continued(scores, clusters=dict.fromkeys(scores, "one"))),
    )
    assert (alone["clusters"], together["clusters"]) == (12, 1)
    assert together["e_harm"] < alone["e_harm"]


def test_a_later_week_is_read_after_an_earlier_one_and_changes_nothing_of_it():
    first = continued({f"i{n:03d}": (1.0, 1.0) for n in range(120)})
    second = continued({f"j{n:03d}": (1.0, 0.0) for n in range(60)}, week="2026-09-28")
    both = read(CONTINUATION_TRIALS.conform(pl.concat([first, second])))
    assert both["reserve_weeks"] == 2
    assert both["state"] == "certified"
    turned = continued({f"j{n:03d}": (1.0, 0.0) for n in range(60)}, week="2026-09-14")
    assert read(CONTINUATION_TRIALS.conform(pl.concat([first, turned])))["state"] == "blocked"


def test_without_a_share_nothing_is_read():
    frame = continued({"i1": (1.0, 1.0)})
    assert report_continuation(
        report(all="certified", a="undecided"), frame, golden_version=1, policy=GateSettings()
    ).is_empty()


def finding(state: str) -> SubsetFinding:
    row = report(all=state).to_dicts()[0]
    return SubsetFinding.model_validate({**row, "subset": "a"})


def test_what_is_continued_decides_an_undecided_subset_and_says_so():
    told = report_continuation(
        report(all="certified", a="undecided"),
        continued({f"i{n:03d}": (1.0, 1.0) for n in range(120)}),
        golden_version=1,
        policy=UNCAPPED,
    )
    decided = with_continuation(finding("undecided"), told)
    assert (decided.state, decided.continued_since, decided.continued_items) == (
        "certified",
        4,
        120,
    )
    (note,) = continuation_grounds([decided]).notes
    assert "Subset 'a' continued by e-process since look 4: +0.0 points on 120 further" in note
    assert "of 100-fold needed" in note
    assert with_continuation(finding("certified"), told).continued_since is None
