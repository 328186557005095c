"""The configuration's models: every number that decides, with its bounds and its meaning.

Only shapes and bounds live here; reading the file and naming line and key is `settings_file`.
Secrets never stand in the configuration: it names the environment variable that holds them.
"""

import datetime as dt
import math
import re
from typing import Annotated, Literal, Self

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from eval_pipeline.tables import ANONYMISED_INTERACTIONS

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=80)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
LEAST_FAMILIES = 2
Kind = Literal["typical", "edge", "adversarial"]

PREDICATE_COLUMNS = (
    *(name for name in ANONYMISED_INTERACTIONS.schema if name not in {"messages", "attributes"}),
    "conversation_text",
    "last_user_message",
    "corpus",
)
"""What a subset's predicate may speak of: the anonymised columns and three derived texts."""


def _is_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


Expression = Annotated[str, AfterValidator(_is_expression)]


class Section(BaseModel):
    """A frozen section of the configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LogsSettings(Section):
    """Where the production logs are and how to read them."""

    format: Literal["canonical", "openai_jsonl", "sql"] = Field(
        "canonical",
        description="canonical: Parquet or JSONL in the canonical schema; openai_jsonl: one "
        "request/response pair a line; sql: your own SELECT to the canonical schema.",
    )
    path: str = Field(
        description="Glob of the files. `{week}` stands for the week's Monday, if the "
        "files are split by week."
    )
    query: str | None = Field(
        None, description="With `format: sql`: the file that holds the SELECT; it reads `$path`."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Canonical column to the name that your files give it.",
    )
    engine: Literal["duckdb"] = Field("duckdb", description="What reads the logs.")

    @model_validator(mode="after")
    def _sql_needs_a_query(self) -> Self:
        if (self.format == "sql") != (self.query is not None):
            raise ValueError("`query` goes with `format: sql`, and only with it")
        return self


class ContractSettings(Section):
    """What a week of logs must look like before anything is sampled from it."""

    minimum_interactions: int = Field(
        1, ge=1, description="Fewer interactions in a week fail the run."
    )
    maximum_null_share: dict[str, Share] = Field(
        default_factory=lambda: {"response": 0.05, "route": 0.0, "conversation_id": 0.0},
        description="Column to the share of its rows that may be empty.",
    )
    maximum_duplicate_share: Share = Field(
        0.0, description="Rows that repeat an id, beyond this share of the week, fail the run."
    )
    maximum_quarantined_share: Share = Field(
        0.01, description="Malformed rows beyond this share of the week fail the run."
    )


class SamplingSettings(Section):
    """How many conversations are drawn each week, and how they spread over strata."""

    budget: int = Field(300, ge=1, description="Conversations a week that judges see.")
    reserve: int = Field(
        600, ge=0, description="Further conversations, anonymised and unlabelled, for the gate."
    )
    minimum_per_stratum: int = Field(
        20, ge=1, description="Conversations that even a rare stratum gets, if it has them."
    )
    strata: tuple[Literal["route", "prompt_version", "requested_model"], ...] = Field(
        ("route",), description="Columns whose values make the strata, together."
    )
    interactions_per_conversation: int = Field(
        1, ge=1, description="Drawn inside each drawn conversation, by hash."
    )
    salt: str = Field("weekly", description="Changes every draw; keep it for comparability.")


class CustomPattern(Section):
    """One of the organisation's own identifiers that no general recogniser can know."""

    name: str = Field(
        pattern=r"^[A-Z][A-Z_]*$", description="Stands in the placeholder: ORDER gives [ORDER_1]."
    )
    pattern: Expression = Field(description="A regular expression; the whole match is masked.")


RecogniserName = Literal[
    "email",
    "phone",
    "card",
    "iban",
    "ip",
    "secret",
    "url",
    "national_id",
    "person",
    "address",
    "date_of_birth",
]
ALL_RECOGNISERS: tuple[RecogniserName, ...] = (
    "email",
    "phone",
    "card",
    "iban",
    "ip",
    "secret",
    "url",
    "national_id",
    "person",
    "address",
    "date_of_birth",
)


