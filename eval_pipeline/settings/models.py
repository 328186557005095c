"""Models, systems under test and candidates."""

from typing import Any, Final, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.naive import ConfidenceSettings, NaiveSettings
from eval_pipeline.settings.section import Name, Section

IN_PROCESS: Final = "in_process"
"""Stands for the provider of systems that no provider serves."""


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
    """A system under test: model, prompt and parameters under one identity.

    Or a naive system, that has `naive` and nothing else: it is answered in this process.
    """

    provider: Name = Field(
        IN_PROCESS, description="Which of `providers` serves it; required unless `naive` stands."
    )
    model: str = Field(
        "", description="The name that the provider knows it by; required unless `naive` stands."
    )
    naive: NaiveSettings | None = Field(
        None,
        description="What answers in place of a model: rules, templates, the nearest golden item "
        "or logistic regression. See naive-baselines.md.",
    )
    confidence: ConfidenceSettings | None = Field(
        None,
        description="What of an answer says how sure the system is; none: it is not said. See "
        "confidence.md.",
    )
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

    @model_validator(mode="before")
    @classmethod
    def _naive_names_itself(cls, values: Any) -> Any:
        naive = values.get("naive") if isinstance(values, dict) else None
        kind = naive.get("kind") if isinstance(naive, dict) else getattr(naive, "kind", None)
        return values if kind is None else {"model": f"naive-{kind}", **values}

    @model_validator(mode="after")
    def _served_or_naive(self) -> Self:
        if self.naive is None:
            missing = [
                key
                for key, given in (("provider", self.provider != IN_PROCESS), ("model", self.model))
                if not given
            ]
            if missing:
                raise ValueError(f"a system needs `{'` and `'.join(missing)}`, or `naive`")
            return self
        own = {"provider": IN_PROCESS, "model": f"naive-{self.naive.kind}", "naive": self.naive}
        for key, field in type(self).model_fields.items():
            given = getattr(self, key)
            if given != own.get(key, field.get_default(call_default_factory=True)):
                raise ValueError(
                    f"`{key}` says how a model is asked, and `naive` asks none; leave it out"
                )
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """What it answers by, and its prices; what is read from its answers is no part of it."""
        told = self.model_dump(mode="json", exclude={"confidence"})
        return {key: value for key, value in told.items() if key != "naive" or value is not None}


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
    providers: tuple[Name, ...] | None = Field(
        None, description="Which of `providers` a candidate file may use; none: all."
    )
    source_folders: tuple[str, ...] = Field(
        (),
        description="Folders beside the configuration's own in which a candidate file may name "
        "few-shot and fine-tuning files.",
    )
