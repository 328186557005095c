"""One person is forgotten in a finished world: no trace is left, and everything else is as it was.

What is left is looked for by grep over bytes and decoded Parquet, not by the product's own scan.
"""

import io
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.object_storage import LocalFolder
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.adapters.store import Store
from eval_pipeline.evaluation.decision import decisions_with
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.flows import intake
from eval_pipeline.flows.candidate_audit import queue_audit
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.decision import decide_on, load_decision
from eval_pipeline.flows.decision_pages import read_page, shown_items, write_pages
from eval_pipeline.flows.erasure.forgetting import Forgotten, forget
from eval_pipeline.flows.erasure.inventory import person_of
from eval_pipeline.flows.regression import report_on
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.flows.withdrawals import withdraw_item
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ALL_TABLES,
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    ERASURES,
    GATE_DECISION,
    GOLDEN_SET,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
    SAMPLED_INTERACTIONS,
    SAMPLING_FRAME,
)
from eval_pipeline.truth.golden_set import item_identity
from tests.scenario import CANDIDATE, KEY, NEXT_WEEK, WEEKS, World, planted_strings_in

pytestmark = pytest.mark.slow

REASON = "asked by letter"
BY = "dana"


@dataclass(frozen=True)
class Subject:
    """A person of the logs and all that the lake held of them before."""

    user_id: str
    rows: pl.DataFrame

    @property
    def user_key(self) -> str:
        return keyed_pseudonym(KEY.encode(), "user", self.user_id)

    @property
    def interactions(self) -> list[str]:
        return self.rows["interaction_id"].to_list()

    @property
    def conversations(self) -> list[str]:
        return self.rows["conversation_key"].unique().sort().to_list()

    @property
    def items(self) -> set[str]:
        return {
            make(one) for one in self.interactions for make in (item_identity, reserve_identity)
        }

    def strings(self, others: pl.DataFrame) -> list[str]:
        """Ids, and lines of some length that stand in no other person's texts."""
        elsewhere = "\n".join(line for row in others.to_dicts() for line in lines_of(row))
        lines = {line for row in self.rows.to_dicts() for line in lines_of(row)}
        ids = [self.user_id, self.user_key, *self.conversations, *self.interactions]
        # grep finds an id inside a longer one too, and i-...-1 begins i-...-10.
        assert not [one for one in ids if one in str(others.rows())]
        return [*ids, *(line for line in lines if len(line) >= 20 and line not in elsewhere)]


def lines_of(row: dict) -> Iterator[str]:
    for text in (*(message["content"] or "" for message in row["messages"]), row["response"]):
        yield from (line.strip() for line in (text or "").splitlines())


def everyone(world: World) -> pl.DataFrame:
    return Lake(str(world.lake)).read_all(ANONYMISED_INTERACTIONS)


def subjects(world: World) -> list[Subject]:
    logged = pl.read_parquet(world.logs / "*" / "*.parquet", hive_partitioning=False)
    rows = everyone(world)
    found = []
    for user_id in logged["user_id"].drop_nulls().unique().sort():
        key = keyed_pseudonym(KEY.encode(), "user", user_id)
        own = rows.filter(pl.col("user_key") == key)
        if own.height:
            found.append(Subject(user_id, own))
    return found


def choose(world: World) -> tuple[Subject, Subject]:
    """Somebody in the golden set and in the trials' reserve, and somebody whom people labelled."""
    lake = Lake(str(world.lake))
    asked = set(lake.read_all(REGRESSION_TRIALS)["item_id"])
    drifted = set(lake.read_all(DRIFT_TRIALS)["item_id"])
    labelled = set(lake.read_all(ADJUDICATIONS)["interaction_id"])
    people = subjects(world)

    def golden(one: Subject) -> bool:
        return any(item_identity(name) in asked for name in one.interactions)

    def reserve(one: Subject) -> int:
        return sum(reserve_identity(name) in asked for name in one.interactions)

    first = max((one for one in people if golden(one)), key=reserve)
    assert reserve(first) > 0
    second = max(
        (one for one in people if golden(one) and one.user_id != first.user_id),
        key=lambda one: (
            len(labelled.intersection(one.interactions)),
            len(drifted.intersection(one.items)),
        ),
    )
    assert labelled.intersection(second.interactions)
    return first, second