class AnonymisationSettings(Section):
    """What is masked before any text is written."""

    key_variable: str = Field(
        "EVAL_PIPELINE_KEY",
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="The environment variable that holds the key of the pseudonyms.",
    )
    recognisers: tuple[RecogniserName, ...] = Field(
        ALL_RECOGNISERS, description="Which kinds of personal data are looked for."
    )
    custom_patterns: tuple[CustomPattern, ...] = Field(
        (), description="Identifiers of your own, such as order numbers."
    )
    allow: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Per route ('*' for all): words that are never masked, such as product names.",
    )
    sensitive_keys: tuple[str, ...] = Field(
        (
            "name",
            "first_name",
            "last_name",
            "email",
            "phone",
            "address",
            "street",
            "dob",
            "date_of_birth",
            "ssn",
            "password",
            "token",
            "api_key",
            "card_number",
            "iban",
            "user_id",
            "username",
        ),
        description="Values under these keys in JSON text are masked whatever they look like.",
    )


class SubsetSettings(Section):
    """A named slice that the gate decides on: one of the team's failure modes."""

    predicate: str = Field(
        description="A SQL condition over the anonymised interaction's columns, plus "
        "conversation_text, last_user_message and corpus."
    )
    kind: Kind = Field(
        "typical", description="Of the items in it; the most severe of an item's subsets counts."
    )
    owner: str = Field("unowned", description="Who is asked when it blocks.")
    why: str = Field("", description="Why it exists.")

    @model_validator(mode="after")
    def _predicate_speaks_of_declared_columns(self) -> Self:
        try:
            named = set(pl.sql_expr(self.predicate).meta.root_names())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise ValueError(f"the predicate is not a condition: {error}") from None
        unknown = sorted(named - set(PREDICATE_COLUMNS))
        if unknown:
            raise ValueError(
                f"the predicate names {unknown}; allowed are {sorted(PREDICATE_COLUMNS)}"
            )
        return self


class ProviderSettings(Section):
    """A model provider, reached over HTTP."""

    base_url: str = Field(
        pattern=r"^https?://", description="Where the API starts, as a rule ending in /v1."
    )
    api: Literal["openai_chat"] = Field("openai_chat", description="How the provider is spoken to.")
    key_variable: str | None = Field(
        None,
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="The environment variable that holds the API key; none if it takes no key.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description="Sent with every request; no secrets here."
    )
    concurrency: int = Field(16, ge=1, le=1024, description="Requests at once, at most.")
    attempt_timeout_seconds: float = Field(60, gt=0, description="How long one attempt may take.")
    maximum_attempts: int = Field(
        6, ge=1, description="Attempts at one call before it counts as failed."
    )
    maximum_wait_seconds: float = Field(
        60, gt=0, description="The longest single wait that a Retry-After may ask for."
    )


class RubricSettings(Section):
    """The criteria that a judge or an annotator applies, versioned by their text."""

    form: Literal["pointwise", "pairwise"] = Field(
        "pointwise", description="One response alone, or two side by side."
    )
    criteria: tuple[str, ...] = Field(
        min_length=1,
        description="What is looked for, a sentence each; changing one makes a new rubric.",
    )
    routes: tuple[str, ...] = Field((), description="Where it applies; empty: everywhere.")


class ModelSettings(Section):
    """A model behind a provider with its parameters and prices."""

    provider: Name = Field(description="Which of `providers` serves it.")
    model: str = Field(description="The name that the provider knows it by.")
    parameters: dict[str, float | int | str | bool] = Field(
        default_factory=dict, description="Sent with every call, such as temperature."
    )
    usd_per_million_input_tokens: float = Field(
        0, ge=0, description="Price, for the reports of cost."
    )
    usd_per_million_output_tokens: float = Field(
        0, ge=0, description="Price, for the reports of cost."
    )


class JudgeSettings(ModelSettings):
    """One judge: a model with a family; the rubric says what it looks for."""

    family: str = Field(description="Who trained the model: judges must span two families.")


class RefuterSettings(JudgeSettings):
    """The model that attacks every pass with a concrete claim of what is wrong."""

    enabled: bool = Field(default=True, description="Off: no response is attacked.")


class PanelSettings(Section):
    """When the judges together have spoken."""

    quorum: int = Field(2, ge=1, description="Judges that must have answered.")
    maximum_failed_share: Share = Field(
        0.05, description="Beyond this share of failed judge calls the step fails."
    )


