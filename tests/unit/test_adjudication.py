import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.errors import ReviewError
from eval_pipeline.review.adjudication import (
    Publishable,
    Settlement,
    publishable,
    recorded_labels,
    settle,
    with_recorded,
)
from eval_pipeline.review.agreement_intervals import AgreementEstimate
from eval_pipeline.settings import RecordedLabelSettings, ReviewSettings
from eval_pipeline.tables import ADJUDICATIONS, UTC_MICROSECONDS

WEEK = "2026-11-16"
POLICY = ReviewSettings(annotators_per_item=2, deadline_days=4, minimum_settled_share=0.5)
START = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)

TASKS = {
    "task_id": pl.String, "week": pl.String, "interaction_id": pl.String, "selection": pl.String,
    "reason": pl.String, "label_probability": pl.Float64, "state": pl.String,
}  # fmt: skip
LABELS = {
    "label_id": pl.String, "task_id": pl.String, "annotator_id": pl.String,
    "annotator_kind": pl.String, "label": pl.String, "rationale": pl.String,
    "reference_response": pl.String, "labelled_at": UTC_MICROSECONDS, "corrects": pl.String,
}  # fmt: skip
DECISIONS = {
    "adjudication_id": pl.String, "task_id": pl.String, "label": pl.String,
    "adjudicated_by": pl.String, "rationale": pl.String, "reference_response": pl.String,
    "adjudicated_at": UTC_MICROSECONDS, "corrects": pl.String,
}  # fmt: skip

Row = dict[str, object]


def task(task_id: str) -> Row:
    return {
        "task_id": task_id, "week": WEEK, "interaction_id": f"i-{task_id}",
        "selection": "dispute", "reason": "split", "label_probability": 0.25, "state": "open",
    }  # fmt: skip


def label(label_id: str, annotator: str, answer: str, *, at: int = 0, **other: object) -> Row:
    """A label of task t1, `at` hours after the start."""
    return {
        "label_id": label_id, "task_id": "t1", "annotator_id": annotator,
        "annotator_kind": "person", "label": answer, "rationale": "",
        "labelled_at": START + dt.timedelta(hours=at), **other,
    }  # fmt: skip


def decision(decision_id: str, answer: str, *, at: int = 48, **other: object) -> Row:
    return {
        "adjudication_id": decision_id, "task_id": "t1", "label": answer,
        "adjudicated_by": "eve", "rationale": "criterion 1",
        "adjudicated_at": START + dt.timedelta(hours=at), **other,
    }  # fmt: skip


def settled_from(
    labels: list[Row], decisions: list[Row] | None = None, tasks: tuple[str, ...] = ("t1",)
) -> Settlement:
    return settle(
        pl.DataFrame([task(name) for name in tasks], schema=TASKS),
        pl.DataFrame(labels, schema=LABELS),
        pl.DataFrame(decisions or [], schema=DECISIONS),
        policy=POLICY,
    )


def state(labels: list[Row], decisions: list[Row] | None = None) -> str:
    return settled_from(labels, decisions).states["state"].item()


def test_a_task_goes_from_open_over_labelled_to_agreed() -> None:
    first, second = label("1", "ann", "fail"), label("2", "ben", "fail", at=1)
    assert state([]) == "open"
    assert state([first]) == "labelled"
    assert state([first, second]) == "agreed"


def test_agreement_settles_with_everything_that_is_known_of_it() -> None:
    settlement = settled_from(
        [
            label("1", "ann", "fail", rationale="no date", at=0),
            label("2", "ben", "fail", reference_response="By Friday.", at=20),
        ]
    )
    assert settlement.settled.row(0, named=True) == {
        "interaction_id": "i-t1",
        "task_id": "t1",
        "label": "fail",
        "settled_by": "agreement",
        "selection": "dispute",
        "reason": "split",
        "label_probability": 0.25,
        "annotators": ["ann", "ben"],
        "labels": ["fail", "fail"],
        "adjudicated_by": None,
        "annotator_kind": "person",
        "rationale": "no date",
        "reference_response": "By Friday.",
        "labelled_on": dt.date(2026, 11, 25),
    }


