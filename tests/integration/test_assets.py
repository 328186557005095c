"""The asset graph: what every asset declares, what a run records, and what a second run leaves."""

import datetime as dt
import shutil
from types import ModuleType

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from eval_pipeline.errors import ContractError
from eval_pipeline.tables import ALL_TABLES, REFUTATIONS, SAMPLING_FRAME, VERDICTS
from tests.scenario import (
    BASELINE,
    CANDIDATE,
    NEXT_WEEK,
    NOBODY_LISTENS,
    WEEKS,
    World,
    requests_seen,
)

MEASURED = ("latency_seconds", "first_byte_seconds")

OUTSIDE = {"production_logs", "review_desk"}
DESIGNED = {
    "sampling_frame",
    "sampled_interactions",
    "anonymised_interactions",
    "anonymisation_report",
    "topic_clusters",
    "stratified_interactions",
    "verdicts",
    "refutations",
    "panel_verdicts",
    "disputes",
    "annotator_agreement",
    "adjudications",
    "judge_calibration",
    "judge_anchors",
    "judge_probes",
    "judge_biases",
    "judge_reliability",
    "judge_quality",
    "synthetic_items",
    "golden_set",
    "golden_weights",
    "contamination_findings",
    "candidate_contamination",
    "aa_runs",
    "drift_trials",
    "drift_report",
    "drift_reference",
    "drift_signals",
    "rotation_effect",
    "regression_trials",
    "candidate_audit",
    "human_correction",
    "regression_report",
    "continuation_trials",
    "continuation_report",
    "trial_dimensions",
    "dimension_report",
    "confidence_curves",
    "production_monitor",
    "quality_verdicts",
    "production_quality",
    "monitor_alerts",
    "topic_mix",
    "unnamed_failures",
    "outcome_validity",
    "outcome_predictions",
    "outcome_tracking",
    "operations_report",
    "load_profile",
    "policy_records",
    "gate_audit",
    "gate_decision",
    "failing_items",
    "failure_triage",
    "gate_ledger",
    "weekly_report",
    "shadow_trials",
    "shadow_report",
}
PER_CANDIDATE = {
    "candidate_contamination",
    "regression_trials",
    "candidate_audit",
    "human_correction",
    "regression_report",
    "continuation_trials",
    "continuation_report",
    "trial_dimensions",
    "dimension_report",
    "confidence_curves",
    "operations_report",
    "policy_records",
    "gate_decision",
    "failing_items",
    "failure_triage",
    "gate_ledger",
    "shadow_trials",
    "shadow_report",
}


LOAD = "load_profile"


def partition_of(table: str) -> str:
    if table == LOAD:
        return BASELINE
    return CANDIDATE if table in PER_CANDIDATE else WEEKS[0]


@pytest.fixture(scope="module")
def graph(definitions: ModuleType) -> dict[str, dg.AssetSpec]:
    specs = definitions.defs.resolve_all_asset_specs()
    return {spec.key.to_user_string(): spec for spec in specs}


@pytest.fixture(scope="module")
def instance(finished_world: World):
    with finished_world.entered(), dg.DagsterInstance.get() as opened:
        yield opened


def test_the_graph_is_the_assets_of_the_design_and_the_two_outside(graph):
    assert set(graph) == DESIGNED | OUTSIDE


def test_every_asset_is_named_after_its_table(graph):
    assert set(graph) - OUTSIDE == {table.name for table in ALL_TABLES}


def test_each_table_is_made_by_the_job_that_its_messages_name(definitions):
    # What `evaluate` makes, `gate` makes on the way to its own table.
    for table in ALL_TABLES:
        job = definitions.defs.resolve_job_def(table.job)
        made = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
        assert table.name in made, f"{table.name} is not made by {table.job}"


def test_every_asset_has_group_owner_kinds_and_description(graph, definitions):
    groups = {spec.group_name for spec in graph.values()}
    assert sorted(groups) == [
        "1_intake", "2_judging", "3_review", "4_calibration", "5_truth", "6_drift",
        "7_evaluation", "8_monitoring", "9_gate",
    ]  # fmt: skip
    for name, spec in graph.items():
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.description, name


