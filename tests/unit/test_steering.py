import datetime as dt
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.decision import Decision, SubsetFinding, decisions_with
from eval_pipeline.flows.queue_knowledge import lacking_for
from eval_pipeline.flows.steering import steer
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.allocation import allocate_frame
from eval_pipeline.intake.steering import requests_of, spreads_of
from eval_pipeline.review.selection import NOTHING_LACKING, Lacking
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import (
    GATE_DECISION,
    GOLDEN_SET,
    PANEL_VERDICTS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
)
from eval_pipeline.truth.golden_set import Composition, Deficit
from eval_pipeline.truth.manifest import Provenance

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"
FIRST, SECOND, THIRD, FOURTH = "2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28"
RARE = "invented_drug_interactions"


def scored(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    schema = {"week": pl.String, "stratum": pl.String, "score": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def drawn(*groups: tuple[str, int, list[str], str, float], turns: int = 1) -> pl.DataFrame:
    """Conversations of `turns` interactions: stratum, how many, subsets, selection, weight."""
    rows = [
        {
            "interaction_id": f"{group}-{number}-{turn}",
            "conversation_key": f"{group}-{number}",
            "route": "orders",
            "stratum": stratum,
            "selection": selection,
            "unit_hash": 0.5,
            "subsets": subsets,
            "kind": "typical",
            "inclusion_probability": 1 / weight,
            "design_weight": weight,
            "item_fingerprint": "f",
        }
        for group, (stratum, count, subsets, selection, weight) in enumerate(groups)
        for number in range(count)
        for turn in range(turns)
    ]
    frame = pl.DataFrame(rows, schema=STRATIFIED_INTERACTIONS.schema)
    return STRATIFIED_INTERACTIONS.conform(frame)


def needs(**items: int) -> pl.DataFrame:
    return pl.DataFrame(
        list(items.items()), schema={"subset": pl.String, "items": pl.Int64}, orient="row"
    )


def asked(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.select("stratum", "requested").iter_rows())


def test_a_spread_is_pooled_within_weeks() -> None:
    # week 1: 1, 0 -> squares .5, 1 degree; week 2: 1, 1, 1, 0 -> squares .75, 3 degrees
    # sqrt(1.25 / 4) = .559; taken together 4 of 6 would give sqrt((4/3) / 5) = .516
    found = spreads_of(
        scored(
            *((FIRST, "a", score) for score in (1.0, 0.0)),
            *((SECOND, "a", score) for score in (1.0, 1.0, 1.0, 0.0)),
        )
    )
    assert found.by_stratum.rows() == [("a", pytest.approx(math.sqrt(1.25 / 4)), 6)]


def test_what_the_panel_cannot_say_is_left_out_and_counted() -> None:
    found = spreads_of(
        scored((FIRST, "a", 1.0), (FIRST, "a", None), (FIRST, "a", 0.0), (FIRST, "b", None))
    )
    assert found.by_stratum.rows() == [("a", pytest.approx(math.sqrt(0.5)), 2)]
    assert found.unscored == 2


def test_one_score_a_week_is_no_spread() -> None:
    found = spreads_of(scored((FIRST, "a", 1.0), (SECOND, "a", 0.0)))
    assert found.by_stratum.rows() == [("a", None, 2)]


def test_without_scores_nothing_is_known() -> None:
    assert spreads_of(scored()).by_stratum.is_empty()


@given(st.permutations(range(12)))
def test_the_order_of_the_scores_changes_no_bit(order: list[int]) -> None:
    rows = [(f"w{place % 3}", f"s{place % 2}", float(place % 5 == 0)) for place in range(12)]
    shuffled = spreads_of(scored(*(rows[place] for place in order)))
    assert shuffled.by_stratum.equals(spreads_of(scored(*rows)).by_stratum)


def test_a_need_is_divided_as_the_subset_lives_and_paid_in_conversations() -> None:
    # a: 10 conversations of weight 30, 5 in the subset: total 150, one item in 2 conversations
    # b: 10 of weight 5, all in the subset: total 50, an item each
    # of 40 items a owes 30, at 2 a piece 60 conversations; b owes 10
    found = requests_of(
        needs(rare=40),
        drawn(
            ("a", 5, ["rare"], "reserve", 30.0),
            ("a", 5, [], "reserve", 30.0),
            ("b", 10, ["rare"], "reserve", 5.0),
            ("c", 10, [], "reserve", 9.0),
        ),
    )
    assert asked(found.by_stratum) == {"a": 60, "b": 10}
    assert found.by_stratum["asked_by"].to_list() == [["rare"], ["rare"]]
    assert found.unseen == ()


def test_sample_and_reserve_weigh_as_one_draw() -> None:
    # a: 2 of 100 in the sample (weight 50) and 8 more (100 / 10 = 10): one draw of 10 of weight 10;
    # b: 10 of 100, all reserve: the same. Both hold the subset alike, so they owe alike: with one
    # conversation an item 10 each. As they stand, a would have owed 180 of 280.
    found = requests_of(
        needs(rare=20),
        drawn(
            ("a", 2, ["rare"], "sample", 50.0),
            ("a", 8, ["rare"], "reserve", 10.0),
            ("b", 10, ["rare"], "reserve", 10.0),
        ),
    )
    assert asked(found.by_stratum) == {"a": 10, "b": 10}


def test_a_conversation_with_two_items_counts_for_two() -> None:
    found = requests_of(needs(rare=10), drawn(("a", 6, ["rare"], "reserve", 3.0), turns=2))
    assert asked(found.by_stratum) == {"a": 5}


def test_part_of_a_conversation_is_rounded_up() -> None:
    # 7 items at 3 conversations for 2 items: 10.5
    found = requests_of(
        needs(rare=7), drawn(("a", 2, ["rare"], "reserve", 1.0), ("a", 1, [], "reserve", 1.0))
    )
    assert asked(found.by_stratum) == {"a": 11}


def test_one_conversation_serves_all_subsets_that_ask() -> None:
    found = requests_of(needs(one=8, other=5), drawn(("a", 4, ["one", "other"], "reserve", 1.0)))
    assert asked(found.by_stratum) == {"a": 8}
    assert found.by_stratum["asked_by"].to_list() == [["one", "other"]]


def test_a_subset_that_was_not_drawn_asks_everywhere_by_size_and_is_named() -> None:
    # sizes 30 and 10: of 10 items 7.5 and 2.5 conversations, rounded up
    found = requests_of(
        needs(unheard=10), drawn(("a", 3, [], "reserve", 10.0), ("b", 2, [], "reserve", 5.0))
    )
    assert asked(found.by_stratum) == {"a": 8, "b": 3}
    assert found.unseen == ("unheard",)


def test_who_lacks_nothing_asks_for_nothing() -> None:
    found = requests_of(needs(rare=0, other=-5), drawn(("a", 3, ["rare"], "reserve", 1.0)))
    assert found.by_stratum.is_empty()


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.booleans(), st.floats(1, 90)),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 500),
)
def test_what_is_asked_for_brings_the_items_that_are_lacking(
    groups: list[tuple[str, int, bool, float]], lacking: int
) -> None:
    week = drawn(
        *((name, n, ["rare"] if held else [], "reserve", w) for name, n, held, w in groups)
    )
    found = requests_of(needs(rare=lacking), week)
    if found.unseen:
        assert not any(held for _, _, held, _ in groups)
        return
    expected = 0.0
    for stratum, conversations in asked(found.by_stratum).items():
        own = week.filter(pl.col("stratum") == stratum)
        items = own.filter(pl.col("subsets").list.contains("rare")).height
        expected += conversations * items / own["conversation_key"].n_unique()
    assert lacking - 1e-6 <= expected <= lacking + 3


