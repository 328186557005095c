"""What was left out of an evaluation because a system may have known it, in sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from eval_pipeline.evaluation.trial_items import RESERVE_PREFIX
from eval_pipeline.tables.contamination import ANY, source_words


def exclusion_sentences(found: pl.DataFrame, *, candidate_id: str, baseline_id: str) -> list[str]:
    """CANDIDATE_CONTAMINATION for the decision's reasons: a sentence a source, by arm and source.

    An item that two sources hold is counted with each, and once in the sum at the end.
    """
    arms = {ANY: "either arm", baseline_id: "the baseline", candidate_id: "the candidate"}
    return _sentences(found, owners=arms, consequence=", not counted")


def finding_sentences(found: pl.DataFrame) -> list[str]:
    """CONTAMINATION_FINDINGS in words: a sentence a source."""
    return _sentences(found, owners={ANY: "any system"}, consequence="")


def _sentences(found: pl.DataFrame, *, owners: Mapping[str, str], consequence: str) -> list[str]:
    sources = found.sort("system_id", "source_kind", "source").partition_by(
        "system_id", "source_kind", "source", maintain_order=True
    )
    sentences = [sentence for rows in sources for sentence in _of_source(rows, owners, consequence)]
    if sum(bool(_counted(rows)) for rows in sources) > 1:
        sentences.append(f"Items found in any source: {_counted(found)}.")
    return sentences


def excluded_per_subset(found: pl.DataFrame) -> pl.DataFrame:
    """How many golden items each subset loses: `subset` ('all' for all), `items`."""
    items = (
        found.filter(pl.col("item_id") != ANY, ~pl.col("item_id").str.starts_with(RESERVE_PREFIX))
        .unique("item_id")
        .select("item_id", "subsets")
    )
    counted = Counter(items["subsets"].explode().drop_nulls())
    rows = [("all", items.height), *sorted(counted.items())]
    return pl.DataFrame(rows, schema={"subset": pl.String, "items": pl.Int64}, orient="row")


def _of_source(rows: pl.DataFrame, owners: Mapping[str, str], consequence: str) -> Iterator[str]:
    first = rows.row(0, named=True)
    owner = owners.get(first["system_id"], f"'{first['system_id']}'")
    source = f"{source_words(first['source_kind'], first['source'])} of {owner}"
    if counted := _counted(rows):
        subsets = excluded_per_subset(rows).filter(pl.col("subset") != "all")
        listed = ", ".join(f"{name} {items}" for name, items in subsets.rows())
        yield (
            f"Contaminated: {counted} found in {source}{consequence}"
            f"{f' ({listed})' if listed else ''}."
        )
    for row in rows.filter(pl.col("measure") == "unreadable").iter_rows(named=True):
        yield _unreadable(row, source)


def _unreadable(row: Mapping[str, Any], source: str) -> str:
    return (
        f"Records of {source} that could not be read: {row['value']:.0f}, the first is number "
        f"{row['record']}. An item in them would count as unknown."
    )


def _counted(rows: pl.DataFrame) -> str:
    """Golden and reserve items that the findings name; empty where there are none."""
    ids = set(rows["item_id"]) - {ANY}
    reserve = {item_id for item_id in ids if item_id.startswith(RESERVE_PREFIX)}
    parts = [
        f"{len(some)} {kind} item{'' if len(some) == 1 else 's'}"
        for kind, some in (("golden", ids - reserve), ("reserve", reserve))
        if some
    ]
    return " and ".join(parts)
