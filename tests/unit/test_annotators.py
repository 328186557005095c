"""What is said of each annotator, of pairs, and of tasks that are stuck."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from eval_pipeline.review.annotators import (
    AnnotatorSummary,
    DeskFrames,
    annotator_summaries,
    pair_agreements,
)
from eval_pipeline.review.blind_labels import BlindTask, blind_tasks
from eval_pipeline.review.stuck import Circumstances, StuckTask, stuck_tasks
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.statistics.proportions import newcombe, wilson
from tests.blind_worlds import (
    START,
    WEEK,
    label,
    labels_frame,
    membership_frame,
    people_frame,
    person,
    task,
    tasks_frame,
)

Row = dict[str, object]
DECISIONS = {"adjudication_id": pl.String, "adjudicated_by": pl.String, "corrects": pl.String}
SKIPS = {"task_id": pl.String, "annotator_id": pl.String, "reason": pl.String}
TEAM = [person("ann"), person("bo"), person("cy")]


def summaries(
    labels: list[Row],
    *,
    tasks: list[Row],
    people: list[Row] = TEAM,
    adjudications: list[tuple[str, str, str | None]] | None = None,
    skips: list[tuple[str, str, str]] | None = None,
) -> dict[str, AnnotatorSummary]:
    frames = DeskFrames(
        people=people_frame(people),
        labels=labels_frame(labels),
        adjudications=pl.DataFrame(adjudications or [], schema=DECISIONS, orient="row"),
        skips=pl.DataFrame(skips or [], schema=SKIPS, orient="row"),
    )
    blind = blind_tasks(tasks_frame(tasks), frames.labels, membership_frame({}))
    return {each.annotator_id: each for each in annotator_summaries(blind, frames)}


def test_labels_that_stand_are_counted_and_corrected_or_withdrawn_ones_are_not() -> None:
    first = label("a", "ann", "pass")
    labels = [
        first,
        label("a", "ann", "fail", at=1, corrects=first["label_id"]),
        label("b", "ann", "cannot_tell"),
        label("c", "ann", "pass", withdrawn=True),
    ]
    ann = summaries(labels, tasks=[task(name) for name in "abc"])["ann"]
    assert (ann.labels, ann.cannot_tell, ann.withdrawn) == (2, 1, 1)


def test_adjudications_and_skips_by_reason_are_counted() -> None:
    ann = summaries(
        [],
        tasks=[task("a"), task("b"), task("c")],
        adjudications=[("1", "ann", None), ("2", "ann", "1"), ("3", "bo", None)],
        skips=[("a", "ann", "unreadable"), ("b", "ann", "unreadable"), ("c", "ann", "other")],
    )["ann"]
    assert ann.adjudications == 1
    assert ann.skips == {"other": 1, "unreadable": 2}


def test_the_quartiles_of_seconds_leave_out_what_nobody_measured() -> None:
    # 10 20 30 40 50: quartiles 20, 30, 40
    names = "abcdef"
    seconds = [10.0, 20.0, 30.0, 40.0, 50.0, None]
    labels = [
        label(name, "ann", "pass", seconds=taken)
        for name, taken in zip(names, seconds, strict=True)
    ]
    found = summaries(labels, tasks=[task(name) for name in names])
    ann, bo = found["ann"], found["bo"]
    assert (ann.lower_seconds, ann.median_seconds, ann.upper_seconds) == (20, 30, 40)
    assert (bo.lower_seconds, bo.median_seconds, bo.upper_seconds) == (None, None, None)


def test_gold_checks_are_the_answers_that_came_out_as_known_with_wilsons_interval() -> None:
    tasks = [task(name, selection="gold_check", known_label="pass") for name in "abcd"]
    said = ["pass", "pass", "fail", "cannot_tell"]
    labels = [label(name, "ann", answer) for name, answer in zip("abcd", said, strict=True)]
    gold = summaries(labels, tasks=tasks)["ann"].gold
    assert (gold.value, gold.of) == (pytest.approx(2 / 3), 3)
    assert (gold.lower, gold.upper) == pytest.approx(wilson(2 / 3, 3, confidence=0.95))


def test_agreement_is_with_the_others_blind_answers_and_gold_checks_are_no_part_of_it() -> None:
    # ann: same as bo on a, not on b; c has one label, d is a gold check: 1 of 2
    tasks = [task("a"), task("b"), task("c"), task("d", known_label="pass")]
    labels = [
        label("a", "ann", "pass"), label("a", "bo", "pass", at=1), label("b", "ann", "fail"),
        label("b", "bo", "pass", at=1), label("c", "ann", "pass"), label("d", "ann", "pass"),
        label("d", "bo", "fail", at=1),
    ]  # fmt: skip
    found = summaries(labels, tasks=tasks)
    assert (found["ann"].agreement.value, found["ann"].agreement.of) == (0.5, 2)
    assert (found["cy"].agreement.value, found["cy"].agreement.of) == (None, 0)


def test_pairs_are_told_apart() -> None:
    tasks = [task("a", labels_needed=3), task("b")]
    labels = [
        label("a", "cy", "pass"), label("a", "ann", "fail", at=1), label("a", "bo", "pass", at=2),
        label("b", "bo", "pass"), label("b", "cy", "fail", at=1),
    ]  # fmt: skip
    blind = blind_tasks(tasks_frame(tasks), labels_frame(labels), membership_frame({}))
    found = {pair.name: (pair.value, pair.of) for pair in pair_agreements(blind)}
    assert found == {"ann and bo": (0, 1), "ann and cy": (0, 1), "bo and cy": (0.5, 2)}


def deviations_of(*, careless: int, tasks_each: int = 40) -> dict[str, tuple[str, ...]]:
    """Pairs of four people; `careless` of dee's labels of each pair differ from the other's."""
    people = ["ann", "bo", "cy", "dee"]
    pairs = [(one, two) for place, one in enumerate(people) for two in people[place + 1 :]]
    tasks, labels = [], []
    for one, two in pairs:
        for number in range(tasks_each):
            name = f"{one}-{two}-{number:03}"
            differs = two == "dee" and number < careless
            tasks.append(task(name))
            labels += [
                label(name, one, "pass"),
                label(name, two, "fail" if differs else "pass", at=1),
            ]
    found = summaries(labels, tasks=tasks, people=[person(name) for name in people])
    return {name: each.deviations for name, each in found.items()}


def test_who_is_below_the_others_beyond_doubt_is_named_and_nobody_else() -> None:
    said = deviations_of(careless=30)
    assert said["dee"] == ("agreement with others: 25 % of 120, the others 100 % of 120",)
    assert [name for name, sentences in said.items() if sentences] == ["dee"]


def test_a_difference_within_noise_accuses_nobody() -> None:
    assert not any(deviations_of(careless=2).values())
    assert not any(deviations_of(careless=1, tasks_each=2).values())


def test_two_annotators_alone_cannot_deviate_from_others() -> None:
    tasks = [task(f"t{number}") for number in range(30)]
    labels = [
        row
        for each in tasks
        for row in (
            label(str(each["task_id"]), "ann", "pass"),
            label(str(each["task_id"]), "bo", "fail", at=1),
        )
    ]
    assert not any(each.deviations for each in summaries(labels, tasks=tasks).values())


def test_newcombes_interval_of_a_difference_is_his_own() -> None:
    # Newcombe (1998), table II, example (a), method 10: 56/70 - 48/80: .0524 to .3339
    first = (56 / 70, *wilson(56 / 70, 70, confidence=0.95))
    second = (48 / 80, *wilson(48 / 80, 80, confidence=0.95))
    assert newcombe(first, second) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_who_left_and_did_nothing_in_these_weeks_is_left_out() -> None:
    people = [person("ann"), person("old", left_at=START), person("gone", left_at=START)]
    found = summaries([label("a", "old", "pass")], tasks=[task("a")], people=people)
    assert sorted(found) == ["ann", "old"]
    assert found["old"].left


def stuck(
    *,
    state: str,
    involved: tuple[str, ...] = (),
    expired: int = 0,
    as_of: dt.date = dt.date(2026, 11, 24),
    people: list[Row] | None = None,
    **of_task: object,
) -> tuple[StuckTask, ...]:
    blind: tuple[BlindTask, ...] = blind_tasks(
        tasks_frame([task("t", **of_task)]), labels_frame([]), membership_frame({})
    )
    team = [person("ann"), person("bo"), person("eve", may_adjudicate=True)]
    circumstances = Circumstances(
        people=people_frame(team if people is None else people),
        involved={"t": set(involved)},
        expired={"t": expired},
    )
    return stuck_tasks(
        blind, {"t": state}, circumstances, policy=ReviewSettings(deadline_days=4), as_of=as_of
    )


def reason(**world: object) -> str | None:
    found = stuck(**world)
    return found[0].reason if found else None


def test_a_task_that_somebody_can_still_answer_is_not_stuck() -> None:
    assert stuck(state="open") == ()
    assert stuck(state="labelled", involved=("ann",)) == ()
    assert stuck(state="disputed", involved=("ann", "bo")) == ()


@pytest.mark.parametrize("state", ["agreed", "adjudicated", "cannot_tell"])
def test_a_settled_task_is_never_stuck(state: str) -> None:
    assert stuck(state=state, expired=9, as_of=dt.date(2027, 1, 1)) == ()


def test_a_gold_check_is_never_stuck() -> None:
    assert stuck(state="open", known_label="pass", people=[]) == ()


def test_a_dispute_without_an_adjudicator_who_may_is_stuck() -> None:
    assert reason(state="disputed", involved=("ann", "eve")) == (
        "every adjudicator has labelled or skipped it"
    )
    assert reason(state="disputed", people=[person("ann")]) == (
        "there is no adjudicator at the desk"
    )
    left = [person("ann"), person("eve", may_adjudicate=True, left_at=START)]
    assert reason(state="disputed", people=left) == "there is no adjudicator at the desk"


def test_a_task_that_everybody_has_labelled_or_skipped_is_stuck() -> None:
    assert reason(state="labelled", involved=("ann", "bo", "eve")) == (
        "everybody at the desk has labelled or skipped it"
    )
    assert reason(state="open", people=[]) == "there is nobody at the desk"


def test_scripts_do_not_count_where_there_are_people() -> None:
    people = [person("ann"), person("bot", kind="scripted")]
    assert reason(state="labelled", involved=("ann",), people=people) is not None
    assert reason(state="open", people=[person("bot", kind="scripted")]) is None


def test_a_task_that_is_opened_and_left_again_and_again_is_stuck() -> None:
    assert reason(state="open", expired=2) is None
    assert reason(state="open", expired=3) == "3 times somebody opened it and did not answer"


def test_a_task_past_its_deadline_is_stuck_and_every_reason_is_told() -> None:
    # The week ends on 2026-11-23; four days later is the 27th.
    assert reason(state="open", as_of=dt.date(2026, 11, 26)) is None
    assert reason(state="open", as_of=dt.date(2026, 11, 27)) == "its deadline was 2026-11-27"
    (only,) = stuck(state="open", as_of=dt.date(2026, 11, 27), expired=4)
    assert only == StuckTask(
        "t", WEEK, "open",
        "4 times somebody opened it and did not answer; its deadline was 2026-11-27",
    )  # fmt: skip


def test_equally_careful_people_are_accused_in_fewer_than_one_desk_of_twenty() -> None:
    # Five people, 120 tasks by random pairs, each answer right with .85; 200 desks, seed 4. The
    # bound is on the chance that anybody at all is named; simulation error at .05: .015.
    rng = np.random.default_rng(4)
    people = [person(name) for name in ("ann", "bo", "cy", "dee", "eli")]
    accused = 0
    for _ in range(200):
        tasks, labels = [], []
        for number in range(120):
            name = f"t{number:03}"
            tasks.append(task(name))
            for at, place in enumerate(rng.choice(5, 2, replace=False)):
                answer = "pass" if rng.random() < 0.85 else "fail"
                labels.append(label(name, str(people[place]["annotator_id"]), answer, at=at))
        found = summaries(labels, tasks=tasks, people=people)
        accused += any(each.deviations for each in found.values())
    assert accused / 200 <= 0.05
