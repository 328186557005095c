"""A candidate beside production: its answers to recorded or mirrored requests, scored as trials."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal, Self, get_args

import polars as pl

from eval_pipeline.errors import MissingPartitionError, SettingsError, ShadowError
from eval_pipeline.evaluation.shadow.draw import shadow_draw
from eval_pipeline.evaluation.shadow.prompts import PromptUse, without_prompt
from eval_pipeline.evaluation.shadow.recorded import recorded_outcome
from eval_pipeline.evaluation.trial_items import TrialItem, reserve_identity, reserve_items
from eval_pipeline.evaluation.trials import plan_trials
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import known_of
from eval_pipeline.flows.regression import scored_arms
from eval_pipeline.flows.shadow.live import LivePairs, live_pairs
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome, ModelCall
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    SAMPLED_INTERACTIONS,
    SHADOW_TRIALS,
    STRATIFIED_INTERACTIONS,
)

PAID_AS: Final = "shadow"
"""Before the colon of a shadow's scope."""

Source = Literal["recorded", "asked", "live"]
_KEPT: Final = ("item_id", "week", "stratum", "design_weight", "prompt_use", "masked_texts")


@dataclass(frozen=True)
class ShadowOrder:
    """What a run is to compare; `week` is null for the newest, `maximum_items` for no limit."""

    source: Source = "recorded"
    week: str | None = None
    maximum_items: int | None = None

    @classmethod
    def checked(cls, source: str, *, week: str | None, maximum_items: int | None) -> Self:
        """The order; raises `SettingsError` for a source that there is not, or for no items."""
        if source not in get_args(Source):
            raise SettingsError(
                f"`source` is '{source}'; allowed are {', '.join(get_args(Source))}. "
                "Nothing was asked."
            )
        if maximum_items is not None and maximum_items < 1:
            raise SettingsError("`maximum_items` must be 1 or more. Nothing was asked.")
        return cls(source, week, maximum_items)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Request:
    """One request as both arms are asked it, with what the trials keep of it beside the item."""

    item: TrialItem
    week: str
    stratum: str | None
    design_weight: float
    prompt_use: PromptUse
    masked_texts: int | None


def shadow_candidate(pipeline: Pipeline, candidate: Candidate, order: ShadowOrder) -> pl.DataFrame:
    """All SHADOW_TRIALS of the candidate: the ordered ones, in place of earlier ones of theirs.

    A recorded or asked week replaces the same week's, live requests replace all live ones. Calls
    are paid once under `shadow:NAME`, so that a killed run goes on where it was.
    """
    shadowed = replace(candidate, paid_as=PAID_AS)
    if order.source == "live":
        rows = _live(pipeline, shadowed)
        same = pl.col("source") == "live"
    else:
        week = order.week or newest_week(pipeline)
        rows = _recorded(pipeline, shadowed, order, week=week)
        same = (pl.col("source") == order.source) & (pl.col("week") == week)
    held = pipeline.lake.read_if_made(SHADOW_TRIALS, partition=candidate.candidate_id)
    earlier = SHADOW_TRIALS.empty() if held is None else held.filter(~same)
    return SHADOW_TRIALS.conform(pl.concat([earlier, rows]))


def newest_week(pipeline: Pipeline) -> str:
    """The newest week with subsets; raises `MissingPartitionError` before the first."""
    weeks = pipeline.lake.partitions(STRATIFIED_INTERACTIONS)
    if not weeks:
        raise MissingPartitionError(
            STRATIFIED_INTERACTIONS.name, "any week", "eval-pipeline refresh --week W"
        )
    return weeks[-1]


def drawn_requests(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """The week's drawn interactions that are still there, with their texts and subsets.

    Raises `MissingPartitionError`.
    """
    text = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    subsets = pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week)
    return subsets.select("interaction_id", "subsets").join(text, on="interaction_id")


def known_prompts(pipeline: Pipeline, candidate: Candidate) -> tuple[str, ...]:
    """The baseline's prompt, as it is and as logs and pairs hold it: masked."""
    prompt = candidate.baseline.prompt
    if not prompt:
        return ()
    return (prompt, pipeline.anonymiser.mask_text(prompt))