def erase(world: World, subject: Subject, **options) -> Forgotten:
    with world.pipeline() as pipeline:
        return forget(
            pipeline, subject.user_id, by=BY, reason=REASON, dagster_home=world.home, **options
        )


def traces_left(world: World, strings: list[str], scratch: Path) -> list[str]:
    """What grep finds in every file of ours, and in the rows of the databases."""
    scratch.mkdir()
    rows = scratch / "rows.txt"
    with rows.open("w", encoding="utf-8") as file:
        for database in [world.store, *world.home.rglob("*.db")]:
            with closing(sqlite3.connect(database)) as connection:
                file.writelines(f"{line}\n" for line in connection.iterdump())
        with duckdb.connect(world.lake / "catalog.duckdb", read_only=True) as catalogue:
            names = catalogue.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            for (name,) in names:
                file.write(str(catalogue.execute(f"SELECT * FROM {name}").fetchall()))
    stores = world.folder.glob("store.sqlite*")
    return planted_strings_in(
        [world.lake, world.home, rows, *stores, world.folder / "candidates"],
        strings,
        scratch=scratch,
    )


@dataclass(frozen=True)
class After:
    """A world in which two people were forgotten, what it was before, and what the command said."""

    world: World
    before: World
    first: Subject
    second: Subject
    told: tuple[Forgotten, Forgotten]

    @property
    def strings(self) -> list[str]:
        rows = everyone(self.before)
        return [
            string
            for one in (self.first, self.second)
            for string in one.strings(rows.filter(pl.col("user_key").ne_missing(one.user_key)))
        ]

    @property
    def items(self) -> set[str]:
        return self.first.items | self.second.items


def show_losses(world: World, item_ids: list[str]) -> None:
    """Makes the decision name these items as lost, with their texts on its page."""
    with world.pipeline() as pipeline:
        decided = load_decision(pipeline, CANDIDATE)
        lost = decided.aggregate.model_copy(update={"losing_items": tuple(item_ids)})
        named = decided.model_copy(update={"aggregate": lost}).identified()
        pipeline.lake.replace(
            GATE_DECISION, decisions_with(GATE_DECISION.empty(), named), partition=CANDIDATE
        )
        write_pages(pipeline, CANDIDATE, named)


@pytest.fixture(scope="module")
def after(finished_world: World, provider_process, tmp_path_factory) -> After:
    folder = tmp_path_factory.mktemp("forgotten")
    url = provider_process.base_url
    world = finished_world.copied_to(folder / "world", provider_url=url)
    first, second = choose(world)
    with world.pipeline() as pipeline:
        asked = pipeline.lake.read(REGRESSION_TRIALS, partition=CANDIDATE)["item_id"]
    theirs = sorted(set(asked) & (first.items | second.items))
    others = sorted(set(asked) - set(theirs))[:1]
    show_losses(world, [*theirs[:3], *others])
    with world.pipeline() as pipeline:
        withdraw_item(
            pipeline, golden_item(pipeline, first), by="ada", reason="the question asks too much"
        )
        # Answers to their questions are review tasks, with the questions in them.
        assert queue_audit(pipeline, resolve_candidate(pipeline.project, CANDIDATE)).opened
    before = world.copied_to(folder / "before", provider_url=url)
    told = (erase(world, first), erase(world, second))
    return After(world, before, first, second, told)


def test_before_the_erasure_the_independent_scan_finds_ids_and_texts(after, tmp_path):
    found = traces_left(after.before, after.strings, tmp_path / "scan")
    for one in (after.first, after.second):
        assert {one.user_key, *one.conversations, *one.interactions} <= set(found)
    assert len(found) > 15


def test_after_the_erasure_an_independent_scan_finds_no_trace(after, tmp_path):
    assert traces_left(after.world, after.strings, tmp_path / "scan") == []


