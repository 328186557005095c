"""Which responses judges are asked about once more: by hash, so a week chooses the same again."""

from collections.abc import Mapping

import polars as pl

from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.judging.calls import conversation_of
from eval_pipeline.judging.pairwise import ResponsePair
from eval_pipeline.tables import JUDGE_ANCHORS

REFERENCE = "reference"
RERUN = "rerun"
_BY_PEOPLE = ("agreement", "adjudication")


def chosen(frame: pl.DataFrame, count: int, *, salt: str) -> pl.DataFrame:
    """The `count` rows of smallest hash, at most one per conversation, in hash order.

    Reads item_id, which must not repeat, and conversation_key. One per conversation, so that rows
    are independent and intervals need no clusters.
    """
    order = smallest_by_hash(frame["item_id"].to_list(), frame.height, salt=salt)
    places = pl.DataFrame(
        {"item_id": order, "_place": range(len(order))},
        schema={"item_id": pl.String, "_place": pl.Int64},
    )
    return (
        frame.join(places, on="item_id", validate="1:1")
        .sort("_place")
        .unique("conversation_key", keep="first", maintain_order=True)
        .head(count)
        .drop("_place")
    )


def pairs_from(candidates: pl.DataFrame, count: int, *, week: str) -> list[ResponsePair]:
    """Pairs of different responses to one conversation.

    `candidates`: item_id, conversation_key, route, messages, response and other_response. Which
    of the two is called the first is drawn by hash too: else the better one always would be.
    """
    drawn = chosen(differing(candidates), count, salt=f"pairs:{week}")
    return [_pair(row) for row in drawn.iter_rows(named=True)]


def differing(candidates: pl.DataFrame) -> pl.DataFrame:
    """The rows whose two responses differ in more than their spaces."""
    return candidates.filter(_said("response") != _said("other_response"))


def freeze(
    previous: pl.DataFrame,
    labelled: pl.DataFrame,
    *,
    count: int,
    week: str,
) -> pl.DataFrame:
    """The week's JUDGE_ANCHORS: what was an anchor stays one, and new ones come up to `count`.

    `previous`: JUDGE_ANCHORS of the last week that had any. `labelled`: all settled responses of
    earlier weeks that still stand, in the columns of JUDGE_ANCHORS without admitted_week; an
    anchor that is not among them was erased or withdrawn, and a label that was corrected since is
    taken over. People's labels come before those of the log. Where `count` was lowered, the
    oldest anchors stay.
    """
    since = previous.select("item_id", "admitted_week")
    kept = labelled.join(since, on="item_id", validate="1:1").sort("admitted_week", "item_id")
    kept = kept.head(count)
    held = kept["conversation_key"].to_list()
    free = labelled.join(since, on="item_id", how="anti").filter(
        ~pl.col("conversation_key").is_in(held)
    )
    people = chosen(free.filter(pl.col("source").is_in(_BY_PEOPLE)), free.height, salt="anchors")
    rest = free.filter(~pl.col("conversation_key").is_in(people["conversation_key"].to_list()))
    ranked = pl.concat([people, chosen(rest, rest.height, salt="anchors")])
    new = ranked.head(count - kept.height).with_columns(admitted_week=pl.lit(week))
    columns = list(JUDGE_ANCHORS.schema)
    return JUDGE_ANCHORS.conform(pl.concat([kept.select(columns), new.select(columns)]))


def _said(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all(r"\s+", " ").str.strip_chars()


def _pair(row: Mapping[str, object]) -> ResponsePair:
    texts = [str(row["response"]), str(row["other_response"])]
    if smallest_by_hash(["as_is", "swapped"], 1, salt=f"first:{row['item_id']}") == ["swapped"]:
        texts.reverse()
    return ResponsePair(
        pair_id=str(row["item_id"]),
        route=str(row["route"]),
        messages=conversation_of(row["messages"]),  # type: ignore[arg-type]
        first=texts[0],
        second=texts[1],
    )
