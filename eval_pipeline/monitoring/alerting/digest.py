"""The week in one message: decisions, drift, what is open, the golden version, people, money."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.alerting.conditions import ReviewWeek
from eval_pipeline.monitoring.alerting.events import (
    MAXIMUM_LINE,
    MAXIMUM_TITLE,
    AlertEvent,
    one_line,
)
from eval_pipeline.monitoring.alerting.figures import counted, listed, with_interval
from eval_pipeline.monitoring.alerting.messages import PROGRAM, AlertMessage, MessageSection

_NOT_JUDGED: Final = ("too_little_history", "not_logged")


@dataclass(frozen=True)
class GoldenState:
    """The newest golden version of the week or before it; `age_days` to the week's end."""

    version: int
    week: str
    items: int
    admitted: int
    retired: int
    deficits: int
    age_days: int


@dataclass(frozen=True)
class WeekCost:
    """What one kind of work took."""

    usd: float
    calls: int


@dataclass(frozen=True)
class WeekFacts:
    """What the digest of one week is made of.

    `decisions`: candidates' newest rows of GATE_DECISION on the golden version. `signals`:
    DRIFT_SIGNALS of the week, null where it was not made; `production`: PRODUCTION_MONITOR.
    `lasting`: events of the monitors that are open in this week. `unanswered`: table to model
    calls without an answer and calls in all. `not_made`: tables that the week lacks. `pages`:
    candidate to where its decision can be read.
    """

    week: str
    decisions: pl.DataFrame
    signals: pl.DataFrame | None
    production: pl.DataFrame | None
    golden: GoldenState | None
    lasting: tuple[AlertEvent, ...] = ()
    review: tuple[ReviewWeek, ...] = ()
    costs: Mapping[str, WeekCost] = field(default_factory=lambda: MappingProxyType({}))
    unanswered: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    not_made: tuple[str, ...] = ()
    pages: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def digest_message(facts: WeekFacts, *, message_id: str, link: str | None) -> AlertMessage:
    """The week's message; every section stands in it, also where there is nothing to say."""
    sections = (
        ("Decisions", _decisions(facts)),
        ("Drift", _drift(facts)),
        ("Open alerts of production and outcomes", _lasting(facts)),
        ("Golden version", _golden(facts)),
        ("Review desk, now", _review(facts)),
        ("Costs", _costs(facts)),
        ("What is missing", _missing(facts)),
    )
    return AlertMessage(
        message_id=message_id,
        type="digest",
        severity="info",
        title=one_line(
            f"{PROGRAM}: week of {facts.week}: {_headline(facts)}", at_most=MAXIMUM_TITLE
        ),
        sections=tuple(
            MessageSection(
                heading, tuple(one_line(line, at_most=MAXIMUM_LINE) for line in lines) or ("none",)
            )
            for heading, lines in sections
        ),
        link=link,
    )


def _headline(facts: WeekFacts) -> str:
    verdicts = facts.decisions["verdict"].value_counts().sort("verdict").rows()
    parts = [f"{count} {verdict}" for verdict, count in verdicts] or ["no decision"]
    alarms = 0 if facts.signals is None else int(facts.signals["alarm"].sum())
    if alarms:
        parts.append(counted(alarms, "drift alarm"))
    if facts.lasting:
        parts.append(counted(len(facts.lasting), "open alert"))
    return ", ".join(parts)


def _decisions(facts: WeekFacts) -> Iterator[str]:
    for row in facts.decisions.sort("candidate_id").iter_rows(named=True):
        document = json.loads(row["decision_json"])
        aggregate, blocked = document["aggregate"], set(row["blocked_subsets"])
        worse = [
            f"{one['subset']} {with_interval(one['difference'], one['lower'], one['upper'])}"
            for one in document["subsets"]
            if one["subset"] in blocked
        ]
        undecided = [name for name in row["undecided_subsets"] if name != "all"]
        figures = with_interval(aggregate["difference"], aggregate["lower"], aggregate["upper"])
        parts = [f"'{row['candidate_id']}': {row['verdict']}, overall {figures}"]
        if worse:
            parts.append(f"worse on {listed(worse)}")
        if undecided:
            parts.append(f"{len(undecided)} undecided")
        page = facts.pages.get(row["candidate_id"])
        yield "; ".join(parts)
        if page:
            yield page


