"""The asset of a system's load profile.

No rule belongs here; they stand in `eval_pipeline.monitoring.load`.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from assets.conventions import across, markdown, plot, stored, table_asset
from assets.truth import golden_set
from eval_pipeline.flows import load_profile as load_flow
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import load_plots, load_profile_words
from eval_pipeline.tables import LOAD_PROFILE


class LoadConfig(dg.Config):
    """What a person asks of this profile; empty or null: as the configuration says."""

    ramp: list[int] = Field(default_factory=list)
    rates: list[float] = Field(default_factory=list)
    seconds_per_step: float | None = None
    requests_per_step: int | None = None
    maximum_requests: int | None = None
    maximum_usd: float | None = None

    def order(self) -> load_flow.LoadOrder:
        """The order that the flow takes."""
        return load_flow.LoadOrder(
            ramp=tuple(self.ramp) or None,
            rates=tuple(self.rates) or None,
            seconds_per_step=self.seconds_per_step,
            requests_per_step=self.requests_per_step,
            maximum_requests=self.maximum_requests,
            maximum_usd=self.maximum_usd,
        )


# Not automated: it presses a provider and costs money, so a person says when.
@table_asset(
    LOAD_PROFILE,
    group="monitoring",
    kinds={"llm", "scipy", "parquet"},
    deps=[across(golden_set)],
)
def load_profile(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline], config: LoadConfig
) -> dg.MaterializeResult[Any]:
    """Throughput, latency and errors under growing load, the rate limit, where it degrades."""
    system_id = context.partition_key
    profiled = load_flow.profile_system(pipeline, system_id, order=config.order())
    return stored(
        pipeline,
        LOAD_PROFILE,
        profiled.rows,
        partition=system_id,
        metadata={
            "said": dg.MetadataValue.md(
                "\n".join(f"- {line}" for line in load_profile_words.sentences(profiled.rows))
            ),
            "steps": markdown(load_profile_words.step_table(profiled.rows)),
            "advice": markdown(load_profile_words.advice_table(profiled.rows)),
            "load": plot(
                load_plots.load_chart(profiled.rows), alt="throughput and latency by load"
            ),
            "requests": profiled.paid.calls,
            "cost_usd": profiled.paid.usd,
            "stopped": profiled.stopped or "no",
        },
    )
