"""The base of all foreseeable failures, and those of the configuration and of runs."""


class EvalPipelineError(Exception):
    """Base of all foreseeable failures; its message is the whole of what a user sees."""


class SettingsError(EvalPipelineError):
    """The configuration cannot be used; nothing was read or written."""


class MissingEnvironmentError(EvalPipelineError):
    """A secret or key that the configuration names by variable is not set."""

    def __init__(self, variable: str, purpose: str) -> None:
        super().__init__(
            f"The environment variable {variable} is not set; it holds {purpose}. "
            f"Nothing was written. Set it (export {variable}=...), or {variable}_FILE to the path "
            "of a file that holds it, and run the same command again."
        )


class JobFailedError(EvalPipelineError):
    """A Dagster run failed; the reason is its first failed step's."""
