"""k-anonymity of what recognisers do not see: combinations of coarse columns that few people share.

People are counted in what is written, sample and reserve together, not in the week's population:
only the drawn are in memory with their attributes, and a combination that k of the drawn share is
shared by at least k in the population. So the guarantee holds against those who know that someone
was drawn, and all the more against those who do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from eval_pipeline.settings import COARSE_COLUMNS

SUPPRESSED: Final = "[SUPPRESSED]"
ROUTE: Final = "route"
_CELL: Final = "quasi_"
_NOBODY: Final = "nobody"

CountedAs = Literal["people", "conversations"]


@dataclass(frozen=True)
class Suppression:
    """Interactions as they may be written, the groups in them, and what was taken out.

    `groups` and `groups_before` have the identifiers (null: unknown) and `people`; `values` says
    of each identifier in how many interactions it was suppressed.
    """

    interactions: pl.DataFrame
    groups: pl.DataFrame
    groups_before: pl.DataFrame
    values: dict[str, int]
    counted_as: CountedAs


def suppress_small_groups(
    interactions: pl.DataFrame, *, identifiers: Sequence[str], minimum: int
) -> Suppression:
    """Suppresses the last-named identifier in groups of fewer than `minimum`, then the one before.

    An identifier is one of `COARSE_COLUMNS`, or else a key of `attributes`. What is suppressed
    becomes `[SUPPRESSED]`; nulls stay. Afterwards a group has `minimum` people or keeps nothing but
    its route, which the pipeline needs.

    People are counted by `user_key`. Interactions without one count as one person in their group,
    for all may be of the same; where the week has no users at all, conversations are counted.
    """
    named = list(dict.fromkeys((ROUTE, *identifiers)))
    frame = interactions.with_columns(_cell(name).alias(_CELL + name) for name in named)
    by_person = frame["user_key"].null_count() < frame.height
    counter = pl.col("user_key").fill_null(_NOBODY) if by_person else pl.col("conversation_key")
    before = _groups(frame, named, counter)
    values: dict[str, int] = {}
    for name in reversed([name for name in named if name != ROUTE]):
        cell = [_CELL + one for one in named]
        small = frame.select(counter.n_unique().over(cell) < minimum).to_series()
        # A value that is not there cannot be told, and needs no suppressing.
        hit = small & frame[_CELL + name].is_not_null()
        values[name] = int(hit.sum())
        frame = _suppressed(frame, name, rows=hit)
    return Suppression(
        interactions=frame.select(interactions.columns),
        groups=_groups(frame, named, counter),
        groups_before=before,
        values={name: values[name] for name in named if name in values},
        counted_as="people" if by_person else "conversations",
    )


def groups_of(
    interactions: pl.DataFrame, *, identifiers: Sequence[str]
) -> tuple[pl.DataFrame, CountedAs]:
    """The groups as they stand, and what was counted, without suppressing anything."""
    found = suppress_small_groups(interactions, identifiers=identifiers, minimum=0)
    return found.groups, found.counted_as


def suppressed_values(interactions: pl.DataFrame, *, identifiers: Sequence[str]) -> dict[str, int]:
    """Of each identifier, in how many interactions it is suppressed."""
    named = [name for name in dict.fromkeys(identifiers) if name != ROUTE]
    found = interactions.select((_cell(name) == SUPPRESSED).sum().alias(name) for name in named)
    return found.row(0, named=True) if named else {}


def present_values(interactions: pl.DataFrame, *, identifiers: Sequence[str]) -> dict[str, int]:
    """Of each identifier, in how many interactions it stands, suppressed or not."""
    named = list(dict.fromkeys(identifiers))
    found = interactions.select(_cell(name).count().alias(name) for name in named)
    return found.row(0, named=True) if named else {}


def _cell(name: str) -> pl.Expr:
    if name in COARSE_COLUMNS:
        return pl.col(name)
    entry = pl.element()
    of_key = entry.filter(entry.struct.field("key") == name)
    return pl.col("attributes").list.eval(of_key).list.first().struct.field("value")


def _groups(frame: pl.DataFrame, named: Sequence[str], counter: pl.Expr) -> pl.DataFrame:
    cell = [_CELL + name for name in named]
    return (
        frame.group_by(cell)
        .agg(people=counter.n_unique().cast(pl.Int64))
        .rename({column: column.removeprefix(_CELL) for column in cell})
        .sort(named, nulls_last=True)
    )


def _suppressed(frame: pl.DataFrame, name: str, *, rows: pl.Series) -> pl.DataFrame:
    hidden = pl.lit(SUPPRESSED)
    is_column = name in COARSE_COLUMNS
    column, replaced = (name, hidden) if is_column else ("attributes", _hidden(name))
    return frame.with_columns(
        pl.when(rows).then(hidden).otherwise(pl.col(_CELL + name)).alias(_CELL + name),
        pl.when(rows).then(replaced).otherwise(pl.col(column)).alias(column),
    )


def _hidden(key: str) -> pl.Expr:
    """The attributes with every value under the key suppressed."""
    entry = pl.element()
    value = (
        pl.when(entry.struct.field("key") == key)
        .then(pl.lit(SUPPRESSED))
        .otherwise(entry.struct.field("value"))
    )
    return pl.col("attributes").list.eval(
        pl.struct(entry.struct.field("key"), value.alias("value"))
    )
