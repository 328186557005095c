"""Chooses what people see, from two budgets kept apart: a random audit slice, and the disputes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from eval_pipeline.errors import ReviewError
from eval_pipeline.fingerprint import canonical_json, fingerprint, smallest_by_hash
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.tables import DISPUTES, NAMES

AUDIT = "audit"
DISPUTE = "dispute"

SUBJECT_SCHEMA = pl.Schema(
    {
        "task_id": pl.String,
        "interaction_id": pl.String,
        "selection": pl.String,
        "reason": pl.String,
        "label_probability": pl.Float64,
        "rubric_id": pl.String,
        "subject_json": pl.String,
    }
)
"""What the store needs to open a task; people are shown `subject_json` alone."""


class Criteria(Protocol):
    """What a reviewer is told to apply; a rubric is one."""

    @property
    def rubric_id(self) -> str:
        """The rubric's name and fingerprint."""
        ...

    @property
    def form(self) -> str:
        """Pointwise or pairwise."""
        ...

    @property
    def told(self) -> tuple[str, ...]:
        """Each criterion as people read it."""
        ...

    def applies(self, route: str) -> bool:
        """Whether interactions on this route are judged by it."""
        ...


@dataclass(frozen=True)
class Lacking:
    """What the golden set lacks: items of subsets and of kinds, and so many settled labels."""

    subsets: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    labels: int = 0


NOTHING_LACKING: Final = Lacking()


def select_for_review(
    panel_verdicts: pl.DataFrame,
    stratified: pl.DataFrame,
    *,
    policy: ReviewSettings,
    week: str,
    lacking: Lacking = NOTHING_LACKING,
) -> pl.DataFrame:
    """The week's review queue as DISPUTES.

    The audit slice takes the k interactions with the smallest hash of all N judged in the sample,
    whatever the panel says; the queue takes the same way from those without a panel verdict,
    under another salt. An interaction drawn by both is one task, recorded as audit, and leaves its
    place in the queue unfilled. `label_probability` is the chance to be drawn by either, on every
    row: 1 - (1 - k/N)(1 - k_q/N_q), and k/N for what was never disputed; the two draws are
    independent because their salts differ. It is conditional on being in the sample. No budget
    is lent to the other.

    The queue goes first to disputes in what the golden set is `lacking`, which is then a stratum
    of its own with its own k_q/N_q; the other disputes keep at least half the chance that they
    had, so no weight more than doubles. Settled labels that it lacks add to the budget, by
    `maximum_extra` at most.
    """
    sampled = stratified.filter(pl.col("selection") == "sample").select(
        "interaction_id", wanted=_is_lacking(lacking)
    )
    judged = panel_verdicts.join(sampled, on="interaction_id").sort("interaction_id")
    everyone = judged["interaction_id"].to_list()
    budget = policy.weekly_budget + min(lacking.labels, policy.maximum_extra)
    audit_budget = round(budget * policy.audit_share)
    audited = smallest_by_hash(everyone, audit_budget, salt=f"audit:{week}")
    queued, chances = _queue(
        judged.filter(pl.col("panel_verdict").is_null()), places=budget - audit_budget, week=week
    )
    by_audit = len(audited) / max(len(everyone), 1)
    by_queue = pl.col("interaction_id").replace_strict(
        chances, default=0.0, return_dtype=pl.Float64
    )
    is_audited = pl.col("interaction_id").is_in(audited)
    rows = judged.filter(pl.col("interaction_id").is_in(sorted({*audited, *queued}))).select(
        "interaction_id",
        "panel_verdict",
        task_id=pl.col("interaction_id").map_elements(
            lambda interaction_id: task_id_of(interaction_id, week=week), return_dtype=pl.String
        ),
        selection=pl.when(is_audited).then(pl.lit(AUDIT)).otherwise(pl.lit(DISPUTE)),
        reason=pl.when(is_audited).then(pl.lit(AUDIT)).otherwise("reason"),
        label_probability=pl.when(by_queue > 0)
        .then(1 - (1 - by_audit) * (1 - by_queue))
        .otherwise(pl.lit(by_audit)),
    )
    return DISPUTES.conform(rows)


def _is_lacking(lacking: Lacking) -> pl.Expr:
    in_subset = pl.col("subsets").list.set_intersection(
        pl.lit(sorted(lacking.subsets), dtype=NAMES)
    )
    return (in_subset.list.len() > 0) | pl.col("kind").is_in(sorted(lacking.kinds))


def _queue(disputed: pl.DataFrame, *, places: int, week: str) -> tuple[list[str], dict[str, float]]:
    """The disputes that are queued, and the chance of each dispute to be.

    Others that would have less than one place between them get no stratum of their own: its one
    place would be taken from what is lacking.
    """
    wanted, others = (
        disputed.filter(pl.col("wanted") == which)["interaction_id"].to_list()
        for which in (True, False)
    )
    if not wanted or places * len(others) < disputed.height:
        strata = [([*wanted, *others], places)]
    else:
        kept = math.ceil(places * len(others) / disputed.height / 2)
        first = min(len(wanted), places - kept)
        strata = [(wanted, first), (others, places - first)]
    queued: list[str] = []
    chances: dict[str, float] = {}
    for names, count in strata:
        drawn = smallest_by_hash(names, count, salt=f"dispute:{week}")
        queued += drawn
        chances |= dict.fromkeys(names, len(drawn) / max(len(names), 1))
    return queued, chances


def task_id_of(interaction_id: str, *, week: str) -> str:
    """The task's id, the same whenever the week is selected again; it tells nothing of why."""
    return fingerprint(["review task", week, interaction_id])


def review_subjects(
    disputes: pl.DataFrame,
    anonymised: pl.DataFrame,
    *,
    rubrics: Sequence[Criteria],
) -> pl.DataFrame:
    """One row per task with what a reviewer is shown, columns as `SUBJECT_SCHEMA`.

    The subject holds route, criteria, conversation and response, and nothing of verdicts,
    selection or reason: annotators label blind. Raises `ReviewError` if the anonymised week lacks
    one of the interactions or no pointwise rubric covers its route.
    """
    texts = {
        row["interaction_id"]: row
        for row in anonymised.select("interaction_id", "route", "messages", "response").iter_rows(
            named=True
        )
    }
    absent = disputes.filter(~pl.col("interaction_id").is_in(list(texts))).height
    if absent:
        raise ReviewError(
            f"{absent} of {disputes.height} interactions selected for review are not among "
            "the week's anonymised interactions. No task was opened. "
            "Materialise anonymised_interactions and disputes for this week again."
        )
    rows = []
    for dispute in disputes.iter_rows(named=True):
        shown = texts[dispute["interaction_id"]]
        rubric = _pointwise(rubrics, shown["route"])
        rows.append(
            {
                **{name: dispute.get(name) for name in SUBJECT_SCHEMA},
                "rubric_id": rubric.rubric_id,
                "subject_json": canonical_json(_subject(shown, rubric)),
            }
        )
    return pl.DataFrame(rows, schema=SUBJECT_SCHEMA)


def _subject(row: Mapping[str, object], rubric: Criteria) -> dict[str, object]:
    return {
        "route": row["route"],
        "criteria": list(rubric.told),
        "messages": row["messages"],
        "response": row["response"],
    }


def _pointwise(rubrics: Sequence[Criteria], route: str) -> Criteria:
    for rubric in rubrics:
        if rubric.form == "pointwise" and rubric.applies(route):
            return rubric
    raise ReviewError(
        f"No pointwise rubric applies to the route '{route}', so reviewers would have no criteria. "
        "No task was opened. Add the route to a rubric under `rubrics`."
    )
