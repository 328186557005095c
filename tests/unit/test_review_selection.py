import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.review.draw import systematic_draw
from eval_pipeline.review.overrulings import Overruling
from eval_pipeline.review.selection import (
    NOTHING_LACKING,
    Chosen,
    Knowledge,
    Lacking,
    select_for_review,
)
from eval_pipeline.review.value import Evidence, GatedSubset
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.tables import DISPUTES, PANEL_VERDICTS, STRATIFIED_INTERACTIONS

WEEK = "2026-11-16"
POLICY = ReviewSettings(weekly_budget=20, audit_share=0.6)


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
    return tasks(panel_verdicts, stratified(panel_verdicts), policy=policy)


def tasks(
    panel_verdicts, frame, *, policy=POLICY, week=WEEK, lacking=NOTHING_LACKING
) -> pl.DataFrame:
    knowledge = Knowledge(lacking=lacking)
    return select_for_review(
        panel_verdicts, frame, policy=policy, week=week, knowledge=knowledge
    ).tasks


def test_the_budget_is_split_into_audit_and_queue() -> None:
    # 60 % of 20 is 12; the queue's 8 places lose those that the audit also drew.
    chosen = selected(agreed=1000, disputed=500)
    assert chosen.filter(pl.col("selection") == "audit").height == 12
    # Disputes that are all worth the same have the same chance: 8 of 500.
    queued = systematic_draw({f"d{item}": 8 / 500 for item in range(500)}, salt=f"dispute:{WEEK}")
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
    chosen = tasks(panel_verdicts, stratified(panel_verdicts)).filter(
        pl.col("selection") == "dispute"
    )
    assert chosen["reason"].unique().to_list() == ["refuted"]


def test_no_budget_is_lent() -> None:
    assert selected(agreed=500, disputed=0).height == 12
    no_audit = POLICY.model_copy(update={"audit_share": 0.0})
    chosen = selected(agreed=500, disputed=500, policy=no_audit)
    assert chosen["selection"].unique().to_list() == ["dispute"]
    assert chosen["label_probability"].unique().to_list() == [pytest.approx(20 / 500)]


def test_the_reserve_is_never_sent_to_people() -> None:
    panel_verdicts = panel(5, 5)
    chosen = tasks(panel_verdicts, stratified(panel_verdicts, "reserve"))
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
    straight = tasks(panel_verdicts, frame)
    shuffled = tasks(panel_verdicts[order], frame[order])
    assert straight.equals(shuffled)
    assert straight.height <= POLICY.weekly_budget


def test_drawn_interactions_stand_for_all_judged_ones() -> None:
    # Horvitz-Thompson: the weights 1/p of the tasks sum to N on average. N = 120 of which 40
    # disputed; over 200 weeks' salts the mean's standard error is about 1.
    panel_verdicts = panel(80, 40)
    frame = stratified(panel_verdicts)
    totals = [
        (1 / tasks(panel_verdicts, frame, week=f"week {week}")["label_probability"]).sum()
        for week in range(200)
    ]
    assert sum(totals) / 200 == pytest.approx(120, abs=4)


