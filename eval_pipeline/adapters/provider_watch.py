"""Asks the canaries and makes a sighting of what came back."""

from collections import Counter
from collections.abc import Iterable, Sequence

from eval_pipeline.adapters.providers import request_fingerprint
from eval_pipeline.errors import UnansweredCallsError
from eval_pipeline.monitoring.provider_change.answer_signs import AnswerSign, sign_of
from eval_pipeline.monitoring.provider_change.sighting import Sighting
from eval_pipeline.ports import CallOutcome, ModelCall, ModelRunner


def observe(runner: ModelRunner, calls: Sequence[ModelCall], *, system_id: str) -> Sighting:
    """Asks the canaries; their scope must be new, or the journal answers instead of the provider.

    Raises `UnansweredCallsError` if not one of them was answered or refused.
    """
    purpose = f"the watch over '{system_id}'"
    outcomes = runner.run(calls, purpose=purpose)
    heard = [outcome for outcome in outcomes if outcome.status != "failed"]
    if not heard:
        codes = Counter(outcome.error_code or "unknown" for outcome in outcomes)
        commonest = _commonest_first(codes.elements())
        raise UnansweredCallsError(
            purpose, len(outcomes), len(outcomes), commonest[0] if commonest else "none was asked"
        )
    return Sighting(
        system_id=system_id,
        requested_model=_commonest_first(_requested(outcome.call) for outcome in heard)[0],
        served_models=_commonest_first(o.served_model for o in heard if o.served_model),
        system_fingerprints=_commonest_first(
            o.system_fingerprint for o in heard if o.system_fingerprint
        ),
        answers=_answers(heard),
        unanswered=len(outcomes) - len(heard),
        headers=_headers(heard),
    )


def item_of(prompt: str) -> str:
    """The golden item behind a prompt of `Sighting.answers`."""
    return prompt.rpartition("#")[0]


def _answers(heard: Sequence[CallOutcome]) -> dict[str, tuple[AnswerSign, ...]]:
    answers: dict[str, list[AnswerSign]] = {}
    for outcome in sorted(heard, key=lambda one: (_prompt(one.call), one.call.trial)):
        answers.setdefault(_prompt(outcome.call), []).append(sign_of(outcome))
    return {prompt: tuple(signs) for prompt, signs in answers.items()}


def _headers(heard: Sequence[CallOutcome]) -> dict[str, tuple[str, ...]]:
    names = {name for outcome in heard for name, _ in outcome.headers}
    return {
        name: _commonest_first(
            value for outcome in heard for known, value in outcome.headers if known == name
        )
        for name in sorted(names)
    }


def _commonest_first(names: Iterable[str]) -> tuple[str, ...]:
    counts = Counter(names)
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def _requested(call: ModelCall) -> str:
    return f"{call.spec.provider}/{call.spec.model}"


def _prompt(call: ModelCall) -> str:
    return f"{call.item_id}#{request_fingerprint(call)}"