def test_the_groups_are_in_reading_order_no_asset_depends_on_a_later_one(graph):
    later = [
        (dep.asset_key.to_user_string(), name)
        for name, spec in graph.items()
        for dep in spec.deps
        if graph[dep.asset_key.to_user_string()].group_name > spec.group_name
    ]
    assert later == []


def test_what_a_schedule_makes_is_late_after_a_week_and_what_people_label_after_their_deadline(
    graph,
):
    hour, week = dt.timedelta(hours=1), dt.timedelta(days=7)
    scheduled, labelled = graph["sampling_frame"], graph["golden_set"]
    assert scheduled.freshness_policy.warn_window.to_timedelta() == week + 12 * hour
    assert scheduled.freshness_policy.fail_window.to_timedelta() == week + 36 * hour
    # Labels have four days after the week's end.
    assert labelled.freshness_policy.warn_window.to_timedelta() == week + 108 * hour
    assert labelled.freshness_policy.fail_window.to_timedelta() == week + 132 * hour
    for name in PER_CANDIDATE:
        assert graph[name].freshness_policy is None, name


def test_a_decision_s_tag_finds_every_run_behind_it_and_no_other(instance):
    record = instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("gate_decision"), asset_partitions=[CANDIDATE]), limit=1
    ).records[0]
    metadata = record.asset_materialization.metadata
    tag = {f"decision/{metadata['decision'].value}": CANDIDATE}
    assert f"tag:decision/{metadata['decision'].value}={CANDIDATE}" in metadata["runs"].value
    found = instance.get_runs(dg.RunsFilter(tags=tag))
    jobs = {run.job_name for run in found}
    assert record.run_id in {run.run_id for run in found}
    assert {"gate", "publish", "drift", "aa"} <= jobs
    # What the newest week published and re-ran; the baseline was held against itself in the first.
    weeks = {(run.job_name, run.tags["dagster/partition"]) for run in found}
    assert {week for job, week in weeks if job in {"publish", "drift"}} == {WEEKS[-1]}
    assert {week for job, week in weeks if job == "aa"} == {WEEKS[0]}


def test_every_asset_shows_its_table_s_columns_and_grain(graph):
    for table in ALL_TABLES:
        shown = graph[table.name].metadata["dagster/column_schema"]
        assert [column.name for column in shown.columns] == list(table.schema)
        assert graph[table.name].metadata["grain"] == table.grain


def test_weekly_assets_start_on_mondays_and_candidates_are_dynamic(graph):
    for name, spec in graph.items():
        if name in {*PER_CANDIDATE, LOAD}:
            assert isinstance(spec.partitions_def, dg.DynamicPartitionsDefinition), name
            assert spec.partitions_def.name == ("systems" if name == LOAD else "candidates")
        else:
            assert isinstance(spec.partitions_def, dg.WeeklyPartitionsDefinition), name
            assert spec.partitions_def.get_first_partition_key() == WEEKS[0]
            assert spec.partitions_def.day_offset == 1


def test_what_lies_downstream_waits_for_sound_inputs(graph, definitions):
    guarded = dg.AutomationCondition.all_deps_blocking_checks_passed()
    automated = {
        spec.key.to_user_string(): spec.automation_condition
        for spec in graph.values()
        if spec.automation_condition is not None
    }
    roots = {
        "sampling_frame", "production_monitor",  # the schedule's
        "annotator_agreement", "adjudications",  # a sensor's
        # a schedule's and sensors'
        "drift_trials", "candidate_contamination", "regression_trials",
        "continuation_trials", "aa_runs", "shadow_trials",  # they cost, so a person's
        "load_profile",  # they cost, so a person's
    }  # fmt: skip
    assert set(automated) == DESIGNED - roots
    for name, condition in automated.items():
        assert guarded in condition.children, name


def test_a_run_records_row_counts_and_a_table_to_read_for_every_asset(instance, finished_world):
    with finished_world.pipeline() as pipeline:
        for table in ALL_TABLES:
            partition = partition_of(table.name)
            event = instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey(table.name), asset_partitions=[partition]),
                limit=1,
            ).records[0]
            metadata = event.asset_materialization.metadata
            rows = metadata["dagster/row_count"].value
            if table.name == "golden_set":
                assert rows == pipeline.golden.items(1).height
            else:
                assert rows == pipeline.lake.read(table, partition=partition).height, table.name
            assert len(metadata) > 1, table.name


