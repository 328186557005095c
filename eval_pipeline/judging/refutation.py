"""The refuter attacks every response that the panel would pass, with a concrete claim."""

from collections.abc import Sequence

import polars as pl

from eval_pipeline.judging.calls import call_columns, conversation_of, judge_call
from eval_pipeline.judging.material import read_material
from eval_pipeline.judging.parsing import (
    REFUTATION_SCHEMA,
    RefutationAnswer,
    answer_in,
    parse_refutation,
)
from eval_pipeline.judging.prompts import refutation_messages
from eval_pipeline.judging.quotes import occurs
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

    A refutation must quote what it attacks: one whose quote does not stand in the material that
    the refuter was shown is unproven, and `quote_found` is false. The refuter has no name of its
    own in the configuration: its id is the model asked for.
    """
    rows = []
    for outcome in outcomes:
        answer = answer_in(outcome, parse_refutation)
        read = answer if isinstance(answer, RefutationAnswer) else None
        found = _quote_found(read, outcome.call) if read else None
        rows.append(
            {
                "interaction_id": outcome.call.item_id,
                "refuter_id": refuter.model,
                "finding": _finding(read, found=found) if read else None,
                "claim": read.claim if read else None,
                "quote": read.quote if read else None,
                "quote_found": found,
                **call_columns(outcome, answer),
            }
        )
    return REFUTATIONS.conform(pl.DataFrame(rows, schema=REFUTATIONS.schema))


def passed_by_family(
    verdicts: pl.DataFrame, passes: Sequence[str], *, refuter: RefuterSettings
) -> int:
    """How many of the passes rest on judges of the refuter's own family alone.

    A model seldom finds what its relatives overlooked: of those passes its survived says little.
    """
    votes = verdicts.filter(
        pl.col("interaction_id").is_in(list(passes)) & (pl.col("verdict") == "pass")
    )
    alone = votes.group_by("interaction_id").agg(alone=(pl.col("family") == refuter.family).all())
    return int(alone["alone"].sum())


def _quote_found(read: RefutationAnswer, call: ModelCall) -> bool | None:
    if read.finding == "survived" and not read.quote.strip():
        return None
    material = read_material(call.messages[-1].content)
    if material is None:
        return False
    return occurs(
        read.quote, [*(turn.content for turn in material.turns), *material.texts.values()]
    )


def _finding(read: RefutationAnswer, *, found: bool | None) -> str:
    return "unproven" if read.finding == "refuted" and not found else read.finding
