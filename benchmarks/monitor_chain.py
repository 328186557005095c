"""The monitor's whole stage, from counted frames to findings, against its comparison alone."""

import datetime as dt
from decimal import Decimal
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.anomalies import monitor_week
from eval_pipeline.monitoring.comparison import judge
from eval_pipeline.monitoring.scales import Figures
from eval_pipeline.monitoring.traffic import WeekTraffic
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.tables import PRODUCTION_MONITOR

ROUTES: Final = ("billing", "orders", "returns")
WEEKS: Final = 30
COUNTS: Final = (
    "errors", "finish_reasons", "refusals", "escalations_known", "escalations", "costs",
    "feedbacks", "outcomes", "input_tokens", "output_tokens",
)  # fmt: skip
SUMS: Final = ("cost", "feedback", "outcome", "input_token", "output_token")
FIRST: Final = dt.date(2026, 1, 5)


def counted(cases: dict[str, tuple[int, int]]) -> WeekTraffic:
    """What the statements would say of (interactions, refusals) by route, with a flat cost."""
    rows = []
    for route, (interactions, refusals) in cases.items():
        sums = {f"{name}_{part}": Decimal(0) for name in SUMS for part in ("sum", "squares")}
        told = {"finish_reasons": interactions, "refusals": refusals}
        rows.append(
            {
                "route": route,
                "interactions": interactions,
                **dict.fromkeys(COUNTS, 0),
                **told,
                **sums,
            }
        )
    empty = {"route": pl.String, "category": pl.String, "interactions": pl.Int64}
    histogram = {
        "route": pl.String,
        "metric": pl.String,
        "bucket": pl.Int64,
        "interactions": pl.Int64,
    }
    return WeekTraffic(
        pl.DataFrame(rows),
        pl.DataFrame(schema=histogram),
        pl.DataFrame(schema=empty),
        pl.DataFrame(schema={**empty, "conversations": pl.Int64}),
    )


def chain_agrees(*, policy: MonitorSettings | None = None) -> bool:
    """Whether weeks that go through tables are judged as the same figures in arrays are."""
    policy = policy or MonitorSettings()
    rng = np.random.default_rng(20_260_105)
    sizes = rng.poisson(np.array([3000, 1500, 500])[:, None], (3, WEEKS))
    cases = rng.binomial(sizes, 0.02)
    cases[:, -1] *= 2
    history = PRODUCTION_MONITOR.empty().with_columns(week=pl.lit("", pl.String))
    for place in range(WEEKS):
        week = (FIRST + place * dt.timedelta(days=7)).isoformat()
        own = zip(ROUTES, zip(sizes[:, place], cases[:, place], strict=True), strict=True)
        traffic = counted({route: (int(size), int(case)) for route, (size, case) in own})
        found = monitor_week(traffic, history=history, week=week, policy=policy)
        history = pl.concat([history, found.with_columns(week=pl.lit(week))])
    count = np.vstack([sizes.sum(axis=0), sizes]).astype(np.float64)
    value = np.vstack([cases.sum(axis=0), cases]) / count
    every = Figures(value, value, value, count)
    now = Figures(*(part[:, -1] for part in vars(every).values()))
    past = Figures(*(part[:, :-1] for part in vars(every).values()))
    alone = judge(now, past, "share", policy=policy)
    told = found.filter(pl.col("metric") == "refusal_share")
    order = [("all", *ROUTES).index(route) for route in told["route"]]
    findings = ["unusual" if alone.unusual[place] else "usual" for place in order]
    close = np.allclose(told["robust_z"].to_numpy(), alone.z[order], rtol=1e-9)
    return bool(close) and told["finding"].to_list() == findings
