"""What can go wrong with a file that is to be masked; no message quotes what the file holds."""

from collections.abc import Mapping, Sequence

from eval_pipeline.errors import EvalPipelineError


class AnonymiseRequestError(EvalPipelineError):
    """The command cannot be done as it was asked for; nothing was read or written."""


class UnreadableFileError(EvalPipelineError):
    """The input is missing, cut off or not what it claims to be; no output was written."""

    def __init__(self, name: str, problem: str, remedy: str = "") -> None:
        super().__init__(
            f"{name} cannot be read: {problem}. No output was written. {remedy}".strip()
        )


class UnwritableFileError(EvalPipelineError):
    """The output cannot be written; what stood there before is untouched."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            f"{name} cannot be written: {problem}. What stood there before is untouched."
        )


class BadLinesError(EvalPipelineError):
    """Some lines are no JSON, and nobody said that they may be left out."""

    def __init__(self, count: int, numbers: Sequence[int], problems: Mapping[str, int]) -> None:
        listed = ", ".join(str(number) for number in numbers)
        more = ", …" if count > len(numbers) else ""
        why = ", ".join(f"{problem} {lines}" for problem, lines in sorted(problems.items()))
        super().__init__(
            f"{count} lines are no JSON (line {listed}{more}: {why}). No output was written. "
            "Mend them, or leave them out with --skip-bad-lines."
        )


class UnknownFieldError(EvalPipelineError):
    """A field that was named occurs in no record."""

    def __init__(self, option: str, field: str, records: int) -> None:
        super().__init__(
            f"{option}: the field '{field}' occurs in none of the {records} records. "
            "No output was written. Keys are joined by dots and [] goes into a list, as in "
            "messages[].content; a dot that is part of a key is written as \\."
        )


class ResidualFileError(EvalPipelineError):
    """The second scan still found personal data in what was to be written."""

    def __init__(self, kinds: Mapping[str, int], count: int, numbers: Sequence[int]) -> None:
        found = ", ".join(f"{kind} {spans}" for kind, spans in sorted(kinds.items()))
        listed = ", ".join(str(number) for number in numbers)
        more = ", …" if count > len(numbers) else ""
        super().__init__(
            f"The second scan still found personal data in {count} conversations after masking "
            f"({found}; the first record of each: {listed}{more}). No output was written. Add a "
            "pattern under `anonymisation.custom_patterns`, or report what was missed."
        )


class PersonalKeysError(EvalPipelineError):
    """Keys stay as they are, and some of them are personal data themselves."""

    def __init__(self, kinds: Mapping[str, int]) -> None:
        found = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        super().__init__(
            f"Keys of objects are kept, and some are personal data themselves ({found}). "
            "No output was written. Turn these keys into values before masking, or accept them "
            "with --keep-keys."
        )


class MaskingFailedError(EvalPipelineError):
    """Masking one record failed for a reason whose own words might quote it."""

    def __init__(self, cause: str, record: int) -> None:
        super().__init__(
            f"Masking record {record} failed with {cause}. No output was written, and the cause's "
            "own words are withheld because they may quote the text."
        )


class MaskingInterruptedError(EvalPipelineError):
    """Somebody stopped it."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Interrupted. No output was written.")


class WorkerLostError(EvalPipelineError):
    """A worker process ended before its work was done."""

    def __init__(self) -> None:
        super().__init__(
            "A worker process ended unexpectedly, often because memory ran out. No output was "
            "written. Run the same command with fewer --processes."
        )