def test_the_erasure_proves_itself_and_says_where_it_looked(after):
    for told in after.told:
        assert told.clean
        assert told.suppressed
        assert told.sought > 5
        assert [one.place for one in told.looked] == [
            "lake", "store", "Dagster's home", "the project's folder",
        ]  # fmt: skip
        assert all(one.files > 0 and one.bytes > 0 for one in told.looked)


def test_every_golden_item_of_others_is_as_it_was_and_every_version_is_sound(after):
    with after.before.pipeline() as before, after.world.pipeline() as now:
        for version in before.golden.numbers():
            kept = before.golden.items(version).filter(
                ~pl.col("user_key").is_in([after.first.user_key, after.second.user_key])
            )
            assert kept.height < before.golden.items(version).height
            standing = now.golden.items(version)
            assert standing.filter(pl.col("item_id").is_in(kept["item_id"].to_list())).equals(kept)
            assert now.golden.verify(version) == []


def test_every_row_of_others_in_every_table_is_as_it_was(after):
    gone = [*after.first.interactions, *after.second.interactions]
    with after.before.pipeline() as before, after.world.pipeline() as now:
        for table in ALL_TABLES:
            if table is GOLDEN_SET:
                continue
            assert now.lake.partitions(table) == before.lake.partitions(table)
            for partition in before.lake.partitions(table):
                was = before.lake.read(table, partition=partition)
                if "interaction_id" in table.schema:
                    was = was.filter(~pl.col("interaction_id").is_in(gone).fill_null(value=False))
                    if "item_id" in table.schema:
                        was = was.filter(~pl.col("item_id").is_in(sorted(after.items)))
                elif "item_id" in table.schema:
                    continue
                elif table.name in {"topic_clusters", "unnamed_failures"}:
                    names = [name for name in ("members", "reference_members", "examples")
                             if name in table.schema]  # fmt: skip
                    was = was.with_columns(
                        pl.col(name).list.eval(pl.element().filter(~pl.element().is_in(gone)))
                        for name in names
                    )
                assert now.lake.read(table, partition=partition).equals(was), table.name


def test_trials_keep_every_score_and_lose_only_text_and_conversations_of_the_erased(after):
    with after.before.pipeline() as before, after.world.pipeline() as now:
        for table, partitions in ((REGRESSION_TRIALS, [CANDIDATE]), (DRIFT_TRIALS, list(WEEKS))):
            for partition in partitions:
                was = before.lake.read(table, partition=partition)
                standing = now.lake.read(table, partition=partition)
                lost = ["response", "cluster_id", "conversation_key"]
                same = [name for name in table.schema if name not in lost]
                assert standing.select(same).equals(was.select(same))
                others = ~pl.col("item_id").is_in(sorted(after.items))
                assert standing.filter(others).equals(was.filter(others))
                erased = standing.filter(~others)
                assert erased["response"].null_count() == erased.height


def test_report_and_decision_made_again_from_what_is_left_give_the_same_figures(after):
    with after.before.pipeline() as before, after.world.pipeline() as now:
        made = []
        for pipeline in (before, now):
            candidate = resolve_candidate(pipeline.project, CANDIDATE)
            trials = pipeline.lake.read(REGRESSION_TRIALS, partition=CANDIDATE)
            report = report_on(pipeline, candidate, trials)
            made.append((report, decide_on(pipeline, candidate).decision))
        assert made[0][0].equals(made[1][0])
        assert made[0][0].equals(before.lake.read(REGRESSION_REPORT, partition=CANDIDATE))
        assert made[0][1] == made[1][1]


def test_a_decision_still_loads_and_its_page_shows_that_an_item_was_erased(after):
    with after.before.pipeline() as before, after.world.pipeline() as now:
        was, standing = load_decision(before, CANDIDATE), load_decision(now, CANDIDATE)
        assert standing == was
        page = read_page(now, CANDIDATE)
        assert "Erased on request" not in read_page(before, CANDIDATE)
        shown = {one.item_id for one in shown_items(now, CANDIDATE, standing)}
        assert page.count("Erased on request") == len(after.items & shown) > 0
        # Whoever was not erased is still quoted.
        other = min(shown - after.items)
        trials = now.lake.read(REGRESSION_TRIALS, partition=CANDIDATE)
        assert trials.filter(pl.col("item_id") == other)["response"].null_count() == 0
        assert other in page


