"""What a week of logs promises, as data: claims, bounds and severities; see docs/contract.md.

Pure: counts go in with a policy. `expectations` checks the promises. No text is among the measures.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from eval_pipeline.adapters.contracts.promises import Promise, between, columns_there, share
from eval_pipeline.adapters.contracts.volumes import FEWEST_WEEKS, Volume
from eval_pipeline.settings import ContractSettings
from eval_pipeline.settings.logs import PromiseName

_SEVEN_DAYS: Final = dt.timedelta(days=7)
_SECONDS_AN_HOUR: Final = 3600
_TIMES: Final = {"first_occurred_at", "last_occurred_at"}


def promises_of_logs(contract: ContractSettings, *, volume: Volume) -> list[Promise]:
    """What one week's profile must show, and how much it matters."""
    promises = [
        *_of_records(contract),
        *_of_times(contract),
        *_of_volume(contract, volume=volume),
    ]
    measures = [promise.column for promise in promises if promise.column is not None]
    claim = "The profile must hold every measure that the contract speaks of"
    whole = columns_there(measures, claim, blocking=_blocking(contract, "schema"))
    return [whole, *promises]


def measures_of_logs(
    profile: pl.DataFrame, *, week: dt.date, contract: ContractSettings, volume: Volume
) -> pl.DataFrame:
    """One row of counts and shares.

    Shares of nulls, ranges and late ones are of the interactions, those of repeats and quarantine
    of all records read. A measure that the profile lacks is left out.
    """
    interactions = pl.max_horizontal(pl.col("interactions"), 1)
    records = pl.max_horizontal(pl.col("interactions") + pl.col("quarantined"), 1)
    shares = {
        "duplicate_share": ("duplicate_ids", records),
        "quarantined_share": ("quarantined", records),
        "out_of_range_share": ("out_of_range", interactions),
        "late_share": ("late_interactions", interactions),
        **{
            f"null_share_{column.removeprefix('null_')}": (column, interactions)
            for column in (f"null_{name}" for name in sorted(contract.maximum_null_share))
        },
    }
    plain = ("interactions", "arrived_before_occurred", "in_the_future", "days_with_interactions")
    outside = volume.outside(
        lower=contract.minimum_volume_ratio, upper=contract.maximum_volume_ratio
    )
    return profile.select(
        *(name for name in plain if name in profile.columns),
        *([_hours_outside(week)] if set(profile.columns) >= _TIMES else []),
        volume_ratio=pl.lit(volume.ratio, dtype=pl.Float64),
        strata_outside_baseline=pl.lit(outside.height),
        **{
            name: pl.col(column) / total
            for name, (column, total) in shares.items()
            if column in profile.columns
        },
    )


def unjudged(volume: Volume) -> tuple[str, ...]:
    """Says so where the history is too short to judge the volume."""
    if volume.ratio is not None:
        return ()
    found = f"too little history, {volume.weeks} of the {FEWEST_WEEKS} earlier weeks that it takes"
    return (f"The week's volume is not judged: {found}.",)


def particulars(
    profile: pl.DataFrame, *, contract: ContractSettings, volume: Volume
) -> tuple[str, ...]:
    """What helps to mend a week: quarantine by reason, what waits, strata out of bounds."""
    facts = profile.row(0, named=True)
    outside = volume.outside(
        lower=contract.minimum_volume_ratio, upper=contract.maximum_volume_ratio
    )
    return (
        *(
            f"Quarantined as `{found['reason']}`: {found['count']}."
            for found in facts.get("quarantine_reasons") or ()
        ),
        *(
            f"Left for the next week, arrived after this one was closed: {waiting}."
            for waiting in (facts.get("left_for_next_week") or 0,)
            if waiting
        ),
        *(
            f"Stratum `{row['stratum']}`: {row['interactions']} interactions against a baseline "
            f"of {row['baseline']:g}."
            for row in outside.iter_rows(named=True)
        ),
    )


def _of_records(contract: ContractSettings) -> Sequence[Promise]:
    return [
        between(
            "interactions",
            f"The week must hold at least {contract.minimum_interactions} interactions",
            at_least=contract.minimum_interactions,
            blocking=_blocking(contract, "minimum_interactions"),
        ),
        share(
            "duplicate_share",
            "repeat an id",
            contract.maximum_duplicate_share,
            of="rows",
            blocking=_blocking(contract, "duplicates"),
        ),
        share(
            "out_of_range_share",
            "be out of range",
            contract.maximum_out_of_range_share,
            blocking=_blocking(contract, "ranges"),
        ),
        share(
            "quarantined_share",
            "be malformed and quarantined",
            contract.maximum_quarantined_share,
            of="rows",
            blocking=_blocking(contract, "quarantine"),
        ),
        *(
            share(
                f"null_share_{column}",
                f"lack `{column}`",
                limit,
                blocking=_blocking(contract, "nulls"),
            )
            for column, limit in sorted(contract.maximum_null_share.items())
        ),
    ]


def _of_times(contract: ContractSettings) -> Sequence[Promise]:
    hours = contract.maximum_hours_outside_week
    return [
        between(
            "hours_outside_week",
            f"No interaction may lie more than {hours:g} hours outside the week",
            at_most=hours,
            blocking=_blocking(contract, "inside_week"),
            unit=" hours",
        ),
        between(
            "in_the_future",
            "No interaction may lie in the future",
            at_most=0,
            blocking=_blocking(contract, "in_the_future"),
        ),
        between(
            "arrived_before_occurred",
            "No interaction may arrive before it occurred",
            at_most=0,
            blocking=_blocking(contract, "arrival_order"),
        ),
        between(
            "days_with_interactions",
            f"There must be interactions on at least {contract.minimum_days} days of the week",
            at_least=contract.minimum_days,
            blocking=_blocking(contract, "days_present"),
        ),
        share(
            "late_share",
            "be of the week before and late",
            contract.maximum_late_share,
            blocking=_blocking(contract, "late"),
        ),
    ]


def _of_volume(contract: ContractSettings, *, volume: Volume) -> Sequence[Promise]:
    lower, upper = contract.minimum_volume_ratio, contract.maximum_volume_ratio
    of_week = between(
        "volume_ratio",
        f"The week must hold {lower:g} to {upper:g} times its baseline, the median of the last "
        f"{volume.weeks} weeks",
        at_least=lower,
        at_most=upper,
        blocking=_blocking(contract, "volume"),
        unit=" times",
    )
    of_strata = between(
        "strata_outside_baseline",
        f"Every stratum must hold {lower:g} to {upper:g} times its baseline",
        at_most=0,
        blocking=_blocking(contract, "volume_by_stratum"),
        unit=f" of {volume.strata.height} strata outside",
    )
    return [
        *([of_week] if volume.ratio is not None else []),
        *([of_strata] if volume.strata.height else []),
    ]


def _blocking(contract: ContractSettings, promise: PromiseName) -> bool:
    return contract.severity_of(promise) == "blocking"


def _hours_outside(week: dt.date) -> pl.Expr:
    start = dt.datetime.combine(week, dt.time(), tzinfo=dt.UTC)
    before = pl.lit(start) - pl.col("first_occurred_at")
    after = pl.col("last_occurred_at") - pl.lit(start + _SEVEN_DAYS)
    seconds = pl.max_horizontal(before.dt.total_seconds(), after.dt.total_seconds(), 0)
    return (seconds / _SECONDS_AN_HOUR).alias("hours_outside_week")
