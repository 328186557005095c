"""What the week's logs, the sample and a golden version promise, as data: claims and bounds.

Pure: frames of keys, counts and shares go in with a policy; `expectations` checks the promises.
No text is among the measures, so a broken promise never quotes a log.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.settings import ContractSettings, GoldenSettings
from eval_pipeline.tables import GOLDEN_SET, SAMPLED_INTERACTIONS

KINDS: Final = ("typical", "edge", "adversarial")
LABELS: Final = ("pass", "fail")
LABEL_SOURCES: Final = ("agreement", "adjudication", "recorded", "panel")
SELECTIONS: Final = ("sample", "reserve")
WEIGHT_SLACK: Final = 1e-9


@dataclass(frozen=True)
class Promise:
    """One expectation, by its Great Expectations class, and what it claims in plain words."""

    expectation: str
    claim: str
    arguments: Mapping[str, Any]

    @property
    def column(self) -> str | None:
        """The measure that it speaks of, or none if it speaks of the whole frame."""
        return self.arguments.get("column")

    @property
    def of_one_row(self) -> bool:
        """Whether the measure is one number for the whole frame."""
        return self.expectation == "ExpectColumnMaxToBeBetween"


def percent(share: float) -> str:
    """A share for a person to read, three digits of it: a tiny one is never shown as none."""
    return f"{share * 100:.3g} %"


def promises_of_logs(contract: ContractSettings) -> list[Promise]:
    """What one week's profile must show."""
    promises = [
        _between(
            "interactions",
            f"The week must hold at least {contract.minimum_interactions} interactions",
            at_least=contract.minimum_interactions,
        ),
        _share("duplicate_share", "repeat an id", contract.maximum_duplicate_share, of="rows"),
        _share("out_of_range_share", "be out of range", contract.maximum_quarantined_share),
        _share(
            "quarantined_share",
            "be malformed and quarantined",
            contract.maximum_quarantined_share,
            of="rows",
        ),
    ]
    promises += [
        _share(f"null_share_{column}", f"lack `{column}`", limit)
        for column, limit in sorted(contract.maximum_null_share.items())
    ]
    return promises


def promises_of_sample() -> list[Promise]:
    """What makes the drawn interactions a probability sample."""
    return [
        _not_empty("the sample"),
        _unique("interaction_id"),
        *(_not_null(column) for column in sorted(SAMPLED_INTERACTIONS.required)),
        _in_set("selection", SELECTIONS),
        _values("unit_hash", "lie above 0 and at most at 1", above=0, at_most=1),
        _values("inclusion_probability", "lie above 0 and at most at 1", above=0, at_most=1),
        _values(
            "weight_times_probability",
            "be 1: the design weight is 1 / inclusion probability",
            at_least=1 - WEIGHT_SLACK,
            at_most=1 + WEIGHT_SLACK,
        ),
        _values("position", "start from 1", at_least=1),
        _values("drawn_beyond_population", "be 0: no stratum gives more than it has", at_most=0),
        _values("position_beyond_drawn", "be 0: nothing lies past the draw", at_most=0),
    ]


def promises_of_items(policy: GoldenSettings) -> list[Promise]:
    """What every item of a golden version must be."""
    return [
        _unique("item_id"),
        *(_not_null(column) for column in sorted(GOLDEN_SET.required)),
        _in_set("kind", KINDS),
        _in_set("reference_label", LABELS),
        _in_set("label_source", LABEL_SOURCES),
        _values("item_revision", "start from 1", at_least=1),
        _values("inclusion_probability", "lie above 0 and at most at 1", above=0, at_most=1),
        _values("design_weight", "be positive", above=0),
        _values("filled_messages", "be at least 1: an item needs something to ask", at_least=1),
        _values("unknown_subsets", "be 0: items carry configured subsets only", at_most=0),
        _values(
            "label_age_days",
            f"be at most {policy.maximum_age_days}",
            at_most=policy.maximum_age_days,
        ),
    ]


def promises_of_composition(policy: GoldenSettings) -> list[Promise]:
    """What the items of a golden version must add up to."""
    mix = {kind: float(getattr(policy.mix, kind)) for kind in KINDS}
    return [
        _between(
            "items",
            f"The version must hold {policy.minimum_items} to {policy.maximum_items} items",
            at_least=policy.minimum_items,
            at_most=policy.maximum_items,
        ),
        *(
            _between(
                f"share_of_{kind}",
                f"The share of {kind} items must be within "
                f"{percent(policy.mix.tolerance)} of {percent(share)}",
                at_least=share - policy.mix.tolerance,
                at_most=share + policy.mix.tolerance,
            )
            for kind, share in mix.items()
        ),
    ]


