"""Results and metrics to a collector on loopback, and to Prometheus."""

import gzip
import sys
import urllib.request

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from prometheus_client.parser import text_string_to_metric_families

from eval_pipeline.adapters.telemetry.otlp import emit_results, export_metrics
from eval_pipeline.adapters.telemetry.prometheus import served
from eval_pipeline.errors import MissingTelemetryLibraryError, SettingsError
from eval_pipeline.flows.metrics import metrics_of
from eval_pipeline.flows.telemetry import send_results
from eval_pipeline.monitoring.dashboards.metrics import counter, gauge
from eval_pipeline.monitoring.dashboards.results import decision_results
from eval_pipeline.settings import OtlpSettings
from tests.alert_world import NOON, SECRET, Receiver, decision, decisions, receiving
from tests.integration.test_automation import daemon
from tests.scenario import CANDIDATE, World

RESULTS = list(decision_results(decisions(decision()), {}))


def settings(receiver: Receiver, **options) -> OtlpSettings:
    return OtlpSettings(endpoint=f"http://127.0.0.1:{receiver.port}", **options)


def body_of(request) -> bytes:
    _, headers, body = request
    encoding = {name.lower(): value for name, value in headers.items()}.get("content-encoding")
    return gzip.decompress(body) if encoding == "gzip" else body


def value_of(value):
    return getattr(value, value.WhichOneof("value"))


def attributes(record) -> dict:
    return {one.key: value_of(one.value) for one in record.attributes}


def logs_of(request) -> tuple[dict, list]:
    (resource,) = ExportLogsServiceRequest.FromString(body_of(request)).resource_logs
    (scope,) = resource.scope_logs
    return attributes(resource.resource), list(scope.log_records)


def test_a_decision_is_an_event_per_subset_in_one_request():
    with receiving(Receiver()) as collector:
        chosen = settings(
            collector, service_name="evals", resource={"deployment.environment.name": "test"}
        )
        delivered = emit_results(RESULTS, chosen, headers={"api-key": SECRET}, at=NOON)
    assert delivered.ok
    ((path, headers, _),) = collector.requests
    assert path == "/v1/logs"
    lowered = {name.lower(): value for name, value in headers.items()}
    assert lowered["api-key"] == SECRET
    assert lowered["content-type"] == "application/x-protobuf"
    resource, records = logs_of(collector.requests[0])
    assert resource["service.name"] == "evals"
    assert resource["deployment.environment.name"] == "test"
    assert [record.event_name for record in records] == ["gen_ai.evaluation.result"] * 3
    assert records[0].time_unix_nano == int(NOON.timestamp()) * 10**9
    assert attributes(records[1]) == dict(RESULTS[1].attributes)


@pytest.mark.parametrize("status", [400, 500])
def test_a_collector_that_refuses_is_a_failed_delivery(caplog, status):
    with receiving(Receiver(treat=lambda nth: status)) as collector:
        chosen = settings(collector, timeout_seconds=1)
        delivered = emit_results(RESULTS, chosen, headers={"api-key": SECRET}, at=NOON)
    assert delivered.error_code == "export_failed"
    assert SECRET not in caplog.text


def test_a_collector_that_is_gone_is_a_failed_delivery(caplog):
    with receiving(Receiver()) as collector:
        chosen = settings(collector, timeout_seconds=1)
    delivered = emit_results(RESULTS, chosen, headers={"api-key": SECRET}, at=NOON)
    assert not delivered.ok
    assert SECRET not in caplog.text


def test_metrics_go_to_the_collector_under_the_names_that_prometheus_gets():
    metrics = [
        gauge("golden_version", "The version.", [({}, 7)]),
        counter("model_calls_total", "Calls.", [({"spender": "drift"}, 12)]),
    ]
    with receiving(Receiver()) as collector:
        assert export_metrics(metrics, settings(collector), headers={}).ok
    ((path, _, _),) = collector.requests
    assert path == "/v1/metrics"
    sent = ExportMetricsServiceRequest.FromString(body_of(collector.requests[0]))
    (scope,) = sent.resource_metrics[0].scope_metrics
    found = {one.name: one for one in scope.metrics}
    (point,) = found["eval_pipeline_golden_version"].gauge.data_points
    assert point.as_double == 7.0
    (point,) = found["eval_pipeline_model_calls_total"].sum.data_points
    assert (point.as_double, attributes(point)) == (12.0, {"spender": "drift"})


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk._logs", None)
    chosen = OtlpSettings(endpoint="http://127.0.0.1:9")
    with pytest.raises(MissingTelemetryLibraryError, match=r"eval-pipeline\[otel\]"):
        emit_results(RESULTS, chosen, headers={}, at=NOON)


