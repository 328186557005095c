import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.errors import ReviewError
from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.review.selection import (
    Lacking,
    review_subjects,
    select_for_review,
    task_id_of,
)
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.tables import DISPUTES, PANEL_VERDICTS, STRATIFIED_INTERACTIONS

WEEK = "2026-11-16"
POLICY = ReviewSettings(weekly_budget=20, audit_share=0.6)
RUBRICS = (
    Rubric("pair", "pairwise", ("Better.",)),
    Rubric("general", "pointwise", ("Answers the question.",)),
)


def panel(agreed: int, disputed: int, reason: str = "split") -> pl.DataFrame:
    """`agreed` interactions a0.. that the panel passes and `disputed` ones d0.. without verdict."""
    rows = [
        {
            "interaction_id": name,
            "panel_verdict": verdict,
            "reason": why,
            "judges": 2, "passes": 1, "fails": 1, "abstentions": 0, "missing": 0,
        }
        for name, verdict, why in [
            *((f"a{item}", "pass", "unanimous") for item in range(agreed)),
            *((f"d{item}", None, reason) for item in range(disputed)),
        ]
    ]  # fmt: skip
    return PANEL_VERDICTS.conform(pl.DataFrame(rows, schema=PANEL_VERDICTS.schema))


def stratified(panel_verdicts: pl.DataFrame, selection: str = "sample") -> pl.DataFrame:
    rows = [
        {
            "interaction_id": name,
            "conversation_key": name,
            "route": "orders",
            "stratum": "orders",
            "selection": selection,
            "unit_hash": 0.5,
            "subsets": [],
            "kind": "typical",
            "inclusion_probability": 0.5,
            "design_weight": 2.0,
            "item_fingerprint": name,
        }
        for name in panel_verdicts["interaction_id"]
    ]
    frame = pl.DataFrame(rows, schema=STRATIFIED_INTERACTIONS.schema)
    return STRATIFIED_INTERACTIONS.conform(frame)


def selected(agreed: int, disputed: int, policy: ReviewSettings = POLICY) -> pl.DataFrame:
    panel_verdicts = panel(agreed, disputed)
    return select_for_review(panel_verdicts, stratified(panel_verdicts), policy=policy, week=WEEK)


def anonymised(*names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "interaction_id": list(names),
            "route": ["orders"] * len(names),
            "messages": [[{"role": "user", "content": "when?"}]] * len(names),
            "response": ["tomorrow"] * len(names),
        }
    )


def test_the_budget_is_split_into_audit_and_queue() -> None:
    # 60 % of 20 is 12; the queue's 8 places lose those that the audit also drew.
    chosen = selected(agreed=1000, disputed=500)
    assert chosen.filter(pl.col("selection") == "audit").height == 12
    queued = smallest_by_hash([f"d{item}" for item in range(500)], 8, salt=f"dispute:{WEEK}")
    audited = set(chosen.filter(pl.col("selection") == "audit")["interaction_id"])
    assert set(chosen.filter(pl.col("selection") == "dispute")["interaction_id"]) == (
        set(queued) - audited
    )


def test_the_audit_slice_is_drawn_whatever_the_judges_say() -> None:
    names = [*(f"a{item}" for item in range(100)), *(f"d{item}" for item in range(100))]
    expected = smallest_by_hash(names, 12, salt=f"audit:{WEEK}")
    chosen = selected(agreed=100, disputed=100)
    assert set(chosen.filter(pl.col("selection") == "audit")["interaction_id"]) == set(expected)


def test_the_probability_is_that_of_being_drawn_by_either() -> None:
    # N = 200, k = 12: .06. Disputed: N_q = 100, k_q = 8: 1 - (1 - .06)(1 - .08) = .1352
    chosen = selected(agreed=100, disputed=100)
    of = dict(chosen.select("interaction_id", "label_probability").iter_rows())
    for interaction_id, probability in of.items():
        expected = 0.1352 if interaction_id.startswith("d") else 0.06
        assert probability == pytest.approx(expected)


def test_what_both_draws_chose_is_one_task_of_the_audit() -> None:
    # Four disputes among four judged: 12 and 8 places both take all of them.
    chosen = selected(agreed=0, disputed=4)
    assert chosen.select("selection", "reason", "label_probability").unique().rows() == [
        ("audit", "audit", 1.0)
    ]
    assert chosen.height == 4


