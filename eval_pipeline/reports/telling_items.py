"""The most telling items side by side: both answers, the reference, judges' verdicts, labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eval_pipeline.ports import Message
from eval_pipeline.reports import word_diff, wording
from eval_pipeline.reports.missing import reason_words
from eval_pipeline.reports.word_diff import Part

MAXIMUM_EXAMPLES: Final = 20
MAXIMUM_TURNS: Final = 6
MAXIMUM_TEXT: Final = 1200
MAXIMUM_RATIONALE: Final = 240
MAXIMUM_VOTES: Final = 6
WHY_WORDS: Final = {"loss": "lost", "gain": "won", None: ""}


@dataclass(frozen=True)
class Vote:
    """What one judge said of an answer; `error` says why there is no verdict."""

    judge_id: str
    verdict: str | None
    rationale: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class ExampleItem:
    """An item on which the arms differ tellingly; texts are anonymised, scores are null if none.

    By arm: `votes` of the judges as far as they are on record, `people` what people said of the
    answer, `errors` why a score is missing. `label` tells how people settled the logged answer.
    """

    item_id: str
    subset: str
    conversation: tuple[Message, ...]
    reference: str | None
    baseline_response: str | None
    candidate_response: str | None
    baseline_score: float | None
    candidate_score: float | None
    why: str | None = None
    votes: Mapping[str, Sequence[Vote]] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None


def shown(example: ExampleItem) -> dict[str, Any]:
    """The item as the template shows it; what is cut is told."""
    hidden = max(0, len(example.conversation) - MAXIMUM_TURNS)
    baseline, candidate = text(example.baseline_response), text(example.candidate_response)
    return {
        "item_id": example.item_id,
        "subset": example.subset,
        "why": WHY_WORDS[example.why],
        "hidden_turns": hidden,
        "turns": [
            (wording.printable(turn.role), text(turn.content))
            for turn in example.conversation[hidden:]
        ],
        "reference": text(example.reference),
        "label": example.label,
        "same": baseline is not None and example.baseline_response == example.candidate_response,
        "arms": _arms(example, baseline, candidate),
    }


def text(said: str | None) -> str | None:
    """At most `MAXIMUM_TEXT` printable characters, with how many more there were."""
    if said is None:
        return None
    rest = len(said) - MAXIMUM_TEXT
    kept = wording.printable(said[:MAXIMUM_TEXT])
    return kept if rest <= 0 else f"{kept}… ({rest} more characters)"


def _arms(
    example: ExampleItem, baseline: str | None, candidate: str | None
) -> list[dict[str, Any]]:
    parts: tuple[list[Part] | None, list[Part] | None]
    if baseline is None or candidate is None:
        parts = (_plain(baseline), _plain(candidate))
    else:
        parts = word_diff.marked(baseline, candidate)
    scores = (example.baseline_score, example.candidate_score)
    return [
        {
            "name": arm.capitalize(),
            "arm": arm,
            "parts": own,
            "score": score,
            "error": reason_words(example.errors[arm]) if arm in example.errors else None,
            "votes": [_vote(vote) for vote in example.votes.get(arm, ())][:MAXIMUM_VOTES],
            "people": example.people.get(arm),
        }
        for arm, own, score in zip(("baseline", "candidate"), parts, scores, strict=True)
    ]


def _plain(said: str | None) -> list[Part] | None:
    return None if said is None else [Part(said, only_here=False)]


def _vote(vote: Vote) -> dict[str, str | None]:
    told = vote.verdict or f"no verdict: {reason_words(vote.error or 'not recorded')}"
    why = None
    if vote.rationale:
        why = wording.clipped(wording.one_line(vote.rationale), MAXIMUM_RATIONALE)
    return {"judge": wording.one_line(vote.judge_id), "verdict": told, "why": why}