def test_scrapes_are_answered_and_a_port_that_is_taken_is_told():
    def read():
        return [gauge("golden_version", "-", [({}, 7)])]

    with served(read, host="127.0.0.1", port=0, refresh_seconds=60) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        with (
            pytest.raises(SettingsError, match="cannot be served"),
            served(read, host="127.0.0.1", port=port, refresh_seconds=60),
        ):
            pass
    assert "eval_pipeline_golden_version 7.0" in text


@pytest.fixture
def collected(world):
    with receiving(Receiver()) as collector:
        world.configure(
            lambda tree: tree.update(
                telemetry={
                    "otlp": {
                        "endpoint": f"http://127.0.0.1:{collector.port}",
                        "header_variables": {"api-key": "COLLECTOR_KEY"},
                        "timeout_seconds": 1,
                        "metrics": True,
                    }
                }
            )
        )
        yield World(world.folder, {"COLLECTOR_KEY": SECRET}), collector


def test_each_decision_and_week_is_sent_once(collected):
    world, collector = collected
    with world.pipeline() as pipeline:
        first, again = send_results(pipeline), send_results(pipeline)
    assert [one.subject.split(":")[0] for one in first] == ["decision", "drift"]
    assert again == []
    named = [attributes(record) for request in collector.requests for record in logs_of(request)[1]]
    assert {
        one["eval_pipeline.candidate"] for one in named if "eval_pipeline.candidate" in one
    } == {CANDIDATE}
    assert {"all"} < {one["eval_pipeline.subset"] for one in named}


def test_what_the_collector_did_not_take_is_sent_later(collected):
    world, collector = collected
    collector.treat = lambda nth: 400 if nth == 1 else 200
    with world.pipeline() as pipeline:
        (failed,) = send_results(pipeline)
        assert failed.delivered.error_code == "export_failed"
        pipeline.deliveries.release()
        assert [one.delivered.ok for one in send_results(pipeline)] == [True, True]


def test_the_sensor_sends_results_and_metrics_and_says_so(collected, definitions):
    world, collector = collected
    with daemon(world, definitions) as tick:
        told = tick("telemetry").skip_message
    assert "decision:" in told
    assert told.endswith("; metrics")
    assert {path for path, _, _ in collector.requests} == {"/v1/logs", "/v1/metrics"}


def test_the_commands_write_show_and_send(collected, tmp_path):
    world, collector = collected
    file = tmp_path / "evals.prom"
    assert world.run("metrics", "write", str(file)).code == 0
    text = file.read_text(encoding="utf-8")
    families = {one.name: one for one in text_string_to_metric_families(text)}
    jobs = families["eval_pipeline_job_last_success_timestamp_seconds"].samples
    assert {"refresh", "publish", "gate"} <= {one.labels["job"] for one in jobs}
    up = families["eval_pipeline_source_up"].samples
    assert all(one.value == 1 for one in up)
    assert len(up) == 10
    assert collector.requests == []
    assert '"gen_ai.evaluation.name": "deciding"' in world.run("telemetry", "show").out
    sent = world.run("telemetry", "send")
    assert (sent.code, "decision:" in sent.out) == (0, True)
    assert world.run("telemetry", "send").out.strip() == "metrics"


def test_a_source_that_cannot_be_read_is_down_and_hides_no_other(world):
    with world.pipeline() as pipeline:
        week = pipeline.lake.list("drift_signals")[-1]
        pipeline.lake.write_bytes(week, b"torn")
        found = {one.name: one for one in metrics_of(pipeline)}
    up = {one.labels[0][1]: one.value for one in found["eval_pipeline_source_up"].samples}
    assert up["drift"] == 0
    assert up["gate"] == up["costs"] == 1
    assert "eval_pipeline_drift_alarm" not in found


def test_the_doctor_looks_at_channels_and_collector_and_sends_nothing(collected):
    world, collector = collected
    hub = {"kind": "webhook", "url_variable": "HUB"}
    gone = {"kind": "slack", "webhook_variable": "NOT_SET"}
    world.configure(lambda tree: tree["alerts"].update(channels={"hub": hub, "team": gone}))
    url = f"http://127.0.0.1:{collector.port}/{SECRET}"
    ended = World(world.folder, {**world.variables, "HUB": url}).run("doctor")
    told = " ".join(ended.out.split())
    assert "channel hub" in told
    assert "webhook: somebody listens; nothing was sent" in told
    assert "NOT_SET is not set" in told
    assert f"somebody listens at http://127.0.0.1:{collector.port}" in told
    assert SECRET not in ended.out + ended.err
    assert collector.requests == []