def golden_item(pipeline: Pipeline, subject: Subject) -> str:
    admitted = {
        change.item_id
        for number in pipeline.golden.numbers()
        for change in pipeline.golden.manifest(number).admitted
    }
    return min(subject.items & admitted)


def test_who_withdrew_an_item_stays_and_what_they_wrote_of_it_goes(after):
    with after.before.pipeline() as pipeline:
        item = golden_item(pipeline, after.first)
        assert pipeline.withdrawals.standing()[item].reason == "the question asks too much"
    with after.world.pipeline() as pipeline:
        [decision] = pipeline.withdrawals.history(item)
        assert (decision.decided_by, decision.reason) == ("ada", "")


def test_labels_and_costs_stay_and_the_audit_trail_says_who_asked(after):
    assert after.world.count("labels") == after.before.count("labels")
    assert after.world.count("adjudications") == after.before.count("adjudications")
    assert after.world.count("review_tasks", "state = 'erased'") > 0
    judged = "scope LIKE 'candidate:%' AND system_id LIKE 'judge:%' AND item_id LIKE 'erased-%'"
    assert after.world.count("call_attempts", judged) > 0
    for column in ("cost_usd", "input_tokens", "attempt"):
        with after.before.pipeline() as before, after.world.pipeline() as now:
            sums = []
            for pipeline in (before, now):
                with pipeline.store.reading() as connection:
                    query = f"SELECT scope, round(sum({column}), 9) FROM call_attempts GROUP BY 1"
                    sums.append(connection.exec_driver_sql(query).all())
            assert sums[0] == sums[1]
    with after.world.pipeline() as now:
        newest = now.review.audit_entries(limit=1)[0]
    assert (newest.actor, newest.action) == (BY, "forget")
    assert after.second.user_id not in newest.detail_json


def test_the_record_names_every_changed_file_with_its_hashes_and_nobody(after):
    with after.world.pipeline() as pipeline:
        for subject, told in zip((after.first, after.second), after.told, strict=True):
            rows = pipeline.lake.read(ERASURES, partition=told.erasure_id)
            assert set(rows["requested_by"]) == {BY}
            assert set(rows["reason"]) == {REASON}
            assert {change.place for change in told.changes} <= set(rows["place"])
            of_files = rows.filter(pl.col("place").str.ends_with(".parquet"))
            assert of_files["new_hash"].null_count() == 0
            assert (of_files["new_hash"] != of_files["old_hash"]).all()
            assert subject.user_id not in str(rows.rows())
            assert subject.user_key not in str(rows.rows())
        with duckdb.connect(after.world.lake / "catalog.duckdb", read_only=True) as catalogue:
            (held,) = catalogue.execute("SELECT count(DISTINCT erasure) FROM erasures").fetchone()
    assert held == 2


def test_forgetting_again_changes_no_file(after, tmp_path):
    files = after.world.files()
    told = erase(after.world, after.first)
    assert told.changes == ()
    assert told.clean
    assert after.world.files() == files


def test_a_past_week_drawn_and_masked_again_leaves_the_erased_out_and_counts_them(after):
    with after.world.pipeline() as now, after.before.pipeline() as before:
        for week in WEEKS:
            drawn = intake.draw_week(now, week=week)
            was = before.lake.read(SAMPLED_INTERACTIONS, partition=week)
            gone = was.filter(
                pl.col("interaction_id").is_in(
                    [*after.first.interactions, *after.second.interactions]
                )
            )
            assert drawn.erased == gone.height
            # The others keep their places and probabilities.
            assert drawn.sampled.equals(was.join(gone, on="interaction_id", how="anti"))
            masked = intake.anonymise_week(now, was, week=week).interactions
            assert masked.equals(now.lake.read(ANONYMISED_INTERACTIONS, partition=week))


