"""What keeps labels from being recorded and golden versions from being published."""

from eval_pipeline.errors.base import EvalPipelineError


class ReviewError(EvalPipelineError):
    """A label or an adjudication cannot be accepted; the store is unchanged."""


class DeskError(EvalPipelineError):
    """The review desk cannot listen where it was told to."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The review desk cannot listen on {host}, port {port}: another program may, or the "
            "address is not this machine's. Nothing was changed. Name another with --port or "
            "--host, or under `desk`."
        )


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
