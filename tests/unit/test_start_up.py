"""What starting costs: a command imports the libraries it uses, when it uses them."""

import os
import subprocess
import sys

import pytest

from tests.scenario import KEY, ROOT

HEAVY = {
    "alembic",
    "dagster",
    "datasketch",
    "fastapi",
    "great_expectations",
    "matplotlib",
    "pandas",
    "presidio_analyzer",
    "pyspark",
    "scipy.sparse",
    "scipy.stats",
    "sklearn",
    "uvicorn",
}


@pytest.mark.parametrize(
    ("module", "spared"),
    [("eval_pipeline.cli", HEAVY), ("assets.definitions", HEAVY - {"dagster"})],
)
def test_nothing_heavy_is_imported_before_it_is_used(module, spared):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        env={**os.environ, "EVAL_PIPELINE_KEY": KEY},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert sorted(loaded & spared) == []
