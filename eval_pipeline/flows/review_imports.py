"""Reviewers' answers in from files, every text masked before it is stored."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eval_pipeline.adapters.review.records import ImportReport, NewAdjudication, NewLabel
from eval_pipeline.anonymisation.allowance import EVERY_ROUTE
from eval_pipeline.errors import ReviewError
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.interchange.argilla_answers import parse_argilla
from eval_pipeline.review.interchange.changes import Plan, chains_of, plan
from eval_pipeline.review.interchange.forms import AdjudicationLine, Known, LabelLine
from eval_pipeline.review.interchange.json_text import NotJson, read_json, without_mark
from eval_pipeline.review.interchange.jsonl import parse_adjudications, parse_labels
from eval_pipeline.review.interchange.label_studio_answers import parse_label_studio
from eval_pipeline.review.interchange.people import People
from eval_pipeline.review.interchange.recognition import Form
from eval_pipeline.review.interchange.report import Line, Parsed, Place, Problem


@dataclass(frozen=True)
class ImportOptions:
    """How a file is to be read.

    `people` are another tool's ids or addresses and whom they mean. `exported_at` dates answers
    that their file does not date. `assume_submitted` takes responses of Argilla whose file does not
    say whether they were submitted. `dry_run` writes nothing.
    """

    form: Form = "jsonl"
    people: Mapping[str, str] = field(default_factory=dict)
    exported_at: dt.datetime | None = None
    assume_submitted: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Imported:
    """What an import did, or with `dry_run` would have done, in answers.

    `corrected` replaced an earlier answer of the same person and task; `known` stood already;
    `superseded` are older than what stands. `skipped` and `drafts` are no answers.
    """

    recorded: int
    corrected: int
    known: int
    superseded: int
    skipped: int
    drafts: int
    refused: tuple[Problem, ...]


def import_labels(
    pipeline: Pipeline, text: str, *, week: str, options: ImportOptions | None = None
) -> Imported:
    """Records the labels of a file; bad rows are told by place, good rows are kept.

    A label that its file changed since it was imported becomes a correction. The same file again,
    or an older one, changes nothing. Raises `ReviewError` if the file is not in its form.
    """
    options = options or ImportOptions()
    parsed = _masked(pipeline, _parsed(pipeline, text, week=week, options=options))
    stored = pipeline.review.labels(week).to_dicts()
    chains = chains_of(stored, key="label_id", by="annotator_id", at="labelled_at")
    planned = plan(parsed, chains)
    report = pipeline.review.record_labels(
        [_label(one.line) for one in planned.to_record], dry_run=options.dry_run
    )
    return _imported(parsed, planned, report)


def import_adjudications(
    pipeline: Pipeline, text: str, *, week: str, options: ImportOptions | None = None
) -> Imported:
    """Records the adjudications of a JSON-lines text, all well-formed rows or none."""
    options = options or ImportOptions()
    known = _known(pipeline, week)
    parsed = _masked(pipeline, parse_adjudications(text, known=known))
    stored = pipeline.review.adjudications(week).to_dicts()
    chains = chains_of(stored, key="adjudication_id", by="adjudicated_by", at="adjudicated_at")
    planned = plan(parsed, chains)
    report = pipeline.review.record_adjudications(
        [_adjudication(one.line) for one in planned.to_record], dry_run=options.dry_run
    )
    return _imported(parsed, planned, report)


def _parsed(
    pipeline: Pipeline, text: str, *, week: str, options: ImportOptions
) -> Parsed[LabelLine]:
    known = _known(pipeline, week)
    people = People(known.people, options.people)
    if options.form == "jsonl":
        return parse_labels(text, known=known)
    value = read_json(without_mark(text))
    if isinstance(value, NotJson):
        raise ReviewError(
            f"The file is no export of this form: it is {value.problem}. The store is unchanged. "
            "Export it again, or say what it is by --format."
        )
    if options.form == "label-studio":
        return parse_label_studio(value, known=known, people=people)
    return parse_argilla(
        value,
        known=known,
        people=people,
        exported_at=options.exported_at or pipeline.clock(),
        is_exported_then=options.exported_at is not None,
        assume_submitted=options.assume_submitted,
    )


def _known(pipeline: Pipeline, week: str) -> Known:
    tasks = pipeline.review.tasks(week)
    return Known(
        tasks={
            task_id: len(json.loads(subject).get("criteria") or [])
            for task_id, subject in tasks.select("task_id", "subject_json").iter_rows()
        },
        people=frozenset(person.annotator_id for person in pipeline.review.annotators()),
        failure_modes=frozenset(pipeline.settings.subsets),
    )


def _masked(pipeline: Pipeline, parsed: Parsed[Line]) -> Parsed[Line]:
    """The same rows, every text that a person typed masked, each on its own."""
    lines = [row.line for row in parsed.rows]
    texts = sorted(
        {text for line in lines for text in (line.rationale, line.reference_response) if text}
    )
    masks = pipeline.anonymiser.mask_texts([(text, EVERY_ROUTE) for text in texts])
    masked = {"": "", **dict(zip(texts, masks, strict=True))}
    rows = []
    for row in parsed.rows:
        said = {"rationale": masked[row.line.rationale]}
        if row.line.reference_response is not None:
            said["reference_response"] = masked[row.line.reference_response]
        rows.append(replace(row, line=row.line.model_copy(update=said)))
    return replace(parsed, rows=tuple(rows))


def _label(line: LabelLine) -> NewLabel:
    return NewLabel(
        task_id=line.task_id,
        annotator_id=line.annotator_id,
        labelled_at=line.labelled_at,
        label_id=line.label_id,
        **_content(line),
    )


def _adjudication(line: AdjudicationLine) -> NewAdjudication:
    return NewAdjudication(
        task_id=line.task_id,
        adjudicated_by=line.adjudicated_by,
        adjudicated_at=line.adjudicated_at,
        adjudication_id=line.adjudication_id,
        **_content(line),
    )


def _content(line: LabelLine | AdjudicationLine) -> dict[str, Any]:
    return {
        "label": line.label,
        "rationale": line.rationale,
        "reference_response": line.reference_response,
        "corrects": line.corrects,
        "failure_mode": line.failure_mode,
        "confidence": line.confidence,
        "criteria_json": canonical_json(list(line.criteria)) if line.criteria else None,
        "seconds": line.seconds,
    }


def _imported(parsed: Parsed[Line], planned: Plan[Line], report: ImportReport) -> Imported:
    places: Sequence[Place] = [one.place for one in planned.to_record]
    by_store: list[Problem] = [
        Problem(places[one.position], "", one.problem) for one in report.refused
    ]
    not_taken = {one.position for one in report.refused}
    taken = Counter(
        one.correction
        for position, one in enumerate(planned.to_record)
        if position not in not_taken
    )
    corrected = min(taken[True], report.recorded)
    return Imported(
        recorded=report.recorded - corrected,
        corrected=corrected,
        known=planned.known + report.repeated,
        superseded=planned.superseded,
        skipped=parsed.skipped,
        drafts=parsed.drafts,
        refused=tuple(sorted([*parsed.problems, *planned.problems, *by_store])),
    )
