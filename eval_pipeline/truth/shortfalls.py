"""What the policy asks of a version: how many places, what refuses it, and what it merely lacks."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval_pipeline.errors import CompositionError
from eval_pipeline.settings import GoldenSettings, SubsetSettings
from eval_pipeline.truth.rotation import Entry, Places, beside, kind_quotas


@dataclass(frozen=True)
class Deficit:
    """What the policy wants and the labelled interactions could not give, in items.

    A subset lacks real items up to its minimum; a kind lacks items up to its share, where it
    misses that by more than the tolerance. `fresh`: the settled labels that a version of the
    maximum size needs, and those that this one found.
    """

    of: Literal["subset", "kind", "fresh"]
    name: str
    required: int
    found: int

    @property
    def missing(self) -> int:
        """Items that would have been needed besides."""
        return self.required - self.found


def fresh_needed(policy: GoldenSettings, *, items: int) -> int:
    """How many of so many items must have been settled since the last version."""
    return math.ceil(policy.minimum_fresh_share * items - 1e-9)


def places_of(
    pool: Sequence[Entry], *, policy: GoldenSettings, subsets: Mapping[str, SubsetSettings]
) -> Places:
    """The places for this pool; the pool alone decides, whatever its order."""
    synthetic = sum(entry.synthetic for entry in pool)
    real = len(pool) - synthetic
    share = policy.adversarial.maximum_share
    total = min(policy.maximum_items, real + min(synthetic, beside(share, others=real)))
    return Places(
        total=total,
        at_least=policy.minimum_items,
        fresh=fresh_needed(policy, items=total),
        per_subset=policy.minimum_per_subset,
        subsets=tuple(sorted(subsets)),
        mix=policy.mix,
        saturated_share=policy.saturation.maximum_share,
        synthetic_share=share,
    )


def require_enough(
    chosen: Sequence[Entry], entries: Collection[Entry], *, policy: GoldenSettings, week: str
) -> None:
    """Raises `CompositionError` below the minimum of items or of fresh ones among them.

    `entries`: everything that was offered, to tell what is new at all.
    """
    problems = []
    if len(chosen) < policy.minimum_items:
        problems.append(
            f"{len(chosen)} items are at hand and `golden.minimum_items` asks for "
            f"{policy.minimum_items}: {policy.minimum_items - len(chosen)} are missing"
        )
    needed = fresh_needed(policy, items=len(chosen))
    fresh = sum(entry.fresh for entry in chosen)
    if fresh < needed:
        problems.append(
            f"{_what_is_new(entries, fresh=fresh)}, and `golden.minimum_fresh_share` asks for "
            f"{needed}: {needed - fresh} are missing"
        )
    if problems:
        raise CompositionError(
            f"The golden set of {week} cannot be composed: {'; '.join(problems)}. No version was "
            "published and earlier ones are untouched. Settle more of the week's review tasks, "
            "judge a larger sample (`sampling.budget`), or lower the bound in the configuration."
        )


def _what_is_new(entries: Collection[Entry], *, fresh: int) -> str:
    if any(entry.fresh for entry in entries):
        return f"{fresh} of them were settled by people or the log since the last version"
    if any(entry.synthetic and entry.labelled_now for entry in entries):
        return "what is new since the last version is synthetic only, which is never fresh"
    return "the set is stale: nothing was settled by people or the log since the last version"


def deficits_of(
    chosen: Sequence[Entry], *, policy: GoldenSettings, subsets: Mapping[str, SubsetSettings]
) -> tuple[Deficit, ...]:
    """What is missing of subsets, kinds and settled labels, in this order."""
    held = Counter(
        subset for entry in chosen if not entry.synthetic for subset in set(entry.row["subsets"])
    )
    kinds = Counter(entry.row["kind"] for entry in chosen)
    wanted = [
        *(
            Deficit("subset", name, policy.minimum_per_subset, held[name])
            for name in sorted(subsets)
        ),
        *(
            Deficit("kind", kind, quota, kinds[kind])
            for kind, quota in kind_quotas(policy.mix, total=len(chosen)).items()
            if kinds[kind] < lowest(policy, kind=kind, items=len(chosen))
        ),
        Deficit(
            "fresh",
            "settled",
            fresh_needed(policy, items=policy.maximum_items),
            sum(entry.fresh for entry in chosen),
        ),
    ]
    return tuple(deficit for deficit in wanted if deficit.missing > 0)


def lowest(policy: GoldenSettings, *, kind: str, items: int) -> float:
    """The fewest items of a kind that lie within the tolerance of its share."""
    share = float(getattr(policy.mix, kind)) - policy.mix.tolerance
    return share * items - 1e-9
