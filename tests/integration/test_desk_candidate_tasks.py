"""A candidate's answers at the desk: asked like everything else, and part of no week."""

import datetime as dt

import polars as pl
import pytest

from eval_pipeline.adapters.review.overview import DeskReading
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.flows.desk import NOTHING_SAID, DeskWork
from eval_pipeline.flows.desk_overview import overview
from eval_pipeline.review.candidate_tasks import audit_group, is_audit_group, queued_answers
from tests.desk_world import DAY, NOON, WEEK, desk_world

GROUP = audit_group("cheaper", {"system": "one"})


def answers(*names):
    return pl.DataFrame(
        {
            "interaction_id": list(names),
            "messages": [[{"role": "user", "content": "Question"}] for _ in names],
            "response": ["Answer" for _ in names],
            "label_probability": [0.25 for _ in names],
        }
    )


@pytest.fixture
def desk(tmp_path):
    with desk_world(tmp_path) as world:
        world.add_person("ana")
        world.add_person("boss", may_adjudicate=True, may_administer=True)
        world.open_tasks(1)
        tasks = queued_answers(answers("audit-1", "audit-2"), group=GROUP).with_columns(
            rubric_id=pl.lit("general@00000000"),
            subject_json=pl.lit(
                canonical_json(
                    {
                        "route": "orders", "criteria": ["Right."], "response": "Answer",
                        "messages": [{"role": "user", "content": "Question"}],
                    }
                )
            ),
        )  # fmt: skip
        world.pipeline.review.open_tasks(tasks, week=GROUP, at=NOON - DAY)
        yield world


def test_a_group_is_named_like_no_week_and_anew_for_another_system():
    assert is_audit_group(GROUP)
    assert len(GROUP) == 10
    assert not is_audit_group(WEEK)
    assert audit_group("cheaper", {"system": "two"}) != GROUP


def test_the_order_of_a_candidate_s_tasks_is_that_of_a_hash():
    names = [f"audit-{number}" for number in range(50)]
    places = queued_answers(answers(*names), group=GROUP)["priority"].to_list()
    assert all(0 < place <= 1 for place in places)
    assert places != sorted(places)
    assert len(set(places)) == 50


def test_a_candidate_s_tasks_are_asked_and_stand_in_no_week(desk):
    work, pipeline = DeskWork(desk.pipeline), desk.pipeline
    assert pipeline.review.weeks() == [WEEK]
    assert DeskReading(pipeline.store).weeks() == [WEEK]
    assert work.weeks() == (WEEK,)
    assert work.open_weeks(at=NOON) == (WEEK, GROUP)
    assert work.calendar_weeks(at=NOON) == (WEEK,)
    assert overview(pipeline, weeks=work.calendar_weeks(at=NOON)).states == {"open": 1}
    assert work.panel_side("audit-1", week=GROUP) is NOTHING_SAID


def test_they_are_asked_no_longer_than_a_week_s_are(desk):
    weeks = 1 + desk.pipeline.settings.review.carry_over_weeks
    later = NOON + dt.timedelta(weeks=weeks)
    assert DeskWork(desk.pipeline).open_weeks(at=later) == (WEEK,)


def test_people_label_them_at_the_desk_and_administrators_see_the_weeks_alone(desk):
    app = desk.app()
    ana, boss = desk.visitor(app, "ana"), desk.visitor(app, "boss")
    for _ in range(3):
        ana.answer("pass")
    assert desk.pipeline.review.labels(GROUP).height == 2
    assert desk.pipeline.review.labels(WEEK).height == 1
    page = boss.client.get("/overview")
    assert page.status_code == 200
    assert GROUP not in page.text
    assert ana.client.get("/label").status_code == 200


def test_an_erasure_blanks_them(desk):
    forgotten = desk.pipeline.review.forget(["audit-1"], erasure_id="e", actor="dana", at=NOON)
    assert forgotten == 1
    assert desk.pipeline.review.tasks(GROUP)["interaction_id"].to_list() == ["audit-2"]
