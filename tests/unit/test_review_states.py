from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.review.states import (
    ASKED_FOR,
    ERASED,
    SETTLED_STATES,
    may_follow,
    standing_decision,
    standing_labels,
    state_of,
)

ANSWERS = st.sampled_from(["pass", "fail", "cannot_tell"])
STATES = ("open", "labelled", "agreed", "disputed", "adjudicated", "cannot_tell")


def label(key: str, who: str, answer: str, **changes: object) -> dict[str, object]:
    return {
        "label_id": key, "task_id": "t", "annotator_id": who, "label": answer,
        "labelled_at": int(key), "corrects": None, "withdrawn": False, **changes,
    }  # fmt: skip


def state(*labels: dict[str, object], decided: str | None = None, needed: int = 2) -> str:
    decision = None if decided is None else {"label": decided}
    return state_of(standing_labels(labels), decision, needed=needed)


def test_as_many_labels_as_the_task_needs_settle_it() -> None:
    one, two, three = (label(str(n), who, "pass") for n, who in enumerate("abc"))
    assert [state(one, needed=n) for n in (1, 2, 3)] == ["agreed", "labelled", "labelled"]
    assert [state(one, two, needed=n) for n in (1, 2, 3)] == ["agreed", "agreed", "labelled"]
    assert state(one, two, three, needed=3) == "agreed"
    assert state(one, two, label("3", "c", "fail"), needed=3) == "disputed"


def test_a_withdrawn_label_does_not_count_and_the_next_one_does() -> None:
    careless = label("1", "a", "fail", withdrawn=True)
    two, three = label("2", "b", "pass"), label("3", "c", "pass")
    assert state(careless) == "open"
    assert state(careless, two) == "labelled"
    assert state(careless, two, three) == "agreed"
    assert state(careless, decided="pass") == "adjudicated"


def test_of_a_withdrawn_correction_nothing_earlier_comes_back() -> None:
    first = label("1", "a", "pass", withdrawn=True)
    second = label("2", "a", "fail", corrects="1", withdrawn=True)
    assert standing_labels([first, second]) == []


def test_no_step_leads_out_of_a_decision_or_an_erasure() -> None:
    for step, after in product(("label", "adjudicate", "withdraw"), STATES):
        assert not may_follow(ERASED, after, step=step)
        if after not in ("adjudicated", "cannot_tell"):
            assert not may_follow("adjudicated", after, step=step)
            assert not may_follow("cannot_tell", after, step=step)


def test_nobody_is_asked_for_a_task_that_is_settled() -> None:
    assert not {*ASKED_FOR["label"], *ASKED_FOR["adjudicate"]} & {*SETTLED_STATES, ERASED}


def test_without_adjudications_there_is_no_decision() -> None:
    assert standing_decision([]) is None


@given(st.lists(ANSWERS, max_size=6), st.integers(1, 4))
def test_each_further_label_is_a_step_that_may_follow(answers: list[str], needed: int) -> None:
    labels = [label(str(n), str(n), answer) for n, answer in enumerate(answers)]
    before = "open"
    for count in range(1, len(labels) + 1):
        after = state(*labels[:count], needed=needed)
        assert may_follow(before, after, step="label")
        before = after


@given(st.lists(st.tuples(ANSWERS, st.booleans()), max_size=6), st.integers(1, 4))
def test_a_withdrawal_is_a_step_that_may_follow(said: list[tuple[str, bool]], needed: int) -> None:
    labels = [label(str(n), str(n), answer) for n, (answer, _) in enumerate(said)]
    left = [row for row, (_, kept) in zip(labels, said, strict=True) if kept]
    if len(left) < len(labels):
        before, after = state(*labels, needed=needed), state(*left, needed=needed)
        assert may_follow(before, after, step="withdraw")
