"""The residual scan: what the recognisers still see in the texts that are about to be written."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from eval_pipeline.anonymisation.checks.written import texts_of


class Masker(Protocol):
    """What the scan needs of an `Anonymiser`."""

    def mask_text(self, text: str, *, route: str) -> str:
        """The text masked by the rules of the route."""
        ...

    def residual(self, texts: Iterable[str]) -> Mapping[str, int]:
        """What is still seen in the texts, by kind, on any route."""
        ...


@dataclass(frozen=True)
class Residual:
    """Finds by kind, and in how many interactions; both empty if there is none."""

    kinds: Mapping[str, int]
    interactions: int

    @classmethod
    def of(cls, kinds: Mapping[str, int], *, interactions: int) -> "Residual":
        """With kinds named as in `masked`, in their order."""
        return cls({kind.lower(): kinds[kind] for kind in sorted(kinds)}, interactions)


def scan_residual(interactions: pl.DataFrame, *, masker: Masker) -> Residual:
    """Scans every text of `anonymised_interactions` by itself.

    A find counts if masking the text once more would change it: what the route lets through, such
    as the name of a product, is none.
    """
    kinds: Counter[str] = Counter()
    hit = 0
    for row in interactions.iter_rows(named=True):
        found = Counter[str]()
        for _, text in texts_of(row):
            seen = masker.residual([text])
            if seen and masker.mask_text(text, route=row["route"]) != text:
                found.update(seen)
        kinds.update(found)
        hit += bool(found)
    return Residual.of(kinds, interactions=hit)
