"""The queue out to reviewers, in the forms of the tools that they label with."""

from typing import Literal, assert_never

from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.truth import settle_week
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.disputed import export_disputed
from eval_pipeline.review.interchange.argilla import argilla_settings, export_argilla
from eval_pipeline.review.interchange.jsonl import export_queue
from eval_pipeline.review.interchange.label_studio import export_label_studio, label_studio_config
from eval_pipeline.review.interchange.recognition import Form
from eval_pipeline.tables import REFUTATIONS


def export(pipeline: Pipeline, *, week: str, form: Form = "jsonl") -> str:
    """The week's queue in the form of a tool; raises `ReviewError` if the week has none."""
    tasks = pipeline.review.tasks(week)
    if tasks.is_empty():
        raise ReviewError(
            f"The week of {week} has no review tasks. "
            f"Run `eval-pipeline refresh --week {week}` first."
        )
    match form:
        case "jsonl":
            return export_queue(tasks)
        case "label-studio":
            return export_label_studio(tasks, week=week)
        case "argilla":
            return export_argilla(tasks, week=week)
        case _:
            assert_never(form)


def configuration(pipeline: Pipeline, *, form: Literal["label-studio", "argilla"]) -> str:
    """What the tool needs to ask the desk's questions: its XML, or its settings as JSON."""
    modes = {name: subset.why for name, subset in pipeline.settings.subsets.items()}
    if form == "label-studio":
        return label_studio_config(modes)
    needed = pipeline.settings.review.annotators_per_item
    return argilla_settings(modes, annotators_per_item=needed)


def export_for_adjudicators(pipeline: Pipeline, *, week: str) -> str:
    """What the week's annotators disputed as JSON lines, labels and refuter's claims with it."""
    refutations = (
        pipeline.lake.read(REFUTATIONS, partition=week)
        if pipeline.lake.has(REFUTATIONS, partition=week)
        else REFUTATIONS.empty()
    )
    return export_disputed(
        pipeline.review.tasks(week),
        states=settle_week(pipeline, week=week).states,
        labels=pipeline.review.labels(week),
        refutations=refutations,
    )
