"""The week's figures of masking as one table (`anonymisation_report`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.anonymisation.checks.canaries import recalls
from eval_pipeline.anonymisation.checks.leaks import estimate_leaks
from eval_pipeline.anonymisation.checks.quasi_identifiers import (
    ROUTE,
    groups_of,
    present_values,
    suppressed_values,
)
from eval_pipeline.anonymisation.checks.scans import Scans
from eval_pipeline.anonymisation.checks.written import texts_of
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.tables import ANONYMISATION_REPORT

ALL: Final = "all"
Row = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What was measured of a week: the scans of what lies in the lake, and the canaries.

    `canaries` has one row each with `kind`, `field` and `leaked`.
    """

    scans: Scans
    canaries: pl.DataFrame


def anonymisation_report(
    interactions: pl.DataFrame,
    evidence: Evidence,
    *,
    settings: AnonymisationSettings,
    anonymiser_fingerprint: str,
    versions: str,
) -> pl.DataFrame:
    """The report of the week's `anonymised_interactions`; holds counts and names, never a text."""
    rows = [
        *_amounts(interactions),
        *_canaries(evidence.canaries, limit=settings.minimum_canary_recall),
        *_leaks(_spans(interactions), evidence.canaries),
        *_scans(evidence.scans, interactions=interactions.height),
        *_groups(interactions, settings=settings),
    ]
    schema = ANONYMISATION_REPORT.schema
    frame = pl.DataFrame(
        [
            {**row, "anonymiser_fingerprint": anonymiser_fingerprint, "versions": versions}
            for row in rows
        ],
        schema=schema,
    )
    return ANONYMISATION_REPORT.conform(frame)


def _row(
    measure: str, value: float | None, *, dimension: str = "week", about: str = ALL, **more: Any
) -> Row:
    told = None if value is None else float(value)
    return {"measure": measure, "dimension": dimension, "about": about, "value": told, **more}


def _amounts(interactions: pl.DataFrame) -> Iterator[Row]:
    texts = sum(1 for row in interactions.iter_rows(named=True) for _ in texts_of(row))
    yield _row("interactions", interactions.height)
    yield _row("texts", texts)
    yield _row("masked_texts", _sum(interactions["masked_texts"]), cases=texts)
    characters = _sum(interactions["characters"])
    yield _row("characters", characters)
    yield _row(
        "masked_characters",
        _sum(interactions["masked_characters"]),
        cases=None if characters is None else int(characters),
    )
    spans = _spans(interactions)
    yield _row("masked_spans", sum(spans.values()))
    for kind, count in spans.items():
        yield _row("masked_spans", count, dimension="kind", about=kind)


def _canaries(canaries: pl.DataFrame, *, limit: float) -> Iterator[Row]:
    for dimension, by in (("week", None), ("kind", "kind"), ("field", "field")):
        for found in recalls(canaries, by=by).iter_rows(named=True):
            of: Row = {"dimension": dimension, "about": found["about"], "cases": found["planted"]}
            bounds: Row = {"lower": found["lower"], "upper": found["upper"]}
            checked: Row = {"limit": limit} if by is None else {}
            yield _row("canary_recall", found["recall"], **of, **bounds, **checked)
            yield _row("leaked_canaries", found["leaked"], **of)


def _leaks(spans: Mapping[str, int], canaries: pl.DataFrame) -> Iterator[Row]:
    estimate = estimate_leaks(spans, canaries)
    bounds: Row = {"lower": estimate.lower, "upper": estimate.upper, "cases": estimate.spans}
    yield _row("leak_share", estimate.share, **bounds)
    for kind in (*estimate.unmeasured, *estimate.blind):
        yield _row("unestimated_spans", spans[kind], dimension="kind", about=kind)


def _scans(scans: Scans, *, interactions: int) -> Iterator[Row]:
    yield _row("residual_hits", sum(scans.residual.kinds.values()), cases=interactions)
    for kind, count in scans.residual.kinds.items():
        yield _row("residual_hits", count, dimension="kind", about=kind)
    yield _row("known_values", scans.known_values)
    hits = scans.known_hits
    yield _row("known_value_hits", None if hits is None else hits.occurrences, cases=interactions)


def _groups(interactions: pl.DataFrame, *, settings: AnonymisationSettings) -> Iterator[Row]:
    identifiers, least = settings.quasi_identifiers, settings.minimum_group
    groups, counted_as = groups_of(interactions, identifiers=identifiers)
    column = "user_key" if counted_as == "people" else "conversation_key"
    yield _row(counted_as, interactions[column].drop_nulls().n_unique())
    yield from _sizes(groups, least=least)
    for (route,), of_route in groups.group_by(ROUTE, maintain_order=True):
        yield from _sizes(of_route, least=least, dimension="route", about=str(route))
    counted: dict[str, Mapping[str, int]] = {
        "present_values": present_values(interactions, identifiers=identifiers),
        "suppressed_values": suppressed_values(interactions, identifiers=identifiers),
    }
    for measure, counts in counted.items():
        for name, count in counts.items():
            told: Row = {"about": name, "cases": interactions.height}
            yield _row(measure, count, dimension="identifier", **told)


def _sizes(groups: pl.DataFrame, *, least: int, **of: str) -> Iterator[Row]:
    people: Sequence[int] = groups["people"].to_list()
    yield _row("groups", len(people), **of)
    yield _row("small_groups", sum(size < least for size in people), cases=len(people), **of)
    yield _row("smallest_group", min(people, default=None), limit=float(least), **of)


def _spans(interactions: pl.DataFrame) -> dict[str, int]:
    masked = interactions.select(pl.col("masked").explode().drop_nulls()).unnest("masked")
    counted = masked.group_by("kind").agg(pl.col("spans").sum()).sort("kind")
    return dict(counted.iter_rows())


def _sum(counts: pl.Series) -> float | None:
    """Null where any is not known, rather than too little."""
    return None if counts.null_count() else float(counts.sum())
