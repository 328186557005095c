import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "malformed_logs.py"


@pytest.fixture(scope="module")
def malformed_logs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("malformed_logs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclass looks its module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_thousand_malformed_rows_are_counted_and_no_good_one_is_lost(
    malformed_logs: ModuleType, tmp_path: Path
) -> None:
    written = malformed_logs.write_files(
        tmp_path, good=100_000, malformed=1_000, seed=20261116, large=1
    )
    assert (written.good, written.malformed.total()) == (100_000, 1_000)
    assert malformed_logs.problems(written, malformed_logs.read_back(written.files)) == []


def test_the_reconciliation_notices_a_lost_a_changed_and_an_uncounted_row(
    malformed_logs: ModuleType, tmp_path: Path
) -> None:
    written = malformed_logs.write_files(tmp_path, good=50, malformed=10, seed=1, large=0)
    good, malformed, digest = malformed_logs.read_back(written.files)
    assert malformed_logs.problems(written, (good, malformed, digest)) == []
    for spoilt in ((good - 1, malformed, digest), (good, malformed, digest ^ 1)):
        assert len(malformed_logs.problems(written, spoilt)) == 1
    uncounted = type(malformed)({**malformed, "malformed_line": malformed["malformed_line"] - 1})
    assert len(malformed_logs.problems(written, (good, uncounted, digest))) == 1
