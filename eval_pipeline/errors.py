"""Every failure a user can meet, one class each: what is wrong, what was left alone, the remedy."""

import datetime as dt
from collections.abc import Sequence


class EvalPipelineError(Exception):
    """Base of all foreseeable failures; its message is the whole of what a user sees."""


class SettingsError(EvalPipelineError):
    """The configuration cannot be used; nothing was read or written."""


class MissingEnvironmentError(EvalPipelineError):
    """A secret or key that the configuration names by variable is not set."""

    def __init__(self, variable: str, purpose: str) -> None:
        super().__init__(
            f"The environment variable {variable} is not set; it holds {purpose}. "
            f"Nothing was written. Set it (export {variable}=...) and run the same command again."
        )


class TableError(EvalPipelineError):
    """A frame does not have the shape that its table declares; nothing was written."""

    def __init__(self, table: str, problem: str) -> None:
        super().__init__(
            f"The frame for table '{table}' was refused: {problem}. Nothing was written. "
            "This is a defect of the step that made it, or data of another version of this program."
        )


class MissingPartitionError(EvalPipelineError):
    """A step needs a partition that has not been made yet."""

    def __init__(self, table: str, partition: str, command: str) -> None:
        super().__init__(
            f"Table '{table}' has no data for {partition}. Nothing was written. "
            f"Run `{command}` first, or materialise '{table}' in the UI."
        )


class CorruptFileError(EvalPipelineError):
    """A file in the lake or among the logs cannot be read as what it claims to be."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        super().__init__(
            f"The file {path} cannot be read: {problem}. Earlier results are untouched. {remedy}"
        )


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


class MissingScorerLibraryError(EvalPipelineError):
    """A scorer's library is not installed."""

    def __init__(self, scorer: str, library: str) -> None:
        super().__init__(
            f"The scorer '{scorer}' needs the library {library}, which is not installed. Nothing "
            "was scored; answers that are paid stay in the journal. "
            "Run: pip install 'eval-pipeline[scorers]'."
        )


class ProviderUnreachableError(EvalPipelineError):
    """A provider could not be reached at all; recorded calls are kept."""

    def __init__(self, provider: str, url: str, problem: str) -> None:
        super().__init__(
            f"Provider '{provider}' at {url} cannot be reached: {problem}. "
            "Calls already answered are kept in the journal. "
            "Check the address and the network, then run the same command again."
        )


class ProviderAccessError(EvalPipelineError):
    """A provider refuses the key, the account or its quota; recorded calls are kept."""

    def __init__(self, provider: str, status: int, variable: str | None) -> None:
        key = f"the key in {variable}" if variable else "that it needs no key"
        super().__init__(
            f"Provider '{provider}' refuses access (HTTP {status}). No further call was made and "
            "calls already answered are kept in the journal. "
            f"Check {key}, the account's rights and its quota, then run the same command again."
        )


class SpendingLimitError(EvalPipelineError):
    """A limit of `spending` would be passed; what was answered until then is recorded."""

    def __init__(
        self,
        purpose: str,
        *,
        setting: str,
        limit: float,
        scope: str,
        spent: str,
        missing: int,
        expected: str,
    ) -> None:
        lasting = setting.endswith(".minutes")
        remedy = (
            f"Run the same command again, or raise `{setting}` first"
            if lasting
            else f"Raise `{setting}` and run the same command again"
        )
        super().__init__(
            f"Calls for {purpose} stop at the limit `{setting}` of {limit:g}: all runs of "
            f"'{scope}' took {spent}, and {missing:,} calls are still without an answer "
            f"(expected: {expected}). What was answered is kept in the journal. "
            f"{remedy}: only the missing calls are made."
        )


class UnansweredCallsError(EvalPipelineError):
    """Too many calls of a step failed for its result to mean anything."""

    def __init__(self, purpose: str, failed: int, planned: int, commonest: str) -> None:
        super().__init__(
            f"{failed} of {planned} calls for {purpose} failed (most often: {commonest}). "
            "Nothing was written; answered calls are kept in the journal. "
            "Run the same command again: only the missing calls are made."
        )


class UnusableAnswersError(UnansweredCallsError):
    """Too many recorded answers are refusals or cannot be read; asking again changes nothing."""

    def __init__(self, purpose: str, unusable: int, planned: int, commonest: str) -> None:
        EvalPipelineError.__init__(
            self,
            f"{unusable} of {planned} calls for {purpose} gave no usable answer "
            f"(most often: {commonest}). Nothing was written; what was answered is kept in the "
            "journal and would be read the same again. Check the model and its parameters under "
            "`judges` and `refuter`, or raise `panel.maximum_failed_share`.",
        )


class ReconciliationError(EvalPipelineError):
    """Planned calls and the rows that should rest on them do not agree; nothing was written."""

    def __init__(self, table: str, problems: Sequence[str]) -> None:
        super().__init__(
            f"The rows for '{table}' do not account for every planned call: {'; '.join(problems)}. "
            "Nothing was written; what was answered is kept in the journal. This is a defect of "
            "the step, or its inputs changed while it ran: run the same command again."
        )


