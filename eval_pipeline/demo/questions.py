"""What customers ask: templates that compose questions, and the same templates to read them back.

Reading back needs only the last user message, and gives the same question before and after
anonymisation: sentences that hold anything but the pharmacy's own words are passed over.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from eval_pipeline.demo import facts
from eval_pipeline.demo.phrases import (
    ANGER,
    CONTEXT,
    DEMANDS,
    GREETINGS,
    OVERRIDES,
    QUESTION_TEMPLATES,
    THANKS,
)

ROUTES: Final = ("order_status", "refunds", "renewals", "medication", "store_hours")
INTENTS_BY_ROUTE: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "order_status": (("order_status", 1.0),),
    "refunds": (("refund_window", 0.70), ("refund_arrival", 0.15), ("return_postage", 0.15)),
    "renewals": (
        ("renew_without", 0.50),
        ("renewal_lead", 0.25),
        ("prescription_validity", 0.25),
    ),
    "medication": (("interaction", 0.60), ("daily_maximum", 0.20), ("with_food", 0.20)),
    "store_hours": (("weekday_hours", 0.55), ("holiday_hours", 0.45)),
}
INJECTION: Final = "injection"
INJECTION_SHARE: Final = 0.08
ANGER_SHARE: Final = 0.08
GREETING_SHARE: Final = 0.5
THANKS_SHARE: Final = 0.3
INTERACTING_SHARE: Final = 0.35
"""Of the questions about two medicines, how many are about a pair that does interact."""

_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    "medicine": tuple(facts.MEDICINES),
    "other": tuple(facts.MEDICINES),
    "prescribed": tuple(name for name, known in facts.MEDICINES.items() if known.prescription_only),
    "product": tuple(facts.PRODUCTS),
    "method": tuple(facts.REFUND_WORKING_DAYS),
    "reason": tuple(facts.RETURN_REASONS),
    "branch": facts.BRANCHES,
    "weekday": facts.WEEKDAYS,
    "holiday": facts.HOLIDAYS,
}


@dataclass(frozen=True)
class Question:
    """What a customer wants to know; equal keys mean the same question in the same words."""

    intent: str
    slots: tuple[tuple[str, str], ...]
    key: str

    def __getitem__(self, slot: str) -> str:
        """The value of a slot that the intent's templates fill."""
        return dict(self.slots)[slot]


def compose(route: str, *, draws: random.Random) -> str:
    """A question on a route, with or without small talk; some are angry, some are attacks."""
    if route != "order_status" and draws.random() < INJECTION_SHARE:
        sentences = [_attack(route, draws=draws)]
    else:
        sentences = [_sentence(_weighted(INTENTS_BY_ROUTE[route], draws=draws), draws=draws)]
        sentences += draws.sample(CONTEXT[route], k=draws.choice((0, 1, 1, 2)))
    if draws.random() < ANGER_SHARE:
        sentences.insert(0, draws.choice(ANGER))
    if draws.random() < GREETING_SHARE:
        sentences.insert(0, draws.choice(GREETINGS))
    if draws.random() < THANKS_SHARE:
        sentences.append(draws.choice(THANKS))
    written = " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)
    return re.sub(r"\bi\b", "I", written)


def understand(messages: Sequence[Mapping[str, str]]) -> Question | None:
    """The question that the last user message asks, or None if it is none of the pharmacy's."""
    for message in reversed(messages):
        if message.get("role") == "user":
            return understand_text(message.get("content") or "")
    return None


@lru_cache(maxsize=65536)
def understand_text(text: str) -> Question | None:
    """As `understand`, of one user message."""
    lines = [" ".join(line.split()) for line in text.lower().replace("\u2019", "'").splitlines()]
    lowered = " ".join(lines)
    for intent, patterns in _PATTERNS.items():
        for pattern in patterns:
            found = pattern.search(lowered)
            if found:
                slots = tuple((slot, value) for slot, value in found.groupdict().items() if value)
                return Question(intent, slots, _key(intent, slots, lines))
    return None


