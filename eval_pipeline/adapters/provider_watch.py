"""Whether a provider changed a model under an unchanged name: sightings and their comparison.

A sighting is what a few fixed prompts, the canaries, brought back at one time. It holds no text.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Self

from eval_pipeline.adapters.providers import request_fingerprint
from eval_pipeline.errors import UnansweredCallsError
from eval_pipeline.fingerprint import canonical_json, fingerprint
from eval_pipeline.ports import CallOutcome, ModelCall, ModelRunner

FALSE_ALARM_RATE = 0.0001
UNPROVEN_NOISE_RATE = 0.5
LONGEST_SYSTEM_NAME = 50


@dataclass(frozen=True)
class Sighting:
    """What one look at one system found.

    `served_models` and `system_fingerprints` come commonest first. `answers` maps a prompt, with
    everything that was asked of it, to the fingerprint of its answer; a canary that failed is not
    in it but counted in `unanswered`.
    """

    system_id: str
    requested_model: str
    served_models: tuple[str, ...]
    system_fingerprints: tuple[str, ...]
    answers: Mapping[str, str]
    unanswered: int

    @property
    def served_model(self) -> str | None:
        """The commonest of the served models; null if the provider names none."""
        return self.served_models[0] if self.served_models else None

    @property
    def system_fingerprint(self) -> str | None:
        """The commonest of the system fingerprints; null if the provider sends none."""
        return self.system_fingerprints[0] if self.system_fingerprints else None

    def to_json(self) -> str:
        """Canonical JSON: equal sightings give equal text."""
        return canonical_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The sighting that `to_json` wrote."""
        value = json.loads(text)
        for name in ("served_models", "system_fingerprints"):
            value[name] = tuple(value[name])
        return cls(**value)


@dataclass(frozen=True)
class Finding:
    """What a sighting says against the earlier ones.

    `reason` is a sentence, empty unless `kind` is changed; `cause` names which sign gave it away.
    `changed_answers` of the `compared_answers` differ from the sighting before. `p_value` is null
    where no answers could be compared.
    """

    kind: Literal["first", "same", "changed"]
    cause: Literal["served_model", "system_fingerprint", "answers"] | None
    reason: str
    changed_answers: int
    compared_answers: int
    p_value: float | None


@dataclass(frozen=True)
class _Noise:
    """How often answers changed between sightings of an unchanged model."""

    changed: int = 0
    compared: int = 0


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
        answers={_prompt(outcome.call): _answer(outcome) for outcome in heard},
        unanswered=len(outcomes) - len(heard),
    )


def compare(
    history: Sequence[Sighting], current: Sighting, *, false_alarm_rate: float = FALSE_ALARM_RATE
) -> Finding:
    """Reads a sighting against the one before it; `history` is in order of time.

    A served model or system fingerprint that the sighting before did not show is a change. So
    are more changed answers than the model's own noise explains: Fisher's exact test, one-sided,
    of the share that changed now against the share that changed between the earlier sightings of
    the same model. It is exact whatever the noise; prompts that differ in noise make it more
    careful, not less (Hoeffding 1956). Before the second sighting of a model no noise is known,
    and a binomial test against `UNPROVEN_NOISE_RATE` stands in.
    """
    noise = _Noise()
    finding = Finding("first", None, "", 0, 0, None)
    previous: Sighting | None = None
    for sighting in (*history, current):
        finding = _compare(previous, sighting, noise=noise, false_alarm_rate=false_alarm_rate)
        if finding.kind == "same":
            noise = _Noise(
                noise.changed + finding.changed_answers, noise.compared + finding.compared_answers
            )
        else:
            noise = _Noise()
        previous = sighting
    return finding


def candidate_name(system_id: str, sighting: Sighting) -> str:
    """The name of the candidate that a changed model becomes; the same for the same sighting."""
    system = re.sub(r"[^a-z0-9_.-]", "-", system_id.lower())[:LONGEST_SYSTEM_NAME]
    return f"provider-change-{system}-{fingerprint([system_id, sighting.to_json()])[:8]}"


def _compare(
    previous: Sighting | None, current: Sighting, *, noise: _Noise, false_alarm_rate: float
) -> Finding:
    if previous is None or previous.requested_model != current.requested_model:
        return Finding("first", None, "", 0, 0, None)
    shared = previous.answers.keys() & current.answers.keys()
    changed = sum(previous.answers[prompt] != current.answers[prompt] for prompt in shared)
    p_value = _chance_of_noise(changed, len(shared), noise=noise) if shared else None
    counts = (changed, len(shared), p_value)
    appeared = _appeared(previous.served_models, current.served_models)
    if appeared:
        reason = f"served model {appeared} appeared where {previous.served_model} was served"
        return Finding("changed", "served_model", reason, *counts)
    appeared = _appeared(previous.system_fingerprints, current.system_fingerprints)
    if appeared:
        reason = f"system fingerprint {appeared} appeared, before: {previous.system_fingerprint}"
        return Finding("changed", "system_fingerprint", reason, *counts)
    if p_value is not None and p_value <= false_alarm_rate:
        reason = (
            f"{changed} of {len(shared)} answers changed, noise so far {noise.changed} of "
            f"{noise.compared}: chance {p_value:.1g}"
        )
        return Finding("changed", "answers", reason, *counts)
    return Finding("same", None, "", *counts)


def _appeared(before: Sequence[str], now: Sequence[str]) -> str | None:
    """The commonest name that is new; a provider that only starts to send names changes nothing."""
    return next((name for name in now if before and name not in before), None)


def _chance_of_noise(changed: int, compared: int, *, noise: _Noise) -> float:
    """The chance of so many changed answers, or more, if only noise is at work."""
    if noise.compared == 0:
        rate = UNPROVEN_NOISE_RATE
        return math.fsum(
            math.comb(compared, k) * rate**k * (1 - rate) ** (compared - k)
            for k in range(changed, compared + 1)
        )
    every, all_changed = compared + noise.compared, changed + noise.changed
    whole = _log_ways(every, all_changed)
    chance = math.fsum(
        math.exp(_log_ways(compared, k) + _log_ways(noise.compared, all_changed - k) - whole)
        for k in range(changed, min(compared, all_changed) + 1)
    )
    # Logarithms round: the sum of all ways may pass 1 in the last digits.
    return min(1.0, chance)


def _log_ways(n: int, k: int) -> float:
    """The logarithm of n over k."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _commonest_first(names: Iterable[str]) -> tuple[str, ...]:
    counts = Counter(names)
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def _requested(call: ModelCall) -> str:
    return f"{call.spec.provider}/{call.spec.model}"


def _prompt(call: ModelCall) -> str:
    return f"{call.item_id}#{call.trial}#{request_fingerprint(call)}"


def _answer(outcome: CallOutcome) -> str:
    return fingerprint([outcome.status, outcome.text])
