"""What judges are checked on, read from the lake: responses, anchors, pairs, and all judged so far.

Everything is of this week or earlier, so a week that is run again asks the same.
"""

from collections.abc import Sequence

import polars as pl

from eval_pipeline.flows.judging import judged
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.biases.choosing import REFERENCE, RERUN, differing
from eval_pipeline.judging.biases.measures import JudgedSoFar
from eval_pipeline.judging.panel import judgeable
from eval_pipeline.settings import Settings
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    GOLDEN_SET,
    PANEL_VERDICTS,
    STRATIFIED_INTERACTIONS,
    VERDICTS,
    Table,
)
from eval_pipeline.truth.entries import item_identity

TEXTS = ("interaction_id", "conversation_key", "route", "messages", "response")
RERUN_WEEKS = 8
"""How far back a pinned system's answers are looked through for one that differs."""
_PAIR = ("item_id", "conversation_key", "route", "messages", "response", "other_response")


def week_s_responses(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """This week's judged responses with their texts, and their item_id."""
    columns = [*TEXTS, "selection"]
    rows = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week, columns=columns)
    return _with_item(judgeable(judged(rows)).select(TEXTS))


def labelled_responses(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """Every settled response of earlier weeks that still stands, as anchors are kept."""
    withdrawn = sorted(pipeline.withdrawals.standing())
    frames = [_labelled_of(pipeline, known) for known in _before(pipeline, ADJUDICATIONS, week)]
    columns = {
        "item_id": pl.String,
        "interaction_id": pl.String,
        "conversation_key": pl.String,
        "anchor_week": pl.String,
        "label": pl.String,
        "source": pl.String,
    }
    return pl.concat([pl.DataFrame(schema=columns), *frames]).filter(
        ~pl.col("item_id").is_in(withdrawn)
    )


def anchor_responses(pipeline: Pipeline, anchors: pl.DataFrame) -> pl.DataFrame:
    """The anchors with their texts, in the order of their ids."""
    frames = [
        pipeline.lake.read(
            ANONYMISED_INTERACTIONS, partition=known, columns=["interaction_id", *TEXTS[2:]]
        )
        for known in sorted(set(anchors["anchor_week"]))
    ]
    empty = ANONYMISED_INTERACTIONS.empty().select("interaction_id", *TEXTS[2:])
    return anchors.join(
        pl.concat([empty, *frames]), on="interaction_id", validate="1:1", maintain_order="left"
    )


def pair_candidates(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """Two responses to one conversation, with `source`: where the second one is from.

    reference: the good response that people wrote beside a response that they labelled, up to this
    week. rerun: what a pinned system last answered differently in an earlier re-run, beside the
    response that production logged; it comes first where an item has both.
    """
    pairs = pl.concat([_reruns(pipeline, week=week), _references(pipeline, week=week)])
    return differing(pairs).unique("item_id", keep="first", maintain_order=True)


def judged_so_far(pipeline: Pipeline, *, week: str) -> JudgedSoFar:
    """What labels and judges say of all weeks up to this one."""
    return JudgedSoFar(
        verdicts=_up_to(pipeline, VERDICTS, week).with_columns(pl.col("family").str.to_lowercase()),
        panel_verdicts=_up_to(pipeline, PANEL_VERDICTS, week),
        adjudications=_up_to(pipeline, ADJUDICATIONS, week),
        responses=_responses(pipeline, week=week),
    )


def families_of(settings: Settings) -> dict[str, str]:
    """The family of every model that the configuration names with one, however it is spelt."""
    systems = {
        system.model: system.family.lower()
        for system in settings.systems.values()
        if system.family is not None
    }
    return systems | {judge.model: judge.family.lower() for judge in settings.judges.values()}


def _responses(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    families = families_of(pipeline.settings)
    columns = ["interaction_id", "conversation_key", "response", "served_model", "requested_model"]
    strata = ["interaction_id", "stratum", "design_weight"]
    frames = [
        pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=known, columns=columns).join(
            pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=known, columns=strata),
            on="interaction_id",
        )
        for known in _before(pipeline, VERDICTS, week, inclusive=True)
    ]
    empty = ANONYMISED_INTERACTIONS.empty().select(columns)
    none = STRATIFIED_INTERACTIONS.empty().select(strata)
    rows = pl.concat([empty.join(none, on="interaction_id"), *frames])

    def family(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(families, default=None, return_dtype=pl.String)

    return rows.select(
        "interaction_id",
        "conversation_key",
        "stratum",
        "design_weight",
        characters=pl.col("response").fill_null("").str.len_chars().cast(pl.Int64),
        response_family=pl.coalesce(family("served_model"), family("requested_model")),
    )


def _labelled_of(pipeline: Pipeline, week: str) -> pl.DataFrame:
    labels = pipeline.lake.read(
        ADJUDICATIONS, partition=week, columns=["interaction_id", "label", "settled_by"]
    )
    rows = pipeline.lake.read(
        ANONYMISED_INTERACTIONS,
        partition=week,
        columns=["interaction_id", "conversation_key", "response"],
    )
    return (
        _with_item(judgeable(rows).join(labels, on="interaction_id"))
        .select(
            "item_id",
            "interaction_id",
            "conversation_key",
            "label",
            anchor_week=pl.lit(week),
            source="settled_by",
        )
        .select("item_id", "interaction_id", "conversation_key", "anchor_week", "label", "source")
    )


def _references(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    empty = ANONYMISED_INTERACTIONS.empty().select(TEXTS)
    frames = [_pairs(empty.with_columns(other_response=pl.lit(None, pl.String)), REFERENCE)]
    for known in _before(pipeline, ADJUDICATIONS, week, inclusive=True):
        written = pipeline.lake.read(
            ADJUDICATIONS, partition=known, columns=["interaction_id", "reference_response"]
        ).drop_nulls()
        rows = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=known, columns=TEXTS)
        both = rows.join(written, on="interaction_id").rename(
            {"reference_response": "other_response"}
        )
        frames.append(_pairs(judgeable(both), REFERENCE))
    return pl.concat(frames)


def _reruns(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    empty = GOLDEN_SET.empty().with_columns(
        response="logged_response", other_response=pl.lit(None, pl.String)
    )
    nothing = empty.select(*_PAIR, source=pl.lit(RERUN))
    weeks = _before(pipeline, DRIFT_TRIALS, week)[-RERUN_WEEKS:]
    answers = (
        pipeline.lake.read_all(DRIFT_TRIALS, partitions=weeks, partition_column="week")
        .filter((pl.col("stream") == "rerun") & (pl.col("status") == "answered"))
        .sort("week", "item_id", "item_revision", "system_id", "trial", descending=True)
        .unique(["item_id", "response"], keep="first", maintain_order=True)
        .select("item_id", "golden_versions", other_response="response")
    )
    frames = [nothing]
    for version in sorted(set(answers["golden_versions"].explode().drop_nulls()), reverse=True):
        items = pipeline.golden.items(version).filter(pl.col("expected_behaviour") == "answer")
        asked = items.rename({"logged_response": "response"}).join(
            answers, on="item_id", maintain_order="right_left"
        )
        frames.append(differing(asked).select(*_PAIR, source=pl.lit(RERUN)))
    return pl.concat(frames).unique("item_id", keep="first", maintain_order=True)


def _pairs(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    return _with_item(rows).select(*_PAIR, source=pl.lit(source))


def _with_item(rows: pl.DataFrame) -> pl.DataFrame:
    ids = [item_identity(interaction_id) for interaction_id in rows["interaction_id"]]
    return rows.with_columns(item_id=pl.Series(ids, dtype=pl.String))


def _up_to(pipeline: Pipeline, table: Table, week: str) -> pl.DataFrame:
    weeks = _before(pipeline, table, week, inclusive=True)
    return pipeline.lake.read_all(table, partitions=weeks)


def _before(
    pipeline: Pipeline, table: Table, week: str, *, inclusive: bool = False
) -> Sequence[str]:
    known = pipeline.lake.partitions(table)
    return [name for name in known if name < week or (inclusive and name == week)]
