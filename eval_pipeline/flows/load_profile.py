"""What a system bears: golden questions asked under growing load, and what that cost."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.adapters.load.budget import LoadBudget
from eval_pipeline.adapters.load.profiling import run_profile
from eval_pipeline.adapters.load.sending import Sender
from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.call_figures import Spent, usual_tokens
from eval_pipeline.adapters.model_calls.call_plans import Expectations
from eval_pipeline.adapters.model_calls.spending import Purse
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.evaluation.trial_items import SYNTHETIC, golden_items
from eval_pipeline.evaluation.trials import plan_trials
from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.reserve import newest_version
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.load.profile import profile_rows
from eval_pipeline.ports import ModelCall
from eval_pipeline.settings import LoadSettings, SpendingLimit, SystemSettings
from eval_pipeline.settings_file import Project
from eval_pipeline.tables import GOLDEN_SET, LOAD_PROFILE

ITEM_SALT = "load-items"
PURPOSE = "load"


@dataclass(frozen=True)
class LoadOrder:
    """What a person asks beside the configuration; null where it stays as configured."""

    ramp: tuple[int, ...] | None = None
    rates: tuple[float, ...] | None = None
    seconds_per_step: float | None = None
    requests_per_step: int | None = None
    maximum_requests: int | None = None
    maximum_usd: float | None = None

    def over(self, configured: LoadSettings) -> LoadSettings:
        """The settings of this profile; raises `ValidationError` where they do not fit."""
        asked = {name: value for name, value in vars(self).items() if value is not None}
        return LoadSettings.model_validate({**configured.model_dump(), **asked})

    def as_config(self) -> dict[str, Any]:
        """What was asked, as the job takes it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if value is not None
        }


@dataclass(frozen=True)
class LoadProfiled:
    """The LOAD_PROFILE and what it took; `stopped` names the bound that ended it early."""

    rows: pl.DataFrame
    paid: Spent
    stopped: str | None


def system_named(project: Project, name: str) -> SystemSettings:
    """A system of the configuration, the baseline among them, or a candidate's.

    Raises `UnknownCandidateError`.
    """
    configured = project.settings.systems.get(name)
    return configured or resolve_candidate(project, name).system


def expected_at_most(pipeline: Pipeline, system_id: str, load: LoadSettings) -> Spent:
    """What it takes if it uses all its requests, by what the system's calls took so far."""
    calls = _calls(pipeline, system_id, scope=f"{PURPOSE}:{system_id}")
    expectations = Expectations(lambda name: usual_tokens(pipeline.store.engine, name))
    each = sum((expectations.of(call) for call in calls), start=Spent())
    share = load.maximum_requests / len(calls)
    return Spent(
        min(each.usd * share, load.maximum_usd), load.maximum_requests, round(each.tokens * share)
    )


def profile_system(pipeline: Pipeline, system_id: str, *, order: LoadOrder) -> LoadProfiled:
    """Asks the system under load; each request once, paid under a scope of this run alone.

    Every attempt is in the journal before it counts, without its text: nobody reads the answers.
    Raises `MissingPartitionError` before the first golden version, `ProviderAccessError` and
    `ProviderUnreachableError`.
    """
    load = order.over(pipeline.settings.load)
    scope = f"{PURPOSE}:{system_id}:{pipeline.clock():%Y%m%dT%H%M%S%f}"
    calls = _calls(pipeline, system_id, scope=scope)
    budget = _budget(pipeline, scope, load)
    with AttemptWriter(
        pipeline.journal, redact=pipeline.anonymiser.mask_texts, told=budget.pay
    ) as writer:
        sender = Sender(
            provider=_provider(pipeline, calls[0].spec.provider),
            calls=calls,
            writer=writer,
            budget=budget,
            clock=pipeline.clock,
        )
        profiled = run_profile(
            sender,
            load,
            confidence=pipeline.settings.gate.confidence,
            told=lambda step, sent: _report(pipeline, step, sent, load.maximum_requests),
        )
    rows = profile_rows(
        profiled.steps,
        system_id=system_id,
        searched=profiled.searched,
        ratio=load.degradation_ratio,
        confidence=pipeline.settings.gate.confidence,
    )
    return LoadProfiled(rows, budget.paid, budget.stopped)


def load_profile_held(pipeline: Pipeline, system_id: str) -> pl.DataFrame:
    """The system's newest profile; raises `MissingPartitionError` before the first."""
    return pipeline.lake.read(LOAD_PROFILE, partition=system_id)


def _report(pipeline: Pipeline, step: str, sent: int, most: int) -> None:
    if pipeline.report is not None:
        pipeline.report(sent, most, f"load: {step}")


def _calls(pipeline: Pipeline, system_id: str, *, scope: str) -> list[ModelCall]:
    """One call per golden item of the newest version that stands for traffic, in hash order."""
    system = system_named(pipeline.project, system_id)
    version = newest_version(pipeline)
    items = {
        item.item_id: item
        for item in golden_items(pipeline.golden.items(version), golden_version=version)
        if item.source != SYNTHETIC
    }
    if not items:
        raise MissingPartitionError(GOLDEN_SET.name, "any week", "eval-pipeline publish --week W")
    ordered = [items[name] for name in smallest_by_hash(sorted(items), len(items), salt=ITEM_SALT)]
    return plan_trials(ordered, system_id=system_id, system=system, scope=scope)


def _budget(pipeline: Pipeline, scope: str, load: LoadSettings) -> LoadBudget:
    """The profile's own caps, and those of `spending.load` where they are lower."""
    general = pipeline.settings.spending.get("load", SpendingLimit())
    limit = SpendingLimit(
        usd=min(load.maximum_usd, general.usd or load.maximum_usd),
        calls=min(load.maximum_requests, general.calls or load.maximum_requests),
        tokens=general.tokens,
        minutes=general.minutes,
    )
    expectations = Expectations(lambda name: usual_tokens(pipeline.store.engine, name))
    return LoadBudget(Purse(scope, limit), expectations)


def _provider(pipeline: Pipeline, name: str) -> ChatProvider:
    return ChatProvider(
        name,
        pipeline.settings.providers[name],
        secret=lambda variable: pipeline.project.secret(variable, "a provider's API key"),
        network=pipeline.settings.network,
    )
