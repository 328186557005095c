"""Settles the week's labels, calibrates the judges on them, and publishes a golden version."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline import __version__
from eval_pipeline.adapters.catalogue import refresh
from eval_pipeline.adapters.contracts.expectations import ContractResult, validate_golden
from eval_pipeline.adapters.golden_versions import PublishResult
from eval_pipeline.errors import CompositionError, ReviewError
from eval_pipeline.flows.agreement import alphas_of_subsets
from eval_pipeline.flows.composing import compose_week
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.calibration import calibrate
from eval_pipeline.judging.refuter_quality import refuter_quality
from eval_pipeline.review.adjudication import (
    Publishable,
    Settlement,
    publishable,
    recorded_labels,
    settle,
    with_recorded,
)
from eval_pipeline.review.weeks import changed_since
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    JUDGE_CALIBRATION,
    PANEL_VERDICTS,
    REFUTATIONS,
    VERDICTS,
    Table,
)
from eval_pipeline.truth.golden_set import Composition
from eval_pipeline.truth.manifest import Provenance, policy_entry


def settle_week(pipeline: Pipeline, *, week: str) -> Settlement:
    """Where every task of the week stands, and the labels that are settled; no gold checks."""
    tasks = pipeline.review.tasks(week)
    return settle(
        tasks.filter(pl.col("known_label").is_null()),
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
        subset_alphas=alphas_of_subsets(pipeline, week=week),
    )


def publish_key(pipeline: Pipeline, *, week: str) -> str | None:
    """What a publication of the week would be called, or null if it would bring nothing new.

    A week that is published is published again, as a new version on top, when labels of its tasks
    were settled, changed or withdrawn since; its key then says what is settled.
    """
    if pipeline.golden.for_week(week) is None:
        return f"publish:{week}"
    if not pipeline.lake.has(ADJUDICATIONS, partition=week):
        return None
    published = pipeline.lake.read(ADJUDICATIONS, partition=week)
    changed = changed_since(settle_week(pipeline, week=week).settled, published)
    return None if changed is None else f"publish:{week}:{changed}"


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
    """How well judges, refuter, panel and people agree, on every label settled up to this week."""
    weeks = [known for known in pipeline.lake.partitions(ADJUDICATIONS) if known <= week]
    adjudications = _up_to(pipeline, ADJUDICATIONS, weeks)
    judges = calibrate(
        _up_to(pipeline, VERDICTS, weeks),
        _up_to(pipeline, PANEL_VERDICTS, weeks),
        adjudications=adjudications,
        weeks=len(weeks),
    )
    refutations = _up_to(pipeline, REFUTATIONS, weeks)
    return pl.concat([judges, refuter_quality(refutations, adjudications, weeks=len(weeks))])


def _up_to(pipeline: Pipeline, table: Table, weeks: Sequence[str]) -> pl.DataFrame:
    return pipeline.lake.read_all(table, partitions=list(weeks))


@dataclass(frozen=True)
class Draft:
    """A composed golden version, validated and not yet published.

    `standing`: the version that is the week's already, where composing it again brings nothing new.
    """

    composition: Composition
    contract: ContractResult
    standing: PublishResult | None = None


def draft_version(pipeline: Pipeline, *, week: str, run_id: str) -> Draft:
    """Composes the week's version; a week that is run again composes its own version again.

    If what it would publish has changed since, and later versions stand on it, it becomes a new
    version on top of the newest, unless that would be the newest once more.
    """
    own, latest = pipeline.golden.for_week(week), pipeline.golden.latest()
    followed = own is not None and own != latest
    if own is not None and followed:
        again = _as_before(pipeline, week=week, version=own, run_id=run_id)
        if again is not None:
            return again
    composition = compose_week(pipeline, week=week, version=(latest or 0) + 1, parent=latest)
    contract = _validated(pipeline, composition)
    if own is not None and followed and not composition.changes:
        manifest = pipeline.golden.manifest(own)
        return Draft(composition, contract, PublishResult(own, manifest, created=False))
    return Draft(composition, contract)


def _as_before(pipeline: Pipeline, *, week: str, version: int, run_id: str) -> Draft | None:
    """The version composed again on its own parent, if that still gives what was published."""
    parent = pipeline.golden.manifest(version).parent
    try:
        again = compose_week(pipeline, week=week, version=version, parent=parent)
    except CompositionError:
        # What was withdrawn since may leave the old version too small; the newest one is not old.
        return None
    standing = pipeline.golden.standing(again, provenance(pipeline, week=week, run_id=run_id))
    return None if standing is None else Draft(again, _validated(pipeline, again), standing)


def provenance(pipeline: Pipeline, *, week: str, run_id: str) -> Provenance:
    """Where the week's labels came from, for the manifest."""
    return Provenance(
        salt=pipeline.settings.sampling.salt,
        anonymiser_fingerprint=pipeline.anonymiser.fingerprint,
        judges=_served_judges(pipeline, week=week),
        agreement=_agreement(pipeline, week=week),
        code_version=__version__,
        run_id=run_id,
        policy=policy_entry(pipeline.settings.golden, sorted(pipeline.settings.subsets)),
    )


def publish_version(pipeline: Pipeline, draft: Draft, *, run_id: str) -> PublishResult:
    """Publishes by conditional create, or finds that this very version stands already."""
    if draft.standing is not None:
        return draft.standing
    week = draft.composition.week
    return pipeline.golden.publish(
        draft.composition, provenance(pipeline, week=week, run_id=run_id)
    )


def _validated(pipeline: Pipeline, composition: Composition) -> ContractResult:
    return validate_golden(
        composition.items,
        policy=pipeline.settings.golden,
        subsets=sorted(pipeline.settings.subsets),
    )


def refresh_catalogue(pipeline: Pipeline) -> bool:
    """Rebuilds the catalogue for people, if the set of its relations has changed."""
    return refresh(pipeline.lake)


def _served_judges(pipeline: Pipeline, *, week: str) -> dict[str, tuple[str, ...]]:
    verdicts = pipeline.lake.read(VERDICTS, partition=week)
    served = (
        verdicts.drop_nulls("served_model")
        .group_by("judge_id")
        .agg(pl.col("served_model").unique().sort())
    )
    return {judge: tuple(models) for judge, models in served.sort("judge_id").rows()}


def _agreement(pipeline: Pipeline, *, week: str) -> dict[str, float | None]:
    """Krippendorff's alpha between annotators with its interval."""
    rows = pipeline.lake.read(JUDGE_CALIBRATION, partition=week).filter(
        (pl.col("judge_id") == "people") & (pl.col("measure") == "alpha")
    )
    if rows.is_empty():
        return {"alpha": None, "lower": None, "upper": None}
    row = rows.row(0, named=True)
    return {"alpha": row["value"], "lower": row["lower"], "upper": row["upper"]}