def _recorded(
    pipeline: Pipeline, candidate: Candidate, order: ShadowOrder, *, week: str
) -> pl.DataFrame:
    rows = drawn_requests(pipeline, week=week)
    known = set(known_of(pipeline, candidate, rows))
    barred = [reserve_identity(one) in known for one in rows["interaction_id"]]
    chosen = shadow_draw(
        pipeline.lake.read(SAMPLED_INTERACTIONS, partition=week),
        present=rows.filter(~pl.Series(barred, dtype=pl.Boolean))["interaction_id"],
        maximum=order.maximum_items or pipeline.settings.shadow.maximum_items,
    )
    if chosen.is_empty():
        raise ShadowError(candidate.candidate_id, f"the draw of {week} holds no request to ask")
    asked = rows.join(chosen, on="interaction_id").sort("interaction_id")
    requests = _requests(pipeline, candidate, asked, week=week)
    items = [request.item for request in requests]
    if order.source == "asked":
        baseline, answered = _both_asked(pipeline, candidate, items)
    else:
        baseline = [
            recorded_outcome(
                row,
                item_id=item.item_id,
                system_id=candidate.baseline_id,
                scope=candidate.scope,
            )
            for row, item in zip(asked.iter_rows(named=True), items, strict=True)
        ]
        calls = _planned(candidate, items, arm="candidate")
        answered = pipeline.runner.run(calls, purpose=f"shadow of {candidate.candidate_id}")
    return _scored(
        pipeline, candidate, requests, source=order.source, outcomes=(baseline, answered)
    )


def _requests(
    pipeline: Pipeline, candidate: Candidate, asked: pl.DataFrame, *, week: str
) -> list[_Request]:
    ids = [reserve_identity(one) for one in asked["interaction_id"]]
    items = reserve_items(asked, ids, look=1, golden_version=0)
    known, prompt = known_prompts(pipeline, candidate), candidate.system.prompt
    requests = []
    for item, row in zip(items, asked.iter_rows(named=True), strict=True):
        messages, use = without_prompt(item.messages, known=known, prompt=prompt)
        requests.append(
            _Request(
                item=replace(item, messages=messages),
                week=week,
                stratum=row["stratum"],
                design_weight=row["design_weight"],
                prompt_use=use,
                masked_texts=row["masked_texts"],
            )
        )
    return requests


def _planned(
    candidate: Candidate, items: Sequence[TrialItem], *, arm: Literal["baseline", "candidate"]
) -> list[ModelCall]:
    """The arm's calls; where the request brings its own system message, no prompt goes before."""
    on_trial = arm == "candidate"
    system = candidate.system if on_trial else candidate.baseline
    return [
        plan_trials(
            [item],
            system_id=candidate.candidate_id if on_trial else candidate.baseline_id,
            system=system.model_copy(update={"prompt": ""}) if _brings_its_own(item) else system,
            scope=candidate.scope,
        )[0]
        for item in items
    ]


def _brings_its_own(item: TrialItem) -> bool:
    return bool(item.messages) and without_prompt(item.messages, known=(), prompt="")[1] == "kept"


def _both_asked(
    pipeline: Pipeline, candidate: Candidate, items: Sequence[TrialItem]
) -> tuple[list[CallOutcome], list[CallOutcome]]:
    """Both arms in one run, request by request: what the hour does to one it does to the other."""
    arms = (_planned(candidate, items, arm="baseline"), _planned(candidate, items, arm="candidate"))
    calls = list(chain.from_iterable(zip(*arms, strict=True)))
    outcomes = pipeline.runner.run(
        calls, purpose=f"shadow of {candidate.candidate_id}, both systems"
    )
    return outcomes[0::2], outcomes[1::2]


def _live(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    pairs: LivePairs = live_pairs(pipeline, candidate)
    if not pairs.items:
        raise ShadowError(
            candidate.candidate_id,
            "no mirrored request has been recorded",
            "Run `eval-pipeline shadow serve` before your application first.",
        )
    requests = [
        _Request(
            item=item,
            week=row["week"],
            stratum=None,
            design_weight=1 / row["inclusion_probability"],
            prompt_use=row["prompt_use"],
            masked_texts=None,
        )
        for item, row in zip(pairs.items, pairs.rows, strict=True)
    ]
    return _scored(
        pipeline,
        candidate,
        requests,
        source="live",
        outcomes=(pairs.baseline, pairs.candidate),
    )


def _scored(
    pipeline: Pipeline,
    candidate: Candidate,
    requests: Sequence[_Request],
    *,
    source: Source,
    outcomes: tuple[Sequence[CallOutcome], Sequence[CallOutcome]],
) -> pl.DataFrame:
    trials = scored_arms(
        pipeline,
        candidate,
        [request.item for request in requests],
        baseline=outcomes[0],
        candidate_outcomes=outcomes[1],
    )
    kept = pl.DataFrame(
        [
            {
                "item_id": one.item.item_id,
                "week": one.week,
                "stratum": one.stratum,
                "design_weight": one.design_weight,
                "prompt_use": one.prompt_use,
                "masked_texts": one.masked_texts,
            }
            for one in requests
        ],
        schema={name: SHADOW_TRIALS.schema[name] for name in _KEPT},
    )
    joined = trials.drop("source").join(kept, on="item_id", how="left")
    return joined.with_columns(source=pl.lit(source)).select(list(SHADOW_TRIALS.schema))