@pytest.mark.parametrize(
    ("one", "two"), [("pass", "fail"), ("pass", "cannot_tell"), ("cannot_tell", "cannot_tell")]
)
def test_whatever_is_not_two_equal_answers_waits_for_an_adjudicator(one: str, two: str) -> None:
    settlement = settled_from([label("1", "ann", one), label("2", "ben", two, at=1)])
    assert settlement.states["state"].item() == "disputed"
    assert settlement.settled.height == 0


def test_an_adjudication_settles_a_dispute_and_keeps_the_labels() -> None:
    settlement = settled_from(
        [
            label("1", "ann", "pass", reference_response="Never."),
            label("2", "ben", "fail", at=1, reference_response="By Friday."),
        ],
        [decision("x", "fail")],
    )
    row = settlement.settled.row(0, named=True)
    assert settlement.states["state"].item() == "adjudicated"
    assert (row["label"], row["settled_by"], row["adjudicated_by"]) == (
        "fail", "adjudication", "eve",
    )  # fmt: skip
    assert row["labels"] == ["pass", "fail"]
    # The adjudicator gave no reference: that of the annotator who was right is kept.
    assert (row["reference_response"], row["rationale"]) == ("By Friday.", "criterion 1")
    assert row["labelled_on"] == dt.date(2026, 11, 26)


def test_the_latest_uncorrected_adjudication_counts() -> None:
    labels = [label("1", "ann", "pass"), label("2", "ben", "fail", at=1)]
    later = [decision("x", "fail"), decision("y", "pass", at=50)]
    assert settled_from(labels, later).settled["label"].item() == "pass"
    corrected = [decision("x", "fail"), decision("y", "pass", at=50, corrects="x")]
    assert settled_from(labels, corrected).settled["label"].item() == "pass"
    taken_back = [*later, decision("z", "cannot_tell", at=51, corrects="y")]
    assert state(labels, taken_back) == "cannot_tell"
    assert settled_from(labels, taken_back).settled.height == 0


def test_an_adjudicator_may_overrule_an_agreement() -> None:
    labels = [label("1", "ann", "pass"), label("2", "ben", "pass", at=1)]
    assert settled_from(labels, [decision("x", "fail")]).settled["label"].item() == "fail"


def test_one_person_is_never_two_annotators() -> None:
    assert state([label("1", "ann", "pass"), label("2", "ann", "pass", at=1)]) == "labelled"


def test_a_third_label_comes_too_late_to_count() -> None:
    labels = [
        label("1", "ann", "pass", at=0),
        label("2", "ben", "pass", at=1),
        label("3", "cat", "fail", at=2),
    ]
    settlement = settled_from(labels)
    assert settlement.settled["annotators"].to_list() == [["ann", "ben"]]
    assert settlement.states["state"].item() == "agreed"


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    # Ann's correction comes after Cat's label, and still stands first.
    labels = [
        label("1", "ann", "pass", at=0),
        label("2", "ben", "fail", at=1),
        label("3", "cat", "pass", at=2),
        label("4", "ann", "fail", at=3, corrects="1"),
    ]
    settlement = settled_from(labels)
    assert settlement.settled.select("label", "annotators", "labels").row(0) == (
        "fail", ["ann", "ben"], ["fail", "fail"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"annotator_id": "ben"}, "points at a label of ann"),
        ({"corrects": "9"}, "which is no row of its task t1"),
    ],
)
def test_a_correction_of_what_is_not_ones_own_settles_nothing(
    changed: dict[str, object], message: str
) -> None:
    correction = {**label("2", "ann", "fail", at=1, corrects="1"), **changed}
    with pytest.raises(ReviewError, match=message):
        settled_from([label("1", "ann", "pass"), correction])


def test_one_scripted_annotator_makes_the_label_scripted() -> None:
    settlement = settled_from(
        [label("1", "ann", "pass"), label("2", "bot", "pass", at=1, annotator_kind="scripted")]
    )
    assert settlement.settled["annotator_kind"].item() == "scripted"


def test_a_scripted_adjudicator_makes_the_label_scripted() -> None:
    decisions = pl.DataFrame([decision("x", "pass")], schema=DECISIONS).with_columns(
        annotator_kind=pl.lit("scripted")
    )
    settlement = settle(
        pl.DataFrame([task("t1")], schema=TASKS),
        pl.DataFrame([label("1", "ann", "pass")], schema=LABELS),
        decisions,
        policy=POLICY,
    )
    assert settlement.settled["annotator_kind"].item() == "scripted"


