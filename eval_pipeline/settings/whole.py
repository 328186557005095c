"""The whole configuration; what one section says of another must hold."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.alerts import AlertsSettings
from eval_pipeline.settings.anonymisation import AnonymisationSettings
from eval_pipeline.settings.clusters import ClustersSettings
from eval_pipeline.settings.drift import DriftSettings
from eval_pipeline.settings.families import judges_of_family
from eval_pipeline.settings.gate import (
    SYNTHETIC_SUBSET,
    GateSettings,
    WatchSettings,
)
from eval_pipeline.settings.golden import GoldenSettings
from eval_pipeline.settings.intake import SamplingSettings, SubsetSettings
from eval_pipeline.settings.judging import (
    JudgeChecksSettings,
    JudgeSettings,
    PanelSettings,
    RefuterSettings,
    RubricSettings,
)
from eval_pipeline.settings.load import LoadSettings
from eval_pipeline.settings.logs import ContractSettings, LogsSettings
from eval_pipeline.settings.models import (
    IN_PROCESS,
    CandidatesSettings,
    ModelSettings,
    SystemSettings,
)
from eval_pipeline.settings.monitor import MonitorSettings
from eval_pipeline.settings.naive import EscalationSettings
from eval_pipeline.settings.network import NetworkSettings
from eval_pipeline.settings.operations import AutomationSettings, StorageSettings
from eval_pipeline.settings.outcome_tracking import OutcomeTrackingSettings
from eval_pipeline.settings.policy_dimensions import dimension_problems
from eval_pipeline.settings.preflight import refuse_uncertifiable
from eval_pipeline.settings.providers import ProviderSettings, Spender, SpendingLimit
from eval_pipeline.settings.review import DeskSettings, ReviewSettings
from eval_pipeline.settings.scorers import CodeScoring
from eval_pipeline.settings.scoring import (
    PanelScoring,
    RouteScoring,
    Scoring,
    scorers_of,
    scoring_problems,
)
from eval_pipeline.settings.section import Name, Section
from eval_pipeline.settings.shadow import ShadowSettings
from eval_pipeline.settings.telemetry import TelemetrySettings

LEAST_FAMILIES = 2
LEAST_WEIGHTED = 3


class Settings(Section):
    """The whole configuration."""

    logs: LogsSettings
    contract: ContractSettings = ContractSettings()
    sampling: SamplingSettings = SamplingSettings()
    anonymisation: AnonymisationSettings = AnonymisationSettings()
    subsets: dict[Name, SubsetSettings]
    clusters: ClustersSettings = ClustersSettings()
    providers: dict[Name, ProviderSettings]
    rubrics: dict[Name, RubricSettings]
    judges: dict[Name, JudgeSettings]
    refuter: RefuterSettings | None = None
    panel: PanelSettings = PanelSettings()
    judge_checks: JudgeChecksSettings = JudgeChecksSettings()
    review: ReviewSettings = ReviewSettings()
    desk: DeskSettings = DeskSettings()
    golden: GoldenSettings = GoldenSettings()
    systems: dict[Name, SystemSettings]
    baseline: Name
    candidates: CandidatesSettings = CandidatesSettings()
    scoring: dict[str, RouteScoring] = Field(
        {"default": PanelScoring()},
        description="Per route, or `default`: a scorer, or a list of scorers, of which the first "
        "decides.",
    )
    drift: DriftSettings = DriftSettings()
    watch: WatchSettings = WatchSettings()
    monitor: MonitorSettings = MonitorSettings()
    spending: dict[Spender, SpendingLimit] = Field(
        default_factory=dict, description="Limits, per kind of work; no limit where none stands."
    )
    gate: GateSettings = GateSettings()
    shadow: ShadowSettings = ShadowSettings()
    escalation: EscalationSettings = EscalationSettings()
    load: LoadSettings = LoadSettings()
    outcome: Literal["outcome", "feedback", "escalated"] | None = None
    outcome_tracking: OutcomeTrackingSettings = OutcomeTrackingSettings()
    alerts: AlertsSettings = AlertsSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    network: NetworkSettings = NetworkSettings()
    storage: StorageSettings = StorageSettings()
    automation: AutomationSettings = AutomationSettings()

    @model_validator(mode="after")
    def _references_resolve(self) -> Self:
        problems = list(_dangling_references(self))
        families = {judge.family.casefold() for judge in self.judges.values()}
        if len(families) < LEAST_FAMILIES:
            problems.append("`judges` needs at least two judges of at least two families")
        problems += _panel_problems(self)
        if self.logs.engine == "spark" and self.monitor.response_characters == "always":
            problems.append("`monitor.response_characters: always` needs `logs.engine: duckdb`")
        if not any(rubric.form == "pointwise" for rubric in self.rubrics.values()):
            problems.append("`rubrics` needs at least one pointwise rubric")
        if problems:
            raise ValueError("; ".join(problems))
        refuse_uncertifiable(self.gate, self.golden, subsets=self.subsets)
        return self

    def scoring_of(self, route: str) -> Scoring:
        """How responses on this route are scored where it decides: the first of its scorers."""
        return self.scorers_of(route)[0]

    def scorers_of(self, route: str) -> tuple[Scoring, ...]:
        """All scorers of the route, in order."""
        return scorers_of(self.scoring.get(route) or self.scoring["default"])

    @property
    def sandbox_programs(self) -> tuple[str, ...]:
        """What the sandboxes of `scoring` are started by, each once."""
        commands = [
            scoring.command
            for route in self.scoring
            for scoring in self.scorers_of(route)
            if isinstance(scoring, CodeScoring)
        ]
        return tuple(sorted({command[0] for command in commands if command}))

    def model_named(self, name: str) -> ModelSettings:
        """The judge or system of this name; that there is exactly one has been checked."""
        return self.judges[name] if name in self.judges else self.systems[name]


def _dangling_references(settings: Settings) -> list[str]:
    problems = []
    if settings.baseline not in settings.systems:
        problems.append(f"`baseline` names '{settings.baseline}', which is not under `systems`")
    users: dict[str, ModelSettings] = {
        **{
            f"systems.{name}": system
            for name, system in settings.systems.items()
            if system.naive is None
        },
        **{f"judges.{name}": judge for name, judge in settings.judges.items()},
    }
    if settings.refuter is not None:
        users["refuter"] = settings.refuter
    problems += [
        f"`{key}.provider` names '{user.provider}', which is not under `providers`"
        for key, user in users.items()
        if user.provider not in settings.providers
    ]
    embeddings = settings.clusters.embeddings
    if embeddings is not None and embeddings.provider not in settings.providers:
        problems.append(
            f"`clusters.embeddings.provider` names '{embeddings.provider}', which is not under "
            "`providers`"
        )
    problems += [
        f"`drift.systems` names '{name}', which is not under `systems`"
        for name in settings.drift.systems
        if name not in settings.systems
    ]
    problems += [
        f"`gate.tolerances` names '{name}', which is not under `subsets`"
        for name in settings.gate.tolerances
        if name not in {"default", SYNTHETIC_SUBSET, *settings.subsets}
    ]
    problems += [
        f"`gate.subset_limits` names '{name}', which is not under `subsets`"
        for name in settings.gate.subset_limits
        if name not in {SYNTHETIC_SUBSET, *settings.subsets}
    ]
    problems += [
        f"`review.minimum_subset_agreement` names '{name}', which is not under `subsets`"
        for name in settings.review.minimum_subset_agreement
        if name != "default" and name not in settings.subsets
    ]
    if SYNTHETIC_SUBSET in settings.subsets:
        problems.append(f"`subsets` names '{SYNTHETIC_SUBSET}', which is kept for synthetic items")
    problems += [
        f"`anonymisation.tau` names '{name}', which is not under `subsets`"
        for name in settings.anonymisation.tau
        if name != "default" and name not in settings.subsets
    ]
    pairwise = any(rubric.form == "pairwise" for rubric in settings.rubrics.values())
    problems += scoring_problems(
        settings.scoring, judges=settings.judges, providers=settings.providers, pairwise=pairwise
    )
    problems += dimension_problems(
        settings.gate.dimensions, scoring=settings.scoring, subsets=settings.subsets
    )
    problems += _rewriter_problems(settings)
    problems += _naive_problems(settings)
    return problems


def _naive_problems(settings: Settings) -> Iterator[str]:
    """A re-run watches providers, and no provider can change what this process answers."""
    naive = {name for name, system in settings.systems.items() if system.naive is not None}
    if IN_PROCESS in settings.providers:
        yield f"`providers` names '{IN_PROCESS}', which is kept for naive systems"
    for name in sorted(naive.intersection(settings.drift.systems)):
        yield (
            f"`drift.systems` names '{name}', which is naive: no provider can change what this "
            "process answers; name systems that a provider serves"
        )
    if settings.baseline in naive and not settings.drift.systems:
        yield (
            f"`baseline` names '{settings.baseline}', which is naive and cannot drift; name under "
            "`drift.systems` what is to be re-run every week"
        )
    if settings.anonymisation.rewriter and settings.anonymisation.rewriter.model in naive:
        yield "`anonymisation.rewriter.model` names a naive system, which writes nothing"
    for name in sorted(naive):
        embeddings = getattr(settings.systems[name].naive, "embeddings", None)
        if embeddings is not None and embeddings.provider not in settings.providers:
            yield (
                f"`systems.{name}.naive.embeddings.provider` names '{embeddings.provider}', which "
                "is not under `providers`"
            )


def _panel_problems(settings: Settings) -> Iterator[str]:
    panel, judges = settings.panel, settings.judges
    if panel.quorum > len(judges):
        yield f"`panel.quorum` is {panel.quorum} of {len(judges)} judges"
    if panel.weights == "reliability" and len(judges) < LEAST_WEIGHTED:
        yield (
            f"`panel.weights: reliability` needs {LEAST_WEIGHTED} judges: of two, the heavier "
            "would decide alone wherever they differ"
        )
    if panel.family_under_test == "refuse":
        for name, system in settings.systems.items():
            for judge in judges_of_family(judges, system.family):
                yield (
                    f"`judges.{judge}` and `systems.{name}` are both of the family "
                    f"'{system.family}', and `panel.family_under_test` is `refuse`: take a judge "
                    "of another family, or allow it and every decision says so"
                )


def _rewriter_problems(settings: Settings) -> list[str]:
    rewriter = settings.anonymisation.rewriter
    if rewriter is None:
        return []
    named = sum(rewriter.model in models for models in (settings.judges, settings.systems))
    told = {0: "is neither under `judges` nor `systems`", 2: "is both under `judges` and `systems`"}
    return (
        [f"`anonymisation.rewriter.model` names '{rewriter.model}', which {told[named]}"]
        if named in told
        else []
    )
