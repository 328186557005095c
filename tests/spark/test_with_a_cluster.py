"""A cluster and a Connect server of this machine draw the same; last, for each is another Spark."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.adapters.spark.sessions import spark_session
from tests.spark_logs import (
    ARRIVAL,
    OPTIONS,
    SHORT_LIVED,
    THE_DRAW,
    assert_alike,
    logs,
    records,
    stop_spark,
    write_lines,
    write_parquet,
)

pytestmark = pytest.mark.slow

CONNECT_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


@contextlib.contextmanager
def processes(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts Spark's own programs on the loopback, and stops those it started."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1", "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_DAEMON_JAVA_OPTS": SHORT_LIVED,
    }  # fmt: skip
    running: list[subprocess.Popen[bytes]] = []

    def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (folder / "spark.log").open("ab") as log:
            command = [str(home / "bin" / program), *arguments]
            running.append(
                subprocess.Popen(
                    command, env=environment, stdout=log, stderr=log, start_new_session=True
                )
            )
        return running[-1]

    try:
        yield start
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    with contextlib.closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def until_it_answers(port: int, *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    pytest.fail("Spark did not start in time")


def conf(key: str, value: str) -> tuple[str, str]:
    return "--conf", f"{key}={value}"


def executors(session: Any) -> int:
    """How many machines do the work, the driver not counted."""
    return int(session.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1


def test_a_cluster_of_two_workers_draws_the_same(tmp_path) -> None:
    stop_spark()
    file = write_parquet(tmp_path / "a.parquet", records())
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    with processes(tmp_path) as start:
        place = ("--host", "127.0.0.1", "--webui-port", "0")
        start("spark-class", "org.apache.spark.deploy.master.Master", "--port", str(port), *place)
        until_it_answers(port)
        for number in range(2):
            start(
                "spark-class", "org.apache.spark.deploy.worker.Worker", *place, "--cores", "1",
                "--memory", "600m", "--work-dir", str(tmp_path / f"worker-{number}"), url,
            )  # fmt: skip
        options = {
            **OPTIONS, "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1", "spark.executor.memory": "512m",
            "spark.scheduler.minRegisteredResourcesRatio": "1", "spark.cores.max": "2",
            "spark.executor.extraJavaOptions": SHORT_LIVED,
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
        }  # fmt: skip
        try:
            settings = logs(columns=ARRIVAL, spark={"url": url, "options": options})
            assert_alike(settings, [file], names=THE_DRAW)
            with spark_session(settings.spark) as session:
                assert executors(session) == 2
        finally:
            stop_spark()


def test_spark_connect_draws_the_same(tmp_path) -> None:
    stop_spark()
    file = write_lines(tmp_path / "a.jsonl", records())
    port = free_port()
    with processes(tmp_path) as start:
        start(
            "spark-submit", "--master", "local[2]", "--class", CONNECT_SERVER,
            *conf("spark.connect.grpc.binding.address", "127.0.0.1"),
            *conf("spark.connect.grpc.binding.port", str(port)),
            *conf("spark.ui.enabled", "false"), *conf("spark.driver.bindAddress", "127.0.0.1"),
            *(part for option in OPTIONS.items() for part in conf(*option)), "spark-internal",
        )  # fmt: skip
        until_it_answers(port)
        settings = logs(columns=ARRIVAL, spark={"url": f"sc://127.0.0.1:{port}"})
        assert_alike(settings, [file], names=THE_DRAW)
