"""How each annotator does: how much, how fast, how careful, and how far from the others.

A figure without its interval says nothing of a person, so every share has one, and who deviates is
said only where the interval leaves no doubt after allowing for how many people were looked at.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.review.blind_labels import BlindTask
from eval_pipeline.review.states import CANNOT_TELL, DECIDED
from eval_pipeline.statistics.proportions import newcombe
from eval_pipeline.statistics.weighted_agreement import share_interval

LOWER_QUARTILE: Final = 0.25
UPPER_QUARTILE: Final = 0.75


@dataclass(frozen=True)
class Share:
    """A share of `of` many, with its interval; all null where there is none."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    of: int


@dataclass(frozen=True)
class AnnotatorSummary:
    """One annotator over the weeks looked at.

    `labels`: standing ones, gold checks too; `cannot_tell` of them. `withdrawn`: labels taken back.
    `skips` by reason. Seconds are quartiles, null where nobody measured. `gold`: the share of gold
    checks answered pass or fail that came out as known. `agreement`: the share of other people's
    blind answers to the same tasks that are the same. `deviations`: sentences, where an interval
    says that one of both is below the others'.
    """

    annotator_id: str
    kind: str
    labels: int
    cannot_tell: int
    adjudications: int
    withdrawn: int
    skips: Mapping[str, int]
    lower_seconds: float | None
    median_seconds: float | None
    upper_seconds: float | None
    gold: Share
    agreement: Share
    deviations: tuple[str, ...]
    left: bool

    @property
    def active(self) -> bool:
        """Whether they did anything in these weeks."""
        return bool(self.labels or self.adjudications or self.withdrawn or self.skips)


@dataclass(frozen=True)
class DeskFrames:
    """What the store knows besides the blind labels: people, labels, adjudications, skips."""

    people: pl.DataFrame
    labels: pl.DataFrame
    adjudications: pl.DataFrame
    skips: pl.DataFrame


@dataclass(frozen=True)
class _Answer:
    """Whether an answer was as it should be, of whom, and in which conversation.

    `by` holds one person for a gold check and two for a pair of blind labels.
    """

    by: tuple[str, ...]
    hit: bool
    conversation: str


def annotator_summaries(
    tasks: Sequence[BlindTask], frames: DeskFrames, *, confidence: float = 0.95
) -> tuple[AnnotatorSummary, ...]:
    """Everyone who did something in these weeks or is still at the desk, by id."""
    golds, pairs = list(_gold_answers(tasks)), list(_pairs(tasks))
    deviations = _deviations(golds, pairs, confidence=confidence)
    decisions = _in_force(frames.adjudications, "adjudication_id")
    given = _in_force(frames.labels, "label_id")
    summaries = []
    for person in frames.people.sort("annotator_id").iter_rows(named=True):
        name = person["annotator_id"]
        own = [label for task in tasks for label in task.standing if label.annotator_id == name]
        quartiles = _quartiles([label.seconds for label in own if label.seconds is not None])
        skipped = Counter(frames.skips.filter(annotator_id=name)["reason"].to_list())
        summary = AnnotatorSummary(
            annotator_id=name,
            kind=person["kind"],
            labels=len(own),
            cannot_tell=sum(label.label == CANNOT_TELL for label in own),
            adjudications=decisions.filter(adjudicated_by=name).height,
            withdrawn=given.filter("withdrawn", annotator_id=name).height,
            skips=dict(sorted(skipped.items())),
            lower_seconds=quartiles[0],
            median_seconds=quartiles[1],
            upper_seconds=quartiles[2],
            gold=_share("gold checks", _of(golds, name), confidence=confidence),
            agreement=_share("agreement", _of(pairs, name), confidence=confidence),
            deviations=deviations.get(name, ()),
            left=person["left_at"] is not None,
        )
        if summary.active or not summary.left:
            summaries.append(summary)
    return tuple(summaries)


def pair_agreements(tasks: Iterable[BlindTask], *, confidence: float = 0.95) -> tuple[Share, ...]:
    """How often two named people gave the same label to the same task, by their names."""
    by_pair: dict[tuple[str, ...], list[_Answer]] = {}
    for answer in _pairs(tasks):
        by_pair.setdefault(answer.by, []).append(answer)
    return tuple(
        _share(" and ".join(names), answers, confidence=confidence)
        for names, answers in sorted(by_pair.items())
    )


def _in_force(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.filter(~pl.col(key).is_in(frame["corrects"].drop_nulls().to_list()))


def _gold_answers(tasks: Iterable[BlindTask]) -> Iterator[_Answer]:
    for task in tasks:
        if task.known_label is None:
            continue
        for label in task.standing:
            if label.label in DECIDED:
                hit = label.label == task.known_label
                yield _Answer((label.annotator_id,), hit, task.conversation)


def _pairs(tasks: Iterable[BlindTask]) -> Iterator[_Answer]:
    for task in tasks:
        if task.known_label is not None:
            continue
        decided = [label for label in task.counted if label.label in DECIDED]
        for one, other in combinations(decided, 2):
            names = tuple(sorted((one.annotator_id, other.annotator_id)))
            yield _Answer(names, one.label == other.label, task.conversation)


def _of(answers: Iterable[_Answer], name: str) -> list[_Answer]:
    return [answer for answer in answers if name in answer.by]


def _share(name: str, answers: Sequence[_Answer], *, confidence: float) -> Share:
    found = share_interval(
        np.array([answer.hit for answer in answers], dtype=np.bool_),
        np.ones(len(answers)),
        confidence=confidence,
        clusters=[answer.conversation for answer in answers],
    )
    return Share(name, found.value, found.lower, found.upper, len(answers))


def _deviations(
    golds: Sequence[_Answer], pairs: Sequence[_Answer], *, confidence: float
) -> dict[str, tuple[str, ...]]:
    """By person, where they are below the others: Newcombe's interval of the difference.

    The chance of error is shared by all comparisons (Bonferroni): that it names anybody at all
    among equally careful people is less likely than 1 - `confidence`.
    """
    subjects = {"gold checks": golds, "agreement with others": pairs}
    people = {
        name: sorted({by for one in found for by in one.by}) for name, found in subjects.items()
    }
    comparisons = sum(len(names) for names in people.values())
    strict = 1 - (1 - confidence) / max(comparisons, 1)
    said: dict[str, tuple[str, ...]] = {}
    for subject, answers in subjects.items():
        for name in people[subject]:
            own = _share(name, _of(answers, name), confidence=strict)
            rest = [answer for answer in answers if name not in answer.by]
            others = _share(name, rest, confidence=strict)
            sentence = _below(subject, own, others)
            if sentence is not None:
                said[name] = (*said.get(name, ()), sentence)
    return said


def _below(subject: str, own: Share, others: Share) -> str | None:
    ends = [(share.value, share.lower, share.upper) for share in (own, others)]
    (value, lower, upper), (other, other_lower, other_upper) = ends
    if value is None or lower is None or upper is None:
        return None
    if other is None or other_lower is None or other_upper is None:
        return None
    _, highest = newcombe((value, lower, upper), (other, other_lower, other_upper))
    if highest >= 0:
        return None
    return (
        f"{subject}: {100 * value:.0f} % of {own.of}, the others {100 * other:.0f} % of {others.of}"
    )


def _quartiles(seconds: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    if not seconds:
        return None, None, None
    lower, median, upper = np.quantile(seconds, [LOWER_QUARTILE, 0.5, UPPER_QUARTILE]).tolist()
    return lower, median, upper
