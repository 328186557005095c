"""Failures of shadow mode."""

from eval_pipeline.errors.base import EvalPipelineError


class ShadowError(EvalPipelineError):
    """There is nothing to shadow, or the mirror must not be started as asked."""

    def __init__(self, candidate: str, problem: str, remedy: str = "") -> None:
        super().__init__(
            f"The shadow of '{candidate}' was not run: {problem}. Nothing was asked or written."
            + (f" {remedy}" if remedy else "")
        )


class MirrorAddressError(EvalPipelineError):
    """The mirror could not listen where it was told to."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The mirror cannot listen on {host}:{port}: the address is taken or not this "
            "machine's. Nothing was forwarded. Name another with --host and --port."
        )