@pytest.mark.slow
def test_a_past_week_run_again_as_a_job_brings_nothing_back(world, tmp_path):
    subject, _ = choose(world)
    rows = everyone(world)
    strings = subject.strings(rows.filter(pl.col("user_key").ne_missing(subject.user_key)))
    assert erase(world, subject).clean
    with world.session() as session:
        for week in WEEKS:
            session.launcher.launch("refresh", partition=week)
        session.launcher.launch("publish", partition=WEEKS[-1])
    assert traces_left(world, strings, tmp_path / "scan") == []
    assert erase(world, subject).clean


class KilledError(BaseException):
    """Stands for a kill: nothing in the program handles it."""


class MortalFolder(LocalFolder):
    """A folder whose writer dies at its nth write, before or after it reached the disk."""

    def __init__(self, root: Path, *, fatal: int, late: bool) -> None:
        super().__init__(root)
        self._left = fatal
        self._late = late

    def write(self, path: str, data: bytes) -> None:
        self._left -= 1
        if self._left == 0 and not self._late:
            raise KilledError
        super().write(path, data)
        if self._left == 0:
            raise KilledError


@pytest.mark.parametrize(("fatal", "late"), [(4, True), (11, False), (24, True), (31, True)])
def test_an_erasure_that_was_killed_is_finished_by_running_it_again(
    after, tmp_path, provider_process, fatal, late
):
    world = after.before.copied_to(tmp_path / "world", provider_url=provider_process.base_url)
    with world.pipeline() as pipeline:
        pipeline.lake._storage = MortalFolder(world.lake, fatal=fatal, late=late)
        with pytest.raises(KilledError):
            forget(pipeline, after.first.user_id, by=BY, reason=REASON, dagster_home=world.home)
    assert erase(world, after.first).clean
    rows = everyone(after.before)
    strings = after.first.strings(rows.filter(pl.col("user_key").ne_missing(after.first.user_key)))
    assert traces_left(world, strings, tmp_path / "scan") == []
    with world.pipeline() as pipeline:
        assert [pipeline.golden.verify(version) for version in pipeline.golden.numbers()] == [
            [] for _ in pipeline.golden.numbers()
        ]


def test_a_lake_in_an_object_store_is_erased_as_well(after, tmp_path, provider_process):
    world = after.before.copied_to(tmp_path / "world", provider_url=provider_process.base_url)
    lake = Lake("memory://")
    for path in Lake(str(world.lake)).list():
        lake.write_bytes(path, (world.lake / path).read_bytes())
    with world.pipeline() as pipeline:
        pipeline.__dict__["lake"] = lake
        told = forget(pipeline, after.first.user_id, by=BY, reason=REASON, dagster_home=world.home)
    # The folder that the lake was copied from is now a stranger's copy: it is found and named.
    assert not told.clean
    by_place = {one.place: one for one in told.looked}
    assert by_place["lake"].clean
    assert any(path.startswith("lake/") for path in by_place["the project's folder"].hits)


def test_a_store_on_postgresql_is_erased_as_well(after, tmp_path, provider_process, postgres_url):
    world = after.before.copied_to(tmp_path / "world", provider_url=provider_process.base_url)
    with closing(Store.open(postgres_url)) as store, world.pipeline() as pipeline:
        with pipeline.store.reading() as source, store.writing() as target:
            for table in metadata.sorted_tables:
                for row in source.execute(sa.select(table)).mappings():
                    # Numbers that the server gives are left to it.
                    given = {
                        name: value
                        for name, value in row.items()
                        if name not in {"entry", "sighting"}
                    }
                    target.execute(sa.insert(table), given)
        pipeline.store.close()
        world.store.unlink()
        pipeline.__dict__["store"] = store
        told = forget(pipeline, after.second.user_id, by=BY, reason=REASON, dagster_home=world.home)
        held = {str(row) for table in metadata.sorted_tables for row in rows_of(store, table)}
    assert told.clean
    assert {change.place for change in told.changes} >= {
        "store/call_attempts", "store/labels", "store/review_tasks",
    }  # fmt: skip
    rows = everyone(after.before)
    others = rows.filter(pl.col("user_key").ne_missing(after.second.user_key))
    assert not [one for one in after.second.strings(others) if one in "\n".join(held)]
    assert [one.bytes > 0 for one in told.looked if one.place == "store"] == [True]


