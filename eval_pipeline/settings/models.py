"""Models, systems under test and candidates."""

from typing import Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Name, Section


class ModelSettings(Section):
    """A model behind a provider with its parameters and prices."""

    provider: Name = Field(description="Which of `providers` serves it.")
    model: str = Field(description="The name that the provider knows it by.")
    parameters: dict[str, float | int | str | bool] = Field(
        default_factory=dict,
        description="Sent with every call, such as temperature; a dot goes inside an object, as in "
        "thinking.budget_tokens. Common names are sent as the provider's API has them.",
    )
    usd_per_million_input_tokens: float = Field(
        0, ge=0, description="Price, for the reports of cost."
    )
    usd_per_million_output_tokens: float = Field(
        0, ge=0, description="Price, for the reports of cost."
    )


class SystemSettings(ModelSettings):
    """A system under test: model, prompt and parameters under one identity."""

    prompt: str = Field("", description="The system message put before each item's conversation.")
    family: str | None = Field(
        None, description="Who trained the model: no judge should be of the same family."
    )
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
