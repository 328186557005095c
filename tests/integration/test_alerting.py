"""From the tables to the channels: what is told, once, by sensor, command and digest."""

import datetime as dt
import json

import dagster as dg
import pytest

from eval_pipeline.adapters.alerting.deliveries import Deliveries
from eval_pipeline.errors import StoreError
from eval_pipeline.flows.alerting import look, send_alerts, tell_of_run
from eval_pipeline.flows.digest import digest_of, resend_digests, send_digest
from eval_pipeline.monitoring.alerting.runs import FailedRun
from eval_pipeline.tables import DRIFT_SIGNALS, GATE_DECISION
from tests.alert_world import (
    Mailbox,
    Receiver,
    decision,
    decisions,
    finding,
    mail_server,
    receiving,
    signals,
)
from tests.integration.test_automation import daemon
from tests.scenario import CANDIDATE, WEEKS, World

MONDAY = dt.datetime(2026, 9, 21, 8, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def receiver():
    with receiving(Receiver()) as one:
        yield one


@pytest.fixture
def told_world(world, receiver) -> World:
    """The finished world with one channel of every severity, and a candidate that is worse."""
    channel = {"kind": "webhook", "url_variable": "HUB", "timeout_seconds": 2, "attempts": 1}
    world.configure(
        lambda tree: tree["alerts"].update(
            channels={"hub": channel | {"least_severity": "info"}},
            dagster_url="https://dagster.example",
        )
    )
    world = World(world.folder, {"HUB": receiver.url})
    with world.pipeline() as pipeline:
        version = pipeline.golden.latest()
        worse = decision("sharper", golden_version=version)
        pipeline.lake.replace(GATE_DECISION, decisions(worse), partition="sharper")
    return world


def titles(receiver: Receiver) -> list[str]:
    return [body["title"].removeprefix("eval-pipeline: ") for body in receiver.bodies]


def test_what_the_tables_say_is_told_once(told_world, receiver):
    with told_world.pipeline(clock=Clock()) as pipeline:
        first = send_alerts(pipeline)
        again = send_alerts(pipeline)
    assert all(one.delivered.ok for one in first)
    assert again == []
    assert "Candidate 'sharper' is blocked" in titles(receiver)
    assert f"Candidate '{CANDIDATE}' is undecided" in titles(receiver)
    (blocked,) = [body for body in receiver.bodies if body["subject"] == "sharper"]
    assert blocked["link"] == (
        "https://dagster.example/assets/gate_decision?view=partitions&partition=sharper"
    )
    assert blocked["runbook"] == "docs/runbook.md#gate-block"
    assert "a private remark" not in json.dumps(receiver.bodies)


def test_a_drift_that_ends_is_told_to_be_over(told_world, receiver):
    clock = Clock()
    with told_world.pipeline(clock=clock) as pipeline:
        week = pipeline.lake.partitions(DRIFT_SIGNALS)[-1]
        quiet = pipeline.lake.read(DRIFT_SIGNALS, partition=week)
        pipeline.lake.replace(DRIFT_SIGNALS, signals({"alarm_since": week}), partition=week)
        send_alerts(pipeline)
        pipeline.lake.replace(DRIFT_SIGNALS, quiet, partition=week)
        clock.now += DAY
        send_alerts(pipeline)
        clock.now += DAY
        assert send_alerts(pipeline) == []
    said = [title for title in titles(receiver) if "drifted" in title]
    assert said == [
        "'assistant' has drifted: the provider's model",
        "over: 'assistant' has drifted: the provider's model",
    ]


def test_a_table_that_cannot_be_read_ends_nothing_and_hides_no_other(told_world, receiver):
    clock = Clock()
    with told_world.pipeline(clock=clock) as pipeline:
        week = pipeline.lake.partitions(DRIFT_SIGNALS)[-1]
        pipeline.lake.replace(DRIFT_SIGNALS, signals({"alarm_since": week}), partition=week)
        send_alerts(pipeline)
        pipeline.lake.write_bytes(f"drift_signals/week={week}/part-0.parquet", b"torn")
        found = look(pipeline)
        assert found.problems == ("drift: CorruptFileError",)
        assert "gate_block" in found.kinds
        clock.now += DAY
        assert [one for one in send_alerts(pipeline) if one.over] == []


def test_decisions_of_weeks_long_past_are_told_to_nobody(told_world):
    told_world.configure(lambda tree: tree["alerts"].update(history_weeks=1))
    with told_world.pipeline(clock=Clock()) as pipeline:
        old = decision("older", golden_version=1)
        pipeline.lake.replace(GATE_DECISION, decisions(old), partition="older")
        assert pipeline.golden.latest() > 1
        subjects = {event.subject for event in look(pipeline).events}
    assert "sharper" in subjects
    assert "older" not in subjects


def test_a_channel_that_is_down_is_asked_once_a_look_and_gets_everything_later(
    told_world, receiver
):
    clock = Clock()
    receiver.treat = lambda nth: 500 if nth == 1 else 200
    with told_world.pipeline(clock=clock) as pipeline:
        failed = send_alerts(pipeline)
        assert len(failed) > 2
        assert {one.delivered.error_code for one in failed} == {"http_500"}
        assert len(receiver.requests) == 1
        clock.now += dt.timedelta(minutes=2)
        later = send_alerts(pipeline)
    assert sorted(one.title for one in later) == sorted(one.title for one in failed)
    assert all(one.delivered.ok for one in later)


def test_a_failed_run_is_told_once_until_it_has_succeeded(told_world, receiver):
    run = FailedRun("refresh", "run-1", "2026-09-21", steps=("verdicts",))
    with told_world.pipeline(clock=Clock()) as pipeline:
        send_alerts(pipeline)
        receiver.requests.clear()
        tell_of_run(pipeline, run)
        tell_of_run(pipeline, run)
        assert titles(receiver) == ["Job 'refresh' failed for 2026-09-21"]
        assert receiver.bodies[0]["link"] == "https://dagster.example/runs/run-1"
        send_alerts(pipeline, succeeded=["refresh/2026-09-21"])
        tell_of_run(pipeline, run)
    assert titles(receiver)[1:] == [
        "over: Job 'refresh' failed for 2026-09-21",
        "Job 'refresh' failed for 2026-09-21",
    ]


def test_a_store_that_fails_does_not_fail_the_failure_sensor(told_world, monkeypatch):
    def broken(*arguments, **options):
        raise StoreError("gone")

    monkeypatch.setattr(Deliveries, "claim", broken)
    with told_world.pipeline() as pipeline:
        assert tell_of_run(pipeline, FailedRun("refresh", "run-1")) == []


def test_the_digest_says_every_section_and_goes_out_once(told_world, receiver):
    week = WEEKS[-1]
    with told_world.pipeline(clock=Clock()) as pipeline:
        message = digest_of(pipeline, week=week)
        assert all(one.delivered.ok for one in send_digest(pipeline, week=week))
        assert send_digest(pipeline, week=week) == []
        assert len(send_digest(pipeline, week=week, again=True)) == 1
    said = {section.heading: section.lines for section in message.sections}
    assert list(said) == [
        "Decisions",
        "Drift",
        "Open alerts of production and outcomes",
        "Golden version",
        "Review desk, now",
        "Costs",
        "What is missing",
    ]
    assert (
        "'sharper': block, overall +1.0 points (-1.0 to +3.0); worse on refunds"
        in (said["Decisions"][0])
    )
    assert "partition=sharper" in said["Decisions"][1]
    assert said["Golden version"][0].startswith("version 2 of 2026-09-14: ")
    assert any(line.startswith("refresh: ") for line in said["Costs"])
    assert any("'sharper': 1 of the baseline's and 2 of" in one for one in said["What is missing"])
    assert "1 block" in message.title
    assert len(receiver.requests) == 2


def test_a_week_that_was_not_made_says_so_in_its_digest(told_world):
    with told_world.pipeline(clock=Clock()) as pipeline:
        message = digest_of(pipeline, week="2026-09-21")
    said = {section.heading: section.lines for section in message.sections}
    assert said["Drift"] == ("not measured this week",)
    assert said["What is missing"][0].startswith("not made for this week: sampling_frame, ")


def test_a_digest_that_a_channel_did_not_take_is_sent_by_the_next_look(told_world, receiver):
    clock = Clock()
    receiver.treat = lambda nth: 500 if nth == 1 else 200
    with told_world.pipeline(clock=clock) as pipeline:
        (failed,) = send_digest(pipeline, week=WEEKS[-1])
        assert failed.delivered.error_code == "http_500"
        assert resend_digests(pipeline) == []
        clock.now += dt.timedelta(minutes=2)
        assert [one.delivered.ok for one in resend_digests(pipeline)] == [True]


def test_the_sensor_tells_and_looks_again_only_after_a_run_or_ten_minutes(
    told_world, receiver, definitions
):
    clock = Clock()
    with told_world.pipeline(clock=clock) as pipeline, dg.DagsterInstance.get() as instance:
        located = definitions.build_definitions(pipeline.project, pipeline=pipeline)
        sensor = located.resolve_sensor_def("alerts")

        def tick(cursor):
            with dg.build_sensor_context(
                instance=instance,
                cursor=cursor,
                resources={"pipeline": pipeline},
                definitions=located,
            ) as context:
                data = sensor.evaluate_tick(context)
                return data.skip_message, context.cursor

        told, cursor = tick(None)
        assert "hub: eval-pipeline: Candidate 'sharper' is blocked" in told
        told, cursor = tick(cursor)  # there may be more than one look tells
        assert told == "Nothing new to tell."
        assert tick(cursor)[0] == "Nothing ran since the last look."
        clock.now += dt.timedelta(minutes=11)
        assert tick(cursor)[0] == "Nothing new to tell."


def test_the_sensor_does_not_rest_while_a_channel_has_not_taken_something(
    told_world, receiver, definitions
):
    receiver.treat = lambda nth: 500
    with daemon(told_world, definitions, now=MONDAY) as tick:
        assert "not taken: http_500" in tick("alerts").skip_message
        looked = tick("alerts")
    assert (looked.skip_message, looked.cursor) == ("Nothing new to tell.", None)


def test_a_run_that_failed_is_told_without_the_daemon_until_one_succeeds(told_world, receiver):
    told_world.run("alerts", "send")
    receiver.requests.clear()
    told_world.configure(lambda tree: tree["contract"].update(minimum_interactions=100_000))
    assert told_world.run("refresh", "--week", WEEKS[-1]).code == 1
    told_world.run("alerts", "send")
    told_world.run("alerts", "send")
    assert titles(receiver) == [f"A blocking check of job 'refresh' does not hold for {WEEKS[-1]}"]
    assert receiver.bodies[0]["sections"][0]["lines"] == [
        "check sampling_frame.logs_contract",
        "step sampling_frame",
        "error ContractError",
    ]
    told_world.configure(lambda tree: tree["contract"].update(minimum_interactions=1))
    assert told_world.run("refresh", "--week", WEEKS[-1]).code == 0
    told_world.run("alerts", "send")
    assert titles(receiver)[1:] == [
        f"over: A blocking check of job 'refresh' does not hold for {WEEKS[-1]}"
    ]


def test_without_a_channel_the_sensor_says_so(world, definitions):
    with daemon(world, definitions) as tick:
        assert tick("alerts").skip_message == "No channel is configured under `alerts`."


def test_the_digests_schedule_asks_for_the_week_that_has_ended(definitions):
    schedule = definitions.defs.resolve_schedule_def("weekly_digest")
    assert schedule.cron_schedule == "0 8 * * 1"
    context = dg.build_schedule_context(
        scheduled_execution_time=MONDAY, repository_def=definitions.defs.get_repository_def()
    )
    (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == WEEKS[-1]


def test_the_commands_list_send_test_and_digest(told_world, receiver):
    listed = told_world.run("alerts", "list")
    assert "Candidate 'sharper' is blocked  [told to nobody]" in listed.out
    assert receiver.requests == []
    sent = told_world.run("alerts", "send")
    assert (sent.code, sent.err) == (0, "")
    assert "hub: eval-pipeline: Candidate 'sharper' is blocked" in sent.out
    assert told_world.run("alerts", "send").out.strip() == "Nothing new to tell."
    facts = json.loads(told_world.run("alerts", "list", "--json").out)
    assert {one["status"] for one in facts["deliveries"]} == {"sent"}
    count = len(receiver.requests)
    assert "hub  taken" in told_world.run("alerts", "test").out
    assert receiver.bodies[-1]["type"] == "test"
    shown = told_world.run("alerts", "digest")
    assert "What is missing" in shown.out
    assert len(receiver.requests) == count + 1
    assert "hub: sent" in told_world.run("alerts", "digest", "--send").out
    assert receiver.bodies[-1]["type"] == "digest"
    told_world.run("alerts", "digest", "--send")
    assert len(receiver.requests) == count + 2
    told_world.run("alerts", "digest", "--send", "--again")
    assert len(receiver.requests) == count + 3


def test_a_test_that_a_channel_does_not_take_ends_with_1(told_world, receiver):
    receiver.treat = lambda nth: 404
    ended = told_world.run("alerts", "test", "hub")
    assert (ended.code, ended.out.split()) == (1, ["hub", "http_404"])
    unknown = told_world.run("alerts", "test", "other")
    assert unknown.code == 1
    assert "There is no channel 'other'. Nothing was sent. There are: hub." in unknown.err


def test_without_a_channel_the_commands_say_what_to_do(world):
    ended = world.run("alerts", "send")
    assert ended.code == 1
    assert "alerts.channels" in ended.err


def test_a_digest_by_mail_has_its_sections(told_world):
    box = Mailbox()
    with mail_server(box) as port:
        mail = {
            "kind": "email", "host": "127.0.0.1", "port": port, "security": "none",
            "from": "evals@example.org", "to": ["team@example.org"],
        }  # fmt: skip
        told_world.configure(lambda tree: tree["alerts"].update(channels={"mail": mail}))
        with told_world.pipeline(clock=Clock()) as pipeline:
            assert [one.delivered.ok for one in send_digest(pipeline, week=WEEKS[-1])] == [True]
    assert b"<h3>Golden version</h3>" in box.mails[0]


def test_a_severity_that_rises_is_told_although_the_event_is_known(told_world, receiver):
    clock = Clock()
    name = "provider-change-assistant-1234"
    with told_world.pipeline(clock=clock) as pipeline:
        version = pipeline.golden.latest()
        waived = decision(name, golden_version=version, waived=True)
        pipeline.lake.replace(GATE_DECISION, decisions(waived), partition=name)
        send_alerts(pipeline)
        open_again = decision(
            name, golden_version=version, subsets=(finding("refunds", "blocked", items=120),)
        )
        pipeline.lake.replace(GATE_DECISION, decisions(open_again), partition=name)
        send_alerts(pipeline)
    told = [(one["severity"], one["title"]) for one in receiver.bodies if one["subject"] == name]
    assert [severity for severity, _ in told] == ["info", "page"]
