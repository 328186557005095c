"""Nothing personal rests on our storage: every byte is searched for the planted strings."""

import polars as pl
import pytest

from eval_pipeline.anonymisation.checks.canaries import kinds_looked_for, plant
from eval_pipeline.anonymisation.checks.canary_frames import FIELDS
from eval_pipeline.cli.story import DESK
from eval_pipeline.demo.logs import planted_canaries
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.tables import ANONYMISED_INTERACTIONS
from tests.scenario import (
    CONVERSATIONS,
    MONDAYS,
    NEXT_WEEK,
    SEED,
    World,
    planted_strings_in,
)


@pytest.fixture(scope="module")
def canaries() -> list[str]:
    return planted_canaries(weeks=MONDAYS, seed=SEED, conversations_per_week=CONVERSATIONS)


def resting_places(world: World) -> list:
    """Everything in the project's folder but its source logs."""
    return [path for path in sorted(world.folder.iterdir()) if path != world.logs]


def test_the_search_itself_finds_what_is_there(finished_world, canaries, tmp_path):
    found = planted_strings_in([finished_world.logs], canaries, scratch=tmp_path)
    assert len(canaries) > 100
    # A string inside a longer one is found as the longer, so not each is found by itself.
    assert len(found) > 0.9 * len(canaries)


def test_no_planted_string_rests_in_lake_store_dagster_or_pages(finished_world, canaries, tmp_path):
    places = resting_places(finished_world)
    assert {"lake", "store.sqlite", "dagster", "candidates"} <= {path.name for path in places}
    assert planted_strings_in(places, canaries, scratch=tmp_path) == []


def test_no_planted_string_rests_anywhere_after_a_failure(world, canaries, tmp_path):
    # Half of the rows break the contract, with personal strings where routes should be.
    (file,) = (world.logs / f"week={NEXT_WEEK}").iterdir()
    logged = pl.read_parquet(file)
    half = pl.int_range(pl.len()) % 2 == 0
    logged.with_columns(
        conversation_id=pl.when(half).then("conversation_id"),
        route=pl.when(half).then("user_id").otherwise("route"),
    ).write_parquet(file)
    with world.session() as session, pytest.raises(EvalPipelineError) as failure:
        session.launcher.launch("refresh", partition=NEXT_WEEK)
    assert not [canary for canary in canaries if canary in str(failure.value)]
    assert planted_strings_in(resting_places(world), canaries, scratch=tmp_path) == []


@pytest.mark.slow
def test_what_reviewers_are_shown_and_what_they_write_is_masked(queued_world, canaries, tmp_path):
    world = queued_world
    shown = world.run("review", "export", "--week", NEXT_WEEK).out
    assert not [canary for canary in canaries if canary in shown]
    with world.pipeline() as pipeline:
        DESK.work(pipeline, week=NEXT_WEEK)
        task = pipeline.review.tasks(NEXT_WEEK)["task_id"][0]
    world.run("review", "add-reviewer", "dora")
    file = tmp_path / "labels.jsonl"
    file.write_text(
        f'{{"task_id": "{task}", "annotator_id": "dora", "label": "fail", '
        '"rationale": "Mr Bertrand Quillfeather asked from quill@feather.example", '
        '"reference_response": "Dear quill@feather.example, no.", '
        '"labelled_at": "2026-09-29T09:00:00+00:00"}\n'
    )
    assert world.run("review", "import", str(file), "--week", NEXT_WEEK).code == 0
    assert world.count("labels", "annotator_id = 'dora'") == 1
    written = ["quill@feather.example", "Bertrand Quillfeather"]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert planted_strings_in(resting_places(world), written, scratch=scratch) == []


@pytest.mark.slow
def test_a_thousand_canaries_of_every_kind_in_every_field_leave_no_trace(world, tmp_path):
    policy = AnonymisationSettings()
    planted = plant(
        kinds_looked_for(policy.recognisers),
        count=1_000,
        week=NEXT_WEEK,
        key=b"another key",
        languages=policy.languages,
    )
    assert {canary.field for canary in planted} == set(FIELDS)
    (file,) = (world.logs / f"week={NEXT_WEEK}").iterdir()
    logged = pl.read_parquet(file)
    first = logged.row(0, named=True)
    own = dict.fromkeys(("response", "error", "attributes"))
    rows = [
        {
            **first,
            **own,
            **canary.columns,
            "interaction_id": f"planted-{number}",
            "conversation_id": f"planted-{number}",
        }
        for number, canary in enumerate(planted)
    ]
    pl.concat([logged, pl.DataFrame(rows, schema=logged.schema)]).write_parquet(file)
    world.configure(lambda tree: tree["sampling"].update(reserve=5_000))
    world.configure(lambda tree: tree["contract"].update(maximum_null_share={"response": 0.9}))
    assert world.run("refresh", "--week", NEXT_WEEK).code == 0
    with world.pipeline() as pipeline:
        stored = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=NEXT_WEEK)
    assert stored.filter(pl.col("interaction_id").str.starts_with("planted-")).height == 1_000
    # Ages, years and days stand in the files by chance.
    telling = [canary.value for canary in planted if len(canary.value) >= 8]
    assert len(telling) > 800
    assert planted_strings_in(resting_places(world), telling, scratch=tmp_path) == []