@pytest.fixture
def pipeline() -> Pipeline:
    settings = load_project(CONFIG).settings
    changed = settings.model_copy(
        update={
            "sampling": settings.sampling.model_copy(update={"spread_weeks": 2}),
            "gate": settings.gate.model_copy(update={"looks": (400,)}),
            "storage": settings.storage.model_copy(update={"lake": "memory://"}),
        }
    )
    return Pipeline(Project(changed, CONFIG))


def judge(pipeline: Pipeline, week: str, verdicts: list[str | None]) -> None:
    """A week of sampled interactions of stratum a with these panel verdicts."""
    stratified = drawn(("a", len(verdicts), [RARE], "sample", 2.0))
    pipeline.lake.replace(STRATIFIED_INTERACTIONS, stratified, partition=week)
    constants = {"reason": "unanimous", "judges": 2, "passes": 2, "fails": 0, "abstentions": 0,
                 "missing": 0, "refuted": None}  # fmt: skip
    rows = [
        {"interaction_id": name, "panel_verdict": verdict, **constants}
        for name, verdict in zip(stratified["interaction_id"], verdicts, strict=True)
    ]
    pipeline.lake.replace(
        PANEL_VERDICTS, pl.DataFrame(rows, schema=PANEL_VERDICTS.schema), partition=week
    )


