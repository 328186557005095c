"""People's word on the golden set through the real jobs: a corrected label, and withdrawn items."""

import json

import polars as pl
import pytest

from eval_pipeline.demo.reviewers import ADJUDICATOR
from eval_pipeline.flows import review_imports
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import SAMPLING_FRAME
from eval_pipeline.truth.golden_set import item_identity
from tests.scenario import NEXT_WEEK, WEEKS, World

pytestmark = pytest.mark.slow


def settled_item(pipeline: Pipeline, *, week: str) -> tuple[str, str, str]:
    """A task of the week that is settled and whose item stands in the newest version."""
    items = pipeline.golden.items(max(pipeline.golden.numbers()))
    labels = dict(
        items.filter(pl.col("label_source") != "panel")
        .select("item_id", "reference_label")
        .iter_rows()
    )
    for task in pipeline.review.tasks(week).iter_rows(named=True):
        item_id = item_identity(task["interaction_id"])
        if item_id in labels:
            return task["task_id"], item_id, labels[item_id]
    raise AssertionError("the week settled nothing that the newest version holds")


def overturn(pipeline: Pipeline, *, week: str) -> str:
    """The adjudicator decides against the label that stands; returns the item."""
    task_id, item_id, label = settled_item(pipeline, week=week)
    line = {
        "task_id": task_id,
        "adjudicated_by": ADJUDICATOR,
        "label": "fail" if label == "pass" else "pass",
        "rationale": "read again",
        "reference_response": None,
        "adjudicated_at": "2026-10-01T09:00:00+00:00",
    }
    imported = review_imports.import_adjudications(pipeline, json.dumps(line), week=week)
    assert (imported.recorded, imported.refused) == (1, ())
    return item_id


def published(world: World, *, week: str) -> None:
    ended = world.run("publish", "--week", week)
    assert ended.code == 0, ended.err


def test_a_corrected_label_is_revised_and_a_withdrawn_item_never_comes_back(world: World):
    first, second = WEEKS
    with world.pipeline() as pipeline:
        overturned = overturn(pipeline, week=first)
        items = pipeline.golden.items(2)
        synthetic = set(items.filter(pl.col("selection") == "synthetic")["item_id"])
        ids = items.filter(pl.col("week") == first, pl.col("selection") == "sample")["item_id"]
        withdrawn = next(item_id for item_id in ids if item_id != overturned)
    why = ("--by", "ada", "--reason", "call jane.canary@example.org")
    told = world.run("golden", "withdraw", withdrawn, *why)
    assert (told.code, "is withdrawn" in told.out) == (0, True)
    assert "nothing was recorded" in world.run("golden", "withdraw", withdrawn, *why).out
    unknown = world.run("golden", "withdraw", "item-0", *why)
    assert (unknown.code, "ever held an item 'item-0'" in unknown.err) == (1, True)
    listed = json.loads(world.run("golden", "withdrawn", "--json").out)
    assert [(one["item_id"], one["decided_by"]) for one in listed] == [(withdrawn, "ada")]
    assert "jane.canary" not in json.dumps(listed)

    published(world, week=first)
    with world.pipeline() as pipeline:
        manifest = pipeline.golden.manifest(3)
        assert (manifest.week, manifest.parent) == (first, 2)
        assert [(one.item_id, one.reason) for one in manifest.revised] == [(overturned, "label")]
        # One item fewer may leave one place fewer to synthetic items, which go by a share.
        real = [one for one in manifest.retired if one.item_id not in synthetic]
        assert [(one.item_id, one.reason) for one in real] == [(withdrawn, "withdrawn")]
        # Either week may fill the place that has become free, with what the panel labelled.
        assert [one.reason for one in manifest.admitted] in ([], ["panel_label"])
        assert withdrawn not in [one.item_id for one in manifest.admitted]
    # After the second week nothing changes any more.
    published(world, week=second)
    before = {path: digest for path, digest in world.files().items() if path.startswith("golden/")}
    for week in WEEKS:
        published(world, week=week)
    assert before == {
        path: digest for path, digest in world.files().items() if path.startswith("golden/")
    }
    with world.pipeline() as pipeline:
        newest = max(pipeline.golden.numbers())
        for number in range(3, newest + 1):
            assert withdrawn not in pipeline.golden.items(number)["item_id"]
        assert [pipeline.golden.verify(number) for number in (1, 2, 3, newest)] == [[]] * 4

    assert "may stand again" in world.run("golden", "reinstate", withdrawn, *why).out
    # Its place may be another's by now.
    world.configure(lambda tree: tree["golden"].update(maximum_items=200))
    published(world, week=first)
    with world.pipeline() as pipeline:
        assert pipeline.golden.latest() == newest + 1
        changed = pipeline.golden.manifest(newest + 1)
        assert withdrawn in {one.item_id for one in changed.admitted}


def test_the_draw_and_the_queue_of_a_week_steered_by_deficits_are_made_again_byte_for_byte(
    world: World,
):
    world.configure(lambda tree: tree["golden"].update(minimum_per_subset=30))
    # The newest version was composed under another policy: its correction lacks by the new one.
    with world.pipeline() as pipeline:
        overturn(pipeline, week=WEEKS[1])
    published(world, week=WEEKS[1])
    assert world.run("refresh", "--week", NEXT_WEEK).code == 0
    drawn = world.files()
    with world.pipeline() as pipeline:
        frame = pipeline.lake.read(SAMPLING_FRAME, partition=NEXT_WEEK)
        assert frame["steered_by"].unique().to_list() == [3]
        # The whole grant is used: more is lacking than it allows.
        most = pipeline.settings.sampling.maximum_golden_requested
        budget = pipeline.settings.sampling.budget
        assert frame["allocated"].sum() == min(budget + most, frame["population_size"].sum())
        overturn(pipeline, week=WEEKS[0])
    published(world, week=WEEKS[0])
    assert world.run("refresh", "--week", NEXT_WEEK).code == 0
    again = world.files()
    same = {path: digest for path, digest in drawn.items() if f"week={NEXT_WEEK}" in path}
    assert {path: again[path] for path in same} == same
