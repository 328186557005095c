"""Events of decisions, golden versions and provider changes: what happens once and is over."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.monitoring.alerting.figures import counted, listed, with_interval
from eval_pipeline.settings import AlertKind, Severity
from eval_pipeline.tables import GATE_DECISION

PROVIDER_CHANGE: Final = "provider-change-"
"""How candidates are called that the provider watch opened: they run in production already."""

_KINDS: Final[Mapping[str, AlertKind]] = {
    "pass": "gate_pass",
    "block": "gate_block",
    "inconclusive": "gate_inconclusive",
    "invalid": "gate_inconclusive",
}
_SAID: Final = {
    "pass": "passes",
    "block": "is blocked",
    "inconclusive": "is undecided",
    "invalid": "could not be evaluated",
}
_NEXT: Final = {
    "pass": "Promote it with `eval-pipeline promote`, or leave it.",
    "block": "Read which subsets are worse, and mend the candidate.",
    "inconclusive": "Read what would settle it: more items, or a later week's reserve.",
    "invalid": "Read what is missing on the page, mend it and evaluate again.",
}


def decision_events(newest: pl.DataFrame) -> Iterator[AlertEvent]:
    """One event per row of GATE_DECISION, of which each is its candidate's newest decision.

    What is blocked pages only where the candidate is what a provider runs already. What named
    people have waived is told as information.
    """
    for row in newest.iter_rows(named=True):
        document = json.loads(row["decision_json"])
        waived = bool(document.get("waived"))
        verdict, candidate = row["verdict"], row["candidate_id"]
        yield AlertEvent(
            _KINDS[verdict],
            "info" if waived else _severity(verdict, candidate),
            candidate,
            f"Candidate '{candidate}' {_SAID[verdict]}" + (" and is waived" if waived else ""),
            lines=tuple(decision_lines(row, document)),
            since=row["decision_id"],
            next_step=_NEXT[verdict],
            table=GATE_DECISION.name,
            partition=candidate,
        )


def decision_lines(row: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    """What was found, in figures; the sentences of a decision can quote people and stay away."""
    findings = {one["subset"]: one for one in (document["aggregate"], *document["subsets"])}
    version = row["golden_version"]
    yield f"against '{row['baseline_id']}'" + (
        "" if version is None else f" on golden version {version}"
    )
    yield _finding("all items", document["aggregate"])
    for name in row["blocked_subsets"]:
        if name != "all":
            yield f"worse: {_finding(name, findings[name])}"
    undecided = [name for name in row["undecided_subsets"] if name != "all"]
    if undecided:
        yield f"{counted(len(undecided), 'subset')} undecided: {listed(undecided)}"
    missing = document["aggregate"]
    lacking = missing["missing_baseline"] + missing["missing_candidate"]
    if lacking:
        yield (
            f"{counted(lacking, 'score')} missing: {missing['missing_baseline']} of the "
            f"baseline's, {missing['missing_candidate']} of the candidate's"
        )


def golden_event(*, version: int, week: str, items: int) -> AlertEvent:
    """That a version was published."""
    return AlertEvent(
        "golden_published",
        "info",
        f"version {version}",
        f"Golden version {version} is published",
        lines=(f"of the week of {week}", counted(items, "item")),
        since=week,
        next_step="Evaluate waiting candidates on it.",
    )


def provider_change_events(
    sightings: pl.DataFrame, *, not_before: dt.datetime
) -> Iterator[AlertEvent]:
    """One event per sighting of a change since `not_before`.

    `sightings`: system_id, seen_at, finding, served_model, canaries, changed_answers, candidate_id.
    """
    changed = sightings.filter((pl.col("finding") == "changed") & (pl.col("seen_at") >= not_before))
    for row in changed.sort("system_id", "seen_at").iter_rows(named=True):
        candidate = row["candidate_id"]
        yield AlertEvent(
            "provider_change",
            "warn",
            row["system_id"],
            f"The provider changed the model behind '{row['system_id']}'",
            lines=(
                f"served model now: {row['served_model'] or 'not said'}",
                f"{row['changed_answers']} of {counted(row['canaries'], 'canary answer')} are new",
                f"opened as candidate '{candidate}'"
                if candidate
                else "no week before the change is on record, so no candidate was opened",
            ),
            since=row["seen_at"].isoformat(timespec="seconds"),
            next_step="Wait for the candidate's decision: it says which subsets are worse.",
            table=GATE_DECISION.name if candidate else None,
            partition=candidate,
        )


def _severity(verdict: str, candidate: str) -> Severity:
    if verdict == "pass":
        return "info"
    if verdict == "block" and candidate.startswith(PROVIDER_CHANGE):
        return "page"
    return "warn"


def _finding(name: str, finding: Mapping[str, Any]) -> str:
    figures = with_interval(finding["difference"], finding["lower"], finding["upper"])
    return f"{name} {figures} on {counted(finding['items'], 'item')}"
