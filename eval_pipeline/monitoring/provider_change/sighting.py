"""A sighting: what one look at one system found. It holds no text."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from eval_pipeline.fingerprint import canonical_json, fingerprint
from eval_pipeline.monitoring.provider_change.answer_signs import AnswerSign

LONGEST_SYSTEM_NAME = 50


@dataclass(frozen=True)
class Sighting:
    """What the canaries brought back at one time.

    `served_models`, `system_fingerprints` and each header's values come commonest first. `answers`
    maps a prompt, with everything that was asked of it, to the signs of its repeats; a call that
    failed is not in it but counted in `unanswered`. `log_evidence` is what the detector held after
    this look, null for nothing; `opens_era`: what was before is another model, or nothing.
    """

    system_id: str
    requested_model: str
    served_models: tuple[str, ...]
    system_fingerprints: tuple[str, ...]
    answers: Mapping[str, tuple[AnswerSign, ...]]
    unanswered: int
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    log_evidence: float | None = None
    opens_era: bool = False

    @property
    def served_model(self) -> str | None:
        """The commonest of the served models; null if the provider names none."""
        return self.served_models[0] if self.served_models else None

    @property
    def system_fingerprint(self) -> str | None:
        """The commonest of the system fingerprints; null if the provider sends none."""
        return self.system_fingerprints[0] if self.system_fingerprints else None

    @property
    def answered(self) -> int:
        """How many calls came back with an answer or a refusal."""
        return sum(len(signs) for signs in self.answers.values())

    def to_json(self) -> str:
        """Canonical JSON: equal sightings give equal text."""
        held = {name: getattr(self, name) for name in self.__dataclass_fields__}
        held["answers"] = {
            prompt: [asdict(sign) for sign in signs] for prompt, signs in self.answers.items()
        }
        held["headers"] = dict(self.headers)
        return canonical_json(held)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The sighting that `to_json` wrote."""
        value: dict[str, Any] = json.loads(text)
        for name in ("served_models", "system_fingerprints"):
            value[name] = tuple(value[name])
        value["headers"] = {name: tuple(seen) for name, seen in value["headers"].items()}
        value["answers"] = {
            prompt: tuple(AnswerSign(**sign) for sign in signs)
            for prompt, signs in value["answers"].items()
        }
        return cls(**value)


def candidate_name(system_id: str, sighting: Sighting) -> str:
    """The name of the candidate that a changed model becomes; the same for the same sighting."""
    system = re.sub(r"[^a-z0-9_.-]", "-", system_id.lower())[:LONGEST_SYSTEM_NAME]
    return f"provider-change-{system}-{fingerprint([system_id, sighting.to_json()])[:8]}"
