"""The queue out to reviewers and their labels back in, every text masked before it is stored."""

import datetime as dt
from dataclasses import dataclass

from eval_pipeline.adapters.review.records import (
    AnnotatorKind,
    ImportReport,
    NewAdjudication,
    NewLabel,
)
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.truth import settle_week
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.agreement import (
    AgreementEstimate,
    cohens_kappa,
    gwets_ac1,
    krippendorffs_alpha,
    percent_agreement,
)
from eval_pipeline.review.disputed import export_disputed
from eval_pipeline.review.interchange import (
    AdjudicationLine,
    BadRow,
    LabelLine,
    export_queue,
    parse_adjudications,
    parse_labels,
)
from eval_pipeline.tables import REFUTATIONS

PAIR = 2


@dataclass(frozen=True)
class Imported:
    """What an import did: rows new, rows known already, and why others were refused."""

    recorded: int
    repeated: int
    refused: tuple[str, ...]


def add_annotator(
    pipeline: Pipeline, annotator_id: str, *, kind: AnnotatorKind, may_adjudicate: bool
) -> bool:
    """Adds a person to the desk; False if they are known already on the same terms."""
    return pipeline.review.add_annotator(
        annotator_id, kind=kind, may_adjudicate=may_adjudicate, at=pipeline.clock()
    )


def export(pipeline: Pipeline, *, week: str) -> str:
    """The week's queue as JSON lines; raises `ReviewError` if the week has none."""
    tasks = pipeline.review.tasks(week)
    if tasks.is_empty():
        raise ReviewError(
            f"The week of {week} has no review tasks. "
            f"Run `eval-pipeline refresh --week {week}` first."
        )
    return export_queue(tasks)


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


def import_labels(pipeline: Pipeline, text: str, *, week: str) -> Imported:
    """Records the labels of a JSON-lines text; bad rows are told by line, good rows are kept."""
    parsed = parse_labels(text, known_tasks=_known_tasks(pipeline, week))
    report = pipeline.review.record_labels([_label(pipeline, row) for row in parsed.rows])
    return _imported(report, parsed.bad_rows)


def import_adjudications(pipeline: Pipeline, text: str, *, week: str) -> Imported:
    """Records the adjudications of a JSON-lines text, all well-formed rows or none."""
    parsed = parse_adjudications(text, known_tasks=_known_tasks(pipeline, week))
    report = pipeline.review.record_adjudications(
        [_adjudication(pipeline, row) for row in parsed.rows]
    )
    return _imported(report, parsed.bad_rows)


def agreement_of(pipeline: Pipeline, *, week: str) -> list[AgreementEstimate]:
    """How far annotators agree on the week's tasks: percent, kappa, alpha, AC1, with intervals."""
    ratings = settle_week(pipeline, week=week).ratings
    measures = [percent_agreement, krippendorffs_alpha, gwets_ac1]
    if pipeline.settings.review.annotators_per_item == PAIR:
        measures.insert(1, cohens_kappa)
    return [measure(ratings, purpose=f"agreement:{week}") for measure in measures]


def _known_tasks(pipeline: Pipeline, week: str) -> set[str]:
    return set(pipeline.review.tasks(week)["task_id"])


def _label(pipeline: Pipeline, row: LabelLine) -> NewLabel:
    return NewLabel(
        task_id=row.task_id,
        annotator_id=row.annotator_id,
        label=row.label,
        labelled_at=row.labelled_at.astimezone(dt.UTC),
        rationale=pipeline.anonymiser.mask_text(row.rationale),
        reference_response=_masked(pipeline, row.reference_response),
        corrects=row.corrects,
        label_id=row.label_id,
    )


def _adjudication(pipeline: Pipeline, row: AdjudicationLine) -> NewAdjudication:
    return NewAdjudication(
        task_id=row.task_id,
        adjudicated_by=row.adjudicated_by,
        label=row.label,
        adjudicated_at=row.adjudicated_at.astimezone(dt.UTC),
        rationale=pipeline.anonymiser.mask_text(row.rationale),
        reference_response=_masked(pipeline, row.reference_response),
        corrects=row.corrects,
        adjudication_id=row.adjudication_id,
    )


def _masked(pipeline: Pipeline, text: str | None) -> str | None:
    return None if text is None else pipeline.anonymiser.mask_text(text)


def _imported(report: ImportReport, bad_rows: tuple[BadRow, ...]) -> Imported:
    refused = [f"line {row.line}: {row.problem}" for row in bad_rows]
    refused += [f"task {row.task_id}: {row.problem}" for row in report.refused]
    return Imported(report.recorded, report.repeated, tuple(refused))
