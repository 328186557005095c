"""A store of an earlier schema, with answers in it, becomes a desk's; on both databases."""

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from eval_pipeline.adapters import migrations
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import audit_trail, metadata
from eval_pipeline.adapters.store import Store, read_utc
from eval_pipeline.errors import StoreError
from eval_pipeline.fingerprint import fingerprint
from tests.desk_steps import NOON, WEEK, broken, label

STATES = {
    "t0": "open",
    "t1": "labelled",  # one label, corrected
    "t2": "agreed",
    "t3": "disputed",
    "t4": "disputed",  # two who cannot tell
    "t5": "adjudicated",
    "t6": "cannot_tell",  # decided, then corrected
    "t7": "erased",
    "t8": "agreed",  # a third label comes too late, a correction keeps its place
    "t9": "adjudicated",  # without any label
}
GIVEN = {
    "t1": [("ada", "pass"), ("ada", "fail")],
    "t2": [("ada", "fail"), ("ben", "fail")],
    "t3": [("ada", "pass"), ("ben", "fail")],
    "t4": [("ada", "cannot_tell"), ("ben", "cannot_tell")],
    "t5": [("ada", "pass"), ("ben", "fail")],
    "t6": [("ada", "pass")],
    "t7": [("ada", "pass"), ("ben", "fail")],
    "t8": [("ada", "pass"), ("ben", "fail"), ("dan", "pass"), ("ada", "fail")],
}
DECIDED = {"t5": ["fail"], "t6": ["pass", "cannot_tell"], "t9": ["pass"]}


def config_on(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def old_rows() -> dict[str, list[dict]]:
    """What the program of that schema wrote, by table."""
    people = [
        {"annotator_id": name, "kind": "person", "may_adjudicate": name == "cleo", "added_at": NOON}
        for name in ("ada", "ben", "cleo", "dan")
    ]
    tasks = [
        {
            "task_id": name, "week": WEEK, "interaction_id": f"i-{name}", "selection": "audit",
            "reason": "audit", "label_probability": 0.25, "rubric_id": "r@1", "opened_at": NOON,
            "subject_json": "{}", "state": old_state(name),
        }
        for name in STATES
    ]  # fmt: skip
    labels, adjudications = [], []
    for name, given in GIVEN.items():
        first: dict[str, str] = {}
        for place, (who, answer) in enumerate(given):
            row = {
                "label_id": f"{name}-{place}", "task_id": name, "annotator_id": who,
                "label": answer, "rationale": "Clear.", "reference_response": None,
                "labelled_at": NOON + dt.timedelta(hours=place), "corrects": first.get(who),
            }  # fmt: skip
            first.setdefault(who, row["label_id"])
            labels.append(row)
    for name, answers in DECIDED.items():
        for place, answer in enumerate(answers):
            adjudications.append(
                {
                    "adjudication_id": f"{name}-a{place}", "task_id": name, "label": answer,
                    "adjudicated_by": "cleo", "rationale": "Clear.", "reference_response": None,
                    "adjudicated_at": NOON + dt.timedelta(days=1, hours=place),
                    "corrects": f"{name}-a{place - 1}" if place else None,
                }
            )  # fmt: skip
    return {
        "annotators": people, "review_tasks": tasks, "labels": labels,
        "adjudications": adjudications,
    }  # fmt: skip


def old_state(name: str) -> str:
    if STATES[name] == "erased":
        return "erased"
    return "adjudicated" if name in DECIDED else "labelled" if name in GIVEN else "open"


def table_of(rows: list[dict]) -> list[sa.ColumnClause]:
    return [
        sa.column(name, sa.DateTime(timezone=True) if isinstance(value, dt.datetime) else None)
        for name, value in rows[0].items()
    ]


def write_old(url: str, revision: str, rows: dict[str, list[dict]]) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config_on(connection), revision)
        for name, some in rows.items():
            connection.execute(sa.table(name, *table_of(some)).insert(), some)
    engine.dispose()


def read_back(store: Store, name: str, rows: list[dict]) -> list[dict]:
    with store.reading() as connection:
        found = connection.execute(sa.select(sa.table(name, *table_of(rows)))).mappings()
        return [
            {
                key: read_utc(one) if isinstance(one, dt.datetime) else one
                for key, one in row.items()
            }
            for row in found
        ]


@pytest.mark.parametrize("revision", ["0001", "0003"])
def test_every_answer_is_kept_and_every_task_told_where_it_stands(store_url, revision):
    rows = old_rows()
    write_old(store_url, revision, rows)
    store = Store.open(store_url)
    tasks = {
        row["task_id"]: row["state"]
        for row in read_back(store, "review_tasks", rows["review_tasks"])
    }
    assert tasks == STATES
    for name in ("annotators", "labels", "adjudications"):
        key = next(iter(rows[name][0]))
        kept = sorted(read_back(store, name, rows[name]), key=lambda row: row[key])
        assert kept == sorted(rows[name], key=lambda row: row[key])
    assert broken(store) == []
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    review = ReviewStore(store)
    frame = review.labels(WEEK)
    assert frame["withdrawn"].to_list() == [False] * frame.height
    assert review.tasks(WEEK)["labels_needed"].to_list() == [2] * 9
    store.close()


def test_an_old_file_imported_again_after_the_migration_changes_nothing(store_url):
    rows = old_rows()
    said = {
        "task_id": "t0", "annotator_id": "ada", "label": "pass", "rationale": "Clear.",
        "reference_response": None, "corrects": None,
    }  # fmt: skip
    # The id of a label without one, as it was derived before labels had further columns.
    own = {**said, "label_id": fingerprint(said), "labelled_at": NOON}
    write_old(store_url, "0003", {**rows, "labels": [*rows["labels"], own]})
    store = Store.open(store_url)
    report = ReviewStore(store).record_labels([label("t0", "ada", rationale="Clear.")])
    assert (report.recorded, report.repeated, report.refused) == (0, 1, ())
    store.close()


def test_a_second_first_label_by_one_person_is_refused_by_the_database(store_url):
    rows = old_rows()
    twice = {**rows["labels"][0], "label_id": "again", "corrects": None}
    # The old program forbade it; a store where it happened all the same is left as it was.
    write_old(store_url, "0003", {**rows, "labels": [*rows["labels"], twice]})
    with pytest.raises(StoreError, match=r"IntegrityError|UniqueViolation"):
        Store.open(store_url)
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        states = connection.exec_driver_sql("SELECT DISTINCT state FROM review_tasks").scalars()
        assert (version, set(states)) == ("0003", {"open", "labelled", "adjudicated", "erased"})
    engine.dispose()


def test_the_present_store_refuses_it_too(store):
    rows = old_rows()
    with store.writing() as connection:
        for name in ("annotators", "review_tasks"):
            connection.execute(sa.table(name, *table_of(rows[name])).insert(), rows[name])
    first = {**rows["labels"][0], "corrects": None}
    with (
        pytest.raises(StoreError, match=r"IntegrityError|UniqueViolation"),
        store.writing() as connection,
    ):
        connection.execute(
            sa.table("labels", *table_of([first])).insert(), [first, {**first, "label_id": "again"}]
        )


@pytest.mark.parametrize(
    "change", [sa.delete(audit_trail), sa.update(audit_trail).values(actor="x")]
)
def test_nobody_changes_the_audit_trail(store, change):
    review = ReviewStore(store)
    review.add_annotator("ada", kind="person", may_adjudicate=False, at=NOON)
    before = review.audit_entries()
    with pytest.raises(StoreError), store.writing() as connection:
        connection.execute(change)
    assert review.audit_entries() == before != []
