"""Schedules and sensors, ticked one by one as the daemon does."""

import contextlib
import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType

import dagster as dg
import pytest

from eval_pipeline.adapters.review.records import NewAdjudication
from eval_pipeline.cli.story import DESK
from eval_pipeline.errors import ContractError
from eval_pipeline.tables import ADJUDICATIONS
from tests.scenario import AFTER_THE_CHANGE, CANDIDATE, EMPTY_WEEK, NEXT_WEEK, WEEKS, World

SENSORS = {
    "adjudications_complete_sensor",
    "gate_audit_sensor",
    "candidate_file_sensor",
    "provider_change_sensor",
    "run_failure_alert",
    "alerts",
    "telemetry",
    "downstream_of_the_schedules",
}


@contextlib.contextmanager
def daemon(world: World, definitions: ModuleType, *, now: dt.datetime | None = None) -> Iterator:
    """What a sensor sees when the daemon evaluates it in this world."""
    world.home.mkdir(exist_ok=True)
    clock = (lambda: now) if now else (lambda: dt.datetime.now(tz=dt.UTC))
    with world.pipeline(clock=clock) as pipeline, dg.DagsterInstance.get() as instance:
        located = definitions.build_definitions(pipeline.project, pipeline=pipeline)

        def tick(sensor: str):
            with dg.build_sensor_context(
                instance=instance,
                instance_ref=instance.get_ref(),
                resources={"pipeline": pipeline},
                definitions=located,
            ) as context:
                return located.resolve_sensor_def(sensor).evaluate_tick(context)

        tick.instance = instance
        yield tick


def asked(tick) -> list[str]:
    return [request.partition_key for request in tick.run_requests or []]


def test_everything_is_loadable_and_starts_switched_off(definitions):
    defs = definitions.defs
    dg.Definitions.validate_loadable(defs)
    repository = defs.get_repository_def()
    assert {sensor.name for sensor in repository.sensor_defs} == SENSORS
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "weekly_refresh",
        "weekly_drift",
        "weekly_aa",
        "weekly_digest",
    }
    assert all(sensor.default_status.value == "STOPPED" for sensor in repository.sensor_defs)
    assert all(one.default_status.value == "STOPPED" for one in repository.schedule_defs)


def schedule_context(definitions: ModuleType, moment: dt.datetime) -> dg.ScheduleEvaluationContext:
    return dg.build_schedule_context(
        scheduled_execution_time=moment, repository_def=definitions.defs.get_repository_def()
    )


@pytest.mark.parametrize("schedule", ["weekly_refresh", "weekly_drift", "weekly_aa"])
def test_a_weekly_schedule_asks_for_the_week_that_has_just_ended(definitions, schedule):
    defined = definitions.defs.resolve_schedule_def(schedule)
    # Monday 21 September, two in the morning: the week of the 14th ended two hours ago.
    moment = dt.datetime(2026, 9, 21, 2, tzinfo=dt.UTC)
    tick = defined.evaluate_tick(schedule_context(definitions, moment))
    assert asked(tick) == ["2026-09-14"]
    assert [request.run_key for request in tick.run_requests] == ["2026-09-14"]


@pytest.mark.parametrize("schedule", ["weekly_refresh", "weekly_drift", "weekly_aa"])
def test_a_weekly_schedule_skips_before_the_first_week(definitions, schedule):
    defined = definitions.defs.resolve_schedule_def(schedule)
    moment = dt.datetime(2026, 9, 7, 2, tzinfo=dt.UTC)
    tick = defined.evaluate_tick(schedule_context(definitions, moment))
    assert asked(tick) == []
    assert "2026-08-31 lies before the first week" in tick.skip_message


def test_the_schedules_run_at_the_configured_times(definitions, blank_world):
    crons = {
        name: definitions.defs.resolve_schedule_def(name).cron_schedule
        for name in ("weekly_refresh", "weekly_drift", "weekly_aa")
    }
    assert crons == {
        "weekly_refresh": "0 2 * * 1",
        "weekly_drift": "0 4 * * 1",
        "weekly_aa": "0 6 * * 1",
    }


