"""The configuration's models: every number that decides, with its bounds and its meaning.

Only shapes and bounds live here; reading the file and naming line and key is `settings_file`.
Secrets never stand in the configuration: it names the environment variable that holds them.
"""

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
    WatchSettings,
)
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
from eval_pipeline.settings.logs import ContractSettings, LogFormat, LogsSettings, SparkSettings
from eval_pipeline.settings.models import (
    CandidateFile,
    CandidatesSettings,
    ModelSettings,
    ProviderChange,
    SystemSettings,
)
from eval_pipeline.settings.operations import AlertsSettings, AutomationSettings, StorageSettings
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
from eval_pipeline.settings.triage import TriageSettings
from eval_pipeline.settings.whole import Settings

__all__ = [
    "ALL_RECOGNISERS",
    "BINARY_LEVELS",
    "COARSE_COLUMNS",
    "MINIMUM_CLUSTERS",
    "MUTATIONS",
    "PREDICATE_COLUMNS",
    "SYNTHETIC_SUBSET",
    "AASettings",
    "AdversarialSettings",
    "AlertsSettings",
    "AnonymisationSettings",
    "AutomationSettings",
    "BatchSettings",
    "CandidateFile",
    "CandidatesSettings",
    "ChrfScoring",
    "ClustersSettings",
    "CodeScoring",
    "ContaminationSettings",
    "ContinuationSettings",
    "ContractSettings",
    "Criterion",
    "CriterionExample",
    "CriterionSettings",
    "CustomPattern",
    "DeskSettings",
    "DriftSettings",
    "EmbeddingsSettings",
    "EntitiesScoring",
    "ExactScoring",
    "Expression",
    "FieldsF1Scoring",
    "FieldsScoring",
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
    "LogFormat",
    "LogsSettings",
    "Measure",
    "MixSettings",
    "ModelSettings",
    "Mutation",
    "Name",
    "NormalisedScoring",
    "NumericScoring",
    "PanelScoring",
    "PanelSettings",
    "PlanningSettings",
    "PositiveShare",
    "PreferenceScoring",
    "PresidioSettings",
    "ProgrammaticScoring",
    "ProviderApi",
    "ProviderChange",
    "ProviderSettings",
    "RecogniserName",
    "RecordedLabelSettings",
    "RefuterSettings",
    "RegexScoring",
    "RequiredFieldsScoring",
    "ReviewSettings",
    "RewriterSettings",
    "RougeScoring",
    "RouteScoring",
    "RubricSettings",
    "SamplingSettings",
    "SaturationSettings",
    "Scoring",
    "Section",
    "Settings",
    "Share",
    "SimilarityScoring",
    "SparkSettings",
    "Spender",
    "SpendingLimit",
    "StorageSettings",
    "StructuredOutput",
    "SubsetSettings",
    "SystemSettings",
    "TriageSettings",
    "WatchSettings",
    "family_sentences",
    "judges_of_family",
    "least_items",
    "undeclared_families",
]
