"""The refuter attacks every response that the panel would pass, with a concrete claim."""

from collections.abc import Sequence

import polars as pl

from eval_pipeline.judging.calls import call_columns, conversation_of, judge_call
from eval_pipeline.judging.parsing import (
    REFUTATION_SCHEMA,
    RefutationAnswer,
    answer_in,
    parse_refutation,
)
from eval_pipeline.judging.prompts import refutation_messages
from eval_pipeline.judging.rubrics import Rubric, pointwise_for
from eval_pipeline.ports import CallOutcome, ModelCall
from eval_pipeline.settings import RefuterSettings
from eval_pipeline.tables import REFUTATIONS

REFUTER_SYSTEM_ID = "refuter"


def plan_refutations(
    interactions: pl.DataFrame,
    passes: Sequence[str],
    *,
    refuter: RefuterSettings | None,
    rubrics: Sequence[Rubric],
    scope: str,
) -> list[ModelCall]:
    """One call per interaction of `passes`, in the rows' order; none where no refuter is on."""
    if refuter is None or not refuter.enabled:
        return []
    attacked = interactions.filter(pl.col("interaction_id").is_in(list(passes)))
    return [
        judge_call(
            refuter,
            refutation_messages(
                pointwise_for(rubrics, row["route"]),
                conversation=conversation_of(row["messages"]),
                response=row["response"],
            ),
            scope=scope,
            system_id=REFUTER_SYSTEM_ID,
            item_id=row["interaction_id"],
            output_schema=REFUTATION_SCHEMA,
        )
        for row in attacked.iter_rows(named=True)
    ]


def read_refutations(outcomes: Sequence[CallOutcome], *, refuter: RefuterSettings) -> pl.DataFrame:
    """The outcomes of `plan_refutations` as REFUTATIONS; an unusable answer is a failed call.

    The refuter has no name of its own in the configuration: its id is the model asked for.
    """
    rows = []
    for outcome in outcomes:
        answer = answer_in(outcome, parse_refutation)
        read = answer if isinstance(answer, RefutationAnswer) else None
        rows.append(
            {
                "interaction_id": outcome.call.item_id,
                "refuter_id": refuter.model,
                "finding": read.finding if read else None,
                "claim": read.claim if read else None,
                **call_columns(outcome, answer),
            }
        )
    return REFUTATIONS.conform(pl.DataFrame(rows, schema=REFUTATIONS.schema))