def test_an_unchanged_provider_opens_nothing(world, definitions):
    with daemon(world, definitions) as tick:
        looked = tick("provider_change_sensor")
    assert asked(looked) == []
    assert looked.skip_message.startswith("assistant: same")
    assert [path.stem for path in (world.folder / "candidates").iterdir()] == [CANDIDATE]


def test_the_first_look_at_a_provider_only_remembers(world, definitions):
    # A world whose sensor never ran: its sightings are gone.
    with contextlib.closing(sqlite3.connect(world.store)) as store:
        store.execute("DELETE FROM provider_sightings")
        store.execute("DELETE FROM call_attempts WHERE scope LIKE 'watch:%'")
        store.commit()
    with daemon(world, definitions) as tick:
        looked = tick("provider_change_sensor")
    assert asked(looked) == []
    assert looked.skip_message.startswith("assistant: first")
    assert world.count("provider_sightings", "finding = 'first'") == 1


def test_a_silent_change_becomes_a_candidate_with_a_file_a_partition_and_a_run(
    world, provider, definitions
):
    provider.set_epoch(AFTER_THE_CHANGE)
    with daemon(world, definitions) as tick:
        seen = tick("provider_change_sensor")
        again = tick("provider_change_sensor")
    (candidate,) = asked(seen)
    assert candidate.startswith("provider-change-assistant-")
    (opened,) = seen.dynamic_partitions_requests
    assert list(opened.partition_keys) == [candidate]
    told = (world.folder / "candidates" / f"{candidate}.yaml").read_text(encoding="utf-8")
    assert f"recorded_week: '{WEEKS[-1]}'" in told
    assert world.count("provider_sightings", f"candidate_id = '{candidate}'") == 1
    assert asked(again) == []


def test_before_the_first_golden_version_there_is_nothing_to_watch(fresh_world, definitions):
    with daemon(fresh_world, definitions) as tick:
        looked = tick("provider_change_sensor")
        files = tick("candidate_file_sensor")
    assert asked(looked) == asked(files) == []
    assert "no golden version yet" in looked.skip_message
    assert "no golden version yet" in files.skip_message


@pytest.mark.slow
def test_publishing_waits_for_labels_and_then_happens_once(queued_world, definitions):
    world = queued_world
    early = dt.datetime(2026, 9, 28, 6, tzinfo=dt.UTC)
    with daemon(world, definitions, now=early) as tick:
        waiting = tick("adjudications_complete_sensor")
        assert asked(waiting) == []
        assert waiting.skip_message.startswith(f"{NEXT_WEEK}: ")
        assert len(waiting.skip_message) > len(NEXT_WEEK) + 10
    with world.pipeline() as pipeline:
        DESK.work(pipeline, week=NEXT_WEEK)
    with daemon(world, definitions, now=early) as tick:
        ready = tick("adjudications_complete_sensor")
        assert asked(ready) == [NEXT_WEEK]
        assert ready.run_requests[0].run_key == f"publish:{NEXT_WEEK}"
    with world.session() as session:
        session.launcher.launch("publish", partition=NEXT_WEEK)
    with daemon(world, definitions, now=early) as tick:
        assert asked(tick("adjudications_complete_sensor")) == []


@pytest.mark.slow
def test_a_label_settled_after_publication_makes_a_new_version_on_top(world, definitions):
    week = WEEKS[0]
    with world.pipeline() as pipeline:
        latest = pipeline.golden.latest()
        settled = pipeline.lake.read(ADJUDICATIONS, partition=week)
        before = settled.filter(settled["settled_by"] == "agreement").row(0, named=True)
        other = "fail" if before["label"] == "pass" else "pass"
        decision = NewAdjudication(
            before["task_id"], DESK.adjudicator, other, dt.datetime.now(tz=dt.UTC), "Looked again."
        )
        pipeline.review.record_adjudications([decision])
    with daemon(world, definitions) as tick:
        late = tick("adjudications_complete_sensor")
        assert asked(late) == [week]
        assert late.run_requests[0].run_key.startswith(f"publish:{week}:")
    with world.session() as session:
        session.launcher.launch("publish", partition=week)
        golden = session.pipeline.golden
        assert golden.for_week(week) == golden.latest() == latest + 1
    with daemon(world, definitions) as tick:
        assert asked(tick("adjudications_complete_sensor")) == []