def test_disputes_keep_their_reason() -> None:
    panel_verdicts = panel(200, 50, reason="refuted")
    chosen = select_for_review(
        panel_verdicts, stratified(panel_verdicts), policy=POLICY, week=WEEK
    ).filter(pl.col("selection") == "dispute")
    assert chosen["reason"].unique().to_list() == ["refuted"]


def test_no_budget_is_lent() -> None:
    assert selected(agreed=500, disputed=0).height == 12
    no_audit = POLICY.model_copy(update={"audit_share": 0.0})
    chosen = selected(agreed=500, disputed=500, policy=no_audit)
    assert chosen["selection"].unique().to_list() == ["dispute"]
    assert chosen["label_probability"].unique().to_list() == [pytest.approx(20 / 500)]


def test_the_reserve_is_never_sent_to_people() -> None:
    panel_verdicts = panel(5, 5)
    chosen = select_for_review(
        panel_verdicts, stratified(panel_verdicts, "reserve"), policy=POLICY, week=WEEK
    )
    assert chosen.height == 0


def test_a_week_without_judged_interactions_has_nothing_to_review() -> None:
    assert selected(agreed=0, disputed=0).equals(DISPUTES.empty())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 60), st.integers(0, 60), st.randoms(use_true_random=False))
def test_the_selection_does_not_depend_on_row_order(agreed, disputed, shuffler) -> None:
    panel_verdicts = panel(agreed, disputed)
    order = list(range(panel_verdicts.height))
    shuffler.shuffle(order)
    frame = stratified(panel_verdicts)
    straight = select_for_review(panel_verdicts, frame, policy=POLICY, week=WEEK)
    shuffled = select_for_review(panel_verdicts[order], frame[order], policy=POLICY, week=WEEK)
    assert straight.equals(shuffled)
    assert straight.height <= POLICY.weekly_budget


def test_drawn_interactions_stand_for_all_judged_ones() -> None:
    # Horvitz-Thompson: the weights 1/p of the tasks sum to N on average. N = 120 of which 40
    # disputed; over 200 weeks' salts the mean's standard error is about 1.
    panel_verdicts = panel(80, 40)
    frame = stratified(panel_verdicts)
    totals = [
        (
            1 / select_for_review(panel_verdicts, frame, policy=POLICY, week=f"week {week}")
            ["label_probability"]
        ).sum()
        for week in range(200)
    ]  # fmt: skip
    assert sum(totals) / 200 == pytest.approx(120, abs=4)


def test_a_task_keeps_its_id_and_another_week_gives_another() -> None:
    assert task_id_of("a1", week=WEEK) == task_id_of("a1", week=WEEK)
    assert task_id_of("a1", week=WEEK) != task_id_of("a1", week="2026-11-23")


def test_reviewers_see_criteria_and_texts_and_nothing_of_the_judges() -> None:
    disputes = selected(agreed=0, disputed=2)
    subjects = review_subjects(disputes, anonymised("d0", "d1"), rubrics=RUBRICS)
    row = subjects.row(0, named=True)
    assert json.loads(row["subject_json"]) == {
        "route": "orders",
        "criteria": ["Answers the question."],
        "messages": [{"role": "user", "content": "when?"}],
        "response": "tomorrow",
    }
    assert row["rubric_id"] == RUBRICS[1].rubric_id
    assert subjects["task_id"].to_list() == disputes["task_id"].to_list()


def test_a_task_whose_text_is_gone_opens_nothing() -> None:
    with pytest.raises(ReviewError, match="1 of 2 interactions selected for review are not"):
        review_subjects(selected(agreed=0, disputed=2), anonymised("d0"), rubrics=RUBRICS)


def test_a_route_without_criteria_opens_nothing() -> None:
    with pytest.raises(ReviewError, match="No pointwise rubric applies to the route 'orders'"):
        review_subjects(selected(agreed=0, disputed=1), anonymised("d0"), rubrics=RUBRICS[:1])


