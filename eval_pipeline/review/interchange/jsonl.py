"""JSON lines: one task a line out, one answer a line in."""

import json

import polars as pl

from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.review.interchange.forms import AdjudicationLine, Known, LabelLine
from eval_pipeline.review.interchange.json_text import NotJson, read_json, without_mark
from eval_pipeline.review.interchange.report import Line, Parsed, Place, Problem, Row, read_row


def export_queue(tasks: pl.DataFrame) -> str:
    """One line per task, by task id: the id, the rubric and what a reviewer is shown.

    Neither why a task was selected nor what judges said of it is told. Reads task_id, rubric_id
    and subject_json.
    """
    lines = [
        canonical_json(
            {
                "task_id": task["task_id"],
                "rubric_id": task["rubric_id"],
                "subject": json.loads(task["subject_json"]),
            }
        )
        for task in tasks.sort("task_id").iter_rows(named=True)
    ]
    return "".join(f"{line}\n" for line in lines)


def parse_labels(text: str, *, known: Known) -> Parsed[LabelLine]:
    """The labels of a JSON-lines text, and what is wrong with the other lines."""
    return _parse(text, LabelLine, known=known)


def parse_adjudications(text: str, *, known: Known) -> Parsed[AdjudicationLine]:
    """The adjudications of a JSON-lines text, on the same terms as the labels."""
    return _parse(text, AdjudicationLine, known=known)


def _parse(text: str, form: type[Line], *, known: Known) -> Parsed[Line]:
    rows: list[Row[Line]] = []
    problems: list[Problem] = []
    with_id: dict[str, Line] = {}
    for number, line in enumerate(without_mark(text).split("\n"), 1):
        if not line.strip():
            continue
        row = _read(line, form, place=Place(number), known=known)
        if not isinstance(row, Row):
            problems += row
        elif row.line.given_id and with_id.setdefault(row.line.given_id, row.line) != row.line:
            reason = "its id is already given to another row of this file"
            problems.append(Problem(Place(number), "", reason))
        else:
            rows.append(row)
    return Parsed(tuple(rows), tuple(problems))


def _read(line: str, form: type[Line], *, place: Place, known: Known) -> Row[Line] | list[Problem]:
    value = read_json(line)
    if isinstance(value, NotJson):
        # The column tells nothing on a line that is one of many.
        return [Problem(place, "", value.problem.partition(" (line ")[0])]
    if not isinstance(value, dict):
        return [Problem(place, "", "not a JSON object")]
    return read_row(value, form, place=place, known=known)
