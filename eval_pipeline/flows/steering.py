"""What the lake's earlier weeks say about where this week should draw."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from eval_pipeline.evaluation.decision import Decision, newest_row, read_decision
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.steering import (
    GOLDEN_COLUMNS,
    KIND_PREFIX,
    REQUEST_COLUMNS,
    SPREAD_COLUMNS,
    Requests,
    Spreads,
    for_the_sample,
    requests_of,
    spreads_of,
    with_kinds_as_subsets,
)
from eval_pipeline.tables import (
    GATE_DECISION,
    PANEL_VERDICTS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
)

_SCORES = {"pass": 1.0, "fail": 0.0}
_NOTHING = Requests(pl.DataFrame(schema=REQUEST_COLUMNS), ())


@dataclass(frozen=True)
class Steering:
    """Spread and requests per stratum, as `allocate_frame` takes them.

    `golden_requests` are what the deficits of the golden version `steered_by` ask of the sample.
    `unscored`: verdicts behind the spreads that say neither pass nor fail. `unseen`: subsets that
    asked although the last week drew none of theirs. Both are only known when a week is steered,
    not when its steering is read again.
    """

    spreads: pl.DataFrame
    requests: pl.DataFrame
    golden_requests: pl.DataFrame
    steered_by: int | None
    unscored: int | None
    unseen: tuple[str, ...] | None


def steer(pipeline: Pipeline, *, week: str) -> Steering:
    """Spreads from earlier panel verdicts, requests from what the gate left undecided.

    And from what the newest golden version of an earlier week lacks of subsets and kinds: its items
    come from the sample, which the gate's requests do not lengthen.

    A week is steered once: where the lake holds its SAMPLING_FRAME, that frame's columns are
    taken again, so that verdicts and decisions made meanwhile do not change what was drawn.
    """
    if pipeline.lake.has(SAMPLING_FRAME, partition=week):
        return _as_before(pipeline, week=week)
    spreads = _spreads(pipeline, week=week)
    version = pipeline.golden.newest_before(week)
    requests = _requests(pipeline, week=week, version=version)
    golden = _golden_requests(pipeline, week=week, version=version)
    return Steering(
        spreads=spreads.by_stratum,
        requests=requests.by_stratum,
        golden_requests=for_the_sample(golden.by_stratum),
        steered_by=version,
        unscored=spreads.unscored,
        unseen=tuple(sorted({*requests.unseen, *golden.unseen})),
    )


def steered_by(frame: pl.DataFrame) -> int | None:
    """The golden version whose deficits steered the week of this SAMPLING_FRAME."""
    return next(iter(frame["steered_by"].drop_nulls().unique().to_list()), None)


def _as_before(pipeline: Pipeline, *, week: str) -> Steering:
    frame = pipeline.lake.read(SAMPLING_FRAME, partition=week)
    return Steering(
        spreads=frame.select(list(SPREAD_COLUMNS)),
        requests=frame.select(list(REQUEST_COLUMNS)),
        golden_requests=frame.select(list(GOLDEN_COLUMNS)),
        steered_by=steered_by(frame),
        unscored=None,
        unseen=None,
    )


def _spreads(pipeline: Pipeline, *, week: str) -> Spreads:
    """The newest judged weeks before this one, at most `sampling.spread_weeks`."""
    judged = [known for known in pipeline.lake.partitions(PANEL_VERDICTS) if known < week]
    newest = judged[-pipeline.settings.sampling.spread_weeks :]
    verdicts = pipeline.lake.read_all(PANEL_VERDICTS, partitions=newest, partition_column="week")
    strata = pipeline.lake.read_all(
        STRATIFIED_INTERACTIONS,
        partitions=[known for known in newest if known in _drawn_weeks(pipeline)],
        partition_column="week",
    )
    return spreads_of(
        verdicts.join(strata, on=["week", "interaction_id"]).select(
            "week",
            "stratum",
            score=pl.col("panel_verdict").replace_strict(_SCORES, return_dtype=pl.Float64),
        )
    )


def _requests(pipeline: Pipeline, *, week: str, version: int | None) -> Requests:
    """What undecided subsets ask of the reserve."""
    if version is None:
        return _NOTHING
    needs = _needs(pipeline, version=version)
    return _asked(pipeline, needs, week=week, version=version, selection="reserve")


def _golden_requests(pipeline: Pipeline, *, week: str, version: int | None) -> Requests:
    """What the golden version lacks of subsets and kinds, asked of the sample."""
    if version is None:
        return _NOTHING
    needs = (
        (KIND_PREFIX * (gap.of == "kind") + gap.name, gap.required - gap.found)
        for gap in pipeline.golden.manifest(version).deficits
        if gap.of == "kind" or (gap.of == "subset" and gap.name in pipeline.settings.subsets)
    )
    return _asked(pipeline, needs, week=week, version=version, selection="sample")


def _asked(
    pipeline: Pipeline,
    needs: Iterable[tuple[str, int]],
    *,
    week: str,
    version: int,
    selection: str,
) -> Requests:
    """The needs since the version, less what was drawn for them since, as requests per stratum."""
    drawn = [known for known in _drawn_weeks(pipeline) if known < week]
    lacking = pl.DataFrame(
        list(needs), schema={"subset": pl.String, "items": pl.Int64}, orient="row"
    )
    if lacking.is_empty() or not drawn:
        return _NOTHING
    published = pipeline.golden.manifest(version).week
    since = pipeline.lake.read_all(
        STRATIFIED_INTERACTIONS, partitions=[known for known in drawn if known > published]
    )
    gained = with_kinds_as_subsets(since.filter(pl.col("selection") == selection))
    last = pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=drawn[-1])
    return requests_of(_still_lacking(lacking, gained=gained), with_kinds_as_subsets(last))


def _needs(pipeline: Pipeline, *, version: int) -> Iterator[tuple[str, int]]:
    """The items that undecided subsets lacked, by decisions on a golden version.

    Only an inconclusive candidate asks: a block needs no more evidence, and what makes a decision
    invalid is not the number of items. The gate never reads more than its last look allows.
    """
    most = max(pipeline.settings.gate.looks, default=0)
    for decision in _decisions(pipeline):
        if decision.golden_version != version or decision.verdict != "inconclusive":
            continue
        for finding in decision.subsets:
            if finding.items_needed is not None and finding.subset in pipeline.settings.subsets:
                yield finding.subset, min(finding.items_needed, most) - finding.items


def _decisions(pipeline: Pipeline) -> Iterator[Decision]:
    for candidate in pipeline.lake.partitions(GATE_DECISION):
        decisions = pipeline.lake.read(GATE_DECISION, partition=candidate)
        yield read_decision(newest_row(decisions)["decision_json"])


def _still_lacking(needs: pl.DataFrame, *, gained: pl.DataFrame) -> pl.DataFrame:
    """The needs, less what was drawn since the version was published."""
    names = gained.select(pl.col("subsets").explode(empty_as_null=True)).drop_nulls()
    counts = names.group_by(subset="subsets").agg(gained=pl.len().cast(pl.Int64))
    return needs.join(counts, on="subset", how="left").select(
        "subset", items=pl.col("items") - pl.col("gained").fill_null(0)
    )


def _drawn_weeks(pipeline: Pipeline) -> list[str]:
    return pipeline.lake.partitions(STRATIFIED_INTERACTIONS)
