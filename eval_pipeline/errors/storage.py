"""What cannot be read from or written to the lake and the store."""

from eval_pipeline.errors.base import EvalPipelineError


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


class PartitionNameError(EvalPipelineError):
    """A partition's name cannot be a folder's name."""

    def __init__(self, partition: str) -> None:
        super().__init__(
            f"'{partition}' cannot name a partition. Nothing was written. Use at most 160 "
            "letters, digits and the signs _ . @ + -, starting with a letter or a digit."
        )


class LakeError(EvalPipelineError):
    """The lake cannot be reached or refuses the access; what it holds is untouched."""


class StoreError(EvalPipelineError):
    """The operational store cannot be reached or has another schema; nothing was written."""


class BackupError(EvalPipelineError):
    """A backup cannot be made, is damaged or must not be restored as asked."""


class QueryError(EvalPipelineError):
    """A SQL statement could not be loaded or answered; nothing was written."""
