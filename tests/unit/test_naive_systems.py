import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from eval_pipeline.evaluation.naive.asked import Example, Question, question_text
from eval_pipeline.evaluation.naive.logistic import LogisticSystem
from eval_pipeline.evaluation.naive.retrieval import WORDS, RetrievalSystem
from eval_pipeline.evaluation.naive.rules import RegexSystem, TemplateSystem, groups_found
from eval_pipeline.ports import Message, OwnAnswer
from eval_pipeline.settings import (
    LogisticNaive,
    RegexNaive,
    RegexRule,
    RetrievalNaive,
    RouteTemplate,
    TemplateField,
    TemplateNaive,
)

WORD = st.sampled_from(["order", "late", "refund", "shoes", "where", "open", "monday", "12"])
TEXT = st.lists(WORD, min_size=1, max_size=6).map(" ".join)


def asked(text: str, *barred: str, route: str = "orders") -> Question:
    return Question("q", route, text, frozenset(barred))


def example(name: str, text: str, reference: str = "", group: str = "", route: str = "orders"):
    return Example(name, route, text, reference or f"answer {name}", group or name)


def rules(*given_rules: dict[str, object], otherwise: str | None = None) -> RegexSystem:
    made = tuple(RegexRule.model_validate(rule) for rule in given_rules)
    return RegexSystem(RegexNaive(rules=made, otherwise=otherwise))


def test_the_first_rule_that_fits_answers_with_its_groups() -> None:
    system = rules(
        {"pattern": r"(?i)order #(?P<number>\d+)( today)?", "answer": r"\g<number>\2 is sent."},
        {"pattern": "order", "answer": "Which one?"},
    )
    assert system.answer(asked("My Order #55?")) == OwnAnswer("55 is sent.", 1.0, "rule")
    assert system.answer(asked("my order")).text == "Which one?"


def test_a_rule_holds_on_its_routes_alone() -> None:
    system = rules({"pattern": "", "answer": "yes", "routes": ["refunds"]})
    assert system.answer(asked("x", route="refunds")).text == "yes"
    assert system.answer(asked("x")) == OwnAnswer(None, 0.0, "no_rule")


def test_what_no_rule_fits_is_not_answered_or_answered_without_confidence() -> None:
    rule = {"pattern": "order", "answer": "a"}
    assert rules(rule).answer(asked("hello")).text is None
    told = rules(rule, otherwise="Sorry.").answer(asked("hello"))
    assert (told.text, told.confidence) == ("Sorry.", 0.0)


def test_a_pattern_that_makes_a_backtracking_engine_hang_takes_no_time() -> None:
    started = time.perf_counter()
    assert groups_found(r"(a+)+$", "a" * 50_000 + "b") is None
    assert time.perf_counter() - started < 2


@given(text=st.text(max_size=200), answer=st.text(alphabet="ab \n{}%$", max_size=20))
def test_an_answer_without_references_is_given_as_it_stands(text: str, answer: str) -> None:
    told = rules({"pattern": "(?s).*", "answer": answer}).answer(asked(text))
    assert (told.text, told.confidence) == (answer, 1.0)


def template(answer: str, **fields: TemplateField) -> TemplateSystem:
    return TemplateSystem(
        TemplateNaive(routes={"orders": RouteTemplate(answer=answer, fields=fields)})
    )


def test_a_template_is_filled_from_the_question() -> None:
    number = TemplateField(pattern=r"#(\d+)")
    system = template('{"order": {{ number | tojson }}}', number=number)
    assert system.answer(asked("where is #77?")).text == '{"order": "77"}'
    assert system.answer(asked("where is it?")) == OwnAnswer(None, 0.0, "no_field")
    assert system.answer(asked("#77", route="refunds")) == OwnAnswer(None, 0.0, "no_template")
    kept = template("{{ n | upper }}", n=TemplateField(pattern="#(.)", default="none"))
    assert kept.answer(asked("nothing")).text == "NONE"


@given(text=st.text(max_size=200))
def test_what_a_customer_writes_is_data_and_never_a_template(text: str) -> None:
    system = template("<{{ said }}>", said=TemplateField(pattern="(?s).*"))
    assert system.answer(asked("{{ 7*7 }}" + text)).text == "<{{ 7*7 }}" + text + ">"


def test_the_nearest_question_of_the_route_gives_its_answer() -> None:
    system = RetrievalSystem(
        RetrievalNaive(minimum_similarity=0.1),
        [
            example("a", "where is my order"),
            example("b", "when do you open"),
            example("c", "where is my order now please", route="refunds"),
        ],
    )
    told = system.answer(asked("where is the order"))
    assert (told.text, told.answered_from, told.reason) == ("answer a", "a", "nearest")
    far = system.answer(asked("elephants"))
    assert far == OwnAnswer(None, 0.0, "below_similarity")
    assert system.answer(asked("where", route="none")).reason == "no_example"


def test_an_item_is_never_answered_from_itself_or_its_kin() -> None:
    pool = [
        example("a", "where is my order", group="g"),
        example("b", "where is my order!", group="g"),
        example("c", "when do you open"),
    ]
    system = RetrievalSystem(RetrievalNaive(minimum_similarity=0), pool)
    assert system.answer(asked("where is my order")).answered_from == "a"
    assert system.answer(asked("where do you open", "g")).answered_from == "c"
    assert system.answer(asked("where is my order", "g", "c")).reason == "no_example"


