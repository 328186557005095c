"""The benchmark of publishing runs; its counts do not depend on the machine, so they are held."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_the_sixth_version_costs_the_requests_and_bytes_of_the_second(tmp_path):
    done = subprocess.run(
        [
            sys.executable, str(ROOT / "benchmarks" / "golden.py"), "--items=60", "--versions=6",
            "--rounds=1", "--no-bars", "--json", f"--scratch={tmp_path}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )  # fmt: skip
    measures = json.loads(done.stdout)["measures"]
    requests = measures["object store: requests"]["by_version"]
    # Four more weekly re-runs are there to be read.
    assert requests["6"]["median"] - requests["2"]["median"] == 4
    assert measures["bytes"]["ratio"] < 1.2
    assert measures["object store: bytes"]["ratio"] < 1.2
    assert {*measures["seconds"]["by_version"]} == {"2", "6"}
    assert list(tmp_path.iterdir()) == []
