"""Settles the week's labels, calibrates the judges on them, and publishes a golden version."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline import __version__
from eval_pipeline.adapters.catalogue import rebuild
from eval_pipeline.adapters.expectations import ContractResult, validate_golden
from eval_pipeline.adapters.golden_versions import PublishResult
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.calibration import calibrate
from eval_pipeline.review.adjudication import (
    Publishable,
    Settlement,
    publishable,
    recorded_labels,
    settle,
    with_recorded,
)
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    JUDGE_CALIBRATION,
    PANEL_VERDICTS,
    STRATIFIED_INTERACTIONS,
    VERDICTS,
    Table,
)
from eval_pipeline.truth.golden_set import Composition, compose
from eval_pipeline.truth.labelled_items import labelled_items


def settle_week(pipeline: Pipeline, *, week: str) -> Settlement:
    """Where every task of the week stands, and the labels that are settled."""
    return settle(
        pipeline.review.tasks(week),
        pipeline.review.labels(week),
        pipeline.review.adjudications(week),
        policy=pipeline.settings.review,
    )


def readiness(pipeline: Pipeline, *, week: str) -> Publishable:
    """Whether the week's labels suffice to publish, today."""
    return publishable(
        settle_week(pipeline, week=week),
        policy=pipeline.settings.review,
        as_of=pipeline.clock().date(),
        week=week,
    )


def adjudicate_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """The settled labels, people's and the log's own; raises `ReviewError` if too few yet."""
    ready = readiness(pipeline, week=week)
    if not ready.ready:
        raise ReviewError(
            f"The labels of {week} cannot be published yet: {ready.reason}. Nothing was written. "
            f"See `eval-pipeline review status --week {week}`."
        )
    anonymised = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    recorded = recorded_labels(
        anonymised.filter(pl.col("selection") == "sample"),
        policy=pipeline.settings.golden.recorded_labels,
    )
    return with_recorded(settle_week(pipeline, week=week).settled, recorded)


def calibrate_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """How well judges, panel and people agree, on every label settled up to this week."""
    weeks = [known for known in pipeline.lake.partitions(ADJUDICATIONS) if known <= week]
    return calibrate(
        _up_to(pipeline, VERDICTS, weeks),
        _up_to(pipeline, PANEL_VERDICTS, weeks),
        adjudications=_up_to(pipeline, ADJUDICATIONS, weeks),
        weeks=len(weeks),
    )


def _up_to(pipeline: Pipeline, table: Table, weeks: Sequence[str]) -> pl.DataFrame:
    return pipeline.lake.read_all(table, partitions=list(weeks))


@dataclass(frozen=True)
class Draft:
    """A composed golden version, validated and not yet published."""

    composition: Composition
    contract: ContractResult


def draft_version(pipeline: Pipeline, *, week: str) -> Draft:
    """Composes the next version from the week's labelled items; a week re-run composes the same."""
    number, previous = _number_and_parent(pipeline, week=week)
    composition = compose(
        previous=previous,
        candidates=labelled_items(
            anonymised=pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week),
            stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
            panel_verdicts=pipeline.lake.read(PANEL_VERDICTS, partition=week),
            adjudications=pipeline.lake.read(ADJUDICATIONS, partition=week),
            week=week,
        ),
        policy=pipeline.settings.golden,
        subsets=pipeline.settings.subsets,
        week=week,
        as_of=dt.date.fromisoformat(week) + dt.timedelta(days=7),
        version=number,
    )
    contract = validate_golden(
        composition.items,
        policy=pipeline.settings.golden,
        subsets=sorted(pipeline.settings.subsets),
    )
    return Draft(composition, contract)


def _number_and_parent(pipeline: Pipeline, *, week: str) -> tuple[int, pl.DataFrame | None]:
    """The version this week makes, and its parent's items: the same again when re-run."""
    own = pipeline.golden.for_week(week)
    latest = pipeline.golden.latest()
    if own is not None and own == latest:
        parent = pipeline.golden.manifest(own).parent
        return own, None if parent is None else pipeline.golden.items(parent)
    if latest is None:
        return 1, None
    return latest + 1, pipeline.golden.items(latest)


def publish_version(pipeline: Pipeline, draft: Draft, *, week: str, run_id: str) -> PublishResult:
    """Publishes by conditional create, or finds that this very version stands already."""
    return pipeline.golden.publish(
        draft.composition,
        week=week,
        salt=pipeline.settings.sampling.salt,
        anonymiser_fingerprint=pipeline.anonymiser.fingerprint,
        judges=_served_judges(pipeline, week=week),
        agreement=_agreement(pipeline, week=week),
        code_version=__version__,
        run_id=run_id,
    )


def refresh_catalogue(pipeline: Pipeline) -> bool:
    """Rebuilds the catalogue for people, if what it covers has changed."""
    return rebuild(pipeline.lake, pipeline.golden)


def _served_judges(pipeline: Pipeline, *, week: str) -> dict[str, list[str]]:
    verdicts = pipeline.lake.read(VERDICTS, partition=week)
    served = (
        verdicts.drop_nulls("served_model")
        .group_by("judge_id")
        .agg(pl.col("served_model").unique().sort())
    )
    return dict(served.sort("judge_id").rows())


def _agreement(pipeline: Pipeline, *, week: str) -> dict[str, float | None]:
    """Krippendorff's alpha between annotators with its interval."""
    rows = pipeline.lake.read(JUDGE_CALIBRATION, partition=week).filter(
        (pl.col("judge_id") == "people") & (pl.col("measure") == "alpha")
    )
    if rows.is_empty():
        return {"alpha": None, "lower": None, "upper": None}
    row = rows.row(0, named=True)
    return {"alpha": row["value"], "lower": row["lower"], "upper": row["upper"]}