class ReviewSettings(Section):
    """What people are asked, and when their answers count."""

    annotators_per_item: int = Field(2, ge=2, le=5, description="Blind labels that a task needs.")
    weekly_budget: int = Field(40, ge=1, description="Tasks a week, audit slice included.")
    audit_share: Share = Field(0.6, description="Of the budget, for the random audit slice.")
    deadline_days: int = Field(
        4, ge=1, description="After the week has ended; then the minimum share suffices."
    )
    minimum_settled_share: Share = Field(
        0.5, description="At the deadline, publish only if this share of tasks is settled."
    )
    minimum_agreement: float = Field(
        0.0, ge=-1, le=1, description="Krippendorff's alpha between annotators to publish."
    )


class RecordedLabelSettings(Section):
    """Labels that the log itself carries: an outcome or a person's feedback."""

    column: Literal["outcome", "feedback"] = Field(description="Where the label stands.")
    pass_at_least: float = Field(description="Values from here on are a pass.")
    routes: tuple[str, ...] = Field((), description="Where to trust it; empty: everywhere.")


class MixSettings(Section):
    """The target shares of kinds in the golden set."""

    typical: Share = Field(0.60, description="Target share.")
    edge: Share = Field(0.25, description="Target share.")
    adversarial: Share = Field(0.15, description="Target share.")
    tolerance: Share = Field(1.0, description="How far a share may miss its target.")

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.typical + self.edge + self.adversarial
        if not math.isclose(total, 1):
            raise ValueError(f"the shares sum to {total}, not to 1")
        return self


class GoldenSettings(Section):
    """What a golden version must hold to be published."""

    minimum_items: int = Field(200, ge=1, description="With fewer, no version is published.")
    maximum_items: int = Field(500, ge=1, description="Beyond it the oldest items make room.")
    minimum_per_subset: int = Field(
        30, ge=0, description="What is missing is reported as a deficit."
    )
    mix: MixSettings = Field(MixSettings(), description="The target shares of kinds.")
    maximum_age_days: int = Field(120, ge=1, description="Older labels retire.")
    minimum_fresh_share: Share = Field(
        0.02, description="Share of items settled by people or logs since the last version."
    )
    recorded_labels: tuple[RecordedLabelSettings, ...] = Field(
        (), description="Which labels of the log itself to trust."
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.minimum_items > self.maximum_items:
            raise ValueError("`minimum_items` exceeds `maximum_items`")
        return self


class SystemSettings(ModelSettings):
    """A system under test: model, prompt and parameters under one identity."""

    prompt: str = Field("", description="The system message put before each item's conversation.")
    family: str | None = Field(None, description="Who trained the model.")


class ProviderChange(Section):
    """A model that its provider changed under an unchanged name: a candidate nobody asked for."""

    system: Name = Field(description="Which of `systems` the provider changed.")
    recorded_week: str = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="The drift week whose answers are the old model's.",
    )
    seen: str = Field("", description="What the sensor saw.")


class CandidateFile(Section):
    """What a candidate file describes: a system, or a provider's change."""

    system: SystemSettings | None = None
    provider_change: ProviderChange | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.system is None) == (self.provider_change is None):
            raise ValueError("a candidate is either a system or a provider change")
        return self


class CandidatesSettings(Section):
    """Where candidate files appear, one system a file, named after the candidate."""

    folder: str = Field("candidates", description="Beside the configuration, or absolute.")


class ExactScoring(Section):
    """1 if response and reference are the same after normalising case and space."""

    scorer: Literal["exact"] = "exact"


class RegexScoring(Section):
    """1 if what the pattern's first group finds equals what it finds in the reference."""

    scorer: Literal["regex"] = "regex"
    pattern: Expression = Field(description="Its first group, or the whole match, is compared.")


