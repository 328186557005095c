"""The configuration's models: every number that decides, with its bounds and its meaning.

Only shapes and bounds live here; reading the file and naming line and key is `settings_file`.
Secrets never stand in the configuration: it names the environment variable that holds them.
"""

from eval_pipeline.settings.alerts import (
    SEVERITIES,
    AlertKind,
    AlertsSettings,
    Channel,
    EmailChannel,
    Severity,
    SlackChannel,
    WebhookChannel,
)
from eval_pipeline.settings.anonymisation import (
    ALL_RECOGNISERS,
    COARSE_COLUMNS,
    AnonymisationSettings,
    CustomPattern,
    KnownValuesSettings,
    Language,
    RecogniserName,
    RewriterSettings,
)
from eval_pipeline.settings.clusters import ClustersSettings, EmbeddingsSettings
from eval_pipeline.settings.drift import DriftSettings
from eval_pipeline.settings.families import (
    family_sentences,
    judges_of_family,
    undeclared_families,
)
from eval_pipeline.settings.gate import (
    SYNTHETIC_SUBSET,
    GateSettings,
    SubsetLimits,
    WatchSettings,
)
from eval_pipeline.settings.gate_audit import GateAuditSettings
from eval_pipeline.settings.golden import (
    MUTATIONS,
    AdversarialSettings,
    ContaminationSettings,
    GoldenSettings,
    MixSettings,
    Mutation,
    RecordedLabelSettings,
    SaturationSettings,
)
from eval_pipeline.settings.human_correction import HumanCorrectionSettings
from eval_pipeline.settings.intake import PREDICATE_COLUMNS, SamplingSettings, SubsetSettings
from eval_pipeline.settings.json_scorers import (
    EntitiesScoring,
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    JsonType,
    RequiredFieldsScoring,
)
from eval_pipeline.settings.judge_quality import JudgeLimit, JudgeQualitySettings
from eval_pipeline.settings.judging import (
    BINARY_LEVELS,
    Criterion,
    CriterionExample,
    CriterionSettings,
    JudgeChecksSettings,
    JudgeSettings,
    PanelSettings,
    RefuterSettings,
    RubricSettings,
)
from eval_pipeline.settings.load import LoadSettings
from eval_pipeline.settings.logs import ContractSettings, LogFormat, LogsSettings, SparkSettings
from eval_pipeline.settings.models import (
    IN_PROCESS,
    CandidateFile,
    CandidatesSettings,
    ModelSettings,
    ProviderChange,
    SystemSettings,
)
from eval_pipeline.settings.monitor import AcknowledgedWeeks, MonitorSettings
from eval_pipeline.settings.naive import (
    GROUP_REFERENCE,
    ConfidenceSettings,
    EscalationSettings,
    LinearExpression,
    LogisticNaive,
    NaiveSettings,
    RegexNaive,
    RegexRule,
    RetrievalNaive,
    RouteTemplate,
    TemplateField,
    TemplateNaive,
    pattern_groups,
)
from eval_pipeline.settings.network import USUAL_NETWORK, NetworkSettings
from eval_pipeline.settings.operations import AutomationSettings, StorageSettings
from eval_pipeline.settings.outcome_tracking import OutcomeTrackingSettings
from eval_pipeline.settings.planning import (
    AASettings,
    ContinuationSettings,
    LedgerSettings,
    PlanningSettings,
    least_items,
)
from eval_pipeline.settings.preflight import MINIMUM_CLUSTERS
from eval_pipeline.settings.presidio import PresidioSettings
from eval_pipeline.settings.providers import (
    BatchSettings,
    ProviderApi,
    ProviderSettings,
    Spender,
    SpendingLimit,
    StructuredOutput,
)
from eval_pipeline.settings.review import DeskSettings, ReviewSettings
from eval_pipeline.settings.scorer import Measure
from eval_pipeline.settings.scorers import (
    ChrfScoring,
    CodeScoring,
    ExactScoring,
    NormalisedScoring,
    NumericScoring,
    RegexScoring,
    RougeScoring,
    SimilarityScoring,
)
from eval_pipeline.settings.scoring import (
    JudgeScoring,
    PanelScoring,
    PreferenceScoring,
    ProgrammaticScoring,
    RouteScoring,
    Scoring,
)
from eval_pipeline.settings.section import Expression, Kind, Name, PositiveShare, Section, Share
from eval_pipeline.settings.shadow import ShadowSettings
from eval_pipeline.settings.telemetry import OtlpSettings, PrometheusSettings, TelemetrySettings
from eval_pipeline.settings.triage import TriageSettings
from eval_pipeline.settings.whole import Settings

