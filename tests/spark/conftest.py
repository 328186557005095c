"""Spark is here for all tests of this folder, which share one process and its one Spark."""

import os
from collections.abc import Iterator

import pytest

from tests.spark_logs import missing, stop_spark

IGNORED = (
    # Spark's driver leaves its sockets to the collector.
    "ignore:unclosed:ResourceWarning",
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/spark/" in item.path.as_posix():
            for warning in IGNORED:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session", autouse=True)
def _spark_is_here() -> Iterator[None]:
    reason = missing()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have Spark. {reason}")
        pytest.skip(reason)
    yield
    stop_spark()
