"""The public data that some tests read, where they are: see `EVAL_PIPELINE_REAL_DATA`."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = (ROOT / os.environ.get("EVAL_PIPELINE_REAL_DATA", "../shared/data")).resolve()


def needs(*folders: str) -> pytest.MarkDecorator:
    """Skips a test where one of these folders of the data is absent."""
    absent = [folder for folder in folders if not (DATA / folder).is_dir()]
    reason = f"the public data {', '.join(absent)} are not in what EVAL_PIPELINE_REAL_DATA names"
    return pytest.mark.skipif(bool(absent), reason=reason)
