"""`eval-pipeline review status`: how far a week's labels are, who gave them, and how they agree."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table as RichTable
from rich.text import Text

from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.desk_overview import Overview, overview
from eval_pipeline.flows.truth import readiness, settle_week
from eval_pipeline.review.agreement_intervals import AgreementEstimate
from eval_pipeline.review.agreement_report import WINDOW, estimates_of
from eval_pipeline.review.annotators import AnnotatorSummary, Share

MAXIMUM_STUCK = 20
"""Stuck tasks that the text names; the rest it counts. `--json` has them all."""

_WHO = {"person": "people", "scripted": "scripts that stand in for people"}


def register(group: typer.Typer) -> None:
    """Adds the command to `eval-pipeline review`."""
    group.command("status")(status)


def status(week: WeekOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """How far the week's labels are, how people agree, and whether they suffice to publish."""
    session, week = Session(config), checked_week(week)
    settlement = settle_week(session.pipeline, week=week)
    ready = readiness(session.pipeline, week=week)
    seen = overview(session.pipeline, weeks=[week])
    facts = {
        "week": week,
        "tasks": settlement.states.height,
        "states": dict(settlement.states.group_by("state").len().sort("state").rows()),
        "labels": dict(session.pipeline.review.status(week).labels_by_annotator),
    }
    if as_json:
        typer.echo(json.dumps({**facts, **_details(seen), "ready": asdict(ready)}, indent=2))
        return
    for name, value in facts.items():
        out.print(f"{name:>17}  {value}", markup=False, soft_wrap=True)
    if seen.kind is not None:
        out.print(f"{'agreement of':>17}  {_WHO[seen.kind]}", markup=False)
    for estimate in seen.overall:
        out.print(f"{estimate.measure:>17}  {_interval(estimate)}", markup=False)
    for table in _tables(seen):
        out.print(table)
    out.print(f"{'ready':>17}  {'yes' if ready.ready else 'no'}: {ready.reason}", markup=False)


def _details(seen: Overview) -> dict[str, Any]:
    return {
        "agreement_of": seen.kind,
        "agreement": {estimate.measure: asdict(estimate) for estimate in seen.overall},
        "subsets": {
            share.name: {
                estimate.measure: asdict(estimate)
                for estimate in estimates_of(seen.agreement, subset=share.name, span=WINDOW)
            }
            for share in seen.subsets
        },
        "annotators": [asdict(row) for row in seen.annotators],
        "pairs": [asdict(row) for row in seen.pairs],
        "stuck": [asdict(row) for row in seen.stuck],
    }


def _tables(seen: Overview) -> Iterator[RichTable]:
    if seen.subsets:
        yield _subsets_table(seen)
    yield _annotators_table(seen.annotators)
    if seen.pairs:
        pairs = RichTable("pair", "agreement", "tasks")
        for pair in seen.pairs:
            pairs.add_row(Text(pair.name), _percent(pair), str(pair.of))
        yield pairs
    if seen.stuck:
        stuck = RichTable("stuck task", "state", "why")
        for task in seen.stuck[:MAXIMUM_STUCK]:
            stuck.add_row(Text(task.task_id[:12]), task.state, Text(task.reason))
        if len(seen.stuck) > MAXIMUM_STUCK:
            stuck.add_row("…", "", f"{len(seen.stuck) - MAXIMUM_STUCK} more")
        yield stuck


def _subsets_table(seen: Overview) -> RichTable:
    table = RichTable("subset", "of the tasks asked", "of all judged", "alpha", "tasks")
    for share in seen.subsets:
        found = {
            estimate.measure: estimate
            for estimate in estimates_of(seen.agreement, subset=share.name, span=WINDOW)
        }
        table.add_row(
            Text(share.name),
            _percent(share),
            _percent(found["ceiling"]),
            _number(found["alpha"]),
            str(share.of),
        )
    return table


def _annotators_table(rows: Sequence[AnnotatorSummary]) -> RichTable:
    table = RichTable("annotator", "labels", "decided", "skips", "withdrawn", "seconds")
    for column in ("gold checks", "agreement", "note"):
        table.add_column(column)
    for row in rows:
        notes = [*(["scripted"] if row.kind == "scripted" else []), *row.deviations]
        table.add_row(
            Text(row.annotator_id),
            str(row.labels),
            str(row.adjudications),
            str(sum(row.skips.values())),
            str(row.withdrawn),
            "—" if row.median_seconds is None else f"{row.median_seconds:.0f}",
            _percent(row.gold),
            _percent(row.agreement),
            Text("; ".join(notes)),
        )
    return table


def _interval(estimate: AgreementEstimate) -> str:
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return f"not defined on {estimate.tasks} tasks labelled twice"
    return (
        f"{estimate.value:.2f} ({estimate.lower:.2f} to {estimate.upper:.2f}) "
        f"on {estimate.tasks} tasks labelled twice"
    )


def _percent(share: Share | AgreementEstimate) -> str:
    if share.value is None or share.lower is None or share.upper is None:
        return "—"
    return f"{100 * share.value:.0f} % ({100 * share.lower:.0f} to {100 * share.upper:.0f})"


def _number(estimate: AgreementEstimate) -> str:
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return "—"
    return f"{estimate.value:.2f} ({estimate.lower:.2f} to {estimate.upper:.2f})"
