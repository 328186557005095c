"""Responses that repeat a reference which somebody else wrote: a sign of memorised items.

A model that gave the logged response itself may well give it again; one that repeats a person's
words, or another model's, has probably seen them. Words that the question or the prompt holds
prove nothing, and neither does a canary's absence.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from eval_pipeline.anonymisation.text_matching import CUT, Gram, grams_of, words_of
from eval_pipeline.canary import mentions_canary
from eval_pipeline.tables import good_reference

MEMORISED_SCHEMA = pl.Schema(
    {"system_id": pl.String, "item_id": pl.String, "found": pl.String, "words": pl.Int64}
)
"""One row per system, item and `found`: reference (with the longest run's words) | canary."""

NAMED_ITEMS = 10


def memorised_items(
    answers: pl.DataFrame,
    *,
    words: int,
    prompts: Mapping[str, str],
) -> pl.DataFrame:
    """Which responses repeat at least `words` words in a row of a reference, or hold a canary.

    `answers`: `system_id`, `item_id`, `served_model` and `response` of trials beside `messages`,
    `logged_response`, `logged_model`, `reference_response` and `reference_label` of their items
    (null for reserve items). A logged response whose model is unknown is not held against anyone.
    """
    found: dict[tuple[str, str, str], int | None] = {}
    rows = answers.filter(pl.col("response").is_not_null()).sort("system_id", "item_id")
    for row in rows.iter_rows(named=True):
        key = row["system_id"], row["item_id"]
        if mentions_canary(row["response"]):
            found[*key, "canary"] = None
        run = _repeated(row, words=words, prompt=prompts.get(row["system_id"], ""))
        if run:
            found[*key, "reference"] = max(run, found.get((*key, "reference")) or 0)
    listed = [(*key, run) for key, run in sorted(found.items())]
    return pl.DataFrame(listed, schema=MEMORISED_SCHEMA, orient="row")


def memorisation_sentences(memorised: pl.DataFrame, *, words: int) -> list[str]:
    """A sentence per system for the decision's reasons and for checks; they change no verdict."""
    sentences = []
    for (system_id, found), rows in memorised.sort("system_id", "found", "item_id").group_by(
        "system_id", "found", maintain_order=True
    ):
        ids = rows["item_id"].to_list()
        named = ", ".join(ids[:NAMED_ITEMS]) + (", …" if len(ids) > NAMED_ITEMS else "")
        items = f"{len(ids)} item{'' if len(ids) == 1 else 's'}"
        if found == "canary":
            sentences.append(
                f"Responses of '{system_id}' to {items} hold a golden version's canary ({named}): "
                "it has seen the golden set."
            )
        else:
            sentences.append(
                f"'{system_id}' repeats at least {words} words in a row of the reference of "
                f"{items} that others wrote ({named}): it may have memorised them."
            )
    return sentences


def longest_common_run(first: Sequence[str], second: Sequence[str]) -> int:
    """The most words in a row that both hold, no placeholder among them; O(n log n)."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if _grams(first, middle) & _grams(second, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _repeated(row: Mapping[str, Any], *, words: int, prompt: str) -> int:
    """The longest run of the reference in the response, or 0 where it says nothing."""
    if row["messages"] is None or (reference := good_reference(row)) is None:
        return 0
    same_model = row["served_model"] is not None and row["served_model"] == row["logged_model"]
    logged = row["logged_response"]
    if reference == logged and (same_model or None in (row["served_model"], row["logged_model"])):
        return 0
    response, sought = words_of(row["response"]), words_of(reference)
    repeated = _grams(response, words) & _grams(sought, words)
    innocent = [prompt, *(part["content"] or "" for part in row["messages"])]
    if (
        reference != logged
        and logged is not None
        and row["logged_model"]
        in (
            None,
            row["served_model"],
        )
    ):
        innocent.append(logged)  # a correction keeps much of what the model itself had said
    for text in innocent:
        repeated -= _grams(words_of(text), words) if repeated else set()
    return longest_common_run(response, sought) if repeated else 0


def _grams(words: Sequence[str], size: int) -> set[Gram]:
    return {gram for gram in grams_of(words, size=size) if CUT not in gram}
