"""Both scans of masked interactions before they are written; either's hit blocks the partition."""

from dataclasses import dataclass

import polars as pl

from eval_pipeline.anonymisation.checks.known_values import KnownValueHits, KnownValueScan
from eval_pipeline.anonymisation.checks.residual import Masker, Residual, scan_residual
from eval_pipeline.errors import KnownValueError, ResidualTextError


@dataclass(frozen=True)
class Scans:
    """What was found; `known_hits` is null, and `known_values` 0, where none are configured."""

    residual: Residual
    known_values: int = 0
    known_hits: KnownValueHits | None = None


def scan(interactions: pl.DataFrame, *, masker: Masker, known: KnownValueScan | None) -> Scans:
    """Scans every text of `anonymised_interactions`, and for known values every other string."""
    return Scans(
        scan_residual(interactions, masker=masker),
        known_values=0 if known is None else len(known),
        known_hits=None if known is None else known.scan(interactions),
    )


def require_clean(scans: Scans) -> None:
    """Raises `ResidualTextError` or `KnownValueError` unless nothing was found."""
    if scans.residual.interactions:
        raise ResidualTextError(scans.residual.interactions, dict(scans.residual.kinds))
    if scans.known_hits is not None and scans.known_hits.occurrences:
        raise KnownValueError(len(scans.known_hits.interactions), scans.known_hits.occurrences)
