"""The project's definitions, with the intake submitted to a Spark cluster through Dagster Pipes.

    dg dev -f deploy/spark/definitions.py

Everything but the three assets that read logs runs where Dagster runs. `SPARK_SUBMIT` is the
command that submits a program, with its options; `spark-submit` alone is the default.
"""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import dagster as dg

from assets.conventions import weekly
from assets.definitions import build_definitions
from assets.intake import READING_LOGS
from eval_pipeline.settings_file import load_project

PROGRAM: Final = Path(__file__).with_name("remote_intake.py")


def submitted(command: list[str]) -> dg.AssetsDefinition:
    """The three assets as one submitted program, with their own specs and checks."""

    @dg.multi_asset(
        name="intake_on_the_cluster",
        specs=[spec for asset in READING_LOGS for spec in asset.specs],
        check_specs=[spec for asset in READING_LOGS for spec in asset.check_specs],
        partitions_def=weekly,
    )
    def intake_on_the_cluster(
        context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient
    ) -> Iterator[Any]:
        yield from pipes.run(
            context=context,
            command=[*command, str(PROGRAM)],
        ).get_results()

    return intake_on_the_cluster


def build(command: list[str]) -> dg.Definitions:
    """The project's definitions with the three assets replaced by their submission."""
    local = build_definitions(load_project())
    replaced = {asset.key for asset in READING_LOGS}
    kept = [
        asset
        for asset in local.assets or []
        if not (isinstance(asset, dg.AssetsDefinition) and asset.keys & replaced)
    ]
    return dg.Definitions(
        assets=[*kept, submitted(command)],
        jobs=local.jobs,
        schedules=local.schedules,
        sensors=local.sensors,
        resources={**(local.resources or {}), "pipes": dg.PipesSubprocessClient()},
        executor=local.executor,
    )


defs = build(shlex.split(os.environ.get("SPARK_SUBMIT", "spark-submit")))
