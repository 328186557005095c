"""The desk as a whole, as administrators see it."""

import datetime as dt
from collections.abc import Sequence

from eval_pipeline.desk.services import Services
from eval_pipeline.desk.views import AnnotatorRow, Measure, OverviewView, StuckTask
from eval_pipeline.flows.desk_overview import overview
from eval_pipeline.review.annotators import AnnotatorSummary, Share


def overview_view(
    services: Services, *, week: str | None, known: Sequence[str], at: dt.datetime
) -> OverviewView:
    """Of one week, or of those that are open; `known` are the weeks to choose from."""
    weeks = (week,) if week is not None else services.work.calendar_weeks(at=at)
    found = overview(services.work.pipeline, weeks=weeks)
    return OverviewView(
        weeks=tuple(known),
        states=found.states,
        annotators=tuple(map(_row, found.annotators)),
        overall=tuple(
            Measure(one.measure, one.value, one.lower, one.upper, one.tasks)
            for one in found.overall
        ),
        pairs=tuple(map(_measure, found.pairs)),
        subsets=tuple(map(_measure, found.subsets)),
        ceilings=tuple(map(_measure, found.ceilings)),
        stuck=tuple(StuckTask(one.task_id, one.week, one.state, one.reason) for one in found.stuck),
        ready=found.ready,
        week=week,
        tokens=tuple(services.sign_in.tokens()),
    )


def _row(person: AnnotatorSummary) -> AnnotatorRow:
    return AnnotatorRow(
        annotator_id=person.annotator_id,
        kind=person.kind,
        labels=person.labels,
        adjudications=person.adjudications,
        skips=sum(person.skips.values()),
        withdrawn=person.withdrawn,
        median_seconds=person.median_seconds,
        gold=_measure(person.gold),
        agreement=_measure(person.agreement),
        left=person.left,
        deviations=person.deviations,
    )


def _measure(share: Share) -> Measure:
    return Measure(share.name, share.value, share.lower, share.upper, share.of)
