"""How many requests were under way at once: the load that measured latencies hold for."""

import numpy as np
import polars as pl


def requests_at_once(spans: pl.DataFrame) -> dict[str, tuple[float, int]]:
    """By system: requests under way when one was sent, itself included, on average and at most.

    `spans`: one row per request, `system_id`, `ended_at` and `latency_seconds`.
    """
    found = {}
    for (system_id,), calls in spans.sort("system_id").group_by("system_id", maintain_order=True):
        ended = calls["ended_at"].dt.epoch("us").to_numpy() / 1e6
        sent = np.sort(ended - calls["latency_seconds"].to_numpy())
        # Of those sent by then, the ones that had not ended yet.
        under_way = np.searchsorted(sent, sent, side="right") - np.searchsorted(
            np.sort(ended), sent, side="right"
        )
        found[str(system_id)] = (float(under_way.mean()), int(under_way.max()))
    return found