def test_ratings_have_one_entry_per_annotator_asked_for() -> None:
    settlement = settled_from(
        [
            label("1", "ann", "pass"),
            label("2", "ben", "cannot_tell", at=1),
            {**label("3", "ann", "fail"), "task_id": "t2"},
        ],
        tasks=("t1", "t2", "t3"),
    )
    assert settlement.ratings == (("pass", None), ("fail", None))


PEOPLE = st.sampled_from(["ann", "ben", "cat"])
ANSWERS = st.lists(st.tuples(PEOPLE, st.sampled_from(["pass", "fail", "cannot_tell"])), max_size=5)


@settings(deadline=None, max_examples=50)
@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_in_which_labels_are_read_changes_nothing(answers, shuffler) -> None:
    labels = [
        label(str(place), annotator, answer, at=place)
        for place, (annotator, answer) in enumerate(answers)
    ]
    straight = settled_from(labels)
    shuffler.shuffle(labels)
    shuffled = settled_from(labels)
    assert straight.states.equals(shuffled.states)
    assert straight.settled.equals(shuffled.settled)


def interactions(*rows: tuple[str, float | None, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "interaction_id": f"i{place}", "route": route, "response": "tomorrow",
                "outcome": outcome, "feedback": feedback, "occurred_at": START,
            }
            for place, (route, outcome, feedback) in enumerate(rows)
        ],
        schema={
            "interaction_id": pl.String, "route": pl.String, "response": pl.String,
            "outcome": pl.Float64, "feedback": pl.Int8, "occurred_at": UTC_MICROSECONDS,
        },
    )  # fmt: skip


OUTCOME = RecordedLabelSettings(column="outcome", pass_at_least=0.5, routes=("orders",))
FEEDBACK = RecordedLabelSettings(column="feedback", pass_at_least=1)


def test_the_first_rule_that_finds_a_value_on_its_route_labels() -> None:
    frame = interactions(
        ("orders", 0.5, -1), ("orders", None, -1), ("hours", 0.9, 1), ("hours", 0.9, None),
        ("orders", float("nan"), None),
    )  # fmt: skip
    recorded = recorded_labels(frame, [OUTCOME, FEEDBACK])
    assert recorded.select("interaction_id", "label", "reason").rows() == [
        ("i0", "pass", "outcome"), ("i1", "fail", "feedback"), ("i2", "pass", "feedback"),
    ]  # fmt: skip


def test_recorded_labels_say_that_nobody_annotated() -> None:
    row = recorded_labels(interactions(("orders", 1.0, None)), [OUTCOME]).row(0, named=True)
    assert (row["settled_by"], row["selection"], row["annotator_kind"]) == ("recorded",) * 3
    assert (row["label_probability"], row["annotators"], row["labels"]) == (1.0, [], [])
    assert (row["labelled_on"], row["task_id"]) == (dt.date(2026, 11, 24), None)


def test_without_a_response_there_is_nothing_to_label() -> None:
    frame = interactions(("orders", 1.0, None)).with_columns(response=pl.lit(None, pl.String))
    assert recorded_labels(frame, [OUTCOME]).height == 0
    assert recorded_labels(interactions(("orders", 1.0, None)), []).height == 0


def test_people_win_over_the_log() -> None:
    people = settled_from([label("1", "ann", "fail"), label("2", "ben", "fail", at=1)]).settled
    log = recorded_labels(interactions(("orders", 1.0, None), ("orders", 1.0, None)), [OUTCOME])
    log = log.with_columns(interaction_id=pl.col("interaction_id").replace("i0", "i-t1"))
    both = with_recorded(people, ADJUDICATIONS.conform(log))
    assert both.select("interaction_id", "label", "settled_by").rows() == [
        ("i-t1", "fail", "agreement"), ("i1", "pass", "recorded"),
    ]  # fmt: skip


def settlement_of(agreed: int, disputed: int) -> Settlement:
    names = tuple(f"t{place}" for place in range(agreed + disputed))
    labels = []
    for place, name in enumerate(names):
        answer = "pass" if place % 2 else "fail"
        other = answer if place < agreed else "cannot_tell"
        labels += [
            {**label(f"{name}a", "ann", answer), "task_id": name},
            {**label(f"{name}b", "ben", other), "task_id": name},
        ]
    return settled_from(labels, tasks=names)


