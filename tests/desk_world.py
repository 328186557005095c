"""A review desk in this process: people, tasks of one week, what judges said, and a clock."""

import contextlib
import datetime as dt
import functools
import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from starlette.applications import Starlette

from eval_pipeline.adapters.review.records import ReviewTask
from eval_pipeline.adapters.store import Store
from eval_pipeline.desk.app import build_app
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import DeskSettings, Settings
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import PANEL_VERDICTS, REFUTATIONS, VERDICTS, Table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it names another HTTP client to come
    from starlette.testclient import TestClient

ROOT = Path(__file__).parents[1]
WEEK = "2026-11-16"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
SECRET_OPINION = "The judges' secret opinion."
CLAIM = "The refuter's claim."
CRITERIA = ("Answers the question.", "Invents nothing.")
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')
_LEASE = re.compile(r"/leases/([A-Za-z0-9_-]+)/answer")


class PlainAnonymiser:
    """Masks one name, as the real one would, and loads in no time."""

    def mask_text(self, text: str) -> str:
        return text.replace("Jane Roe", "[NAME]")


@dataclass
class DeskWorld:
    """The desk with its people; `now` moves by hand."""

    pipeline: Pipeline
    now: dt.datetime = NOON
    tokens: dict[str, str] = field(default_factory=dict)

    def clock(self) -> dt.datetime:
        return self.now

    def app(self) -> Starlette:
        return build_app(self.pipeline, clock=self.clock)

    def add_person(self, name: str, **terms: bool) -> None:
        self.pipeline.people.add(
            name,
            kind="person",
            by="test",
            at=NOON - DAY,
            **{"may_adjudicate": False, **terms},
        )
        issued = self.pipeline.sign_in.issue_token(
            name, by="test", note="", lifetime=30 * DAY, at=NOON - DAY
        )
        self.tokens[name] = issued.text

    def open_tasks(self, count: int, *, texts: tuple[str, str] = ("Question", "Response")) -> None:
        """Tasks `task-001` and on, each with a conversation of one turn."""
        asked, answered = texts
        tasks = [
            ReviewTask(
                task_id=f"task-{number:03}",
                interaction_id=f"interaction-{number:03}",
                selection="dispute",
                reason="split",
                label_probability=0.5,
                rubric_id="general@00000000",
                subject_json=canonical_json(
                    {
                        "route": "orders",
                        "criteria": list(CRITERIA),
                        "messages": [{"role": "user", "content": f"{asked} {number}"}],
                        "response": f"{answered} {number}",
                    }
                ),
            )
            for number in range(1, count + 1)
        ]
        self.pipeline.review.open_tasks(tasks, week=WEEK, at=NOON - DAY)

    def judge(self, count: int, *, week: str = WEEK) -> None:
        """What two judges, the panel and the refuter said of the tasks, that week."""
        ids = [f"interaction-{number:03}" for number in range(1, count + 1)]
        opinion = {"verdict": "fail", "rationale": SECRET_OPINION, "status": "answered"}
        said = [
            {"interaction_id": name, "judge_id": judge, "order": "single", **opinion}
            for name in ids
            for judge in ("judge-a", "judge-b")
        ]
        panel = [{"interaction_id": name, "reason": "split", "passes": 1} for name in ids]
        claims = [{"interaction_id": name, "finding": "refuted", "claim": CLAIM} for name in ids]
        for table, rows in ((VERDICTS, said), (PANEL_VERDICTS, panel), (REFUTATIONS, claims)):
            self.pipeline.lake.replace(table, _filled(table, rows), partition=week)

    def visitor(self, app: Starlette, name: str | None = None, **options: object) -> "Visitor":
        """A browser at the desk, signed in as this person."""
        client = TestClient(
            app,
            base_url="http://localhost",
            follow_redirects=False,
            raise_server_exceptions=False,
            **options,
        )
        visitor = Visitor(client)
        if name is not None:
            visitor.sign_in(self.tokens[name])
        return visitor

    def caller(self, app: Starlette, name: str) -> TestClient:
        """A program with this person's token."""
        return TestClient(
            app,
            base_url="http://localhost/api/v1",
            headers={"Authorization": f"Bearer {self.tokens[name]}"},
            raise_server_exceptions=False,
        )


@dataclass
class Visitor:
    """One browser."""

    client: TestClient

    def sign_in(self, token: str) -> None:
        answered = self.client.post("/sign-in", data={"token": token})
        assert answered.status_code == 303, answered.text

    def lease(self, page: str = "/label") -> tuple[str, str]:
        """The id of the lease on this page, and the page's form token."""
        text = self.client.get(page).text
        return _LEASE.search(text).group(1), _CSRF.search(text).group(1)

    def csrf(self, page: str = "/label") -> str:
        return _CSRF.search(self.client.get(page).text).group(1)

    def answer(self, label: str = "pass", *, page: str = "/label", **fields: str) -> str:
        """Answers the task on the page; the lease's id."""
        lease_id, csrf = self.lease(page)
        answered = self.client.post(
            f"/leases/{lease_id}/answer", data={"csrf": csrf, "label": label, **fields}
        )
        assert answered.status_code == 303, answered.text
        return lease_id


@contextlib.contextmanager
def desk_world(folder: Path, **desk: object) -> Iterator[DeskWorld]:
    """A desk without people or tasks; `desk` are settings of that section."""
    shipped = _shipped_settings()
    settings = shipped.model_copy(update={"desk": DeskSettings(**desk)})
    (folder / "store.sqlite").write_bytes(_migrated_store())
    pipeline = Pipeline(Project(settings, folder / "eval_pipeline.yaml"), clock=lambda: NOON)
    pipeline.__dict__["anonymiser"] = PlainAnonymiser()
    try:
        yield DeskWorld(pipeline)
    finally:
        pipeline.close()


@functools.cache
def _shipped_settings() -> Settings:
    return load_project(ROOT / "eval_pipeline.yaml").settings


@functools.cache
def _migrated_store() -> bytes:
    """An empty store of the present schema; made once, as a copy takes no time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.sqlite"
        Store.open(f"sqlite:///{file}").close()
        return file.read_bytes()


def _filled(table: Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    """The rows with a plain value in every column that needs one."""
    plain = {pl.String: "x", pl.Int64: 0, pl.Float64: 0.0, pl.Boolean: False}
    needed = {
        name: plain.get(table.schema[name]) for name in table.required if name in table.schema
    }
    return table.conform(
        pl.DataFrame([{**needed, **row} for row in rows], schema=table.schema, strict=False)
    )
