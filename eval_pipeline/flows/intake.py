"""The weekly intake: frame and contract, draw, and the only door for text."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.adapters.contracts.expectations import (
    ContractResult,
    validate_logs,
    validate_sample,
)
from eval_pipeline.adapters.contracts.pages import contract_page
from eval_pipeline.anonymisation.checks.coverage import with_coverage
from eval_pipeline.anonymisation.interactions import mask_interactions
from eval_pipeline.errors import (
    AnonymisationError,
    ContractError,
    EvalPipelineError,
    FrameChangedError,
    ResidualTextError,
    WeekNotClosedError,
)
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.flows import privacy
from eval_pipeline.flows.rewriting import rewrite_week
from eval_pipeline.flows.steering import Steering, steer
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.allocation import allocate_frame
from eval_pipeline.intake.name_limits import name_limits
from eval_pipeline.intake.sampling import (
    conversation_keys,
    draw_salt,
    draw_sample,
    incomplete_strata,
    thresholds,
)
from eval_pipeline.intake.suppression import erased_interactions
from eval_pipeline.tables import ERASURES, SAMPLED_INTERACTIONS, SAMPLING_FRAME

WIDENINGS: Final = (1, 16, 2**60)
"""How much more than needed is read, should a stratum's hashes fall short; the last reads all."""


@dataclass(frozen=True)
class Framed:
    """A week's frame, not yet written, and what the logs' contract says of the week."""

    frame: pl.DataFrame
    profile: pl.DataFrame
    contract: ContractResult
    steering: Steering

    @property
    def interactions(self) -> int:
        """Rows that may be sampled."""
        return int(self.profile["interactions"][0])

    @property
    def quarantined(self) -> int:
        """Rows that do not fit the schema."""
        return int(self.profile["quarantined"][0])

    @property
    def quarantined_by_reason(self) -> dict[str, int]:
        """The same by reason; a reason is one of this program's own constants."""
        reasons = self.profile["quarantine_reasons"].to_list()[0] or []
        return {each["reason"]: int(each["count"]) for each in reasons}

    @property
    def told_steering(self) -> str:
        """In words, what steered the allocation besides the strata's sizes."""
        told = [
            f"subsets that asked for more: {_names_in(self.frame['asked_by'])}",
            f"what the golden set lacks: {_names_in(self.frame['golden_asked_by'])}",
        ]
        if self.steering.unscored:
            told.append(f"{self.steering.unscored} earlier verdicts say neither pass nor fail")
        if self.steering.unseen:
            told.append(f"asked, and not seen last week: {', '.join(self.steering.unseen)}")
        return "; ".join(told)


@dataclass(frozen=True)
class Redraw:
    """How a draw differs from the one that the lake held before."""

    kept: int
    entered: int
    left: int


@dataclass(frozen=True)
class Drawn:
    """A week's draw, not yet written, with its own contract; `redraw` is null for a first draw.

    `erased` interactions were drawn and left out again because their people asked for it: they
    are missing, and the others keep their probabilities.
    """

    sampled: pl.DataFrame
    contract: ContractResult
    redraw: Redraw | None
    erased: int

    @property
    def told_redraw(self) -> str:
        """The redraw in words."""
        if self.redraw is None:
            return "this is the first draw of the week"
        return (
            f"{self.redraw.kept} interactions kept, {self.redraw.entered} entered, "
            f"{self.redraw.left} left"
        )


def _names_in(lists: pl.Series) -> str:
    return ", ".join(sorted(set(lists.explode().drop_nulls()))) or "none"


def frame_week(pipeline: Pipeline, *, week: str) -> Framed:
    """Counts the week's population per stratum and allocates; reads no text, writes nothing.

    Raises `WeekNotClosedError` before the watermark.
    """
    monday = dt.date.fromisoformat(week)
    closes, now = pipeline.logs.closes_at(monday), pipeline.clock()
    if now < closes:
        raise WeekNotClosedError(week, closes)
    strata = pipeline.logs.strata(monday)
    profile = pipeline.logs.profile(monday, now=now)
    contract = validate_logs(
        profile,
        contract=pipeline.settings.contract,
        history=earlier_frames(pipeline, week=week),
        strata=strata,
        week=monday,
    )
    steering = steer(pipeline, week=week)
    frame = allocate_frame(
        strata,
        policy=pipeline.settings.sampling,
        spreads=steering.spreads,
        requests=steering.requests,
        golden_requests=steering.golden_requests,
        steered_by=steering.steered_by,
    )
    return Framed(frame, profile, contract, steering)


def write_contract_page(pipeline: Pipeline, framed: Framed, *, week: str) -> str:
    """Writes the contract's Data Docs page to the lake; returns where it is.

    Beside it stand the counts of what could not be read, by reason, for the week's report.
    """
    path = f"contracts/week={week}.html"
    pipeline.lake.write_bytes(path, contract_page(framed.contract, week=week).encode())
    told = {"interactions": framed.interactions, "quarantined": framed.quarantined_by_reason}
    pipeline.lake.write_bytes(f"contracts/week={week}.json", canonical_json(told).encode())
    return f"{pipeline.project.lake_url}/{path}"