class JsonSchemaScoring(Section):
    """1 if the response is JSON that fits the schema."""

    scorer: Literal["json_schema"] = "json_schema"
    json_schema: dict[str, object] = Field(
        alias="schema", description="A JSON Schema that the response must fit."
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class FieldsScoring(Section):
    """F1 of the JSON object's fields against the reference's."""

    scorer: Literal["fields_f1"] = "fields_f1"
    fields: tuple[str, ...] = Field(
        (), description="Which fields count; empty: those of the reference."
    )


class SimilarityScoring(Section):
    """Cosine of character and word n-gram vectors of response and reference, 0 to 1."""

    scorer: Literal["similarity"] = "similarity"
    pass_at_least: Share | None = Field(
        None, description="If set, the score is 1 at this similarity and 0 below."
    )


class PanelScoring(Section):
    """The mean of the panel's verdicts on the response, reference shown."""

    scorer: Literal["panel"] = "panel"


class JudgeScoring(Section):
    """One named judge's verdict; the decision says that no panel stood behind it."""

    scorer: Literal["judge"] = "judge"
    judge: Name = Field(description="Which of `judges` decides alone.")


class PreferenceScoring(Section):
    """Which of the two arms' answers the panel prefers, asked in both orders.

    A candidate's score is 1 where it is preferred, 0 where the baseline is, 0.5 for a tie or an
    order-dependent preference; the baseline's is the rest to 1. Where there is only one answer,
    as in the weekly re-runs, the panel scores it alone.
    """

    scorer: Literal["preference"] = "preference"


Scoring = Annotated[
    ExactScoring
    | RegexScoring
    | JsonSchemaScoring
    | FieldsScoring
    | SimilarityScoring
    | PanelScoring
    | JudgeScoring
    | PreferenceScoring,
    Field(discriminator="scorer"),
]


class DriftSettings(Section):
    """Which old versions are re-run each week, and on which systems."""

    systems: tuple[Name, ...] = Field((), description="Pinned systems; empty: the baseline.")
    versions: int = Field(3, ge=1, description="How many of the newest versions are re-run.")
    maximum_items: int = Field(200, ge=1, description="Items a week, over the union of versions.")
    confidence: float = Field(
        0.99, gt=0.5, lt=1, description="Of the intervals that must exclude zero to name drift."
    )
    minimum_difference: Share = Field(0.02, description="Smaller differences are never drift.")
    canary_prompts: int = Field(20, ge=1, description="Items the provider-change sensor asks.")


class GateSettings(Section):
    """The product owner's policy: what a candidate may lose, and how sure the gate must be."""

    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="How sure the gate must be, shared over all looks."
    )
    aggregate_tolerance: float = Field(
        0.02, gt=0, lt=1, description="The largest drop accepted over all items together."
    )
    tolerances: dict[str, float] = Field(
        default_factory=lambda: {"default": 0.05},
        description="Subset to the largest drop accepted in it; `default` for the others.",
    )
    block_fraction: Share = Field(
        0.5, description="Block only on proof of more than this fraction of the tolerance."
    )
    looks: tuple[int, ...] = Field(
        (400, 800, 1600), description="Cumulative items per subset after the first look."
    )
    maximum_missing: Share = Field(
        0.02, alias="max_missing", description="A larger share of missing scores is no basis."
    )
    maximum_latency_ratio: float | None = Field(
        None, gt=0, description="Candidate's p95 latency over the baseline's."
    )
    maximum_cost_ratio: float | None = Field(
        None, gt=0, description="Candidate's cost per success over the baseline's."
    )
    minimum_judge_agreement: Share | None = Field(
        None, description="Lower bound of the panel's agreement with people; below: invalid."
    )
    maximum_golden_age_days: int | None = Field(
        None, ge=1, description="The newest golden version may not be older than this."
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _policy_is_coherent(self) -> Self:
        if "default" not in self.tolerances:
            raise ValueError("`tolerances` needs a `default`")
        for subset, tolerance in self.tolerances.items():
            if not 0 < tolerance < 1:
                raise ValueError(f"the tolerance of '{subset}' is {tolerance}, not between 0 and 1")
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError("`looks` must grow")
        return self

    def tolerance_of(self, subset: str) -> float:
        """The largest drop that the policy accepts in `subset`; 'all' is the aggregate's."""
        if subset == "all":
            return self.aggregate_tolerance
        return self.tolerances.get(subset, self.tolerances["default"])


class AlertsSettings(Section):
    """Where failures are told: a Slack-compatible webhook, by environment variable."""

    webhook_variable: str | None = Field(
        None,
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="The environment variable that holds the webhook's URL; none: no alerts.",
    )


class StorageSettings(Section):
    """Where results live."""

    lake: str = Field("lake", description="Folder, or s3:// gs:// az:// URL.")
    store: str = Field(
        "sqlite:///store.sqlite", description="SQLAlchemy URL, or env:VARIABLE that holds one."
    )


class AutomationSettings(Section):
    """When the daemon acts on its own (UTC)."""

    weekly_refresh: str = Field("0 2 * * 1", description="Cron of the intake and judging.")
    weekly_drift: str = Field("0 4 * * 1", description="Cron of the re-runs of old versions.")
    first_week: dt.date = Field(
        dt.date(2026, 1, 5), description="The first Monday that has a partition."
    )
    provider_poll_seconds: int = Field(
        3600, ge=30, description="How often the provider watch asks its canary prompts."
    )

    @model_validator(mode="after")
    def _first_week_is_a_monday(self) -> Self:
        if self.first_week.weekday() != 0:
            raise ValueError(f"`first_week` is {self.first_week:%A}, not a Monday")
        return self


class Settings(Section):
    """The whole configuration."""

    logs: LogsSettings
    contract: ContractSettings = ContractSettings()
    sampling: SamplingSettings = SamplingSettings()
    anonymisation: AnonymisationSettings = AnonymisationSettings()
    subsets: dict[Name, SubsetSettings]
    providers: dict[Name, ProviderSettings]
    rubrics: dict[Name, RubricSettings]
    judges: dict[Name, JudgeSettings]
    refuter: RefuterSettings | None = None
    panel: PanelSettings = PanelSettings()
    review: ReviewSettings = ReviewSettings()
    golden: GoldenSettings = GoldenSettings()
    systems: dict[Name, SystemSettings]
    baseline: Name
    candidates: CandidatesSettings = CandidatesSettings()
    scoring: dict[str, Scoring] = Field(
        {"default": PanelScoring()}, description="Per route, or `default`."
    )
    drift: DriftSettings = DriftSettings()
    gate: GateSettings = GateSettings()
    outcome: Literal["outcome", "feedback", "escalated"] | None = None
    alerts: AlertsSettings = AlertsSettings()
    storage: StorageSettings = StorageSettings()
    automation: AutomationSettings = AutomationSettings()

    @model_validator(mode="after")
    def _references_resolve(self) -> Self:
        problems = list(_dangling_references(self))
        families = {judge.family for judge in self.judges.values()}
        if len(families) < LEAST_FAMILIES:
            problems.append("`judges` needs at least two judges of at least two families")
        if self.panel.quorum > len(self.judges):
            problems.append(f"`panel.quorum` is {self.panel.quorum} of {len(self.judges)} judges")
        if not any(rubric.form == "pointwise" for rubric in self.rubrics.values()):
            problems.append("`rubrics` needs at least one pointwise rubric")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def scoring_of(self, route: str) -> Scoring:
        """How responses on this route are scored."""
        return self.scoring.get(route) or self.scoring["default"]


def _dangling_references(settings: Settings) -> list[str]:
    problems = []
    if settings.baseline not in settings.systems:
        problems.append(f"`baseline` names '{settings.baseline}', which is not under `systems`")
    users: dict[str, ModelSettings] = {
        **{f"systems.{name}": system for name, system in settings.systems.items()},
        **{f"judges.{name}": judge for name, judge in settings.judges.items()},
    }
    if settings.refuter is not None:
        users["refuter"] = settings.refuter
    problems += [
        f"`{key}.provider` names '{user.provider}', which is not under `providers`"
        for key, user in users.items()
        if user.provider not in settings.providers
    ]
    problems += [
        f"`drift.systems` names '{name}', which is not under `systems`"
        for name in settings.drift.systems
        if name not in settings.systems
    ]
    problems += [
        f"`gate.tolerances` names '{name}', which is not under `subsets`"
        for name in settings.gate.tolerances
        if name != "default" and name not in settings.subsets
    ]
    pairwise = any(rubric.form == "pairwise" for rubric in settings.rubrics.values())
    problems += [
        f"`scoring.{route}` compares answers, and `rubrics` has no pairwise rubric"
        for route, scoring in settings.scoring.items()
        if isinstance(scoring, PreferenceScoring) and not pairwise
    ]
    if "default" not in settings.scoring:
        problems.append("`scoring` needs a `default`")
    problems += [
        f"`scoring.{route}.judge` names '{scoring.judge}', which is not under `judges`"
        for route, scoring in settings.scoring.items()
        if isinstance(scoring, JudgeScoring) and scoring.judge not in settings.judges
    ]
    return problems