def publish(pipeline: Pipeline, version: int, *deficits: Deficit, week: str) -> None:
    pipeline.golden.publish(
        Composition(
            version=version,
            week=week,
            as_of=dt.date.fromisoformat(week),
            items=GOLDEN_SET.empty(),
            admitted=(),
            retired=(),
            revised=(),
            deficits=deficits,
            fresh=0,
            left_out=(),
        ),
        Provenance(
            salt="weekly",
            anonymiser_fingerprint="abc",
            judges={},
            agreement={},
            code_version="0.1.0",
            run_id=None,
        ),
    )


def finding(subset: str, **changes: Any) -> SubsetFinding:
    known = {
        "subset": subset, "state": "undecided", "baseline_mean": 0.8, "candidate_mean": 0.8,
        "difference": 0.0, "lower": -0.1, "upper": 0.1, "margin": 0.05, "items": 40,
        "effective_items": 40.0, "clusters": 40, "wins": 2, "losses": 2, "p_noninferior": 0.2,
        "p_harm": 0.5, "missing_baseline": 0, "missing_candidate": 0, "looks": 2,
        "items_needed": 100, "method": "tango",
    }  # fmt: skip
    return SubsetFinding.model_validate({**known, **changes})


def decide(
    pipeline: Pipeline, candidate: str, *subsets: SubsetFinding, version: int, **changes: Any
) -> None:
    known = {
        "decision_id": "", "candidate": candidate, "baseline": "b", "golden_version": version,
        "confidence": 0.95, "policy_fingerprint": "p", "verdict": "inconclusive", "reasons": (),
        "judge_only": True, "aggregate": finding("all"), "subsets": subsets,
    }  # fmt: skip
    decision = Decision.model_validate({**known, **changes}).identified()
    pipeline.lake.replace(
        GATE_DECISION, decisions_with(GATE_DECISION.empty(), decision), partition=candidate
    )


def test_a_first_week_has_nothing_to_go_by(pipeline: Pipeline) -> None:
    steering = steer(pipeline, week=FIRST)
    assert steering.spreads.is_empty()
    assert steering.requests.is_empty()


def test_the_newest_weeks_before_this_one_give_the_spread(pipeline: Pipeline) -> None:
    # two weeks count: the second (1 pass, 1 fail) and the third (two passes), not the first, which
    # is too old, and not the fourth, which comes after: sqrt(.5 / 2)
    judge(pipeline, FIRST, ["fail", "pass", "fail", "pass"])
    judge(pipeline, SECOND, ["pass", "fail", None])
    judge(pipeline, THIRD, ["pass", "pass"])
    judge(pipeline, FOURTH, ["fail", "pass"])
    steering = steer(pipeline, week=FOURTH)
    assert steering.spreads.rows() == [("a", pytest.approx(0.5), 4)]
    assert steering.unscored == 1