def _drift(facts: WeekFacts) -> Iterator[str]:
    if facts.signals is None:
        yield "not measured this week"
        return
    rows = facts.signals.sort("system_id", "stream", "subset").to_dicts()
    alarms = [row for row in rows if row["alarm"]]
    for row in alarms:
        whose = row["attribution"] or "unattributed"
        noise = "not known" if row["sigma"] is None else f"{100 * row['sigma']:.1f} points"
        shift = "not known" if row["shift"] is None else f"{100 * row['shift']:+.1f} points"
        yield (
            f"'{row['system_id']}' on {row['subset']} ({row['stream']}): {shift} since "
            f"{row['alarm_since']}, noise floor {noise}, {whose}, {counted(row['items'], 'item')}"
        )
    quiet = sum(row["finding"] == "within_noise" for row in rows)
    blind = sum(row["finding"] == "not_measured" for row in rows)
    yield f"{quiet} of {counted(len(rows), 'series', 'series')} within noise, {blind} not measured"


def _lasting(facts: WeekFacts) -> Iterator[str]:
    for event in facts.lasting:
        yield "; ".join([event.title, *event.lines[:1]])


def _golden(facts: WeekFacts) -> Iterator[str]:
    golden = facts.golden
    if golden is None:
        yield "none is published yet"
        return
    yield (
        f"version {golden.version} of {golden.week}: {counted(golden.items, 'item')}, "
        f"{golden.admitted} admitted, {golden.retired} retired, "
        f"{counted(golden.age_days, 'day')} old at the week's end"
    )
    if golden.deficits:
        yield f"{counted(golden.deficits, 'deficit')} in subsets or kinds"


def _review(facts: WeekFacts) -> Iterator[str]:
    for one in facts.review:
        late = f"; {one.reason}" if one.reason else ""
        yield f"{one.week}: {one.waiting} of {counted(one.tasks, 'task')} wait{late}"


def _costs(facts: WeekFacts) -> Iterator[str]:
    for spender, cost in sorted(facts.costs.items()):
        yield f"{spender}: {cost.usd:.2f} USD, {counted(cost.calls, 'attempt')}"
    if facts.costs:
        total = sum(cost.usd for cost in facts.costs.values())
        yield f"in all: {total:.2f} USD"


def _missing(facts: WeekFacts) -> Iterator[str]:
    if facts.not_made:
        yield f"not made for this week: {', '.join(facts.not_made)}"
    for table, (without, asked) in sorted(facts.unanswered.items()):
        if without:
            yield f"{table}: {without} of {counted(asked, 'call')} without an answer"
    for row in facts.decisions.sort("candidate_id").iter_rows(named=True):
        yield from _missing_scores(row)
    if facts.signals is not None:
        lacking = int(facts.signals.filter(pl.col("subset") == "all")["missing"].sum())
        if lacking:
            yield f"drift_signals: {counted(lacking, 'score')} missing of the re-run items"
    if facts.production is not None:
        blind = facts.production.filter(pl.col("finding").is_in(list(_NOT_JUDGED))).height
        if blind:
            yield f"production_monitor: {counted(blind, 'number')} without history or not logged"


def _missing_scores(row: Mapping[str, Any]) -> Iterator[str]:
    aggregate = json.loads(row["decision_json"])["aggregate"]
    missing = (aggregate["missing_baseline"], aggregate["missing_candidate"])
    if any(missing):
        yield (
            f"'{row['candidate_id']}': {missing[0]} of the baseline's and {missing[1]} of the "
            f"candidate's scores, of {aggregate['items'] + max(missing)} items"
        )