__all__ = [
    "ALL_RECOGNISERS",
    "BINARY_LEVELS",
    "COARSE_COLUMNS",
    "GROUP_REFERENCE",
    "IN_PROCESS",
    "MINIMUM_CLUSTERS",
    "MUTATIONS",
    "PREDICATE_COLUMNS",
    "SEVERITIES",
    "SYNTHETIC_SUBSET",
    "USUAL_NETWORK",
    "AASettings",
    "AcknowledgedWeeks",
    "AdversarialSettings",
    "AlertKind",
    "AlertsSettings",
    "AnonymisationSettings",
    "AutomationSettings",
    "BatchSettings",
    "CandidateFile",
    "CandidatesSettings",
    "Channel",
    "ChrfScoring",
    "ClustersSettings",
    "CodeScoring",
    "ConfidenceSettings",
    "ContaminationSettings",
    "ContinuationSettings",
    "ContractSettings",
    "Criterion",
    "CriterionExample",
    "CriterionSettings",
    "CustomPattern",
    "DeskSettings",
    "DriftSettings",
    "EmailChannel",
    "EmbeddingsSettings",
    "EntitiesScoring",
    "EscalationSettings",
    "ExactScoring",
    "Expression",
    "FieldsF1Scoring",
    "FieldsScoring",
    "GateAuditSettings",
    "GateSettings",
    "GoldenSettings",
    "HumanCorrectionSettings",
    "JsonSchemaScoring",
    "JsonType",
    "JudgeChecksSettings",
    "JudgeLimit",
    "JudgeQualitySettings",
    "JudgeScoring",
    "JudgeSettings",
    "Kind",
    "KnownValuesSettings",
    "Language",
    "LedgerSettings",
    "LinearExpression",
    "LoadSettings",
    "LogFormat",
    "LogisticNaive",
    "LogsSettings",
    "Measure",
    "MixSettings",
    "ModelSettings",
    "MonitorSettings",
    "Mutation",
    "NaiveSettings",
    "Name",
    "NetworkSettings",
    "NormalisedScoring",
    "NumericScoring",
    "OtlpSettings",
    "OutcomeTrackingSettings",
    "PanelScoring",
    "PanelSettings",
    "PlanningSettings",
    "PositiveShare",
    "PreferenceScoring",
    "PresidioSettings",
    "ProgrammaticScoring",
    "PrometheusSettings",
    "ProviderApi",
    "ProviderChange",
    "ProviderSettings",
    "RecogniserName",
    "RecordedLabelSettings",
    "RefuterSettings",
    "RegexNaive",
    "RegexRule",
    "RegexScoring",
    "RequiredFieldsScoring",
    "RetrievalNaive",
    "ReviewSettings",
    "RewriterSettings",
    "RougeScoring",
    "RouteScoring",
    "RouteTemplate",
    "RubricSettings",
    "SamplingSettings",
    "SaturationSettings",
    "Scoring",
    "Section",
    "Settings",
    "Severity",
    "ShadowSettings",
    "Share",
    "SimilarityScoring",
    "SlackChannel",
    "SparkSettings",
    "Spender",
    "SpendingLimit",
    "StorageSettings",
    "StructuredOutput",
    "SubsetLimits",
    "SubsetSettings",
    "SystemSettings",
    "TelemetrySettings",
    "TemplateField",
    "TemplateNaive",
    "TriageSettings",
    "WatchSettings",
    "WebhookChannel",
    "family_sentences",
    "judges_of_family",
    "least_items",
    "pattern_groups",
    "undeclared_families",
]
