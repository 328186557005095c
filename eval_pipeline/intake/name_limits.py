"""How probable a name must be to be masked, where subsets of the team's own ask for more care."""

from collections.abc import Mapping

import polars as pl

from eval_pipeline.intake.stratification import membership
from eval_pipeline.settings import SubsetSettings
from eval_pipeline.tables import ANONYMISED_INTERACTIONS


def name_limits(
    interactions: pl.DataFrame,
    *,
    tau: Mapping[str, float],
    subsets: Mapping[str, SubsetSettings],
) -> dict[str, float]:
    """The tau of each interaction, by its id, where its conversation's is not the default.

    `interactions` are raw and in memory only: a subset is judged here before masking, since it
    decides on masking. Of all subsets that a conversation's interactions belong to, and the
    default, the least tau counts: what is masked in one interaction must not stand in the next.
    """
    named = {name: subsets[name] for name in tau if name in subsets}
    if not named:
        return {}
    missing = [name for name in ANONYMISED_INTERACTIONS.schema if name not in interactions.columns]
    nulls = [pl.lit(None, ANONYMISED_INTERACTIONS.schema[name]).alias(name) for name in missing]
    belongs = membership(interactions.with_columns(nulls), subsets=named)
    least = pl.min_horizontal(
        pl.lit(tau["default"]),
        *(pl.when(pl.col(name)).then(pl.lit(tau[name])) for name in sorted(named)),
    )
    limits = (
        interactions.select("interaction_id", "conversation_id")
        .join(belongs.select("interaction_id", tau=least), on="interaction_id")
        .with_columns(pl.col("tau").min().over("conversation_id"))
        .filter(pl.col("tau") != tau["default"])
    )
    return dict(limits.select("interaction_id", "tau").iter_rows())
