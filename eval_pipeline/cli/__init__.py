"""The command line: every job of the daemon, and what a person or CI needs around it."""

from eval_pipeline.cli.app import app

__all__ = ["app"]
