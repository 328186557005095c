"""A version's items under old and new answers, judges and truth, and today's items beside them.

An item is paired where it has a score in every cell that the ordered sum needs: as it was
scored then, its frozen answer scored now, and its new answer scored now.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import polars as pl

MODEL_SCORER: Final = "^(panel|judge)"
CELLS: Final = tuple("".join(bits) for bits in product("01", repeat=3))
"""Outputs, judge, truth: 0 as of the reference week, 1 as of this week."""
THEN, FROZEN, NOW = "000", "011", "111"
OTHER_TRUTH_FROZEN, OTHER_TRUTH_NOW, OLD_JUDGE = "010", "110", "101"
KEY: Final = ("item_id", "item_revision")


@dataclass(frozen=True)
class PairedItems:
    """`paired`: one row per paired item; `asked`: one per item that this week's re-run put forward.

    `paired` holds item_id, route, subsets, conversation_key, `revised` and the eight cells, null
    where nothing fills them. `asked` holds item_id, route, subsets, conversation_key, `in_now` and
    `score`, null where missing. `incomplete` are the version's items that were asked in both weeks
    and lack a score in some cell, `unfrozen` those that lack only the frozen answer's, and
    `unjudgeable` those whose revised reference a model judges, so truth and judge mix: each holds
    item_id and subsets.
    """

    paired: pl.DataFrame
    asked: pl.DataFrame
    incomplete: pl.DataFrame
    unfrozen: pl.DataFrame
    unjudgeable: pl.DataFrame


def paired_items(
    own: pl.DataFrame,
    reference: pl.DataFrame | None,
    *,
    version: int,
) -> PairedItems:
    """Of one golden version, from one system's DRIFT_TRIALS of two weeks.

    The version's items are brought to the newest truth that was asked this week; their truth of
    then is the version's own revision, or the newest one scored then. Rows of the stream
    `old_judge`, if any, are this week's answers as the reference week's judges score them.
    """
    newest = max(own["golden_versions"].explode(empty_as_null=True).drop_nulls(), default=version)
    rerun = _item_means(own.filter(pl.col("stream") == "rerun"))
    frozen = _item_means(own.filter(pl.col("stream") == "rejudged"))
    old_judge = _item_means(own.filter(pl.col("stream") == "old_judge"))
    then = _item_means(
        own.clear() if reference is None else reference.filter(pl.col("stream") == "rerun")
    )
    asked = _newest_revisions(rerun).with_columns(
        in_now=pl.col("golden_versions").list.contains(newest)
    )
    held = rerun.filter(pl.col("golden_versions").list.contains(version))
    joined = _cells(_then(held, then), asked=asked, frozen=frozen, rerun=rerun).join(
        old_judge.select(*KEY, **{OLD_JUDGE: "score"}), on=KEY, how="left"
    )
    complete = pl.all_horizontal(pl.col(THEN, FROZEN, NOW).is_not_null())
    unfrozen = pl.all_horizontal(pl.col(THEN, NOW).is_not_null()) & pl.col(FROZEN).is_null()
    mixed = complete & pl.col("revised") & pl.col("by_model") & pl.col(OTHER_TRUTH_FROZEN).is_null()
    return PairedItems(
        paired=_implied(joined.filter(complete & ~mixed)).sort("item_id"),
        asked=asked.select(
            "item_id", "route", "subsets", "conversation_key", "in_now", "score"
        ).sort("item_id"),
        incomplete=joined.filter(~complete).select("item_id", "subsets"),
        unfrozen=joined.filter(unfrozen).select("item_id", "subsets"),
        unjudgeable=joined.filter(mixed).select("item_id", "subsets"),
    )


def _item_means(trials: pl.DataFrame) -> pl.DataFrame:
    """One row per item revision: the mean of its trials that have a score, null without any."""
    return (
        trials.sort("item_id", "item_revision", "trial")
        .group_by("item_id", "item_revision", maintain_order=True)
        .agg(
            pl.col("score").mean(),
            pl.col("scorer").filter(pl.col("score").is_not_null()).first(),
            pl.col("golden_versions", "subsets", "route", "conversation_key").first(),
        )
    )


def _newest_revisions(means: pl.DataFrame) -> pl.DataFrame:
    return means.sort("item_id", "item_revision").unique(
        "item_id", keep="last", maintain_order=True
    )


def _then(held: pl.DataFrame, then: pl.DataFrame) -> pl.DataFrame:
    """Per item of the version that was asked then: its truth of then and that score."""
    scored = then.filter(pl.col("score").is_not_null())
    newest = _newest_revisions(then.filter(pl.col("item_id").is_in(held["item_id"].implode())))
    best = _newest_revisions(scored).select("item_id", newest_then="item_revision", last="score")
    own = scored.select("item_id", "item_revision", own="score")
    return (
        held.select("item_id", "item_revision")
        .join(newest.select("item_id"), on="item_id")
        .join(own, on=["item_id", "item_revision"], how="left")
        .join(best, on="item_id", how="left")
        .select(
            "item_id",
            revision_then=pl.when(pl.col("own").is_null())
            .then(pl.col("newest_then"))
            .otherwise(pl.col("item_revision")),
            **{THEN: pl.coalesce("own", "last")},
        )
    )


def _cells(
    before: pl.DataFrame, *, asked: pl.DataFrame, frozen: pl.DataFrame, rerun: pl.DataFrame
) -> pl.DataFrame:
    """The measured cells beside each other, of every item that was asked in both weeks."""
    now = asked.select(
        "item_id", "route", "subsets", "conversation_key", "item_revision", **{NOW: "score"}
    )
    old_key = ["item_id", "revision_then"]
    return (
        before.join(now, on="item_id")
        .join(frozen.select(*KEY, "scorer", **{FROZEN: "score"}), on=KEY, how="left")
        .join(_at_old(frozen, OTHER_TRUTH_FROZEN), on=old_key, how="left")
        .join(_at_old(rerun, OTHER_TRUTH_NOW), on=old_key, how="left")
        .with_columns(
            revised=(pl.col("item_revision") != pl.col("revision_then")).fill_null(value=False),
            by_model=pl.col("scorer").str.contains(MODEL_SCORER).fill_null(value=False),
        )
    )


def _at_old(means: pl.DataFrame, name: str) -> pl.DataFrame:
    return means.select("item_id", revision_then="item_revision", **{name: "score"})


def _implied(paired: pl.DataFrame) -> pl.DataFrame:
    """All eight cells, as far as the measured ones imply them.

    Where no model scores, the judge is the rule, then as now, unless unrevised scores moved; where
    no reference was revised, truth is the same.
    """
    cells = paired.with_columns(
        pl.lit(None, pl.Float64).alias(cell) for cell in CELLS if cell not in paired.columns
    )
    rule_stands = ~pl.col("by_model") & (pl.col("revised") | (pl.col(THEN) == pl.col(FROZEN)))
    for _ in range(2):
        for cell in CELLS:
            same_truth = cell[:2] + ("0" if cell[2] == "1" else "1")
            same_judge = cell[0] + ("0" if cell[1] == "1" else "1") + cell[2]
            cells = cells.with_columns(
                pl.coalesce(
                    cell,
                    pl.when(~pl.col("revised")).then(pl.col(same_truth)),
                    pl.when(rule_stands).then(pl.col(same_judge)),
                ).alias(cell)
            )
    return cells.select(
        "item_id", "route", "subsets", "conversation_key", "revised", "by_model", *CELLS
    )