@pytest.mark.parametrize(
    ("asset", "check"),
    [
        ("sampling_frame", "logs_contract"),
        ("sampled_interactions", "sample_design"),
        ("golden_set", "golden_contract"),
    ],
)
def test_the_contracts_are_recorded_as_blocking_checks_that_passed(
    instance, definitions, asset, check
):
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    specs = definitions.defs.resolve_asset_graph().get_check_spec(key)
    assert specs.blocking
    recorded = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    done = [one for one in recorded if one.status != AssetCheckExecutionRecordStatus.PLANNED]
    assert [one.status.value for one in done] == ["SUCCEEDED"] * len(WEEKS)
    evaluations = [one.event.dagster_event.event_specific_data for one in done]
    assert all(evaluation.metadata["expectations"].value > 3 for evaluation in evaluations)


def test_a_broken_contract_fails_the_run_records_the_check_and_writes_nothing(world):
    world.configure(lambda tree: tree["contract"].update(minimum_interactions=100_000))
    before = world.files()
    with world.session() as session, pytest.raises(ContractError, match="Nothing was written"):
        session.launcher.launch("refresh", partition=NEXT_WEEK)
    after = world.files()
    # The page tells what is broken; nothing else came or changed.
    assert after.pop(f"contracts/week={NEXT_WEEK}.html")
    assert after.pop(f"contracts/week={NEXT_WEEK}.json")
    assert after == before
    with world.entered(), dg.DagsterInstance.get() as instance:
        key = dg.AssetCheckKey(dg.AssetKey(SAMPLING_FRAME.name), "logs_contract")
        newest = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
        assert not newest.event.dagster_event.event_specific_data.passed
        assert instance.get_runs(limit=1)[0].status == dg.DagsterRunStatus.FAILURE


CATALOGUE = "catalog.duckdb"
JOBS = [("refresh", WEEKS[0]), ("publish", WEEKS[0]), ("drift", WEEKS[1]), ("gate", CANDIDATE)]
JOBS += [("judge_checks", WEEKS[1]), ("triage", CANDIDATE)]


def _run_all(world: World) -> None:
    with world.session() as session:
        for job, partition in JOBS:
            session.launcher.launch(job, partition=partition)


@pytest.mark.slow
def test_a_second_run_leaves_a_byte_identical_lake_and_asks_no_model(world, provider):
    first = world.files()
    requests, answered = requests_seen(provider), world.count("call_attempts")
    _run_all(world)
    second = world.files()
    # The catalogue names its files by absolute path, so that of a copied lake is made anew once.
    assert {**second, CATALOGUE: ""} == {**first, CATALOGUE: ""}
    assert requests_seen(provider) == requests
    # The third run shows that the provider need not even be there.
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(base_url=NOBODY_LISTENS)
    )
    _run_all(world)
    assert world.files() == second
    assert world.count("call_attempts") == answered
    with world.pipeline() as pipeline:
        assert pipeline.golden.numbers() == [1, 2]


@pytest.mark.slow
def test_the_same_logs_elsewhere_give_the_same_lake_but_for_measured_latency(
    fresh_world, finished_world
):
    with fresh_world.session() as session:
        session.launcher.launch("refresh", partition=WEEKS[0])
    made, expected = fresh_world.files(), finished_world.files()
    differing = {path.split("/")[0] for path in made if made[path] != expected[path]}
    assert differing <= {"verdicts", "refutations"}
    with fresh_world.pipeline() as here, finished_world.pipeline() as there:
        for table in (VERDICTS, REFUTATIONS):
            ours = here.lake.read(table, partition=WEEKS[0]).drop(MEASURED)
            theirs = there.lake.read(table, partition=WEEKS[0]).drop(MEASURED)
            assert ours.equals(theirs)


@pytest.mark.slow
def test_a_lake_that_was_lost_is_made_again_from_the_journal_without_a_call(world, provider):
    before = world.files()
    shutil.rmtree(world.lake / "verdicts")
    shutil.rmtree(world.lake / "refutations")
    requests = requests_seen(provider)
    with world.session() as session:
        session.launcher.launch("refresh", partition=WEEKS[0])
    again = world.files()
    path = f"verdicts/week={WEEKS[0]}/part-0.parquet"
    assert again[path] == before[path]
    assert requests_seen(provider) == requests