def in_rare(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """The stratified rows, these of which belong to the subset 'rare'."""
    inside = pl.col("interaction_id").is_in(names)
    rare, none = (pl.lit(value, dtype=pl.List(pl.String)) for value in (["rare"], []))
    return frame.with_columns(subsets=pl.when(inside).then(rare).otherwise(none))


def lacking_rare(panel_verdicts: pl.DataFrame, *, week: str = WEEK, labels: int = 0, **policy):
    rare = [f"d{item}" for item in range(10)]
    return select_for_review(
        panel_verdicts,
        in_rare(stratified(panel_verdicts), *rare),
        policy=POLICY.model_copy(update=policy),
        week=week,
        lacking=Lacking(subsets=frozenset({"rare"}), labels=labels),
    )


def test_the_queue_goes_first_to_what_the_golden_set_lacks_at_a_known_chance() -> None:
    # 8 places, 10 disputes in the subset and 30 others: the others keep half of 8 x 30/40 = 6, so
    # 3 of 30, and the subset gets 5 of 10. Audit: 12 of 1000.
    chosen = lacking_rare(panel(960, 40))
    by = dict(chosen.select("interaction_id", "label_probability").iter_rows())
    queued = chosen.filter(pl.col("selection") == "dispute")["interaction_id"].to_list()
    wanted = smallest_by_hash([f"d{n}" for n in range(10)], 5, salt=f"dispute:{WEEK}")
    others = smallest_by_hash([f"d{n}" for n in range(10, 40)], 3, salt=f"dispute:{WEEK}")
    audited = set(chosen.filter(pl.col("selection") == "audit")["interaction_id"])
    assert set(queued) == {*wanted, *others} - audited
    for name in queued:
        expected = 0.5 if name in wanted else 0.1
        assert by[name] == pytest.approx(1 - (1 - 0.012) * (1 - expected))


def test_a_kind_that_the_golden_set_lacks_is_queued_first_too() -> None:
    panel_verdicts = panel(0, 40)
    frame = stratified(panel_verdicts).with_columns(
        kind=pl.when(pl.col("interaction_id") == "d7").then(pl.lit("edge")).otherwise("kind")
    )
    policy = POLICY.model_copy(update={"audit_share": 0.0})
    lacking = Lacking(kinds=frozenset({"edge"}))
    chosen = select_for_review(panel_verdicts, frame, policy=policy, week=WEEK, lacking=lacking)
    of = dict(chosen.select("interaction_id", "label_probability").iter_rows())
    assert (of["d7"], chosen.height) == (1.0, 20)
    assert [of[name] for name in of if name != "d7"] == pytest.approx([19 / 39] * 19)


def test_missing_labels_add_to_the_budget_up_to_the_maximum() -> None:
    # 20 tasks; 5 more: 15 audit and 10 queue; 50 more are cut at 10: 18 and 12
    def places(labels: int) -> tuple[int, int]:
        chosen = lacking_rare(panel(5000, 3000), labels=labels, maximum_extra=10)
        audit = chosen.filter(pl.col("selection") == "audit").height
        return audit, chosen.height - audit

    assert [places(labels) for labels in (0, 5, 50)] == [(12, 8), (15, 10), (18, 12)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(0, 30), st.integers(1, 25), st.sampled_from([0, 0.5, 0.6]))
def test_no_dispute_loses_more_than_half_its_chance_to_what_is_lacking(
    wanted: int, others: int, budget: int, audit_share: float
) -> None:
    panel_verdicts = panel(20, wanted + others)
    policy = POLICY.model_copy(update={"weekly_budget": budget, "audit_share": audit_share})
    frame = in_rare(stratified(panel_verdicts), *(f"d{item}" for item in range(wanted)))
    plain, steered = (
        select_for_review(panel_verdicts, frame, policy=policy, week=WEEK, lacking=lacking)
        for lacking in (Lacking(), Lacking(subsets=frozenset({"rare"})))
    )
    places = budget - round(budget * audit_share)
    audit = min(1.0, round(budget * audit_share) / panel_verdicts.height)
    before = 1 - (1 - audit) * (1 - min(1.0, places / max(wanted + others, 1)))
    half = 1 - (1 - audit) * (1 - min(1.0, places / max(wanted + others, 1)) / 2)
    for name, chance in steered.select("interaction_id", "label_probability").iter_rows():
        if name.startswith("d"):
            is_wanted = int(name[1:]) < wanted
            assert chance >= (before if is_wanted else half) - 1e-9
            assert chance <= 1
    # As many places as before are drawn for; an overlap with the audit is left unfilled.
    assert abs(steered.height - plain.height) <= round(budget * audit_share)
