"""Three machines on loopback, one deployment: results as of one process, and no disk shared.

Two code servers and their run workers, Dagster's webserver and daemon, PostgreSQL below Dagster and
the store, an S3 below the lake and the logs. One test, since each part goes on where the one before
it stopped.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from obstore.store import from_url

from eval_pipeline.cli.story import DESK
from eval_pipeline.demo.logs import planted_canaries
from eval_pipeline.demo.pharmacy_models import FIRST_WEEK
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.tables import (
    ADJUDICATIONS,
    PANEL_VERDICTS,
    SAMPLED_INTERACTIONS,
    STRATIFIED_INTERACTIONS,
)
from tests.databases import fresh_database
from tests.distributed import DAGSTER_DATABASE, Deployment, deployed
from tests.scenario import (
    CANDIDATE,
    CONVERSATIONS,
    MONDAYS,
    SEED,
    WEEKS,
    World,
    new_world,
    planted_strings_in,
)
from tests.servers import CREDENTIALS, s3_server

WEEK = WEEKS[0]
BUCKET = "s3://deployment"
COMPARED = (SAMPLED_INTERACTIONS, STRATIFIED_INTERACTIONS, PANEL_VERDICTS, ADJUDICATIONS)
PROVIDER = ("--rate-limited-share", "0", "--failed-share", "0")
PLANTED_KEY = "planted-provider-key-5ca1ab1e"


@pytest.fixture
def endpoint() -> Iterator[str]:
    with s3_server(BUCKET.removeprefix("s3://")) as url:
        yield url


@pytest.fixture
def deployment(tmp_path: Path, postgres_server: str, endpoint: str) -> Iterator[Deployment]:
    folder = tmp_path / "deployment"
    variables = {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}
    with (
        ProviderProcess(latency_median_seconds=0.02, arguments=PROVIDER) as provider,
        fresh_database(postgres_server) as dagster_url,
        fresh_database(postgres_server) as store_url,
    ):
        provider.set_epoch(FIRST_WEEK.isoformat())
        world = new_world(folder / "world", provider_url=provider.base_url)
        _put_logs(world, endpoint)
        world.configure(
            lambda tree: tree["providers"]["pharmacy-cloud"].update(key_variable="PROVIDER_KEY")
        )
        # The configuration names the variables; only this process and the machines have them.
        variables |= {"EVAL_PIPELINE_STORE": store_url, "PROVIDER_KEY": PLANTED_KEY}
        world = World(world.folder, variables)
        with deployed(
            folder,
            world,
            dagster_url=dagster_url,
            bucket=BUCKET,
            environment=variables,
        ) as running:
            with _pipeline(running) as pipeline:
                DESK.staff(pipeline)
            yield running


@pytest.mark.slow
def test_two_code_servers_and_their_workers_are_one_deployment(
    deployment: Deployment, finished_world: World, endpoint: str, tmp_path: Path
) -> None:
    _one_week_launched_on_two_machines_at_once_is_one_week(deployment)
    _of_two_publishers_on_two_machines_one_creates_the_version(deployment, finished_world)
    _a_worker_that_dies_is_noticed_and_the_other_machine_finishes_what_it_began(deployment)
    _nothing_personal_and_no_secret_lies_on_any_machine(deployment, endpoint, tmp_path)


def _one_week_launched_on_two_machines_at_once_is_one_week(deployment: Deployment) -> None:
    runs = [deployment.launch(machine, "refresh", partition=WEEK) for machine in ("east", "west")]
    workers = [deployment.worker(run) for run in runs]
    above = [deployment.parents(worker) for worker in workers]
    assert above == [{"east"}, {"west"}]
    assert deployment.ended(*runs) == ["SUCCESS", "SUCCESS"]
    assert _answered_twice(deployment) == []


def _of_two_publishers_on_two_machines_one_creates_the_version(
    deployment: Deployment, finished_world: World
) -> None:
    with _pipeline(deployment) as pipeline:
        DESK.work(pipeline, week=WEEK)
    runs = [deployment.launch(machine, "publish", partition=WEEK) for machine in ("east", "west")]
    assert deployment.ended(*runs) == ["SUCCESS", "SUCCESS"]
    with _pipeline(deployment) as pipeline:
        assert pipeline.golden.latest() == 1
    spread, alone = _week_of(deployment.world), _week_of(finished_world)
    for name, frame in spread.items():
        assert frame.height > 0, name
        assert frame.equals(alone[name]), name


def _a_worker_that_dies_is_noticed_and_the_other_machine_finishes_what_it_began(
    deployment: Deployment,
) -> None:
    drift = deployment.launch("east", "drift", partition=WEEK)
    deployment.open_candidate("west", CANDIDATE)
    dying = deployment.launch("west", "gate", partition=CANDIDATE)
    worker = deployment.worker(dying)
    _until_answers(deployment, 20)
    os.kill(worker, signal.SIGKILL)
    assert deployment.ended(drift, dying) == ["SUCCESS", "FAILURE"]
    kept = _answers(deployment)
    deployment.stop("west")  # the whole machine is gone now
    deployment.serve_code("west")
    again = deployment.launch("east", "gate", partition=CANDIDATE)
    assert deployment.ended(again) == ["SUCCESS"]
    assert _answered_twice(deployment) == []
    assert _answers(deployment) > kept >= 20
    with _pipeline(deployment) as pipeline:
        assert load_decision(pipeline, CANDIDATE).verdict in {"pass", "block", "inconclusive"}


def _nothing_personal_and_no_secret_lies_on_any_machine(
    deployment: Deployment, endpoint: str, tmp_path: Path
) -> None:
    """On disk, in both databases, in the object store and in what the processes printed."""
    canaries = planted_canaries(weeks=MONDAYS, seed=SEED, conversations_per_week=CONVERSATIONS)
    secrets = [deployment.environment["EVAL_PIPELINE_KEY"], PLANTED_KEY]
    dump = tmp_path / "databases"
    dump.mkdir()
    for name in ("EVAL_PIPELINE_STORE", DAGSTER_DATABASE):
        _dump(deployment.environment[name], dump / name)
    lake = _downloaded(endpoint, tmp_path / "lake")
    machines = [deployment.folder / name for name in ("east", "west", "control")]
    places = [dump, lake, *machines, *deployment.logs]
    (tmp_path / "scratch").mkdir()
    assert planted_strings_in(places, [*canaries, *secrets], scratch=tmp_path / "scratch") == []


def _week_of(world: World) -> dict[str, pl.DataFrame]:
    """What does not tell who made it: no run's id, no time of a call."""
    with world.pipeline() as pipeline:
        frames = {table.name: pipeline.lake.read(table, partition=WEEK) for table in COMPARED}
        return {**frames, "golden_set": pipeline.golden.items(1)}


