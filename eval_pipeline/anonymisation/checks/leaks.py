"""How much personal data the week's masking has missed, from what was masked and the canaries."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from eval_pipeline.anonymisation.checks.canaries import CONFIDENCE, MASKED_AS
from eval_pipeline.statistics.proportions import wilson


@dataclass(frozen=True)
class LeakEstimate:
    """The estimated share of the week's personal values that can still be read, and its interval.

    All three are null where nothing that canaries speak for was masked. `spans` are the masked
    spans that it rests on; of the kinds in `unmeasured` there were no canaries, and of those in
    `blind` none was found, so both are left out.
    """

    share: float | None
    lower: float | None
    upper: float | None
    spans: int
    unmeasured: tuple[str, ...]
    blind: tuple[str, ...]


@dataclass(frozen=True)
class _Kind:
    spans: int
    recall: float
    lower: float
    upper: float


def estimate_leaks(spans: Mapping[str, int], canaries: pl.DataFrame) -> LeakEstimate:
    """Each kind's `spans` stand for spans / recall values, of which the rest was missed.

    `canaries` has `kind` and `leaked`, one row each. Supposes that a week's values are as hard to
    find as the canaries of their kind. The bounds set every kind's recall to the end of its Wilson
    interval at once, which covers at least as often as the level says.
    """
    planted, found = _by_placeholder(canaries)
    masked = {kind: count for kind, count in spans.items() if count > 0}
    blind = tuple(sorted(kind for kind in masked if planted[kind] and not found[kind]))
    kinds = []
    for kind, count in masked.items():
        if found[kind]:
            recall = found[kind] / planted[kind]
            kinds.append(
                _Kind(count, recall, *wilson(recall, planted[kind], confidence=CONFIDENCE))
            )
    total = sum(kind.spans for kind in kinds)
    unmeasured = tuple(sorted(kind for kind in masked if not planted[kind]))
    if not total:
        return LeakEstimate(None, None, None, 0, unmeasured, blind)
    return LeakEstimate(
        share=1 - total / sum(kind.spans / kind.recall for kind in kinds),
        lower=1 - total / sum(kind.spans / kind.upper for kind in kinds),
        upper=1 - total / sum(kind.spans / kind.lower for kind in kinds),
        spans=total,
        unmeasured=unmeasured,
        blind=blind,
    )


def _by_placeholder(canaries: pl.DataFrame) -> tuple[dict[str, int], dict[str, int]]:
    planted: dict[str, int] = defaultdict(int)
    found: dict[str, int] = defaultdict(int)
    for kind, leaked in canaries.select("kind", "leaked").iter_rows():
        placeholder = MASKED_AS.get(kind, kind)
        planted[placeholder] += 1
        found[placeholder] += not leaked
    return planted, found
