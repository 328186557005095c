"""Keeps the ground truth of LLM evals fresh and turns it into a release decision."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("eval-pipeline")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"
