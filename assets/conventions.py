"""What all assets share: partitions, owners, and how a table is told to Dagster.

Nothing here decides anything about evaluation; that belongs to `eval_pipeline`.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import dagster as dg
import polars as pl

from assets.freshness import freshness_of
from eval_pipeline import __version__
from eval_pipeline.errors import SettingsError
from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.flows.candidate_table import candidate_table
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.inert_text import for_markdown
from eval_pipeline.reports import candidate_table as candidate_words
from eval_pipeline.settings import AutomationSettings, ReviewSettings
from eval_pipeline.settings_file import default_config_path, load_project
from eval_pipeline.tables import Table

OWNERS: Final = ["team:data-engineering"]
GROUPS: Final = (
    "intake",
    "judging",
    "review",
    "calibration",
    "truth",
    "drift",
    "evaluation",
    "monitoring",
    "gate",
)
"""In reading order: no asset depends on one of a later group."""


def _configured() -> tuple[AutomationSettings, ReviewSettings]:
    """Of the configuration; without one, the defaults."""
    if not default_config_path().exists():
        return AutomationSettings(), ReviewSettings()
    settings = load_project().settings
    return settings.automation, settings.review


_automation, _review = _configured()
weekly: Final = dg.WeeklyPartitionsDefinition(
    start_date=_automation.first_week.isoformat(), day_offset=1, timezone="UTC"
)
candidates: Final = dg.DynamicPartitionsDefinition(name="candidates")
systems: Final = dg.DynamicPartitionsDefinition(name="systems")
"""Any system, the baseline among them; a candidate's partition here opens none for evaluation."""

PARTITIONS: Final = {"week": weekly, "candidate": candidates, "system": systems}

WHEN_INPUTS_ARE_SOUND: Final = (
    dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()
)
"""Downstream of the schedules: as soon as the inputs are there and no blocking check failed."""


def numbered(group: str) -> str:
    """The group as the UI is told it, which sorts groups by name."""
    if group not in GROUPS:
        raise SettingsError(f"'{group}' is not one of the groups {GROUPS}.")
    return f"{GROUPS.index(group) + 1}_{group}"


def table_asset(
    table: Table,
    *,
    group: str,
    kinds: Iterable[str],
    deps: Iterable[Any] = (),
    checks: Mapping[str, str] = MappingProxyType({}),
    warnings: Mapping[str, str] = MappingProxyType({}),
    automated: bool = False,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of an asset that fills `table`: its key, partitions, schema and owner.

    `checks` are blocking checks, with what they say, that the asset reports before it writes;
    `warnings` are checks that stop nothing.
    """
    return dg.asset(
        name=table.name,
        group_name=numbered(group),
        partitions_def=PARTITIONS[table.partitioned_by],
        owners=OWNERS,
        kinds=set(kinds),
        deps=list(deps),
        code_version=__version__,
        freshness_policy=freshness_of(table, automation=_automation, review=_review),
        metadata={"dagster/column_schema": column_schema(table), "grain": table.grain},
        check_specs=[
            dg.AssetCheckSpec(
                name, asset=table.name, blocking=name in checks, description=description
            )
            for name, description in {**checks, **warnings}.items()
        ],
        automation_condition=WHEN_INPUTS_ARE_SOUND if automated else None,
    )


def across(asset: dg.AssetsDefinition) -> dg.AssetDep:
    """A dependency between weeks and candidates: any partition may be read."""
    return dg.AssetDep(asset, partition_mapping=dg.AllPartitionMapping())


def column_schema(table: Table) -> dg.TableSchema:
    """The table's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=str(dtype),
                constraints=dg.TableColumnConstraints(
                    nullable=name not in table.required and name not in table.key,
                    unique=table.key == (name,),
                ),
            )
            for name, dtype in table.schema.items()
        ]
    )


def stored(
    pipeline: Pipeline,
    table: Table,
    frame: pl.DataFrame,
    *,
    partition: str,
    metadata: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[Any]:
    """Writes the partition and reports its rows."""
    rows = pipeline.lake.replace(table, frame, partition=partition)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, **(metadata or {})})


def counts(frame: pl.DataFrame, *columns: str) -> dg.MarkdownMetadataValue:
    """A Markdown table of how many rows there are per combination of `columns`."""
    grouped = frame.group_by(columns).len("rows").sort(columns, nulls_last=True)
    return markdown(grouped)


def markdown(frame: pl.DataFrame, *, limit: int = 60) -> dg.MarkdownMetadataValue:
    """A frame as a Markdown table, for reading in the UI."""
    header = f"| {' | '.join(map(for_markdown, frame.columns))} |\n|{'---|' * frame.width}\n"
    lines = [f"| {' | '.join(_cell(value) for value in row)} |" for row in frame.head(limit).rows()]
    cut = f"\n\n{frame.height - limit} further rows." if frame.height > limit else ""
    return dg.MetadataValue.md(header + "\n".join(lines) + cut)


def candidate_rows(
    pipeline: Pipeline, *, deciding: Decision | None = None
) -> dg.MarkdownMetadataValue:
    """All candidates evaluated so far beside the baseline, one a row."""
    table = candidate_table(pipeline, deciding=deciding)
    cells = candidate_words.rows(table.rows)
    return markdown(pl.DataFrame(cells, schema=list(candidate_words.COLUMNS), orient="row"))


def plot(svg: str, *, alt: str) -> dg.MarkdownMetadataValue:
    """An SVG as an image that the UI shows in place; nothing is fetched."""
    encoded = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![{alt}](data:image/svg+xml;base64,{encoded})")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value)
    return for_markdown(str(value))
