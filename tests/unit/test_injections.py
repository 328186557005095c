"""The corpus of attempts against judges that obey whatever they take for an order."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable

import pytest

from eval_pipeline.judging.injections import Judged, injections, planted
from eval_pipeline.judging.material import REMINDER, read_material
from eval_pipeline.judging.prompts import pointwise_messages
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import Message

RUBRIC = Rubric("general", "pointwise", ("Names the hour at which the shop opens.",))
QUESTION = (Message("user", "When does the shop in Lyon open?"),)
RIGHT = Judged(QUESTION, "The shop in Lyon opens at nine o'clock sharp.", "It opens at nine.")
WRONG = Judged(QUESTION, "The shop in Lyon opens its doors somewhat later.", "It opens at nine.")
ATTEMPTS = [(WRONG, one) for one in injections("pass")] + [
    (RIGHT, one) for one in injections("fail")
]


def prompt_of(judged: Judged) -> str:
    return pointwise_messages(
        RUBRIC,
        conversation=judged.conversation,
        response=judged.response,
        reference=judged.reference,
    )[1].content


def naive_prompt_of(judged: Judged) -> str:
    """The same with plain tags around the raw texts, as most judges are asked."""
    turns = "\n".join(f"{turn.role}: {turn.content}" for turn in judged.conversation)
    return (
        f"<conversation>\n{turns}\n</conversation>\n\n<reference>\n{judged.reference}\n</reference>"
        f"\n\n<response>\n{judged.response}\n</response>"
    )


def plain(text: str) -> str:
    """How a model may read odd letters: compatible forms, no accents, nothing unseen."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(one for one in apart if unicodedata.category(one) not in ("Mn", "Cf")).lower()


def outside_tags(text: str) -> str:
    return re.sub(
        r"<\s*(conversation|reference|response)\b[^>\n]*>.*?<\s*/\s*\1\b", "", text, flags=re.DOTALL
    )


def believes_tags(prompt: str) -> str:
    """Takes every tag for one, wherever and however it is spelled, and what is outside for orders.

    Neither the mark nor the line marks mean anything to it.
    """
    return outside_tags(plain(prompt))


def believes_lines(prompt: str) -> str:
    """Takes every line for an order that is not marked as material; tags mean nothing to it."""
    return "\n".join(line for line in prompt.splitlines() if not line.startswith("| "))


def believes_the_mark(prompt: str) -> str:
    """Decodes all it can and goes by the mark alone; without one, by the tags."""
    mark = re.match(r"Mark: (\w+)\n", prompt)
    decoded = plain(html.unescape(html.unescape(prompt)))
    if mark is None:
        return outside_tags(decoded)
    return re.sub(rf"<(\w+) {mark[1]}>.*?</\1 {mark[1]}>", "", decoded, flags=re.DOTALL)


GULLIBLE = [believes_tags, believes_lines, believes_the_mark]


def verdict_of(prompt: str, judged: Judged, *, believes: Callable[[str], str]) -> str:
    """The last order outside of what it takes for material, else what the response deserves."""
    orders = re.findall(r"\b(pass|fail)\b", believes(prompt))
    return orders[-1] if orders else ("pass" if "nine" in judged.response else "fail")


def moved(
    shown: Callable[[Judged], str], *, believes: Callable[[str], str]
) -> list[tuple[str, str]]:
    """The attempts that changed the verdict, by family and place."""
    found = []
    for judged, attempt in ATTEMPTS:
        attacked = planted(judged, attempt)
        before = verdict_of(shown(judged), judged, believes=believes)
        if verdict_of(shown(attacked), judged, believes=believes) != before:
            found.append((attempt.family, attempt.place))
    return found


def test_the_corpus_holds_more_than_two_hundred_different_attempts_in_every_place() -> None:
    for aim in ("pass", "fail"):
        corpus = injections(aim)
        assert len({one.text for one in corpus}) == len(corpus) >= 200
        assert len({one.injection_id for one in corpus}) == len(corpus)
        assert min(Counter(one.place for one in corpus).values()) >= 20
        assert len({one.family for one in corpus}) >= 14
    assert injections("pass") == injections("pass")


@pytest.mark.parametrize("believes", GULLIBLE)
def test_no_attempt_moves_a_judge_that_believes_one_wall_alone(
    believes: Callable[[str], str],
) -> None:
    assert moved(prompt_of, believes=believes) == []


@pytest.mark.parametrize(
    ("believes", "least"), [(believes_tags, 25), (believes_lines, 200), (believes_the_mark, 30)]
)
def test_the_same_judges_are_moved_where_texts_stand_between_plain_tags(
    believes: Callable[[str], str], least: int
) -> None:
    assert len(moved(naive_prompt_of, believes=believes)) >= least


def test_every_attempt_stays_material_and_is_read_back_as_it_was() -> None:
    for judged, attempt in ATTEMPTS:
        attacked = planted(judged, attempt)
        prompt = prompt_of(attacked)
        material = read_material(prompt)
        assert material is not None
        assert material.turns == attacked.conversation
        assert material.texts == {
            "reference": attacked.reference, "response": attacked.response,
        }  # fmt: skip
        own = [line for line in prompt.splitlines() if not line.startswith("| ")]
        roles = [f"{turn.role}:" for turn in attacked.conversation]
        assert [line for line in own if line.endswith(":")] == roles
        assert len(own) == 12 + len(roles)
        assert own[-1] == REMINDER


def test_an_attempt_stands_where_it_says() -> None:
    for judged, attempt in ATTEMPTS:
        attacked = planted(judged, attempt)
        texts = {
            "reference": attacked.reference or "",
            "question": attacked.conversation[-1].content,
            "tool": attacked.conversation[0].content,
        }
        assert attempt.text in texts.get(attempt.place, attacked.response)
        changed = (attacked.response != judged.response, attacked.reference != judged.reference)
        assert sum(changed) + (attacked.conversation != judged.conversation) == 1
