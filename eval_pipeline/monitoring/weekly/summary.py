"""What changed this week, in one sentence, and what needs a person."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.weekly.evidence import WeekEvidence
from eval_pipeline.monitoring.weekly.panel import ALL, panel_shares
from eval_pipeline.statistics.proportions import newcombe

MAXIMUM_CLAUSES: Final = 3
MAXIMUM_NEEDS: Final = 6
MAXIMUM_NAMES: Final = 3
QUIET: Final = "nothing moved beyond its noise"


@dataclass(frozen=True)
class Need:
    """What waits for a person, and the command or page that serves it."""

    sentence: str
    command: str | None = None


def headline(known: WeekEvidence) -> str:
    """One sentence: alarms first, then decisions, production and what the panel sees."""
    told = [*_alarmed(known), *_decided(known), *_produced(known), *_passed(known)]
    sentence = "; ".join(told[:MAXIMUM_CLAUSES]) or QUIET
    return f"{sentence[0].upper()}{sentence[1:]}."


def needs(known: WeekEvidence) -> list[Need]:
    """What waits for a person, the most urgent first; empty if nothing does."""
    parts = (
        _leaks,
        _drifting,
        _audited,
        _blocked,
        _unlabelled,
        _judging,
        _monitored,
        _lacking,
        _unnamed,
    )
    return [need for part in parts for need in part(known)][:MAXIMUM_NEEDS]


def next_steps(known: WeekEvidence) -> list[Need]:
    """What the week still lacks, with the command that makes it; then the week after it."""
    lacking = [Need(f"`{name}` is not made.", how) for name, how in known.not_made.items()]
    after = dt.date.fromisoformat(known.week) + dt.timedelta(days=7)
    return [*lacking, Need(f"When the week of {after} has ended:", _refresh(after))]


def _refresh(week: dt.date) -> str:
    return f"eval-pipeline refresh --week {week}"


def _alarmed(known: WeekEvidence) -> Iterator[str]:
    for system, row in _alarms(known).items():
        whose = {"provider": "the provider", "judge": "the judge"}.get(row["attribution"] or "")
        subject = f"{whose} changed under '{system}'" if whose else f"'{system}' drifted"
        since = str(row["alarm_since"])
        when = "" if since == known.week else f" since {since}"
        noise = 200 * row["sigma"]
        size = f"{100 * (row['value'] - row['mu0']):+.1f} points, noise {noise:.1f} either way"
        yield f"{subject}{when} ({size})"


def _alarms(known: WeekEvidence) -> dict[str, dict[str, Any]]:
    """The alarm about all items of each system; of its streams the judge's own speaks first."""
    signals = known.of_week(known.signals)
    if signals is None:
        return {}
    rows = signals.filter(pl.col("alarm"), pl.col("subset") == ALL).sort("system_id", "stream")
    first = rows.unique("system_id", keep="first", maintain_order=True)
    return {row["system_id"]: row for row in first.iter_rows(named=True)}


def _decided(known: WeekEvidence) -> Iterator[str]:
    verdicts = Counter(one.decision["verdict"] for one in known.decisions)
    if not verdicts:
        return
    words = {"pass": "passed", "block": "blocked", "inconclusive": "left open"}
    told = [f"{verdicts[name]} {word}" for name, word in words.items() if verdicts[name]]
    others = verdicts.total() - sum(verdicts[name] for name in words)
    if others:
        told.append(f"{others} could not be evaluated")
    candidates = f"{verdicts.total()} candidate{'' if verdicts.total() == 1 else 's'}"
    yield f"of {candidates} {', '.join(told)}"


def _produced(known: WeekEvidence) -> Iterator[str]:
    monitor = known.of_week(known.monitor)
    if monitor is None:
        return
    unusual = monitor.filter(pl.col("finding") == "unusual").height
    if unusual:
        yield f"{unusual} production metric{'' if unusual == 1 else 's'} unusual"


def _passed(known: WeekEvidence) -> Iterator[str]:
    """Changes of the panel's pass share since the week before that chance does not explain.

    All traffic and every subset together err at one minus the confidence (Bonferroni): each change
    is Newcombe's interval of two weeks' Wilson intervals. The largest subset's alone is told.
    """
    names = 1 if known.quality is None else max(1, known.quality.height)
    confidence = 1 - (1 - known.confidence) / names
    now, before = (_shares(week, confidence) for week in (known.quality, known.quality_before))
    moved = []
    for name in sorted(now.keys() & before.keys()):
        lower, upper = newcombe(now[name], before[name])
        if lower > 0 or upper < 0:
            moved.append((name != ALL, -abs(now[name][0] - before[name][0]), name, lower, upper))
    for _, _, name, lower, upper in sorted(moved)[:1]:
        where = "all traffic" if name == ALL else f"'{name}'"
        yield (
            f"what the panel passes of {where} moved by "
            f"{100 * (now[name][0] - before[name][0]):+.1f} points ({100 * lower:+.1f} to "
            f"{100 * upper:+.1f}) since the week before"
        )


