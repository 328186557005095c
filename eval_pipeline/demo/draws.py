"""Reproducible choices: every stream of draws is named by its purpose."""

import random

from eval_pipeline.fingerprint import seed_for


def stream(*purpose: str) -> random.Random:
    """A generator that is the same on every machine for the same purpose."""
    return random.Random(seed_for(*purpose))  # noqa: S311 - no secret depends on it