class MissingRubricError(EvalPipelineError):
    """No rubric of the form needed covers a route that occurs in the data."""

    def __init__(self, route: str, form: str) -> None:
        super().__init__(
            f"No {form} rubric applies to the route '{route}'. Nothing was asked or written. "
            f"Add the route to a {form} rubric under `rubrics`, or leave one rubric's `routes` "
            "empty so that it applies everywhere."
        )


class ReviewError(EvalPipelineError):
    """A label or an adjudication cannot be accepted; the store is unchanged."""


class CompositionError(EvalPipelineError):
    """The golden set cannot be composed as the policy demands; no version was published."""


class PublishConflictError(EvalPipelineError):
    """Another publisher created this golden version first; ours was discarded."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"Golden version {version} was published by someone else meanwhile. "
            "Theirs stands and ours was discarded. Run the same command again to build on it."
        )


class UnknownVersionError(EvalPipelineError):
    """No such golden version."""

    def __init__(self, version: int, known: list[int]) -> None:
        listed = ", ".join(str(number) for number in known) or "none yet"
        super().__init__(f"There is no golden version {version}; published: {listed}.")


class UnknownItemError(EvalPipelineError):
    """No golden version ever held such an item."""

    def __init__(self, item_id: str) -> None:
        super().__init__(
            f"No published golden version ever held an item '{item_id}'. Item ids begin with "
            "'item-'; `eval-pipeline golden diff` and the golden set's file list them."
        )


class BrokenChainError(EvalPipelineError):
    """A golden version does not rest on the manifest of its parent; it was not issued again."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"Golden version {version} does not rest on its parent's manifest, nor on one that "
            "an erasure replaced. It and the versions after it were not changed: hashes issued "
            "again would hide what happened. Restore the manifests from a backup "
            "(`eval-pipeline golden verify` says which), then run the same command again."
        )


class ErasedMeanwhileError(EvalPipelineError):
    """A person was erased from the golden set while a version was published on top of it."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"Golden version {version} was published while a person was being erased from the "
            "versions before it, and rests on what they were before. It stands and may hold that "
            "person's items. Run the same erasure again: it brings the version in line."
        )


class WithdrawalError(EvalPipelineError):
    """A withdrawal cannot be recorded; the store is unchanged."""


class StaleScreeningError(EvalPipelineError):
    """The sources were searched for the items of another golden version than the one at hand."""

    def __init__(self, candidate_id: str, found: Sequence[int], wanted: int) -> None:
        super().__init__(
            f"The contamination findings of '{candidate_id}' were made for golden version "
            f"{', '.join(map(str, found))}, and the evaluation stands on version {wanted}. Nothing "
            f"was written. Run `eval-pipeline evaluate --candidate {candidate_id}` again."
        )


class UnknownCandidateError(EvalPipelineError):
    """No candidate of this name is configured or opened."""

    def __init__(self, candidate: str, known: list[str]) -> None:
        listed = ", ".join(known) or "none"
        super().__init__(
            f"There is no candidate '{candidate}'; known: {listed}. Add it under `systems`, "
            "or put a file of that name into the folder that `candidates` names."
        )


class StoreError(EvalPipelineError):
    """The operational store cannot be reached or has another schema; nothing was written."""


class JobFailedError(EvalPipelineError):
    """A Dagster run failed; the reason is its first failed step's."""


class QueryError(EvalPipelineError):
    """A SQL statement could not be loaded or answered; nothing was written."""


class PartitionNameError(EvalPipelineError):
    """A partition's name cannot be a folder's name."""

    def __init__(self, partition: str) -> None:
        super().__init__(
            f"'{partition}' cannot name a partition. Nothing was written. Use at most 160 "
            "letters, digits and the signs _ . @ + -, starting with a letter or a digit."
        )


class LakeError(EvalPipelineError):
    """The lake cannot be reached or refuses the access; what it holds is untouched."""


class UnplannedLookError(EvalPipelineError):
    """The trials hold a look that the policy did not declare, so its error rate is unknown."""

    def __init__(self, look: int, planned: int) -> None:
        super().__init__(
            f"The trials hold items of look {look}, but the policy declares {planned}. "
            "No decision was made. Restore `gate.looks` as it was when the evaluation began, "
            "or evaluate the candidate anew."
        )


class LogsChangedError(EvalPipelineError):
    """Interactions that were drawn are no longer in the logs; nothing was written."""

    def __init__(self, missing: int, drawn: int) -> None:
        super().__init__(
            f"{missing} of the {drawn} drawn interactions are no longer in the week's logs. "
            "Nothing was written. Materialise `sampled_interactions` for the week again, "
            "and keep the logs of a week as they are once it is drawn."
        )


class DeskError(EvalPipelineError):
    """The review desk cannot listen where it was told to."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The review desk cannot listen on {host}, port {port}: another program may, or the "
            "address is not this machine's. Nothing was changed. Name another with --port or "
            "--host, or under `desk`."
        )
