"""Providers, judges, rubrics, systems under test and candidates."""

from typing import Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Name, Section, Share


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


class SystemSettings(ModelSettings):
    """A system under test: model, prompt and parameters under one identity."""

    prompt: str = Field("", description="The system message put before each item's conversation.")
    family: str | None = Field(None, description="Who trained the model.")
    few_shot_files: tuple[str, ...] = Field(
        (), description="Files with the examples that its prompt shows: paths or patterns."
    )
    fine_tuning_files: tuple[str, ...] = Field(
        (), description="Files that it was trained on: paths or patterns, text or JSONL."
    )


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