@given(texts=st.lists(TEXT, min_size=3, max_size=12), groups=st.integers(2, 4))
def test_an_answer_is_the_same_as_if_its_group_had_never_been_there(texts, groups) -> None:
    pool = [example(f"i{n}", text, group=f"g{n % groups}") for n, text in enumerate(texts)]
    naive = RetrievalNaive(minimum_similarity=0)
    with_all = RetrievalSystem(naive, pool)
    for one in pool:
        rest = [other for other in pool if other.group != one.group]
        without = RetrievalSystem(naive, rest)
        assert with_all.answer(asked(one.text, one.group)) == without.answer(asked(one.text))


@given(texts=st.lists(TEXT, min_size=2, max_size=8), question=TEXT)
def test_similarities_are_those_of_scikit_learn(texts: list[str], question: str) -> None:
    # Its idf of a word in no document, 1 + ln((1 + n) / 1), is ours of an unknown word.
    shape = {"ngram_range": (1, 2), "token_pattern": WORDS, "sublinear_tf": True}
    vocabulary = TfidfVectorizer(**shape).fit([*texts, question]).vocabulary_
    theirs = TfidfVectorizer(**shape, vocabulary=vocabulary).fit(texts)
    expected = float((theirs.transform(texts) @ theirs.transform([question]).T).max())
    pool = [example(f"i{n}", text) for n, text in enumerate(texts)]
    told = RetrievalSystem(RetrievalNaive(minimum_similarity=0), pool).answer(asked(question))
    assert told.confidence == pytest.approx(expected, abs=1e-6)


def test_vectors_of_a_model_take_the_place_of_words() -> None:
    places = {"one": [1.0, 0.0], "two": [0.0, 1.0], "deux": [0.6, 0.8]}
    system = RetrievalSystem(
        RetrievalNaive(),
        [example("a", "one"), example("b", "two")],
        vectors=lambda texts: np.array([places[text] for text in texts]),
    )
    told = system.answer(asked("deux"))
    assert (told.answered_from, told.confidence, told.local) == ("b", 0.8, False)


CLASSES = {"late": "It is on its way.", "open": "We open at nine.", "money": "Refunded."}


def labelled(count: int = 30) -> list[Example]:
    names = list(CLASSES)
    return [
        example(f"i{n:02}", f"my {names[n % 3]} question {n}", CLASSES[names[n % 3]], f"g{n // 2}")
        for n in range(count)
    ]


def test_few_answers_are_learnt_and_given_with_their_probability() -> None:
    told = LogisticSystem(LogisticNaive(), labelled()).answer(asked("late late late"))
    assert (told.text, told.answered_from) == ("It is on its way.", "i00")
    assert told.confidence is not None
    assert 0.5 < told.confidence < 1


def test_an_item_is_never_in_the_training_fold_of_its_own_answer() -> None:
    # Every item has a word of its own and a label at random: only a leak could tell the label.
    naive = LogisticNaive(minimum_examples=2, folds=5, inverse_regularisation=1000)
    drawn = np.random.default_rng(20261122).integers(0, 2, 200)
    pool = [example(f"i{n:03}", f"word{n}", ["yes", "no"][label]) for n, label in enumerate(drawn)]
    system = LogisticSystem(naive, pool)
    honest = [system.answer(asked(one.text, one.group)).text == one.reference for one in pool]
    leaking = [system.answer(asked(one.text)).text == one.reference for one in pool]
    assert np.mean(leaking) == 1
    # Unknown words leave the more frequent label of the other folds: a coin, within 3.5 sd of 0.5.
    assert abs(np.mean(honest) - 0.5) < 3.5 * 0.5 / 200**0.5


def test_a_fold_model_is_the_one_that_was_fitted_without_its_fold() -> None:
    pool, naive = labelled(), LogisticNaive(minimum_examples=2)
    system = LogisticSystem(naive, pool)
    for one in pool:
        fold = system.fold_of(one.group)
        rest = [other for other in pool if system.fold_of(other.group) != fold]
        alone = LogisticSystem(naive, rest).answer(asked(one.text))
        assert system.answer(asked(one.text, one.group)) == alone


def test_a_new_question_is_answered_by_all_items() -> None:
    pool, naive = labelled(), LogisticNaive()
    told = LogisticSystem(naive, pool).answer(asked("open", "a group of nobody"))
    assert told == LogisticSystem(naive, list(reversed(pool))).answer(asked("open"))


def test_labels_are_read_out_of_answers() -> None:
    pool = [
        example(f"i{n}", ["late", "open"][n % 2], f'{{"intent": "{"ab"[n % 2]}", "n": {n}}}')
        for n in range(10)
    ]
    system = LogisticSystem(LogisticNaive(label_pattern='"intent": "([a-z])"'), pool)
    # Five wordings of label b, all as frequent: the first in order is given.
    assert system.answer(asked("open open")).text == '{"intent": "b", "n": 1}'
    assert LogisticSystem(LogisticNaive(), pool).answer(asked("open")).reason == "too_few_labels"


def test_a_route_with_too_many_labels_or_too_little_confidence_is_not_answered() -> None:
    many = LogisticSystem(LogisticNaive(maximum_labels=2), labelled())
    assert many.answer(asked("late")) == OwnAnswer(None, 0.0, "too_many_labels")
    strict = LogisticSystem(LogisticNaive(minimum_confidence=0.999), labelled())
    unsure = strict.answer(asked("late"))
    assert (unsure.text, unsure.reason) == (None, "below_confidence")


def test_the_question_is_the_last_or_all_of_what_the_user_said() -> None:
    said = [Message("system", "s"), Message("user", "a"), Message("assistant", "b")]
    said.append(Message("user", "c"))
    assert question_text(said, naive=RetrievalNaive()) == "c"
    assert question_text(said, naive=RetrievalNaive(question="user_messages")) == "a\nc"
    assert question_text([], naive=RetrievalNaive()) == ""
