"""Which of the team's subsets an interaction belongs to, and how hard that makes it."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from eval_pipeline.errors import SettingsError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import PREDICATE_COLUMNS, Kind, SubsetSettings
from eval_pipeline.tables import NAMES, STRATIFIED_INTERACTIONS

SEVERITY: Final[tuple[Kind, ...]] = ("typical", "edge", "adversarial")
_CORPUS: Final = "corpus"


def stratify(
    anonymised: pl.DataFrame,
    sampled: pl.DataFrame,
    *,
    subsets: Mapping[str, SubsetSettings],
    clusters: pl.DataFrame | None,
) -> pl.DataFrame:
    """One row per anonymised interaction with its sorted subsets (`stratified_interactions`).

    A predicate that is null for an interaction, as a comparison with a missing value is, does not
    hold for it. The kind is the severest among the subsets, typical where there is none. `clusters`
    gives interaction_id and topic cluster; what it lacks, or all where it is None, has none. Raises
    `SettingsError` naming the subset whose predicate cannot be evaluated.
    """
    belongs = membership(anonymised, subsets=subsets)
    rows = (
        belongs.select(
            "interaction_id",
            _names_of(sorted(subsets)).alias("subsets"),
            _severest(subsets).alias("kind"),
        )
        .join(_item_fingerprints(anonymised), on="interaction_id", how="left")
        .join(
            sampled.select(
                "interaction_id", "conversation_key", "route", "stratum", "selection",
                "unit_hash", "inclusion_probability", "design_weight",
            ),
            on="interaction_id",
            how="left",
        )
        .join(_clusters(clusters), on="interaction_id", how="left")
    )  # fmt: skip
    return STRATIFIED_INTERACTIONS.conform(rows)


def membership(
    interactions: pl.DataFrame, *, subsets: Mapping[str, SubsetSettings]
) -> pl.DataFrame:
    """Per interaction its id and, under each subset's name, whether it belongs there.

    The interactions need the columns that predicates may speak of (`PREDICATE_COLUMNS`) and may be
    masked or not. Raises `SettingsError` as `stratify` does.
    """
    described = _described(interactions)
    return described.select("interaction_id").with_columns(
        [_membership(described, name=name, subset=subsets[name]) for name in sorted(subsets)]
    )


def _clusters(clusters: pl.DataFrame | None) -> pl.DataFrame:
    schema = {"interaction_id": pl.String, "cluster": pl.String}
    return pl.DataFrame(schema=schema) if clusters is None else clusters.select(*schema)


def _described(anonymised: pl.DataFrame) -> pl.DataFrame:
    """The columns that a predicate may speak of, the three derived texts among them."""
    role = pl.element().struct.field("role")
    content = pl.element().struct.field("content")
    corpus = pl.element().filter(pl.element().struct.field("key") == _CORPUS)
    return anonymised.with_columns(
        conversation_text=pl.col("messages").list.eval(content).list.join("\n"),
        last_user_message=pl.col("messages").list.eval(content.filter(role == "user")).list.last(),
        corpus=pl.col("attributes")
        .list.eval(corpus)
        .list.eval(pl.element().struct.field("value"))
        .list.first(),
    ).select("interaction_id", *(name for name in PREDICATE_COLUMNS if name != "interaction_id"))


def _membership(described: pl.DataFrame, *, name: str, subset: SubsetSettings) -> pl.Series:
    try:
        found = described.select(pl.sql_expr(subset.predicate).alias(name))[name]
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise SettingsError(
            f"The predicate of subset '{name}' cannot be evaluated ({type(error).__name__}). "
            f"Nothing was written. Correct `subsets.{name}.predicate` in the configuration."
        ) from None
    if found.dtype != pl.Boolean or found.len() not in {1, described.height}:
        raise SettingsError(
            f"The predicate of subset '{name}' is no condition on a row: it gives {found.dtype}. "
            f"Nothing was written. Correct `subsets.{name}.predicate` in the configuration."
        )
    if found.len() != described.height:
        found = found.new_from_index(0, described.height)
    return found.fill_null(value=False).alias(name)


def _names_of(names: list[str]) -> pl.Expr:
    if not names:
        return pl.lit([], dtype=NAMES)
    held = [pl.when(pl.col(name)).then(pl.lit(name)) for name in names]
    return pl.concat_list(held).list.drop_nulls()


def _severest(subsets: Mapping[str, SubsetSettings]) -> pl.Expr:
    kind = pl.lit(SEVERITY[0])
    for severity in SEVERITY[1:]:
        names = sorted(name for name, subset in subsets.items() if subset.kind == severity)
        if names:
            kind = pl.when(pl.any_horizontal(names)).then(pl.lit(severity)).otherwise(kind)
    return kind


def _item_fingerprints(anonymised: pl.DataFrame) -> pl.DataFrame:
    """One row per interaction: the fingerprint of its masked messages."""
    return pl.DataFrame(
        {
            "interaction_id": anonymised["interaction_id"],
            "item_fingerprint": [
                fingerprint(messages) for messages in anonymised["messages"].to_list()
            ],
        },
        schema={"interaction_id": pl.String, "item_fingerprint": pl.String},
    )
