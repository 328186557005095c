"""A small project with labels in its store and golden versions in its lake, to be backed up."""

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.sign_in import SignIn
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.adapters.store import Store, read_utc
from eval_pipeline.flows.backups.restoring import Restored, RestoringPipeline, restore_backup
from eval_pipeline.flows.backups.taking import Taken, take_backup
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import load_project
from tests.desk_steps import NOON, decision, give, staffed, task
from tests.publishing import lake_with
from tests.scenario import ROOT, World

LEFT_OUT = ("call_claims", "desk_sessions")
CHANGED = ("audit_trail", "desk_tokens")
"""A restore adds an entry to the one, and revokes what is in the other."""


@dataclass(frozen=True)
class Backed:
    """A project of its own folder, lake and store; its backups lie beside it."""

    world: World
    store_url: str
    backups: str

    @property
    def lake(self) -> Lake:
        return Lake(str(self.world.lake))

    @contextlib.contextmanager
    def opened(self, *, at: dt.datetime = NOON, restoring: bool = False) -> Iterator[Pipeline]:
        of = RestoringPipeline if restoring else Pipeline
        with self.world.entered():
            pipeline = of(load_project(self.world.config), clock=lambda: at)
            with contextlib.closing(pipeline):
                yield pipeline

    def take(self, *, at: dt.datetime = NOON) -> Taken:
        with self.opened(at=at) as pipeline:
            return take_backup(pipeline, self.backups)

    def restore(
        self, *, name: str | None = None, ledger: Lake | None = None, told: Sequence[str] = ()
    ) -> Restored:
        with self.opened(restoring=True, at=NOON + dt.timedelta(days=1)) as pipeline:
            return restore_backup(pipeline, self.backups, name=name, ledger=ledger, told=told)

    def destroy(self) -> None:
        """The lake and every table of the store, gone."""
        shutil.rmtree(self.world.lake, ignore_errors=True)
        engine = sa.create_engine(self.store_url)
        with engine.begin() as connection:
            metadata.drop_all(connection)
            connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        engine.dispose()

    def files(self) -> dict[str, bytes]:
        lake = self.lake
        return {path: lake.read_bytes(path) for path in lake.list() if path != "catalog.duckdb"}

    def rows(self, *, without: Sequence[str] = (*LEFT_OUT, *CHANGED)) -> dict[str, list[dict]]:
        """Every row of the store but of some tables."""
        with contextlib.closing(Store.open(self.store_url)) as store, store.reading() as connection:
            return {
                table.name: [
                    {k: read_utc(v) if isinstance(v, dt.datetime) else v for k, v in row.items()}
                    for row in connection.execute(
                        sa.select(table).order_by(*table.primary_key)
                    ).mappings()
                ]
                for table in metadata.sorted_tables
                if table.name not in without
            }


def backed_project(folder: Path, *, store_url: str, versions: int = 2) -> Backed:
    """The project with people, answers, corrections, calls and golden versions."""
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "eval_pipeline.yaml", folder / "eval_pipeline.yaml")
    world = World(folder)
    world.configure(lambda tree: tree["storage"].update(lake="lake", store=store_url))
    lake_with(str(world.lake), versions=versions, seed="backup")
    with contextlib.closing(Store.open(store_url)) as store:
        review = staffed(store, *(task(f"t{number}") for number in range(4)))
        desk = Desk(store)
        for who in ("ada", "ben"):
            give(desk, who, "pass" if who == "ada" else "fail")
        review.record_adjudications([decision("t0", "cleo")])
        _correct(store)
        month = dt.timedelta(days=30)
        SignIn(store).issue_token("ada", by="cleo", note="laptop", lifetime=month, at=NOON)
        _waive(store)
        CallJournal(store.engine).record([_attempt("item-1"), _attempt("item-\u2028\u0085")])
    return Backed(world, store_url, str(folder.parent / "backups"))


def _correct(store: Store) -> None:
    """A correction whose id sorts before the label that it corrects."""
    labels = metadata.tables["labels"]
    with store.writing() as connection:
        row = dict(connection.execute(sa.select(labels).limit(1)).mappings().one())
        changed = {"label_id": "0-first", "corrects": row["label_id"], "lease_id": None}
        connection.execute(labels.insert().values(**{**row, **changed}))


def _waive(store: Store) -> None:
    row = {
        "record_id": "w1", "action": "waive", "candidate_id": "steady", "baseline_id": "assistant",
        "candidate_fingerprint": "c", "baseline_fingerprint": "b", "decision_id": "d1",
        "subsets_json": "[]", "blocked_subsets_json": "[]", "decided_by": "cleo",
        "reason": "A known loss.", "until": dt.date(2026, 12, 24), "decided_at": NOON,
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(metadata.tables["policy_records"].insert(), [row])


def _attempt(item_id: str) -> Attempt:
    return Attempt(
        key=CallKey("refresh:1", "judge:a", item_id, 1, "asked"), attempt=1, status="answered",
        error_code=None, text="An answer.\nWith \u2028 and \u0085 in it.", requested_model="m",
        served_model="m", system_fingerprint=None, finish_reason="stop", input_tokens=10,
        output_tokens=5, cost_usd=0.1 + 0.2, latency_seconds=0.1, recorded_at=NOON,
    )  # fmt: skip