def rows_of(store: Store, table: sa.Table) -> Sequence[sa.Row]:
    with store.reading() as connection:
        return connection.execute(sa.select(table)).all()


def test_what_a_reviewer_exported_into_the_folder_is_found_and_holds_the_proof_back(world):
    _, subject = choose(world)
    queue = world.folder / "queue.jsonl"
    monday = f"{subject.rows['occurred_at'].max():%Y-%m-%d}"
    monday = max(week for week in WEEKS if week <= monday)
    assert world.run("review", "export", "--week", monday, "--out", str(queue)).code == 0
    options = ["forget", "--user", subject.user_id, "--reason", REASON, "--by", BY]
    ended = world.run(*options)
    assert ended.code == 1
    assert "queue.jsonl: " in ended.out
    assert "run the same command again" in ended.err
    assert subject.user_id not in ended.out + ended.err
    queue.unlink()
    ended = world.run(*options, "--json")
    facts = json.loads(ended.out)
    assert (ended.code, facts["clean"], facts["suppressed"]) == (0, True, True)
    # What was kept to find the copy by is gone now.
    assert {change["place"].partition("/")[0] for change in facts["changes"]} >= {
        ANONYMISED_INTERACTIONS.name
    }
    assert subject.user_id not in ended.out


def test_a_dry_run_changes_nothing_and_tells_what_would_be_erased(after):
    files = after.before.files()
    ended = after.before.run(
        "forget", "--user", after.first.user_id, "--reason", REASON, "--by", BY,
        "--dry-run", "--json",
    )  # fmt: skip
    assert ended.code == 0
    assert after.before.files() == files
    told = json.loads(ended.out)
    really = {(one.place, one.rows_removed, one.rows_blanked) for one in after.told[0].changes}
    assert really == {
        (one["place"], one["rows_removed"], one["rows_blanked"]) for one in told["changes"]
    }
    assert told["clean"] is None


def test_of_an_unknown_person_nothing_is_erased_and_only_on_demand_are_they_suppressed(after):
    options = ("forget", "--user", "nobody@example.org", "--reason", REASON, "--by", BY)
    ended = after.world.run(*options)
    assert ended.code == 0
    assert "nothing of this person" in ended.out
    with after.world.pipeline() as pipeline:
        erasure_id = person_of(pipeline, "nobody@example.org").erasure_id
        assert not pipeline.lake.has(ERASURES, partition=erasure_id)
    assert after.world.run(*options, "--suppress").code == 0
    with after.world.pipeline() as pipeline:
        assert erasure_id in intake.erased_people(pipeline)


def test_the_next_week_is_drawn_without_the_erased(after):
    with after.world.pipeline() as pipeline:
        framed = intake.frame_week(pipeline, week=NEXT_WEEK)
        pipeline.lake.replace(SAMPLING_FRAME, framed.frame, partition=NEXT_WEEK)
        drawn = intake.draw_week(pipeline, week=NEXT_WEEK)
    logged = pl.read_parquet(
        after.world.logs / f"week={NEXT_WEEK}" / "*.parquet", hive_partitioning=False
    )
    theirs = logged.filter(pl.col("user_id").is_in([after.first.user_id, after.second.user_id]))[
        "interaction_id"
    ]
    assert not set(drawn.sampled["interaction_id"]) & set(theirs)


def test_the_user_can_come_from_standard_input_and_must_not_be_empty(after, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{after.first.user_id}\n"))
    options = ("--reason", REASON, "--by", BY, "--dry-run", "--json")
    ended = after.before.run("forget", "--user", "-", *options)
    assert json.loads(ended.out)["erasure_id"] == after.told[0].erasure_id
    ended = after.before.run("forget", "--user", " ", *options)
    assert ended.code == 1
    assert "--user is empty" in ended.err