def _pipeline(deployment: Deployment):
    return deployment.world.pipeline()


def _put_logs(world: World, endpoint: str) -> None:
    store = _bucket(endpoint)
    for file in world.logs.rglob("*.parquet"):
        store.put(f"logs/{file.relative_to(world.logs)}", file)


def _bucket(endpoint: str):
    return from_url(
        BUCKET,
        endpoint=endpoint,
        access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region=CREDENTIALS["AWS_REGION"],
        client_options={"allow_http": True},
    )


def _downloaded(endpoint: str, folder: Path) -> Path:
    store = _bucket(endpoint)
    for page in store.list("lake/"):
        for found in page:
            file = folder / found["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(bytes(store.get(found["path"]).bytes()))
    assert list(folder.rglob("*.parquet"))
    return folder


def _dump(url: str, folder: Path) -> None:
    folder.mkdir()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()
            (folder / f"{table}.txt").write_text("\n".join(map(repr, rows)), encoding="utf-8")
    engine.dispose()


def _query(deployment: Deployment, query: str) -> list[tuple]:
    engine = sa.create_engine(deployment.environment["EVAL_PIPELINE_STORE"])
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    engine.dispose()
    return found


def _answers(deployment: Deployment) -> int:
    scope = f"scope LIKE '%%{CANDIDATE}%%' AND status = 'answered'"
    return _query(deployment, f"SELECT count(*) FROM call_attempts WHERE {scope}")[0][0]


def _answered_twice(deployment: Deployment) -> list[tuple]:
    return _query(
        deployment,
        "SELECT scope, system_id, item_id, trial, request_fingerprint FROM call_attempts "
        "WHERE status = 'answered' GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1",
    )


def _until_answers(deployment: Deployment, answers: int) -> None:
    deadline = time.monotonic() + 200
    while _answers(deployment) < answers:
        assert time.monotonic() < deadline
        time.sleep(0.05)
