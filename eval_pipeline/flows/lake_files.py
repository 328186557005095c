"""Reads every file of the lake that a number can come from, and says which are damaged."""

from collections.abc import Iterator

from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import ALL_TABLES, ERASURES, SHADOW_COUNTS, SHADOW_PAIRS


def examined_files(pipeline: Pipeline) -> Iterator[str | None]:
    """One for each partition, golden version and decision record: None, or what is wrong with it.

    A partition is read whole, a version's hashes are computed again.
    """
    lake = pipeline.lake
    for table in (*ALL_TABLES, ERASURES, SHADOW_PAIRS, SHADOW_COUNTS):
        try:
            partitions = lake.partitions(table)
        except EvalPipelineError as error:
            yield str(error)
            continue
        for partition in partitions:
            try:
                lake.read(table, partition=partition)
            except EvalPipelineError as error:
                yield str(error)
            else:
                yield None
    for version in pipeline.golden.numbers():
        problems = pipeline.golden.verify(version)
        yield f"Golden version {version}: {'; '.join(problems)}" if problems else None
    for decision_id in pipeline.decision_records.ids():
        try:
            pipeline.decision_records.load(decision_id)
        except EvalPipelineError as error:
            yield str(error)
        else:
            yield None