def _shares(
    quality: pl.DataFrame | None, confidence: float
) -> dict[str, tuple[float, float, float]]:
    if quality is None:
        return {}
    shares = panel_shares(quality, confidence=confidence).drop_nulls("value")
    return {
        row["subset"]: (row["value"], row["lower"], row["upper"])
        for row in shares.iter_rows(named=True)
    }


def _leaks(known: WeekEvidence) -> Iterator[Need]:
    if known.masking is None:
        return
    rows = known.masking.filter(
        pl.col("measure") == "residual_hits", pl.col("dimension") == "week", pl.col("value") > 0
    )
    if rows.height:
        yield Need("Masking left personal data behind: see the week's page for data protection.")


def _drifting(known: WeekEvidence) -> Iterator[Need]:
    for system, row in _alarms(known).items():
        whose = row["attribution"] or "unattributed"
        yield Need(
            f"'{system}' has deviated from its reference since {row['alarm_since']} ({whose}): "
            "decide whether the change is accepted; then pin it anew.",
            f"eval-pipeline drift pin --week {known.week} --system {system} --again",
        )


def _audited(known: WeekEvidence) -> Iterator[Need]:
    audit = known.of_week(known.audit)
    if audit is None:
        return
    failed = audit.filter(pl.col("finding") == "exceeded").height
    if failed:
        yield Need(
            f"The gate failed its audit: {failed} of {audit.height} rates are proven above what "
            "is allowed. Trust no pass until it is mended.",
            f"eval-pipeline audit --week {known.week}",
        )


def _blocked(known: WeekEvidence) -> Iterator[Need]:
    stopped = [
        one.candidate_id
        for one in known.decisions
        if one.decision["verdict"] != "pass" and not one.decision.get("waived")
    ]
    if stopped:
        verb = "does" if len(stopped) == 1 else "do"
        yield Need(
            f"{_listed(stopped)} {verb} not pass: fix it, or see what stays open.",
            f"eval-pipeline explain {stopped[0]}",
        )


def _unlabelled(known: WeekEvidence) -> Iterator[Need]:
    if known.disputes is None:
        return
    asked = known.disputes.filter(pl.col("selection") != "gold_check")["interaction_id"]
    settled = [] if known.adjudications is None else known.adjudications["interaction_id"].to_list()
    waiting = asked.len() - int(asked.is_in(settled).sum())
    if waiting:
        yield Need(
            f"{waiting} of {asked.len()} responses that went to people have no settled label.",
            f"eval-pipeline review status --week {known.week}",
        )


def _judging(known: WeekEvidence) -> Iterator[Need]:
    if known.judges is None:
        return
    alarmed = known.judges.filter(pl.col("finding") == "alarm")["judge_id"].unique().sort()
    for judge in alarmed:
        yield Need(f"Judge '{judge}' has changed on its anchors: look at it before you trust it.")


def _monitored(known: WeekEvidence) -> Iterator[Need]:
    if known.alerts is not None:
        for sentence in known.alerts["sentence"]:
            yield Need(sentence, f"eval-pipeline monitor --week {known.week}")
    if known.tracking is not None:
        lost = known.tracking.filter(pl.col("finding") == "no_longer_tracks")
        for subset, sentence in lost.select("subset", "sentence").iter_rows():
            where = "" if subset == ALL else f"'{subset}': "
            yield Need(f"{where}{sentence}", "eval-pipeline outcomes")


def _lacking(known: WeekEvidence) -> Iterator[Need]:
    if known.golden is not None and known.golden.deficits:
        lacking = sum(required - found for _, required, found in known.golden.deficits)
        names = _listed([name for name, _, _ in known.golden.deficits])
        yield Need(f"The golden set lacks {lacking} items of {names}: the next weeks ask for them.")


def _unnamed(known: WeekEvidence) -> Iterator[Need]:
    if known.unnamed is None:
        return
    for row in known.unnamed.filter(pl.col("finding") == "higher").iter_rows(named=True):
        yield Need(f"Failures about '{row['topic']}' belong to no subset: name one for them.")


def _listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    told = ", ".join(f"'{name}'" for name in names[:MAXIMUM_NAMES])
    more = len(names) - MAXIMUM_NAMES
    return f"{told} and {more} more" if more > 0 else told