# The week of Monday 16 ends on Monday 23; four days later is the deadline.
DEADLINE = dt.date(2026, 11, 27)


def ready(settlement: Settlement, as_of: dt.date, policy: ReviewSettings = POLICY) -> bool:
    return publishable(settlement, policy=policy, as_of=as_of, week=WEEK).ready


def test_a_week_is_ready_as_soon_as_every_task_is_settled() -> None:
    assert ready(settlement_of(4, 0), dt.date(2026, 11, 23))
    assert ready(settlement_of(0, 0), dt.date(2026, 11, 23))
    assert not ready(settlement_of(3, 1), dt.date(2026, 11, 23))


def test_at_the_deadline_the_minimum_suffices() -> None:
    half = settlement_of(2, 2)
    assert not ready(half, DEADLINE - dt.timedelta(days=1))
    assert ready(half, DEADLINE)
    assert not ready(settlement_of(1, 2), DEADLINE)


def test_what_cannot_be_told_is_settled_without_a_label() -> None:
    settlement = settled_from([], [decision("x", "cannot_tell")])
    assert ready(settlement, dt.date(2026, 11, 23))
    assert settlement.count("cannot_tell") == 1


def test_annotators_who_disagree_more_than_the_policy_allows_hold_the_week_back() -> None:
    labels = []
    for name, one, two in [("t1", "pass", "fail"), ("t2", "fail", "pass"), ("t3", "pass", "pass")]:
        labels += [
            {**label(f"{name}a", "ann", one), "task_id": name},
            {**label(f"{name}b", "ben", two), "task_id": name},
        ]
    # Two disagreements in three; 4 passes and 2 fails of 6: 1 - (2/3) / (2*4*2 / (6*5)) = -.25
    result = publishable(
        settled_from(labels, tasks=("t1", "t2", "t3")), policy=POLICY, as_of=DEADLINE, week=WEEK
    )
    assert not result.ready
    assert "alpha -0.25, the policy asks for 0.00" in result.reason


def test_the_reason_tells_what_is_missing() -> None:
    result = publishable(settlement_of(1, 2), policy=POLICY, as_of=dt.date(2026, 11, 24), week=WEEK)
    assert result.reason == "1 of 3 tasks are settled; the deadline is 2026-11-27"


def alpha_of(value: float | None, *, upper: float | None, tasks: int = 40) -> AgreementEstimate:
    lower = None if value is None else value - 0.2
    return AgreementEstimate("alpha", value, lower, upper, tasks)


def readiness_with(alphas: dict[str, AgreementEstimate], **minima: float) -> Publishable:
    return publishable(
        settled_from([label("1", "ann", "pass"), label("2", "bo", "pass", at=1)]),
        policy=ReviewSettings(minimum_subset_agreement=minima),
        as_of=dt.date(2026, 11, 24),
        week=WEEK,
        subset_alphas=alphas,
    )


def test_a_subset_whose_whole_interval_is_below_its_minimum_holds_publishing_back() -> None:
    ready = readiness_with({"dosage": alpha_of(0.21, upper=0.48)}, dosage=0.5)
    assert ready == Publishable(
        ready=False,
        reason="annotators agree too little: on 'dosage' alpha 0.21 (0.01 to 0.48, 40 tasks), the "
        "policy asks for 0.50",
    )


def test_every_subset_that_holds_back_is_named_and_default_is_the_others_minimum() -> None:
    alphas = {"refunds": alpha_of(0.1, upper=0.3), "dosage": alpha_of(0.1, upper=0.3)}
    ready = readiness_with(alphas, default=0.4)
    assert not ready.ready
    assert ready.reason.index("'dosage'") < ready.reason.index("'refunds'")
    assert readiness_with(alphas, default=0.4, dosage=-1.0, refunds=-1.0).ready


@pytest.mark.parametrize(
    "alpha",
    [alpha_of(0.2, upper=0.9, tasks=5), alpha_of(0.2, upper=0.5), alpha_of(None, upper=None)],
    ids=["noise on five tasks", "at the minimum", "undefined"],
)
def test_agreement_that_may_suffice_holds_nothing_back(alpha: AgreementEstimate) -> None:
    assert readiness_with({"dosage": alpha}, dosage=0.5).ready


def test_without_a_minimum_a_subset_holds_nothing_back() -> None:
    assert readiness_with({"dosage": alpha_of(-0.5, upper=-0.3)}).ready
