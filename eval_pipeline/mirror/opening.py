"""A mirror over one project: both systems, the limits, what was spent, where pairs go."""

from collections.abc import Callable

import polars as pl

from eval_pipeline.adapters.mirroring.forwarding import Asker, Forwarder
from eval_pipeline.adapters.mirroring.segments import Segments
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.errors import ShadowError
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.shadow.live import pairs_frame
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.mirror.app import Door, MirrorApp
from eval_pipeline.mirror.asking import OPENAI, Observing
from eval_pipeline.mirror.budget import Budget
from eval_pipeline.mirror.masking import MaskingProcess, located
from eval_pipeline.mirror.mirroring import Mirror
from eval_pipeline.settings import ShadowSettings, SystemSettings
from eval_pipeline.tables import ERASURES


def open_app(pipeline: Pipeline, candidate: Candidate, settings: ShadowSettings) -> MirrorApp:
    """The endpoint before the baseline, with `settings` in place of the configured ones.

    Raises `ShadowError` where the candidate cannot be mirrored so, `MissingEnvironmentError` where
    a key or token is not set.
    """
    _require_sense(pipeline, candidate, settings)
    baseline = _provider(pipeline, candidate.baseline)
    asked = _provider(pipeline, candidate.system)
    observing = Observing(
        baseline=(candidate.baseline_id, candidate.baseline, baseline),
        candidate=(candidate.candidate_id, candidate.system, asked),
    )
    spent = spent_so_far(pipeline, candidate.candidate_id)
    open_mirror = _opener(pipeline, observing, settings=settings, provider=asked, spent=spent)
    token = settings.token_variable
    door = Door(
        candidate_id=candidate.candidate_id,
        model=candidate.baseline.model,
        settings=settings,
        key=pipeline.key,
        token=None if token is None else pipeline.project.secret(token, "the mirror's token"),
        largest_reply_bytes=baseline.settings.largest_reply_bytes,
    )
    forwarder = Forwarder(
        baseline,
        baseline.url_of(observing.baseline_call),
        silence_seconds=settings.forward_timeout_seconds,
    )
    return MirrorApp(door, forwarder=forwarder, open_mirror=open_mirror, clock=pipeline.clock)


def spent_so_far(pipeline: Pipeline, candidate_id: str) -> float:
    """What the candidate's recorded answers cost, over all starts of the mirror."""
    rows = pairs_frame(pipeline, candidate_id).filter(pl.col("arm") == "candidate")
    return float(rows["cost_usd"].sum())


def _require_sense(pipeline: Pipeline, candidate: Candidate, settings: ShadowSettings) -> None:
    api = pipeline.settings.providers[candidate.baseline.provider].api
    if api != OPENAI:
        raise ShadowError(
            candidate.candidate_id,
            f"the mirror speaks the API '{OPENAI}', and the baseline's provider '{api}'",
            "Shadow recorded requests instead: `eval-pipeline shadow run`.",
        )
    if candidate.recorded_week is not None:
        raise ShadowError(
            candidate.candidate_id,
            "it is a provider's change, and production is asking the changed model already",
            "Shadow the recorded week instead: `eval-pipeline shadow run`.",
        )
    prices = (
        candidate.system.usd_per_million_input_tokens,
        candidate.system.usd_per_million_output_tokens,
    )
    if settings.maximum_usd is not None and not any(prices):
        raise ShadowError(
            candidate.candidate_id,
            "a limit in money is set and the candidate has no prices to hold against it",
            "Set `usd_per_million_input_tokens` and `usd_per_million_output_tokens` of it.",
        )


def _provider(pipeline: Pipeline, system: SystemSettings) -> ChatProvider:
    return ChatProvider(
        system.provider,
        pipeline.settings.providers[system.provider],
        secret=lambda variable: pipeline.project.secret(variable, "a provider's API key"),
        network=pipeline.settings.network,
    )


def _opener(
    pipeline: Pipeline,
    observing: Observing,
    *,
    settings: ShadowSettings,
    provider: ChatProvider,
    spent: float,
) -> Callable[[], Mirror]:
    masked_by = located(pipeline.settings.anonymisation, pipeline.project.locate)

    def opened() -> Mirror:
        now = pipeline.clock()
        return Mirror(
            observing,
            settings=settings,
            asker=Asker(
                provider,
                at_once=settings.maximum_in_flight,
                timeout_seconds=settings.timeout_seconds,
            ),
            masking=MaskingProcess(masked_by, key=pipeline.key),
            segments=Segments(pipeline.lake, observing.candidate_id, started_at=now),
            budget=Budget(observing.candidate_spec, limit=settings.maximum_usd, spent=spent),
            clock=pipeline.clock,
            erased=lambda: frozenset(pipeline.lake.partitions(ERASURES)),
        )

    return opened