def earlier_frames(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """The SAMPLING_FRAME rows of all weeks before `week`, with their `week`."""
    earlier = [
        pipeline.lake.read(SAMPLING_FRAME, partition=known).with_columns(week=pl.lit(known))
        for known in pipeline.lake.partitions(SAMPLING_FRAME)
        if known < week
    ]
    empty = SAMPLING_FRAME.empty().with_columns(week=pl.lit(None, dtype=pl.String))
    return pl.concat([empty, *earlier])


def draw_week(pipeline: Pipeline, *, week: str) -> Drawn:
    """Draws the week's interactions by their keys; reads no text, writes nothing."""
    frame = pipeline.lake.read(SAMPLING_FRAME, partition=week)
    policy = pipeline.settings.sampling
    drawable = _drawable(pipeline, frame, week=week)
    drawn = draw_sample(drawable, frame=frame, policy=policy, week=week, key=pipeline.key)
    sampled = _without_erased(pipeline, drawn, drawable=drawable, week=week)
    return Drawn(
        sampled,
        validate_sample(sampled),
        _redraw(pipeline, sampled, week=week),
        erased=drawn.height - sampled.height,
    )


def _without_erased(
    pipeline: Pipeline, drawn: pl.DataFrame, *, drawable: pl.DataFrame, week: str
) -> pl.DataFrame:
    """The draw without erased people; who wrote what is asked only where somebody was erased."""
    erased = erased_people(pipeline)
    if not erased:
        return drawn
    chosen = drawable.join(drawn, on="interaction_id", how="semi")["conversation_id"]
    logged = pipeline.logs.users(dt.date.fromisoformat(week), chosen)
    gone = erased_interactions(logged, erased=erased, key=pipeline.key)
    return drawn.filter(~pl.col("interaction_id").is_in(list(gone)))


def erased_people(pipeline: Pipeline) -> frozenset[str]:
    """The suppression keys of everyone who was erased: the partitions of `erasures`."""
    return frozenset(pipeline.lake.partitions(ERASURES))


def _drawable(pipeline: Pipeline, frame: pl.DataFrame, *, week: str) -> pl.DataFrame:
    salt = draw_salt(pipeline.settings.sampling, week)
    short: list[str] = []
    for widening in WIDENINGS:
        drawable = pipeline.logs.drawable(
            dt.date.fromisoformat(week),
            thresholds=thresholds(frame, widening=widening),
            salt=salt,
        )
        short = incomplete_strata(drawable, frame=frame)
        if not short:
            return drawable
    raise FrameChangedError(week, short)


def _redraw(pipeline: Pipeline, sampled: pl.DataFrame, *, week: str) -> Redraw | None:
    if week not in pipeline.lake.partitions(SAMPLED_INTERACTIONS):
        return None
    before = set(pipeline.lake.read(SAMPLED_INTERACTIONS, partition=week)["interaction_id"])
    now = set(sampled["interaction_id"])
    return Redraw(kept=len(before & now), entered=len(now - before), left=len(before - now))


def require_contract(contract: ContractResult, *, subject: str) -> None:
    """Raises `ContractError` with every broken expectation in words."""
    if not contract.passed:
        broken = "; ".join(contract.failures)
        raise ContractError(
            f"{subject} breaks its contract: {broken}. Nothing was written and earlier results "
            "are untouched. Mend the data, or change the limits in the configuration."
        )


def anonymise_week(pipeline: Pipeline, sampled: pl.DataFrame, *, week: str) -> privacy.Anonymised:
    """Fetches the text of the drawn keys, masks it and scans the result, all in memory.

    A failure of the masking itself is told by its class alone: its message could quote the text.
    """
    known = privacy.known_value_scan(pipeline)
    found = pipeline.logs.fetch(dt.date.fromisoformat(week), sampled["interaction_id"])
    # A draw from before an erasure, or from a backup, may still name the erased.
    gone = erased_interactions(found, erased=erased_people(pipeline), key=pipeline.key)
    sampled = sampled.filter(~pl.col("interaction_id").is_in(list(gone)))
    interactions = _the_drawn(found, sampled, key=pipeline.key)
    selections = sampled.select("interaction_id", "selection")
    settings = pipeline.settings
    try:
        limits = name_limits(interactions, tau=settings.anonymisation.tau, subsets=settings.subsets)
        masked = mask_interactions(
            interactions, selections, anonymiser=pipeline.anonymiser, taus=limits
        )
        rewritten = rewrite_week(pipeline, with_coverage(masked, raw=interactions), week=week)
        return privacy.checked(pipeline, rewritten.frame, known=known, rewriting=rewritten.told)
    except ResidualTextError as left:
        return privacy.stopped(left)
    except EvalPipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, its message may hold raw text
        raise AnonymisationError(week, type(error).__name__) from None


def _the_drawn(found: pl.DataFrame, sampled: pl.DataFrame, *, key: bytes) -> pl.DataFrame:
    """The records that were drawn, where others share their id; one for each."""
    drawn = sampled.select("interaction_id", "conversation_key", "route", "occurred_at")
    return (
        found.with_columns(conversation_key=conversation_keys(key))
        .join(drawn, on=drawn.columns, how="semi", nulls_equal=True)
        .unique("interaction_id", keep="first", maintain_order=True)
        .drop("conversation_key")
    )
