"""The intake's benchmark runs; on so few rows its ratios say nothing, so no bar is held."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_intake_benchmark_tells_every_ratio(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "benchmarks" / "intake.py"),
            "--rows=20000",
            "--rounds=1",
            "--layouts=pages-64k",
            "--no-bars",
            f"--scratch={tmp_path}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    # Four bars for a layout, and one on growth.
    assert sum("(bar" in line for line in done.stdout.splitlines()) == 5
    assert list(tmp_path.iterdir()) == []