def test_what_the_gate_left_undecided_on_the_newest_version_asks(pipeline: Pipeline) -> None:
    # one conversation of stratum a is one item of the subset: 100 - 40 = 60
    judge(pipeline, FIRST, ["pass", "fail"])
    publish(pipeline, 1, week=FIRST)
    decide(pipeline, "one", finding(RARE), version=1)
    steering = steer(pipeline, week=SECOND)
    assert steering.requests.rows() == [("a", 60, [RARE])]
    assert steering.unseen == ()


def test_the_candidate_that_lacks_most_counts_and_never_more_than_the_last_look(
    pipeline: Pipeline,
) -> None:
    # the gate reads 400 items at most: 400 - 40
    judge(pipeline, FIRST, ["pass", "fail"])
    publish(pipeline, 1, week=FIRST)
    decide(pipeline, "one", finding(RARE), version=1)
    decide(pipeline, "two", finding(RARE, items_needed=5000), version=1)
    assert asked(steer(pipeline, week=SECOND).requests) == {"a": 360}


@pytest.mark.parametrize("verdict", ["block", "pass", "invalid"])
def test_only_an_inconclusive_candidate_asks(pipeline: Pipeline, verdict: str) -> None:
    judge(pipeline, FIRST, ["pass", "fail"])
    publish(pipeline, 1, week=FIRST)
    decide(pipeline, "one", finding(RARE), version=1, verdict=verdict)
    assert steer(pipeline, week=SECOND).requests.is_empty()


def test_decisions_on_other_versions_and_of_unknown_subsets_do_not_ask(pipeline: Pipeline) -> None:
    judge(pipeline, FIRST, ["pass", "fail"])
    judge(pipeline, SECOND, ["pass", "fail"])
    publish(pipeline, 1, week=FIRST)
    publish(pipeline, 2, week=SECOND)
    publish(pipeline, 3, week=THIRD)
    decide(pipeline, "older", finding(RARE), version=1)
    decide(pipeline, "later", finding(RARE), version=3)
    decide(pipeline, "gone", finding("gone"), version=2)
    assert steer(pipeline, week=THIRD).requests.is_empty()


def test_what_the_reserve_gained_since_the_version_is_not_asked_for_again(
    pipeline: Pipeline,
) -> None:
    # 60 lacking, 25 of them drawn into the second week's reserve; its sample is no reserve
    judge(pipeline, FIRST, ["pass", "fail"])
    publish(pipeline, 1, week=FIRST)
    decide(pipeline, "one", finding(RARE), version=1)
    later = drawn(("a", 25, [RARE], "reserve", 2.0), ("a", 5, [RARE], "sample", 12.0))
    pipeline.lake.replace(STRATIFIED_INTERACTIONS, later, partition=SECOND)
    assert asked(steer(pipeline, week=THIRD).requests) == {"a": 35}


