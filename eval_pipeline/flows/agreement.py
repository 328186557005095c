"""How far the desk's people agree, from the store and the lake, up to a week."""

from collections.abc import Sequence

import polars as pl

from eval_pipeline.adapters.review.overview import DeskReading
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.agreement_intervals import AgreementEstimate
from eval_pipeline.review.agreement_report import (
    ALL,
    WEEK,
    agreement_report,
    estimates_of,
    subset_alphas,
)
from eval_pipeline.review.blind_labels import BlindTask, blind_tasks
from eval_pipeline.tables import STRATIFIED_INTERACTIONS

_PLACES = ["interaction_id", "conversation_key", "subsets"]


def agreement_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """ANNOTATOR_AGREEMENT of the week and of the window of weeks that it ends."""
    return agreement_report(
        blind_tasks_of(pipeline, weeks=window_of(pipeline, week=week)), week=week
    )


def agreement_of(pipeline: Pipeline, *, week: str) -> list[AgreementEstimate]:
    """The measures over all of the week's tasks, people's where there are any, else scripts'."""
    return estimates_of(agreement_of_week(pipeline, week=week), subset=ALL, span=WEEK)


def alphas_of_subsets(pipeline: Pipeline, *, week: str) -> dict[str, AgreementEstimate]:
    """Each subset's alpha over the window that the week ends; nothing if the policy asks none."""
    if not pipeline.settings.review.minimum_subset_agreement:
        return {}
    weeks = window_of(pipeline, week=week)
    return subset_alphas(blind_tasks_of(pipeline, weeks=weeks), week=week)


def window_of(pipeline: Pipeline, *, week: str) -> list[str]:
    """The last weeks up to this one that asked people anything, oldest first."""
    known = [asked for asked in DeskReading(pipeline.store).weeks() if asked <= week]
    return known[-pipeline.settings.review.agreement_weeks :]


def blind_tasks_of(pipeline: Pipeline, *, weeks: Sequence[str]) -> tuple[BlindTask, ...]:
    """The weeks' tasks with the blind labels that count."""
    desk = DeskReading(pipeline.store)
    return blind_tasks(desk.tasks(weeks), desk.labels(weeks), membership_of(pipeline, weeks=weeks))


def membership_of(pipeline: Pipeline, *, weeks: Sequence[str]) -> pl.DataFrame:
    """In which subsets and conversation the weeks' interactions are; none where a week is gone."""
    held = set(pipeline.lake.partitions(STRATIFIED_INTERACTIONS))
    return pl.concat(
        [
            STRATIFIED_INTERACTIONS.empty().select(_PLACES),
            *(
                pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week, columns=_PLACES)
                for week in weeks
                if week in held
            ),
        ]
    ).unique("interaction_id", keep="last", maintain_order=True)