def in_rare(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """The stratified rows, these of which belong to the subset 'rare'."""
    inside = pl.col("interaction_id").is_in(names)
    rare, none = (pl.lit(value, dtype=pl.List(pl.String)) for value in (["rare"], []))
    return frame.with_columns(subsets=pl.when(inside).then(rare).otherwise(none))


def lacking_rare(panel_verdicts: pl.DataFrame, *, week: str = WEEK, labels: int = 0, **policy):
    rare = [f"d{item}" for item in range(10)]
    return tasks(
        panel_verdicts,
        in_rare(stratified(panel_verdicts), *rare),
        policy=POLICY.model_copy(update=policy),
        week=week,
        lacking=Lacking(subsets=frozenset({"rare"}), labels=labels),
    )


def test_the_queue_goes_first_to_what_the_golden_set_lacks_at_a_known_chance() -> None:
    # 8 places, 10 disputes in the subset and 30 others; the uniform chance is 8/40 = .2. The subset
    # keeps all of it, the others half: 10 x .2 + 30 x .1 = 5. The other 3 places go by value, where
    # each of the ten counts ten times: 3 x 100/130 to them, 3 x 30/130 to the others.
    # So .2 + 30/130 = .43077 and .1 + 3/130 = .12308. Audit: 12 of 1000.
    chosen = lacking_rare(panel(960, 40))
    seen = set()
    for name, chance in chosen.select("interaction_id", "label_probability").iter_rows():
        if name.startswith("d"):
            wanted = int(name[1:]) < 10
            seen.add(wanted)
            expected = 0.2 + 30 / 130 if wanted else 0.1 + 3 / 130
            assert chance == pytest.approx(1 - (1 - 0.012) * (1 - expected))
    assert seen == {True, False}
    assert chosen.filter(pl.col("selection") == "dispute").height == 8


def test_a_kind_that_the_golden_set_lacks_is_queued_first_too() -> None:
    # 20 places of 40: the one edge case keeps .5 and the others .25: 10.25. Of the other 9.75
    # places it gets min(.5, 9.75 x 10/49) = .5, and each other 9.25/39.
    panel_verdicts = panel(0, 40)
    frame = stratified(panel_verdicts).with_columns(
        kind=pl.when(pl.col("interaction_id") == "d7").then(pl.lit("edge")).otherwise("kind")
    )
    policy = POLICY.model_copy(update={"audit_share": 0.0})
    chosen = tasks(panel_verdicts, frame, policy=policy, lacking=Lacking(kinds=frozenset({"edge"})))
    of = dict(chosen.select("interaction_id", "label_probability").iter_rows())
    assert (of["d7"], chosen.height) == (1.0, 20)
    assert [of[name] for name in of if name != "d7"] == pytest.approx([0.25 + 9.25 / 39] * 19)


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
    steered = tasks(
        panel_verdicts, frame, policy=policy, lacking=Lacking(subsets=frozenset({"rare"}))
    )
    places = budget - round(budget * audit_share)
    audit = min(1.0, round(budget * audit_share) / panel_verdicts.height)
    uniform = min(1.0, places / max(wanted + others, 1))
    for name, chance in steered.select("interaction_id", "label_probability").iter_rows():
        if name.startswith("d"):
            kept = uniform if int(name[1:]) < wanted else uniform / 2
            assert 1 - (1 - audit) * (1 - kept) - 1e-9 <= chance <= 1
    # All places are drawn for; an overlap with the audit is left unfilled.
    drawn = min(places, wanted + others) + round(budget * audit_share)
    assert drawn - round(budget * audit_share) <= steered.height <= drawn


def verdict_rows(count: int, *, subsets: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`count` unanimous passes a0.. and their strata."""
    panel_verdicts = panel(count, 0)
    frame = stratified(panel_verdicts).with_columns(
        subsets=pl.lit(subsets, dtype=pl.List(pl.String))
    )
    return panel_verdicts, frame


def by_evidence(evidence: Evidence, *, subsets: list[str], audit_share: float = 0.0) -> Chosen:
    panel_verdicts, frame = verdict_rows(30, subsets=subsets)
    return select_for_review(
        panel_verdicts,
        frame,
        policy=POLICY.model_copy(update={"audit_share": audit_share}),
        week=WEEK,
        knowledge=Knowledge(evidence=evidence),
    )


def test_what_people_keep_overruling_is_queued_although_the_judges_agree() -> None:
    cell = ("kind", "orders", "typical")
    evidence = Evidence(
        overrulings={cell: Overruling(share=0.5, effective_labels=8, weeks=3)},
        recurring=frozenset({cell}),
    )
    chosen = by_evidence(evidence, subsets=[])
    assert chosen.tasks.select("selection", "reason", "panel_verdict").unique().rows() == [
        ("dispute", "recurring", "pass")
    ]
    assert (chosen.tasks.height, chosen.frame) == (20, 30)
    assert chosen.value_share == pytest.approx(20 / 30)
    assert chosen.tasks["label_probability"].to_list() == pytest.approx([20 / 30] * 20)


def test_a_subset_whose_labels_do_not_suffice_for_the_gate_is_queued() -> None:
    # ln .05 / ln .95 = 58.4: 58 labels are too few to prove a tolerance of .05, 59 are not.
    def chosen(labels: int, *, undecided: bool) -> Chosen:
        subset = GatedSubset(tolerance=0.05, labels=labels, undecided=undecided)
        return by_evidence(Evidence(subsets={"risky": subset}), subsets=["risky"])

    assert chosen(58, undecided=True).tasks["reason"].unique().to_list() == ["gate_critical"]
    assert chosen(59, undecided=True).tasks.is_empty()
    assert chosen(0, undecided=False).tasks.is_empty()


@pytest.mark.parametrize(("labels", "frame"), [(0, 50), (50, 20)])
def test_gate_critical_agreement_that_is_worth_little_does_not_thin_the_disputes_out(
    labels, frame
) -> None:
    # 80 passes and 20 fails: s0 = 81/102 = .794. A split is worth 1 - (1 + .794)/3 = .402, of
    # which half is .201; two passes 1 - (2 + .794)/3 = .069, times 1 + 4 g: .343 at the first
    # label and .070 at the fifty-first.
    panel_verdicts = panel(30, 20)
    agreed = [f"a{item}" for item in range(30)]
    chosen = select_for_review(
        panel_verdicts.with_columns(
            passes=pl.when(pl.col("panel_verdict").is_null()).then(1).otherwise(2).cast(pl.Int64),
            fails=pl.when(pl.col("panel_verdict").is_null()).then(1).otherwise(0).cast(pl.Int64),
        ),
        in_rare(stratified(panel_verdicts), *agreed),
        policy=POLICY,
        week=WEEK,
        knowledge=Knowledge(
            evidence=Evidence(subsets={"rare": GatedSubset(0.05, labels, undecided=True)})
        ),
    )
    assert chosen.frame == frame


def test_an_audited_interaction_of_the_queues_frame_counts_both_chances() -> None:
    subset = GatedSubset(tolerance=0.05, labels=0, undecided=True)
    chosen = by_evidence(Evidence(subsets={"risky": subset}), subsets=["risky"], audit_share=0.6)
    # 12 of 30 by the audit, 8 of 30 by the queue: 1 - 18/30 x 22/30 = .56
    assert set(chosen.tasks["selection"]) == {"audit", "dispute"}
    assert chosen.tasks["label_probability"].to_list() == pytest.approx(
        [0.56] * chosen.tasks.height
    )


@pytest.mark.slow
def test_labels_of_both_draws_weighted_by_their_chance_are_unbiased_for_all_that_was_judged() -> (
    None
):
    # 60 agreed of which people fail 6, 40 disputed of which they fail 25 with refuted ones (worth
    # least here) failing most: a queue that would be read unweighted says more. 1,500 salts.
    panel_verdicts = pl.concat([panel(60, 24), renamed(panel(0, 16, reason="refuted"))])
    frame = stratified(panel_verdicts)
    failed = {*(f"a{item}" for item in range(6)), *(f"d{item}" for item in range(10))}
    failed |= {f"r{item}" for item in range(15)}
    knowledge = Knowledge(evidence=Evidence(refuter_precision=(0.95, 60)))
    policy = POLICY.model_copy(update={"audit_share": 0.4})
    estimates = []
    for salt in range(1500):
        drawn = select_for_review(
            panel_verdicts, frame, policy=policy, week=f"w{salt}", knowledge=knowledge
        ).tasks
        pairs = drawn.select("interaction_id", "label_probability").iter_rows()
        estimates.append(sum((name in failed) / chance for name, chance in pairs) / 100)
    mean = sum(estimates) / 1500
    spread = (sum((one - mean) ** 2 for one in estimates) / 1499) ** 0.5
    assert abs(mean - 0.31) < 4 * spread / 1500**0.5


def renamed(panel_verdicts: pl.DataFrame) -> pl.DataFrame:
    """The disputes d0.. as r0.."""
    return panel_verdicts.with_columns(
        interaction_id=pl.col("interaction_id").str.replace("d", "r")
    )
