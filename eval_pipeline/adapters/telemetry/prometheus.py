"""Metrics in Prometheus' format: in a file, or on a port with an answer that is kept a while."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from eval_pipeline.errors import EvalPipelineError, SettingsError
from eval_pipeline.monitoring.dashboards.metrics import Metric, counter, gauge

Read = Callable[[], Sequence[Metric]]
SUFFIX: Final = ".prom"


class KeptMetrics(Collector):
    """Metrics that are read again when they are older than `refresh_seconds`, by one scrape.

    Where reading fails the last ones stay, and their age and the failures are told.
    """

    def __init__(
        self,
        read: Read,
        *,
        refresh_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._turn = threading.Lock()
        self._kept: Sequence[Metric] = ()
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failures = 0

    def describe(self) -> Iterable[Family]:
        """Nothing: what there is is only known by reading, and registering reads nothing."""
        return ()

    def collect(self) -> Iterator[Family]:
        """What was kept, or what is read now."""
        with self._turn:
            now = self._clock()
            if self._tried_at is None or now - self._tried_at >= self._refresh_seconds:
                self._tried_at = now
                self._renew(now)
            kept = [*self._kept, *self._own()]
        yield from map(family_of, kept)

    def _renew(self, now: float) -> None:
        try:
            self._kept = self._read()
        except EvalPipelineError:
            self._failures += 1
        else:
            self._read_at = now

    def _own(self) -> Iterator[Metric]:
        yield gauge(
            "collected_timestamp_seconds",
            "When these metrics were read from lake and store.",
            [({}, self._read_at)],
        )
        yield counter("collection_failures_total", "Readings that failed.", [({}, self._failures)])


def family_of(metric: Metric) -> Family:
    """The metric as the client library writes it."""
    names = [name for name, _ in metric.samples[0].labels] if metric.samples else []
    family = (
        CounterMetricFamily(metric.name, metric.documentation, labels=names)
        if metric.type == "counter"
        else GaugeMetricFamily(metric.name, metric.documentation, labels=names)
    )
    for sample in metric.samples:
        family.add_metric([value for _, value in sample.labels], sample.value)
    return family


def write_metrics(read: Read, file: Path) -> None:
    """Replaces the file whole, for a collector of text files, which reads `*.prom` alone.

    Raises `SettingsError` where it cannot be written.
    """
    if file.suffix != SUFFIX:
        raise SettingsError(
            f"'{file}' does not end in {SUFFIX}, so no collector of text files would read it. "
            "Nothing was written. Name another file."
        )
    registry = CollectorRegistry()
    registry.register(KeptMetrics(read, refresh_seconds=0.0))
    try:
        write_to_textfile(str(file), registry)
    except OSError as error:
        raise SettingsError(
            f"'{file}' cannot be written ({error.strerror}). What stood there still stands. "
            "Name a folder that is there and may be written."
        ) from None


@contextmanager
def served(read: Read, *, host: str, port: int, refresh_seconds: float) -> Iterator[int]:
    """Answers scrapes until the block ends; yields the port. Raises `SettingsError` if taken."""
    registry = CollectorRegistry()
    registry.register(KeptMetrics(read, refresh_seconds=refresh_seconds))
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise SettingsError(
            f"Metrics cannot be served at {host}:{port} ({error.strerror}). Take another "
            "`telemetry.prometheus.port`, or --port."
        ) from None
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
