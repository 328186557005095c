"""Which journalled calls were made about one person: by item, by question, by text."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.review.erasure import answers_to, calls_of
from eval_pipeline.evaluation.shadow.prompts import INSTRUCTING
from eval_pipeline.evaluation.trial_items import TrialItem, golden_items, reserve_identity
from eval_pipeline.evaluation.trials import score_request
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.flows.erasure.inventory import LEAST_TELLING, Inventory, is_theirs
from eval_pipeline.flows.rewriting import REWRITER
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.calls import conversation_of
from eval_pipeline.judging.pairwise import FIRST_ORDER, SECOND_ORDER
from eval_pipeline.judging.panel_scoring import question_id
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    CONTINUATION_TRIALS,
    DRIFT_TRIALS,
    GOLDEN_SET,
    REGRESSION_TRIALS,
    SHADOW_PAIRS,
    SHADOW_TRIALS,
)


def journalled_ids(
    pipeline: Pipeline, inventory: Inventory, *, connection: sa.Connection
) -> frozenset[str]:
    """The item ids under which the journal holds calls about the person.

    Judges of trials are asked under a hash of conversation, reference and response, which is
    computed again from what was answered; the rewriter under a hash of the text.
    """
    direct = inventory.interaction_ids | inventory.item_ids
    compared = {f"{item}|{order}" for item in direct for order in (FIRST_ORDER, SECOND_ORDER)}
    responses: dict[str, set[str]] = {}
    for item_id, response in chain(
        answers_to(connection, inventory.item_ids), _trial_responses(pipeline, inventory)
    ):
        named = inventory.legacy_ids.get(item_id, item_id)
        responses.setdefault(named, set()).add(response)
    asked = {
        question_id(score_request(item, response, trial=1))
        for item in _items(pipeline, inventory)
        for response in responses.get(item.item_id, ())
    }
    return frozenset(direct | compared | asked | _rewritten(pipeline, inventory, connection))


def _items(pipeline: Pipeline, inventory: Inventory) -> Iterator[TrialItem]:
    """The person's questions, in every version and revision, and those of the reserve.

    With the questions of others that a naive system answered in the person's words.
    """
    borrowers = frozenset[str]().union(*answered_in_their_words(pipeline, inventory).values())
    for version in pipeline.golden.numbers():
        theirs = is_theirs(GOLDEN_SET, inventory) | pl.col("item_id").is_in(sorted(borrowers))
        yield from golden_items(
            pipeline.golden.items(version).filter(theirs), golden_version=version
        )
    for row in _interactions(pipeline, inventory, borrowers=borrowers):
        messages = conversation_of(row["messages"])  # type: ignore[arg-type]
        whole = TrialItem(
            item_id=reserve_identity(str(row["interaction_id"])),
            item_revision=1,
            route=str(row["route"]),
            subsets=(),
            messages=messages,
            reference_response=None,
            conversation_key=str(row["conversation_key"]),
            source="reserve",
            golden_versions=(0,),
        )
        yield whole
        if messages and messages[0].role in INSTRUCTING:
            # A shadow asks without the baseline's prompt that the log has first.
            yield replace(whole, messages=messages[1:])


def _trial_responses(pipeline: Pipeline, inventory: Inventory) -> Iterator[tuple[str, str]]:
    for table in (REGRESSION_TRIALS, CONTINUATION_TRIALS, DRIFT_TRIALS, SHADOW_TRIALS):
        for partition in pipeline.lake.partitions(table):
            trials = pipeline.lake.read(table, partition=partition)
            own = trials.filter(is_theirs(table, inventory)).drop_nulls("response")
            yield from own.select("item_id", "response").iter_rows()


def answered_in_their_words(pipeline: Pipeline, inventory: Inventory) -> dict[str, frozenset[str]]:
    """By candidate the items of anybody that were answered with the person's reference answers."""
    found: dict[str, frozenset[str]] = {}
    for table in (REGRESSION_TRIALS, CONTINUATION_TRIALS):
        for candidate_id in pipeline.lake.partitions(table):
            trials = pipeline.lake.read(
                table, partition=candidate_id, columns=["item_id", "answered_from"]
            )
            own = trials.filter(pl.col("answered_from").is_in(sorted(inventory.item_ids)))
            if own.height:
                found[candidate_id] = found.get(candidate_id, frozenset()) | set(own["item_id"])
    return found


def _interactions(
    pipeline: Pipeline, inventory: Inventory, *, borrowers: frozenset[str] = frozenset()
) -> Iterator[dict[str, object]]:
    for week in pipeline.lake.partitions(ANONYMISED_INTERACTIONS):
        frame = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
        wanted = inventory.interaction_ids | {
            one for one in frame["interaction_id"] if reserve_identity(one) in borrowers
        }
        own = frame.filter(pl.col("interaction_id").is_in(sorted(wanted)))
        yield from own.iter_rows(named=True)
    for segment in pipeline.lake.partitions(SHADOW_PAIRS):
        pairs = pipeline.lake.read(SHADOW_PAIRS, partition=segment)
        own = pairs.filter(pl.col("pair_id").is_in(sorted(inventory.interaction_ids)))
        mirrored = own.filter(pl.col("arm") == "baseline").rename({"pair_id": "interaction_id"})
        yield from mirrored.iter_rows(named=True)


def _rewritten(pipeline: Pipeline, inventory: Inventory, connection: sa.Connection) -> set[str]:
    """What the rewriter was asked of the person's texts, as they were sent or as they came back."""
    calls = calls_of(connection, REWRITER)
    if not calls:
        return set()
    texts = {
        text
        for row in _interactions(pipeline, inventory)
        for text in _texts(row)
        if len(text) >= LEAST_TELLING
    }
    sent = {fingerprint(text) for text in texts}
    return {item for item, answer in calls if item in sent or _text_of(answer) in texts}


def _texts(row: dict[str, object]) -> Iterator[str]:
    messages: list[dict[str, str | None]] = row["messages"]  # type: ignore[assignment]
    texts = [message["content"] for message in messages]
    texts.append(row["response"])  # type: ignore[arg-type]
    return (text for text in texts if text is not None)


def _text_of(answer: str | None) -> str | None:
    """The text in a rewriter's answer, where it is the object that was asked for."""
    try:
        said = json.loads(answer or "")
    except ValueError:
        return None
    text = said.get("text") if isinstance(said, dict) else None
    return text if isinstance(text, str) else None