def test_every_published_version_asks_for_one_audit_of_the_gate(world, definitions):
    with daemon(world, definitions) as tick:
        (request,) = tick("gate_audit_sensor").run_requests
    assert (request.partition_key, request.run_key) == (WEEKS[1], "gate_audit:2")
    world.configure(lambda tree: tree["gate"]["audit"].update(enabled=False))
    with daemon(world, definitions) as tick:
        looked = tick("gate_audit_sensor")
    assert asked(looked) == []
    assert looked.skip_message == "`gate.audit.enabled` is false."


def test_a_new_candidate_file_opens_one_partition_and_one_run(world, definitions):
    known = world.folder / "candidates" / f"{CANDIDATE}.yaml"
    (known.parent / "steadier.yaml").write_text(known.read_text(encoding="utf-8"))
    with daemon(world, definitions) as tick:
        found = tick("candidate_file_sensor")
        assert asked(found) == ["steadier"]
        (opened,) = found.dynamic_partitions_requests
        assert (opened.partitions_def_name, list(opened.partition_keys)) == (
            "candidates",
            ["steadier"],
        )
        tick.instance.add_dynamic_partitions("candidates", ["steadier"])
        assert tick("candidate_file_sensor").skip_message == "No new candidate."


class _Webhook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def webhook() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Webhook) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _fail_and_tell(world: World, definitions: ModuleType) -> None:
    """A refresh fails, and the failure sensor is told of it."""
    world.configure(lambda tree: tree["contract"].update(minimum_interactions=100_000))
    with world.session() as session, pytest.raises(ContractError):
        session.launcher.launch("refresh", partition=NEXT_WEEK)
    with world.pipeline() as pipeline, dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        failed = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        context = dg.build_run_status_sensor_context(
            sensor_name="run_failure_alert",
            dagster_instance=instance,
            dagster_run=run,
            dagster_event=failed[0].dagster_event,
            partition_key=run.tags["dagster/partition"],
        ).for_run_failure()
        alert = definitions.defs.resolve_sensor_def("run_failure_alert")
        alert(context, pipeline=pipeline)


def test_a_failed_run_is_told_to_the_webhook_once_with_names_and_no_text(
    world, definitions, webhook
):
    world.configure(lambda tree: tree["alerts"].update(webhook_variable="TEAM_WEBHOOK"))
    url = f"http://127.0.0.1:{webhook.server_port}/secret-path"
    _fail_and_tell(World(world.folder, {"TEAM_WEBHOOK": url}), definitions)
    (message,) = webhook.received
    assert message["text"] == (
        f"eval-pipeline: A blocking check of job 'refresh' does not hold for {NEXT_WEEK} · "
        "check sampling_frame.logs_contract · step sampling_frame · error ContractError"
    )
    assert "secret-path" not in json.dumps(message)


def test_without_a_webhook_variable_a_failed_run_is_told_to_nobody(world, definitions, webhook):
    url = f"http://127.0.0.1:{webhook.server_port}/"
    _fail_and_tell(World(world.folder, {"TEAM_WEBHOOK": url}), definitions)
    assert webhook.received == []


def test_a_week_without_a_job_is_no_business_of_the_publish_sensor(world, definitions):
    with daemon(world, definitions) as tick:
        looked = tick("adjudications_complete_sensor")
    assert asked(looked) == []
    assert EMPTY_WEEK not in (looked.skip_message or "")
