"""The intake submitted to Spark through Dagster Pipes, by the example in `deploy/spark`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from eval_pipeline.tables import ANONYMISED_INTERACTIONS, SAMPLED_INTERACTIONS, SAMPLING_FRAME
from tests.scenario import ROOT, WEEKS, World
from tests.spark_logs import OPTIONS, missing

pytestmark = pytest.mark.slow

DEFINITIONS = ROOT / "deploy" / "spark" / "definitions.py"
REMOTE = (SAMPLING_FRAME, SAMPLED_INTERACTIONS, ANONYMISED_INTERACTIONS)
CHECKS = (
    ("sampling_frame", "logs_contract"),
    ("sampling_frame", "logs_warnings"),
    ("sampled_interactions", "sample_design"),
)
LOCAL = "local[2]"


@pytest.fixture
def spark_submit() -> str:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)  # the tests of Spark fail for it under CI
    import pyspark

    home = Path(pyspark.__file__).parent
    settings = {"spark.ui.enabled": "false", "spark.log.level": "ERROR", **OPTIONS}
    conf = " ".join(f"--conf {name}={value}" for name, value in settings.items())
    return f"{home}/bin/spark-submit --master {LOCAL} {conf}"


def on_spark(tree) -> None:
    tree["logs"].update(engine="spark", spark={"url": LOCAL, "options": {}})


def materialised(world: World, spark_submit: str) -> subprocess.CompletedProcess[str]:
    # Another test's Spark in this process tells itself things by these.
    of_spark = {name: None for name in os.environ if name.startswith(("SPARK_", "PYSPARK_"))}
    ours = {"SPARK_SUBMIT": spark_submit, "PYSPARK_PYTHON": sys.executable}
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("dg")), "launch", "-f", str(DEFINITIONS),
            "--partition", WEEKS[0], "--assets", ",".join(table.name for table in REMOTE),
        ],
        env=world.environment(**{**of_spark, **ours}),
        cwd=world.folder,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_a_submitted_intake_leaves_what_a_local_one_does(fresh_world, finished_world, spark_submit):
    fresh_world.configure(on_spark)
    fresh_world.home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", fresh_world.home)
    done = materialised(fresh_world, spark_submit)
    assert done.returncode == 0, done.stderr[-3000:]
    with fresh_world.pipeline() as there, finished_world.pipeline() as here:
        for table in REMOTE:
            found = there.lake.read(table, partition=WEEKS[0])
            assert found.equals(here.lake.read(table, partition=WEEKS[0])), table.name
    with fresh_world.entered(), dg.DagsterInstance.get() as instance:
        for table in REMOTE:
            stored = instance.get_latest_materialization_event(dg.AssetKey(table.name))
            assert stored is not None
            assert stored.asset_materialization.partition == WEEKS[0]
            assert stored.asset_materialization.metadata["dagster/row_count"].value > 0
        for asset, check in CHECKS:
            key = dg.AssetCheckKey(dg.AssetKey(asset), check)
            told = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
            assert told[0].status == AssetCheckExecutionRecordStatus.SUCCEEDED
            assert told[0].event.dagster_event.asset_check_evaluation_data.metadata["report"]


def test_a_submitted_intake_that_fails_says_why(fresh_world, spark_submit):
    fresh_world.configure(on_spark)
    fresh_world.home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", fresh_world.home)
    shutil.rmtree(fresh_world.logs / f"week={WEEKS[0]}")
    done = materialised(fresh_world, spark_submit)
    assert done.returncode != 0
    assert f"hold no interaction in the week of {WEEKS[0]}" in done.stdout + done.stderr
