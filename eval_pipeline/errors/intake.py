"""What keeps logs from being drawn, and text from being masked."""

import datetime as dt
from collections.abc import Sequence

from eval_pipeline.errors.base import EvalPipelineError


class LogsNotFoundError(EvalPipelineError):
    """The configured log location holds no files."""

    def __init__(self, location: str) -> None:
        super().__init__(
            f"No log files match '{location}'. Nothing was written. "
            "Check `logs.path` in the configuration, or run `eval-pipeline doctor`."
        )


class LogSchemaError(EvalPipelineError):
    """The logs lack columns that the canonical schema needs."""

    def __init__(self, location: str, problem: str) -> None:
        super().__init__(
            f"The logs at '{location}' do not fit `logs.format`: {problem}. Nothing was written. "
            "Name the right format or map the columns under `logs.columns`."
        )


class EmptyWeekError(EvalPipelineError):
    """The week holds no interactions to sample from."""

    def __init__(self, week: str, location: str) -> None:
        super().__init__(
            f"The logs at '{location}' hold no interaction in the week of {week}. "
            "Nothing was written and earlier weeks are untouched. "
            "Check that the week's logs have arrived, then run the same command again."
        )


class WeekNotClosedError(EvalPipelineError):
    """The week is not over, or its watermark has not passed: rows may still arrive."""

    def __init__(self, week: str, closes: dt.datetime) -> None:
        super().__init__(
            f"The week of {week} closes at {closes:%Y-%m-%d %H:%M} UTC, when its end and "
            "`logs.watermark_hours` have passed. Nothing was written. Run the same command after "
            "that, or lower the watermark if your logs are complete sooner."
        )


class FrameChangedError(EvalPipelineError):
    """The logs no longer hold what the week's frame counted, so no probability would be true."""

    def __init__(self, week: str, strata: Sequence[str]) -> None:
        super().__init__(
            f"The logs of the week of {week} have changed since `sampling_frame` counted them "
            f"(strata: {', '.join(strata)}). Nothing was written. "
            f"Run `eval-pipeline refresh --week {week}` again: it counts and draws anew."
        )


class LogsChangedError(EvalPipelineError):
    """Interactions that were drawn are no longer in the logs; nothing was written."""

    def __init__(self, missing: int, drawn: int) -> None:
        super().__init__(
            f"{missing} of the {drawn} drawn interactions are no longer in the week's logs. "
            "Nothing was written. Materialise `sampled_interactions` for the week again, "
            "and keep the logs of a week as they are once it is drawn."
        )


class ContractError(EvalPipelineError):
    """The week's logs break the data contract past its limit."""


class ResidualTextError(EvalPipelineError):
    """Personal data survived anonymisation; the partition was blocked and nothing was written.

    Carries counts and kinds only, never the text.
    """

    def __init__(self, interactions: int, kinds: dict[str, int]) -> None:
        self.interactions = interactions
        self.kinds = kinds
        found = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        super().__init__(
            f"The residual scan still found personal data in {interactions} interactions "
            f"after masking ({found}). Nothing was written. Add a pattern under "
            "`anonymisation.custom_patterns` or report the recogniser that missed it."
        )


class KnownValueError(EvalPipelineError):
    """Values of real customers survived anonymisation; the partition was blocked.

    Carries counts only, never a value.
    """

    def __init__(self, interactions: int, occurrences: int) -> None:
        super().__init__(
            f"The known-value scan found {occurrences} occurrences of known values in "
            f"{interactions} interactions after masking. Nothing was written. Add a pattern under "
            "`anonymisation.custom_patterns` that masks such values, or take a value that is a "
            "plain word out of `anonymisation.known_values.file`."
        )


class KnownValuesFileError(EvalPipelineError):
    """The file of known values cannot be used; nothing was read from the logs or written."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"The known values in {path} cannot be used: {problem}. Nothing was written. "
            "Give one value a line, or hash the file again with this project's key, and name it "
            "under `anonymisation.known_values.file`."
        )


class AnonymisationError(EvalPipelineError):
    """Masking failed for a reason whose own message might quote the text."""

    def __init__(self, week: str, cause: str) -> None:
        super().__init__(
            f"Masking the interactions of {week} failed with {cause}. Nothing was written, and "
            "the cause's own words are withheld because they may quote the text. "
            "Run `eval-pipeline doctor`, which masks a few rows in memory and says which fails."
        )


class ModelFileError(EvalPipelineError):
    """A file is no model of names."""

    def __init__(self) -> None:
        super().__init__(
            "The file is no model of names, or is cut off. Nothing was masked. Train it again with "
            "`eval-pipeline anonymise train`, or leave `anonymisation.name_models` empty for the "
            "models that are shipped."
        )


class MissingTrainingLibraryError(EvalPipelineError):
    """A library that models of names are trained with is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(
            f"Training a model of names needs the library {library}, which is not installed. "
            "Nothing was read or written, and the shipped models work without it. "
            "Run: pip install 'eval-pipeline[train]'."
        )
