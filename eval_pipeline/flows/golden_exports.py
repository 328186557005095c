"""A published version as a file for another tool."""

from pathlib import Path
from typing import Final, Literal

from eval_pipeline.adapters.golden_exports import write_exports
from eval_pipeline.adapters.lake import parquet_bytes
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.truth.exports.formats import Export, export_for, export_jsonl
from eval_pipeline.truth.exports.records import Origin, origin_of, plain_frame

ExportFormat = Literal[
    "parquet", "jsonl", "promptfoo", "inspect", "deepeval", "langfuse", "langfuse-csv"
]
PLAIN: Final = frozenset({"parquet", "jsonl"})


def export_version(
    pipeline: Pipeline, *, version: int, file_format: ExportFormat
) -> tuple[Origin, Export]:
    """The files of a version in one of the formats, and where they come from; writes nothing.

    What a version holds no longer, as retired, erased or contaminated items, is in no export.
    """
    origin = origin_of(pipeline.golden.manifest(version))
    items = pipeline.golden.items(version)
    if file_format == "parquet":
        frame = plain_frame(items, origin)
        unknown = frame["reference_response"].null_count()
        return origin, Export({"": parquet_bytes(frame)}, frame.height, unknown, {})
    if file_format == "jsonl":
        return origin, export_jsonl(items, origin)
    return origin, export_for(file_format, items, origin)


def write_export(out: Path, export: Export, *, force: bool) -> list[Path]:
    """Writes the export's files; raises `ExportFileError` and overwrites nothing unforced."""
    return write_exports(out, export.files, force=force)
