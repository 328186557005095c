"""What a golden version is composed of: the labels since the last one, and what bars an item."""

import datetime as dt

import polars as pl

from eval_pipeline.flows.candidates_of_week import candidates_of
from eval_pipeline.flows.contamination import contaminated_items
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.flows.withdrawals import withdrawn_items
from eval_pipeline.tables import ADJUDICATIONS, DRIFT_TRIALS
from eval_pipeline.truth.golden_set import Change, Composition, compose, item_identity
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.saturation import saturated_items

_TRIAL_COLUMNS = ("item_id", "item_revision", "system_id", "stream", "score")


def compose_week(pipeline: Pipeline, *, week: str, version: int, parent: int | None) -> Composition:
    """The version of the week on top of `parent`; the same inputs give the same composition."""
    previous = None if parent is None else pipeline.golden.items(parent)
    candidates = pl.concat(
        [
            candidates_of(pipeline, week=labelled)
            for labelled in unpublished_weeks(pipeline, week=week, parent=parent)
        ]
    )
    return compose(
        previous=previous,
        candidates=candidates,
        policy=pipeline.settings.golden,
        subsets=pipeline.settings.subsets,
        week=week,
        as_of=dt.date.fromisoformat(week) + dt.timedelta(days=7),
        version=version,
        barred=barred_items(pipeline, offered_items(previous, candidates)),
        saturated=saturated_before(pipeline, week=week, parent=parent),
    )


def unpublished_weeks(pipeline: Pipeline, *, week: str, parent: int | None) -> list[str]:
    """The week and, before it, every labelled week since the last one that has a version.

    So a week whose labels never made a version is not lost, and a week that is run again, whatever
    was published after it, draws on the same weeks as before. The parent's manifest answers for
    all versions, unless the week is older than the newest published one.
    """
    last = _last_published(pipeline, before=week, parent=parent)
    labelled = pipeline.lake.partitions(ADJUDICATIONS)
    return sorted({week, *(known for known in labelled if last < known < week)})


def _last_published(pipeline: Pipeline, *, before: str, parent: int | None) -> str:
    if parent is None:
        return ""
    newest = pipeline.golden.manifest(parent).newest_week
    if newest < before:
        return newest
    published = (pipeline.golden.manifest(number).week for number in pipeline.golden.numbers())
    return max((known for known in published if known < before), default="")


def offered_items(previous: pl.DataFrame | None, candidates: pl.DataFrame) -> pl.DataFrame:
    """Every item that could stand in the version: `item_id` and the candidates' columns.

    An item that stands and is labelled again has a row of each.
    """
    named = candidates.select(
        pl.col("interaction_id")
        .map_elements(item_identity, return_dtype=pl.String)
        .alias("item_id"),
        *CANDIDATE_COLUMNS,
    )
    if previous is None:
        return named
    return pl.concat([previous.select("item_id", *CANDIDATE_COLUMNS), named])


def barred_items(pipeline: Pipeline, offered: pl.DataFrame) -> dict[str, Change]:
    """Why an item may not stand in a version, by its id: known to a system, or withdrawn.

    A person's word comes last and wins. What is made from such an item goes with it.
    """
    known = contaminated_items(pipeline, offered)
    sources = {
        **{item_id: Change(item_id, "contaminated", why) for item_id, why in known.items()},
        # The reason is a person's free text, which an erasure must reach: it stays in the store.
        **{
            item_id: Change(item_id, "withdrawn", f"by {one.decided_by}")
            for item_id, one in withdrawn_items(pipeline).items()
        },
    }
    made = offered.filter(pl.col("derived_from").is_in(list(sources)))
    derived = {
        item_id: Change(item_id, sources[source].reason, f"made from {source}")
        for item_id, source in made.select("item_id", "derived_from").iter_rows()
    }
    ids = set(offered["item_id"])
    barred = {**derived, **sources}
    return {item_id: change for item_id, change in barred.items() if item_id in ids}


def saturated_before(pipeline: Pipeline, *, week: str, parent: int | None) -> frozenset[str]:
    """The items that told systems apart no longer when the version was composed.

    Only re-runs of earlier weeks count, so that the week's own re-run, which comes after it is
    published, does not change what composing it again gives. A correction of an old week is
    composed with what is known at its time, not at the old week's. An item is not asked every
    week, so twice as many weeks are read as it has to be saturated in, however many there are.
    """
    now = week if parent is None else max(week, pipeline.golden.manifest(parent).newest_week)
    weeks = pipeline.settings.golden.saturation.weeks
    asked = [known for known in pipeline.lake.partitions(DRIFT_TRIALS) if known < now]
    trials = [
        pipeline.lake.read(DRIFT_TRIALS, partition=known, columns=_TRIAL_COLUMNS).with_columns(
            week=pl.lit(known)
        )
        for known in asked[-2 * weeks :]
    ]
    return saturated_items(pl.concat(trials), weeks=weeks) if trials else frozenset()