def promises_of_subsets(policy: GoldenSettings, subsets: Sequence[str]) -> list[Promise]:
    """What each configured subset should hold for the gate to be able to speak of it."""
    return [
        _between(
            f"items_in_{subset}",
            f"The subset '{subset}' should hold at least {policy.minimum_per_subset} items",
            at_least=policy.minimum_per_subset,
        )
        for subset in sorted(subsets)
    ]


def _between(
    column: str, claim: str, *, at_least: float | None = None, at_most: float | None = None
) -> Promise:
    # The maximum of one row is the row, and unlike a per-row check it does not skip a null.
    arguments = {"column": column, "min_value": at_least, "max_value": at_most}
    return Promise("ExpectColumnMaxToBeBetween", claim, arguments)


def _share(column: str, what: str, limit: float, *, of: str = "interactions") -> Promise:
    claim = f"At most {percent(limit)} of the {of} may {what}"
    return _between(column, claim, at_most=limit)


def _values(
    column: str,
    claim: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Promise:
    arguments = {
        "column": column,
        "min_value": at_least if above is None else above,
        "max_value": at_most,
        "strict_min": above is not None,
    }
    return Promise("ExpectColumnValuesToBeBetween", f"Every `{column}` must {claim}", arguments)


def _not_null(column: str) -> Promise:
    return Promise(
        "ExpectColumnValuesToNotBeNull", f"Every `{column}` must be present", {"column": column}
    )


def _unique(column: str) -> Promise:
    return Promise(
        "ExpectColumnValuesToBeUnique", f"Every `{column}` must be unique", {"column": column}
    )


def _in_set(column: str, allowed: Sequence[str]) -> Promise:
    return Promise(
        "ExpectColumnValuesToBeInSet",
        f"Every `{column}` must be one of {', '.join(allowed)}",
        {"column": column, "value_set": list(allowed)},
    )


def _not_empty(what: str) -> Promise:
    return Promise(
        "ExpectTableRowCountToBeBetween", f"There must be rows in {what}", {"min_value": 1}
    )


def measures_of_logs(profile: pl.DataFrame) -> pl.DataFrame:
    """One row of counts and shares; a repeated id is not counted as malformed besides."""
    interactions = pl.max_horizontal(pl.col("interactions"), 1)
    rows = pl.max_horizontal(pl.col("interactions") + pl.col("quarantined"), 1)
    return profile.select(
        "interactions",
        duplicate_share=pl.col("duplicate_ids") / rows,
        out_of_range_share=pl.col("out_of_range") / interactions,
        quarantined_share=(pl.col("quarantined") - pl.col("duplicate_ids")) / rows,
        **{
            f"null_share_{column.removeprefix('null_')}": pl.col(column) / interactions
            for column in profile.columns
            if column.startswith("null_")
        },
    )


def measures_of_sample(sample: pl.DataFrame) -> pl.DataFrame:
    """One row per drawn interaction: keys and the arithmetic of its weight."""
    return sample.select(
        *sorted(SAMPLED_INTERACTIONS.required | {"interaction_id"}),
        weight_times_probability=pl.col("design_weight") * pl.col("inclusion_probability"),
        drawn_beyond_population=_excess("drawn", "population_size"),
        position_beyond_drawn=_excess("position", "drawn"),
    )


def _excess(column: str, limit: str) -> pl.Expr:
    return pl.max_horizontal(pl.col(column) - pl.col(limit), 0)


def measures_of_items(
    items: pl.DataFrame, *, subsets: Sequence[str], as_of: dt.date | None
) -> pl.DataFrame:
    """One row per item: keys, sizes and ages in place of texts and lists."""
    day = pl.col("admitted_on").max() if as_of is None else pl.lit(as_of)
    content = pl.element().struct.field("content").str.strip_chars()
    known = pl.lit(sorted(subsets), dtype=pl.List(pl.String))
    return items.with_columns(
        label_age_days=(day - pl.col("labelled_on")).dt.total_days(),
        filled_messages=pl.col("messages").list.eval(content.str.len_bytes() > 0).list.sum(),
        unknown_subsets=pl.col("subsets").list.set_difference(known).list.len(),
        messages=pl.col("messages").list.len(),
        subsets=pl.col("subsets").list.len(),
    ).drop("logged_response", "reference_response")


def measures_of_composition(items: pl.DataFrame, *, subsets: Sequence[str]) -> pl.DataFrame:
    """One row: items, the share of each kind, the items of each subset."""
    total = pl.max_horizontal(pl.len(), 1)
    return items.select(
        items=pl.len(),
        **{f"share_of_{kind}": (pl.col("kind") == kind).sum() / total for kind in KINDS},
        **{
            f"items_in_{subset}": pl.col("subsets").list.contains(subset).sum()
            for subset in sorted(subsets)
        },
    )
