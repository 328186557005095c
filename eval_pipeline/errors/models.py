"""What keeps models from answering, and answers from counting."""

from collections.abc import Sequence

from eval_pipeline.errors.base import EvalPipelineError, SettingsError


class ProviderUnreachableError(EvalPipelineError):
    """A provider could not be reached at all; recorded calls are kept."""

    def __init__(self, provider: str, url: str, problem: str) -> None:
        super().__init__(
            f"Provider '{provider}' at {url} cannot be reached: {problem}. "
            "Calls already answered are kept in the journal. "
            "Check the address and the network, then run the same command again."
        )


class RefusedDestinationError(SettingsError):
    """A setting names a place that may not be connected to; nothing was sent."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(
            f"`{setting}` {problem}. Nothing was sent. See `network` in the reference."
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


class MissingScorerLibraryError(EvalPipelineError):
    """A scorer's library is not installed."""

    def __init__(self, scorer: str, library: str) -> None:
        super().__init__(
            f"The scorer '{scorer}' needs the library {library}, which is not installed. Nothing "
            "was scored; answers that are paid stay in the journal. "
            "Run: pip install 'eval-pipeline[scorers]'."
        )