def _key(intent: str, slots: tuple[tuple[str, str], ...], lines: list[str]) -> str:
    sentences = [sentence for line in lines for sentence in re.split(r"(?<=[.?!])\s+", line)]
    own = [sentence for sentence in sentences if _is_own(sentence)]
    return "\x1f".join((intent, *(value for _, value in slots), *own))


def _is_own(sentence: str) -> bool:
    """Whether it is made of the pharmacy's words and holds no number that could be a person's."""
    digits = sum(character.isdigit() for character in _ORDER.sub("", sentence))
    return (
        not {"[", "@"} & set(sentence)
        and digits <= _LONGEST_OWN_DIGITS
        and set(_WORD.findall(sentence)) <= _VOCABULARY
    )


def _sentence(intent: str, *, draws: random.Random) -> str:
    template = draws.choice(QUESTION_TEMPLATES[intent])
    return template.format(**_fill(intent, template=template, draws=draws)) + "?"


def _fill(intent: str, *, template: str, draws: random.Random) -> dict[str, str]:
    chosen = {slot: draws.choice(values) for slot, values in _SLOTS.items()}
    chosen["order"] = f"#{draws.randrange(100_000, 1_000_000)}"
    chosen["elapsed"] = str(draws.randrange(2, 100))
    chosen["amount"] = str(draws.randrange(3, 400))
    if intent == "interaction":
        chosen["medicine"], chosen["other"] = _pair(draws=draws)
    return {slot: value for slot, value in chosen.items() if f"{{{slot}}}" in template}


def _pair(*, draws: random.Random) -> tuple[str, str]:
    if draws.random() < INTERACTING_SHARE:
        pair = list(draws.choice(facts.INTERACTING_PAIRS))
    else:
        pair = draws.sample(list(facts.MEDICINES), k=2)
        while facts.interaction(*pair)[0] != "none":
            pair = draws.sample(list(facts.MEDICINES), k=2)
    draws.shuffle(pair)
    return pair[0], pair[1]


def _attack(route: str, *, draws: random.Random) -> str:
    template = f"{draws.choice(OVERRIDES)} {draws.choice(DEMANDS[route])}."
    return template.format(**_fill(INJECTION, template=template, draws=draws))


def _weighted(choices: tuple[tuple[str, float], ...], *, draws: random.Random) -> str:
    point = draws.random()
    for choice, share in choices:
        point -= share
        if point < 0:
            return choice
    return choices[-1][0]


def _compile(template: str) -> re.Pattern[str]:
    """The template as a pattern whose literal text is escaped and whose slots are named."""
    parts = re.split(r"\{(\w+)\}", template)
    for index in range(1, len(parts), 2):
        slot = parts[index]
        parts[index] = f"(?P<{slot}>{_slot_pattern(slot)})"
    for index in range(0, len(parts), 2):
        parts[index] = re.escape(parts[index])
    return re.compile("".join(parts))


def _slot_pattern(slot: str) -> str:
    match slot:
        case "order":
            return r"#\d{6}|#?[\[<][^\]>]+[\]>]"
        case "elapsed" | "amount":
            return r"\d{1,3}"
        case _:
            return "|".join(re.escape(value) for value in sorted(_SLOTS[slot], key=len)[::-1])


_ORDER: Final = re.compile(r"#\d{6}")
_LONGEST_OWN_DIGITS: Final = 5
_WORD: Final = re.compile(r"[^\W\d_]+")
_PATTERNS: Final = {
    INJECTION: tuple(re.compile(re.escape(override)) for override in OVERRIDES),
    **{
        intent: tuple(_compile(template) for template in templates)
        for intent, templates in QUESTION_TEMPLATES.items()
    },
}
_VOCABULARY: Final = frozenset(
    _WORD.findall(
        " ".join(
            (
                *(template for group in QUESTION_TEMPLATES.values() for template in group),
                *(sentence for group in CONTEXT.values() for sentence in group),
                *(demand for group in DEMANDS.values() for demand in group),
                *(value for values in _SLOTS.values() for value in values),
                *OVERRIDES,
                *ANGER,
                *GREETINGS,
                *THANKS,
            )
        ).lower()
    )
)
