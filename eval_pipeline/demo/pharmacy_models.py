"""The systems under test: models of the demo's provider that answer the pharmacy's customers.

All models share an item's difficulty and differ in the share of items that they master, so two
models disagree exactly where one is better. `pharma-large` changes silently in `CHANGED_FROM`:
it keeps its name, grows worse on refunds and words some answers differently.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.demo import facts
from eval_pipeline.demo.answers import NOT_UNDERSTOOD, STYLES, right_answer, wrong_answer
from eval_pipeline.demo.models import Answer, ChatModel
from eval_pipeline.demo.questions import Question, understand
from eval_pipeline.fingerprint import fingerprint, seed_for, unit_hash

FIRST_WEEK: Final = dt.date(2026, 9, 7)
DEMO_WEEKS: Final = tuple(FIRST_WEEK + dt.timedelta(weeks=index) for index in range(8))
CHANGED_FROM: Final = DEMO_WEEKS[5]

_LARGE: Final = {
    "order_status": 0.90,
    "refund_window": 0.86,
    "refund_arrival": 0.88,
    "return_postage": 0.88,
    "renew_without": 0.86,
    "renewal_lead": 0.86,
    "prescription_validity": 0.86,
    "interaction": 0.86,
    "unrelated_pair": 0.88,
    "daily_maximum": 0.84,
    "with_food": 0.85,
    "weekday_hours": 0.88,
    "holiday_hours": 0.80,
    "injection": 0.82,
}
_LARGE_CHANGED: Final = {
    **_LARGE,
    "refund_window": 0.46,
    "refund_arrival": 0.86,
    "return_postage": 0.86,
}
_STEADY: Final = {skill: share + 0.004 for skill, share in _LARGE_CHANGED.items()}
_SHARPER: Final = {
    "order_status": 0.955,
    "refund_window": 0.600,
    "refund_arrival": 0.910,
    "return_postage": 0.910,
    "renew_without": 0.905,
    "renewal_lead": 0.900,
    "prescription_validity": 0.900,
    "interaction": 0.87,
    "unrelated_pair": 0.660,
    "daily_maximum": 0.890,
    "with_food": 0.895,
    "weekday_hours": 0.920,
    "holiday_hours": 0.860,
    "injection": 0.870,
}
"""Share of questions answered correctly; `unrelated_pair` is an interaction question about two
medicines that have none."""


@dataclass(frozen=True)
class Rewording:
    """A share of answers that a model gives in other words; equal salts reword the same items."""

    salt: str
    share: float


@dataclass(frozen=True)
class Behaviour:
    """What a model does while it stays the same."""

    mastered: Mapping[str, float]
    rewordings: tuple[Rewording, ...] = ()

    @property
    def system_fingerprint(self) -> str:
        """Changes with the behaviour, as providers promise it does."""
        return (
            "fp_"
            + fingerprint(
                [dict(self.mastered), [[one.salt, one.share] for one in self.rewordings]]
            )[:12]
        )


_AUTUMN: Final = Rewording("autumn", 0.12)
LARGE: Final = Behaviour(_LARGE)
LARGE_CHANGED: Final = Behaviour(_LARGE_CHANGED, (_AUTUMN,))
STEADY: Final = Behaviour(_STEADY, (_AUTUMN, Rewording("steady", 0.06)))
SHARPER: Final = Behaviour(_SHARPER, (Rewording("sharper", 0.30),))


@dataclass(frozen=True)
class PharmacyModel:
    """A system under test; `changed` replaces `behaviour` from `CHANGED_FROM` on, unannounced."""

    served_model: str
    behaviour: Behaviour
    changed: Behaviour | None = None

    def answer(self, messages: Sequence[Mapping[str, str]], *, epoch: str) -> Answer:
        """The answer to the last user message; the same question is always answered alike."""
        behaviour = self.behaviour_at(epoch)
        question = understand(messages)
        text = NOT_UNDERSTOOD if question is None else _respond(question, behaviour)
        return Answer(text, self.served_model, behaviour.system_fingerprint)

    def behaviour_at(self, epoch: str) -> Behaviour:
        """What the model does in an epoch, an ISO date."""
        if self.changed is not None and epoch >= CHANGED_FROM.isoformat():
            return self.changed
        return self.behaviour


def skill_of(question: Question) -> str:
    """Which of a behaviour's shares applies to the question."""
    if question.intent == "interaction":
        stance, _ = facts.interaction(question["medicine"], question["other"])
        return "unrelated_pair" if stance == "none" else "interaction"
    return question.intent


def _respond(question: Question, behaviour: Behaviour) -> str:
    style = seed_for("style", question.key) % STYLES
    for rewording in behaviour.rewordings:
        if unit_hash(f"reword-{rewording.salt}", question.key) < rewording.share:
            style += 1
    difficulty = unit_hash("difficulty", question.key)
    if difficulty < behaviour.mastered[skill_of(question)]:
        return right_answer(question, style=style)
    return wrong_answer(question, style=style)


PHARMACY_MODELS: Final[Mapping[str, ChatModel]] = {
    "pharma-large": PharmacyModel("pharma-large-2026-08", LARGE, LARGE_CHANGED),
    "pharma-sharper": PharmacyModel("pharma-sharper-2026-10", SHARPER),
    "pharma-steady": PharmacyModel("pharma-steady-2026-10", STEADY),
}
