"""The week's page through the real job: made as far as the week is, told by the command line."""

import json

import pytest

from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.weekly_page import read_week, report_week, week_path
from eval_pipeline.tables import WEEKLY_REPORT
from tests.scenario import CANDIDATE, NEXT_WEEK, WEEKS, World

pytestmark = pytest.mark.slow


def test_the_command_makes_the_page_and_tells_what_changed(world: World, tmp_path):
    page = tmp_path / "week.html"
    ended = world.run("report", "--week", WEEKS[-1], "--out", str(page), "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["week"] == WEEKS[-1]
    assert {"interactions", "pass_share", "golden_items", "settled"} <= {
        row["metric"] for row in told["figures"]
    }
    assert told["headline"].split(" (")[0].split(";")[0] in page.read_text("utf-8").replace(
        "&#39;", "'"
    ).replace("<wbr>", "")
    readable = world.run("report", "--week", WEEKS[-1])
    assert told["headline"] in readable.out.replace("\n", "")
    assert "week.html" in readable.out


def test_a_decision_on_the_weeks_version_stands_on_its_page_with_a_link(world: World):
    assert world.run("report", "--week", WEEKS[-1]).code == 0
    with world.pipeline() as pipeline:
        page = read_week(pipeline, week=WEEKS[-1], suffix="html")
        decision = load_decision(pipeline, CANDIDATE)
        assert decision.golden_version == pipeline.golden.for_week(WEEKS[-1])
    assert f"../../gate_decision/candidate%3D{CANDIDATE}/decision.html" in page


def test_a_page_made_again_is_the_same_file(finished_world: World):
    with finished_world.pipeline() as pipeline:
        first, known = report_week(pipeline, week=WEEKS[0])
        second, _ = report_week(pipeline, week=WEEKS[0])
        assert first.equals(second)
        assert first.equals(pipeline.lake.read(WEEKLY_REPORT, partition=WEEKS[0]))
        assert pipeline.lake.exists(week_path(known.week, "html"))


def test_no_text_of_an_item_stands_on_a_weeks_page(finished_world: World):
    with finished_world.pipeline() as pipeline:
        page = read_week(pipeline, week=WEEKS[0], suffix="html")
        version = pipeline.golden.for_week(WEEKS[0])
        assert version is not None
        for messages in pipeline.golden.items(version)["messages"]:
            assert messages[-1]["content"] not in page


def test_a_week_of_which_nothing_was_made_names_the_command_that_begins_it(world: World):
    ended = world.run("report", "--week", NEXT_WEEK)
    assert ended.code != 0
    assert f"eval-pipeline refresh --week {NEXT_WEEK}" in ended.err.replace("\n", " ")
