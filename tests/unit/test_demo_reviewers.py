import pytest

from eval_pipeline.demo.answers import right_answer, wrong_answer
from eval_pipeline.demo.draws import stream
from eval_pipeline.demo.knowledge import assess
from eval_pipeline.demo.questions import ROUTES, compose, understand_text
from eval_pipeline.demo.reviewers import ADJUDICATOR, ANNOTATORS, label


def subjects(count: int) -> list[tuple[dict[str, object], str]]:
    """Task subjects with the label they deserve."""
    draws = stream("test-demo-reviewers")
    made: list[tuple[dict[str, object], str]] = []
    for number in range(count):
        text = compose(draws.choice(ROUTES), draws=draws)
        question = understand_text(text)
        assert question is not None
        truth = "pass" if number % 2 else "fail"
        response = right_answer(question) if number % 2 else wrong_answer(question)
        messages = [{"role": "user", "content": text}]
        made.append(({"messages": messages, "response": response}, truth))
    return made


@pytest.mark.parametrize(
    ("annotator", "errs"), [(ANNOTATORS[0], 0.03), (ANNOTATORS[1], 0.03), (ADJUDICATOR, 0.005)]
)
def test_a_reviewer_errs_at_their_own_rate(annotator, errs):
    # 4,000 labels: standard error sqrt(.03 * .97 / 4000) = 0.0027, three of them 0.008.
    wrong = sum(
        label(subject, annotator=annotator).label != truth for subject, truth in subjects(4000)
    )
    assert wrong / 4000 == pytest.approx(errs, abs=0.008 if errs > 0.01 else 0.004)


def test_annotators_do_not_err_together():
    both = sum(
        all(label(subject, annotator=one).label != truth for one in ANNOTATORS)
        for subject, truth in subjects(4000)
    )
    # Independent errors: 4000 * 0.03 * 0.03 = 3.6, standard deviation 1.9.
    assert both <= 10


def test_a_fail_comes_with_a_right_answer_and_a_pass_with_none():
    for subject, _ in subjects(300):
        given = label(subject, annotator=ANNOTATORS[0])
        assert given.rationale
        if given.label == "pass":
            assert given.reference_response is None
        else:
            assert given.reference_response is not None
            assert assess(subject["messages"], given.reference_response).correct


def test_a_missing_response_fails():
    subject = {"messages": [{"role": "user", "content": "Where is my order #123456?"}]}
    given = label({**subject, "response": None}, annotator=ADJUDICATOR)
    assert given.label == "fail"
