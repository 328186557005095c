"""Which reference runs a pinned system still lacks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.evaluation.trial_items import DRIFT_SALT, TrialItem
from eval_pipeline.evaluation.trials import RecordedAnswer
from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.settings import DriftSettings

Key = tuple[str, str, int, str, int]
"""Stream, item, revision, frozen week and run."""


@dataclass(frozen=True)
class PinOrder:
    """What a person asks of the reference; the weekly job asks nothing.

    `systems` are the ones to pin, all if empty; `runs` bounds the further runs of this call;
    `again` starts a new reference in place of one of an earlier week.
    """

    systems: tuple[str, ...] = ()
    runs: int | None = None
    again: bool = False


def pinned_in(
    system_id: str, *, standing: str | None, order: PinOrder | None, week: str
) -> str | None:
    """The week that names the system's reference: the standing one, a new one, or none."""
    if order is None or (order.systems and system_id not in order.systems):
        return standing
    return week if standing is None or order.again else standing


def runs_wanted(
    system_id: str, *, existing: int, order: PinOrder | None, policy: DriftSettings
) -> int:
    """How many runs every item is to have: without an order as many as there are.

    Items that have come since then get theirs in any case, so a rotation empties no reference.
    """
    if order is None or (order.systems and system_id not in order.systems):
        return existing
    further = policy.reference_runs if order.runs is None else existing + order.runs
    return max(existing, min(policy.reference_runs, further))


def reference_items(items: Sequence[TrialItem], *, maximum: int) -> list[TrialItem]:
    """The items that have reference runs: of more than `maximum` ids, the smallest hashes."""
    ids = sorted({item.item_id for item in items})
    kept = set(smallest_by_hash(ids, maximum, salt=DRIFT_SALT))
    return [item for item in items if item.item_id in kept]


def keys_held(reference: pl.DataFrame) -> set[Key]:
    """The runs that DRIFT_REFERENCE rows of one system and pin hold."""
    columns = ("stream", "item_id", "item_revision", "frozen_week", "run")
    return set(reference.select(columns).iter_rows())


def missing_reruns(
    items: Sequence[TrialItem], held: set[Key], *, pinned: str, runs: int
) -> Iterator[tuple[int, list[TrialItem]]]:
    """Run by run the items that the system is to be asked about."""
    for run in range(1, runs + 1):
        lacking = [
            item
            for item in items
            if ("rerun", item.item_id, item.item_revision, pinned, run) not in held
        ]
        if lacking:
            yield run, lacking


def missing_judgements(
    answers: Iterable[RecordedAnswer], held: set[Key], *, runs: int
) -> Mapping[int, list[RecordedAnswer]]:
    """Run by run the frozen answers that are to be scored; each item's first trial only."""
    wanted: dict[int, list[RecordedAnswer]] = {}
    seen = set(held)
    for answer in answers:
        item, week = answer.item, str(answer.row["week"])
        for run in range(1, runs + 1):
            key = ("rejudged", item.item_id, item.item_revision, week, run)
            if key not in seen:
                seen.add(key)
                wanted.setdefault(run, []).append(answer)
    return dict(sorted(wanted.items()))
