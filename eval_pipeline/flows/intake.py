"""The weekly intake: contract, draw, and the only door for text."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.expectations import ContractResult, validate_logs
from eval_pipeline.errors import AnonymisationError, ContractError, EvalPipelineError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.sampling import draw_sample


@dataclass(frozen=True)
class Drawn:
    """A week's draw, not yet written, and what the logs' contract says of the week."""

    sampled: pl.DataFrame
    contract: ContractResult
    interactions: int
    quarantined: int


def draw_week(pipeline: Pipeline, *, week: str) -> Drawn:
    """Draws the week's interactions from the narrow columns; reads no text, writes nothing."""
    monday = dt.date.fromisoformat(week)
    profile = pipeline.logs.profile(monday)
    sampled = draw_sample(
        pipeline.logs.narrow(monday),
        policy=pipeline.settings.sampling,
        week=week,
        key=pipeline.key,
    )
    contract = validate_logs(profile, sampled, contract=pipeline.settings.contract)
    facts = profile.row(0, named=True)
    return Drawn(sampled, contract, int(facts["interactions"]), int(facts["quarantined"]))


def require_contract(contract: ContractResult, *, subject: str) -> None:
    """Raises `ContractError` with every broken expectation in words."""
    if not contract.passed:
        broken = "; ".join(contract.failures)
        raise ContractError(
            f"{subject} breaks its contract: {broken}. Nothing was written and earlier results "
            "are untouched. Mend the data, or change the limits in the configuration."
        )


def anonymise_week(pipeline: Pipeline, sampled: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """Fetches the text of the drawn keys and masks it, all in memory.

    A failure of the masking itself is told by its class alone: its message could quote the text.
    """
    interactions = pipeline.logs.fetch(
        dt.date.fromisoformat(week), sampled["interaction_id"].to_list()
    )
    selections = sampled.select("interaction_id", "selection")
    try:
        return pipeline.anonymiser.mask_interactions(interactions, selections)
    except EvalPipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, its message may hold raw text
        raise AnonymisationError(week, type(error).__name__) from None
