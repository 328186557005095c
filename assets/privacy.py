"""The privacy asset: how well the week was masked, for those who answer for personal data.

No canary, estimate or limit belongs here.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.conventions import markdown, plot, stored, table_asset
from assets.intake import anonymised_interactions
from assets.leaks import privacy_check
from eval_pipeline.flows import privacy
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.privacy_plots import recall_chart
from eval_pipeline.tables import ANONYMISATION_REPORT


@table_asset(
    ANONYMISATION_REPORT,
    group="intake",
    kinds={"python", "parquet"},
    deps=[anonymised_interactions],
    warnings={
        "canary_recall": "Enough of the planted canaries were masked whole, and of every kind.",
        "group_size": "No group of people is smaller than the policy wants.",
    },
    automated=True,
)
def anonymisation_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Measures the week's masking by scans and canaries and writes the page that says so."""
    week = context.partition_key
    reported = privacy.report_week(pipeline, week=week)
    warn = dg.AssetCheckSeverity.WARN
    yield privacy_check("canary_recall", ANONYMISATION_REPORT, reported.recall, severity=warn)
    yield privacy_check("group_size", ANONYMISATION_REPORT, reported.groups, severity=warn)
    page = privacy.write_privacy_page(pipeline, reported, week=week)
    yield stored(
        pipeline,
        ANONYMISATION_REPORT,
        reported.report,
        partition=week,
        metadata={
            **{f"canary {name}": value for name, value in reported.recall.figures.items()},
            "recall": plot(recall_chart(reported.until_now), alt="recall of canaries by week"),
            "report": markdown(reported.shown, limit=120),
            "page": dg.MetadataValue.url(page) if "://" in page else dg.MetadataValue.path(page),
        },
    )
