"""The intake on the cluster: frames, draws and masks one week, and tells Dagster what came of it.

    spark-submit remote_intake.py

Started by the asset in `definitions.py` next to this file. It needs eval-pipeline installed, the
configuration (`EVAL_PIPELINE_CONFIG`), the key of the pseudonyms and a way to the lake. What the
cluster hands back are counts and checks; logged text stays in its memory.
"""

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg
from dagster_pipes import PipesContext, open_dagster_pipes

from assets import intake
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import load_project

TYPES: Final[Mapping[type, str]] = {
    dg.IntMetadataValue: "int",
    dg.FloatMetadataValue: "float",
    dg.MarkdownMetadataValue: "md",
    dg.PathMetadataValue: "path",
    dg.UrlMetadataValue: "url",
}


class RemoteIntakeError(EvalPipelineError):
    """The cluster could not finish the week's intake."""


def main() -> None:
    """Materialises the assets of the partition that Dagster asks for."""
    with open_dagster_pipes() as pipes:
        result = dg.materialize(
            [*intake.READING_LOGS, intake.production_logs],
            selection=dg.AssetSelection.assets(*intake.READING_LOGS),
            partition_key=pipes.partition_key,
            resources={"pipeline": Pipeline(load_project())},
            raise_on_error=False,
        )
        for event in result.all_events:
            report(pipes, event)
        for failed in result.filter_events(lambda event: event.is_step_failure):
            raise RemoteIntakeError(reason(failed))


def report(pipes: PipesContext, event: dg.DagsterEvent) -> None:
    """Passes on what an asset or a check said of itself."""
    if event.is_step_materialization:
        stored = event.step_materialization_data.materialization
        pipes.report_asset_materialization(
            asset_key=stored.asset_key.to_user_string(), metadata=told(stored.metadata)
        )
    elif event.event_type_value == "ASSET_CHECK_EVALUATION":
        check = event.asset_check_evaluation_data
        pipes.report_asset_check(
            asset_key=check.asset_key.to_user_string(),
            check_name=check.check_name,
            passed=check.passed,
            severity=check.severity.value,
            metadata=told(check.metadata),
        )


def told(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata in the words of Dagster's protocol."""
    return {
        name: {"raw_value": value.value, "type": TYPES.get(type(value), "text")}
        for name, value in metadata.items()
    }


def reason(failed: dg.DagsterEvent) -> str:
    """Our own errors say what happened and quote no text; of others, their class must do."""
    error = failed.step_failure_data.error
    cause = error.cause if error is not None and error.cause is not None else error
    if cause is None:
        return f"{failed.step_key} failed."
    ours = cause.message.startswith("eval_pipeline.errors.")
    return cause.message if ours else f"{failed.step_key} failed with {cause.cls_name}."


if __name__ == "__main__":
    main()