def golden_asks(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select("stratum", "golden_requested", "golden_asked_by").rows()


def test_what_the_golden_version_lacks_is_asked_of_the_sample(pipeline: Pipeline) -> None:
    # every conversation of stratum a is of the subset and typical: 7 bring 7 of each; the gate's
    # requests are the reserve's, and nobody asked there
    judge(pipeline, FIRST, ["pass", "fail"])
    publish(
        pipeline,
        1,
        Deficit("subset", RARE, 30, 23),
        Deficit("kind", "typical", 9, 4),
        Deficit("subset", "gone", 30, 0),
        Deficit("fresh", "settled", 10, 2),
        week=FIRST,
    )
    steering = steer(pipeline, week=SECOND)
    assert golden_asks(steering.golden_requests) == [("a", 7, [RARE, "kind:typical"])]
    assert (steering.steered_by, steering.unseen) == (1, ())
    assert steering.requests.is_empty()


def test_a_lacking_kind_that_was_not_drawn_is_named(pipeline: Pipeline) -> None:
    judge(pipeline, FIRST, ["pass", "fail"])
    publish(pipeline, 1, Deficit("kind", "adversarial", 5, 0), week=FIRST)
    steering = steer(pipeline, week=SECOND)
    assert golden_asks(steering.golden_requests) == [("a", 5, ["kind:adversarial"])]
    assert steering.unseen == ("kind:adversarial",)


def test_what_the_sample_gained_since_the_version_is_not_asked_for_again(
    pipeline: Pipeline,
) -> None:
    # 7 lacking, 5 of them in the second week's sample; its reserve never becomes golden
    judge(pipeline, FIRST, ["pass", "fail"])
    publish(pipeline, 1, Deficit("subset", RARE, 30, 23), week=FIRST)
    later = drawn(("a", 25, [RARE], "reserve", 2.0), ("a", 5, [RARE], "sample", 12.0))
    pipeline.lake.replace(STRATIFIED_INTERACTIONS, later, partition=SECOND)
    assert golden_asks(steer(pipeline, week=THIRD).golden_requests) == [("a", 2, [RARE])]


def test_people_see_what_the_version_lacked_that_steered_the_draw(pipeline: Pipeline) -> None:
    judge(pipeline, FIRST, ["pass", "fail"])
    assert lacking_for(pipeline, week=FIRST) == NOTHING_LACKING
    lacks = (
        Deficit("subset", RARE, 30, 23),
        Deficit("kind", "edge", 9, 4),
        Deficit("fresh", "settled", 10, 2),
    )
    publish(pipeline, 1, *lacks, week=FIRST)
    steering = steer(pipeline, week=SECOND)
    frame = allocate_frame(
        pl.DataFrame(
            {"stratum": ["a"], "population_size": [50], "interactions": [50],
             "late_interactions": [0]}
        ),
        policy=pipeline.settings.sampling,
        spreads=steering.spreads,
        requests=steering.requests,
        golden_requests=steering.golden_requests,
        steered_by=steering.steered_by,
    )  # fmt: skip
    pipeline.lake.replace(SAMPLING_FRAME, frame, partition=SECOND)
    expected = Lacking(frozenset({RARE}), frozenset({"edge"}), 8)
    assert lacking_for(pipeline, week=SECOND) == expected
    # A correction of the first week, published since, lacks nothing and changes nothing.
    publish(pipeline, 2, week=FIRST)
    assert lacking_for(pipeline, week=SECOND) == expected
    assert steer(pipeline, week=SECOND).steered_by == 1


def test_a_week_is_steered_once(pipeline: Pipeline) -> None:
    judge(pipeline, FIRST, ["pass", "fail", "pass"])
    publish(pipeline, 1, Deficit("subset", RARE, 30, 23), week=FIRST)
    decide(pipeline, "one", finding(RARE), version=1)
    strata = pl.DataFrame(
        {
            "stratum": ["a", "b"],
            "population_size": [500, 800],
            "interactions": [500, 900],
            "late_interactions": [0, 0],
        }
    )

    def framed() -> pl.DataFrame:
        steering = steer(pipeline, week=SECOND)
        return allocate_frame(
            strata,
            policy=pipeline.settings.sampling,
            spreads=steering.spreads,
            requests=steering.requests,
            golden_requests=steering.golden_requests,
            steered_by=steering.steered_by,
        )

    first = framed()
    pipeline.lake.replace(SAMPLING_FRAME, first, partition=SECOND)
    decide(pipeline, "two", finding(RARE, items_needed=300), version=1)
    judge(pipeline, FIRST, ["pass", "pass", "pass"])
    publish(pipeline, 2, Deficit("subset", RARE, 30, 3), week=FIRST)
    assert first["golden_requested"].sum() == 7
    assert framed().equals(first)
