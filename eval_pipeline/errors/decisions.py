"""What keeps candidates from being compared and decided on."""

from collections.abc import Sequence

from eval_pipeline.errors.base import EvalPipelineError


class UnknownCandidateError(EvalPipelineError):
    """No candidate of this name is configured or opened."""

    def __init__(self, candidate: str, known: list[str]) -> None:
        listed = ", ".join(known) or "none"
        super().__init__(
            f"There is no candidate '{candidate}'; known: {listed}. Add it under `systems`, "
            "or put a file of that name into the folder that `candidates` names."
        )


class NewerDecisionError(EvalPipelineError):
    """A decision was written by a later program than this one."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"This decision has schema version {found}, and this program knows {known}: a newer "
            "eval-pipeline wrote it. Nothing was written. Install that version or a later one."
        )


class UnknownDecisionError(EvalPipelineError):
    """No decision, or more than one, is meant."""

    def __init__(self, asked: str, several: Sequence[str] = ()) -> None:
        if several:
            listed = ", ".join(several)
            told = f"'{asked}' begins several decisions' ids: {listed}. Write more of it."
        else:
            told = (
                f"There is no decision '{asked}' on record. Name a candidate that was decided on, "
                "or a decision's id or the first six letters of it; `eval-pipeline gate "
                "--candidate NAME` makes one."
            )
        super().__init__(told)


class StaleScreeningError(EvalPipelineError):
    """The sources were searched for the items of another golden version than the one at hand."""

    def __init__(self, candidate_id: str, found: Sequence[int], wanted: int) -> None:
        super().__init__(
            f"The contamination findings of '{candidate_id}' were made for golden version "
            f"{', '.join(map(str, found))}, and the evaluation stands on version {wanted}. Nothing "
            f"was written. Run `eval-pipeline evaluate --candidate {candidate_id}` again."
        )


class StaleReportError(EvalPipelineError):
    """The comparison in the lake is not the one that its trials and today's policy give."""

    def __init__(self, candidate: str) -> None:
        super().__init__(
            f"The comparison of candidate '{candidate}' was made under another policy, or from "
            "other trials, than those of now. Nothing was decided. Materialise 'regression_report' "
            f"again, or run `eval-pipeline gate --candidate {candidate}`, which does."
        )


class TrialWeightError(EvalPipelineError):
    """Items weigh what no estimate can use; nothing was compared."""

    def __init__(self, unusable: int, missing: int) -> None:
        super().__init__(
            f"{unusable} items have no usable weight ({missing} have none at all, the others are "
            "negative or not finite). Nothing was compared. Give every item of the trials a "
            "`weight` of 0 or more, or leave the column out to count all items alike."
        )


class UnplannedLookError(EvalPipelineError):
    """The trials hold a look that the policy did not declare, so its error rate is unknown."""

    def __init__(self, look: int, planned: int) -> None:
        super().__init__(
            f"The trials hold items of look {look}, but the policy declares {planned}. "
            "No decision was made. Restore `gate.looks` as it was when the evaluation began, "
            "or evaluate the candidate anew."
        )


class ContinuationError(EvalPipelineError):
    """An undecided candidate cannot be continued; nothing was asked or written."""

    def __init__(self, candidate_id: str, problem: str, remedy: str) -> None:
        super().__init__(
            f"Candidate '{candidate_id}' cannot be continued: {problem}. "
            f"Nothing was asked. {remedy}"
        )


class InfeasibleGateError(EvalPipelineError):
    """Gated subsets can never be certified with the items there will be; nothing was asked."""

    def __init__(self, candidate_id: str, told: Sequence[str]) -> None:
        super().__init__(
            f"Candidate '{candidate_id}' cannot pass whatever it answers: {'; '.join(told)}. "
            "Nothing was asked. Widen the tolerances, merge the subsets, raise "
            "`gate.planning.horizon_weeks`, or set `gate.planning.refuse_infeasible: false`."
        )


class PolicyRecordError(EvalPipelineError):
    """A waiver, approval or promotion cannot be recorded; nothing was written."""


class ArmsDisagreeError(EvalPipelineError):
    """The two arms say different things of the same items, so they cannot be paired."""

    def __init__(self, column: str, items: int, example: str) -> None:
        super().__init__(
            f"The rows of {items} item{'s' if items != 1 else ''} (the first is '{example}') "
            f"differ in `{column}`, which belongs to the item: nothing was compared. Give every "
            "trial of an item, in both files, the same subsets, cluster_id and weight."
        )


class ResultFileError(EvalPipelineError):
    """A file of scored trials cannot be used; nothing was compared."""

    def __init__(self, file: str, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {problem}. Nothing was compared. {remedy}")
