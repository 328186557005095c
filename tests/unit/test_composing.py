"""What a week's golden version draws on, and what stays out of it, over several weeks."""

import datetime as dt
import random
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.errors import CompositionError, MissingPartitionError, UnknownItemError
from eval_pipeline.flows.candidates_of_week import candidates_of
from eval_pipeline.flows.composing import (
    barred_items,
    compose_week,
    offered_items,
    saturated_before,
    unpublished_weeks,
)
from eval_pipeline.flows.truth import draft_version, publish_version
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.flows.withdrawals import reinstate_item, withdraw_item, withdrawn_items
from eval_pipeline.settings import GoldenSettings, SaturationSettings
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    JUDGE_CALIBRATION,
    PANEL_VERDICTS,
    STRATIFIED_INTERACTIONS,
    SYNTHETIC_ITEMS,
    VERDICTS,
    Table,
)
from eval_pipeline.truth.golden_set import item_identity

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"
W1, W2, W3, W4 = "2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28"
NOON = dt.datetime(2026, 10, 10, 12, tzinfo=dt.UTC)


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    monkeypatch.setenv("EVAL_PIPELINE_KEY", "a key that is long enough for tests")
    settings = load_project(CONFIG).settings
    changed = settings.model_copy(
        update={
            "golden": GoldenSettings(
                minimum_items=1,
                maximum_items=50,
                minimum_per_subset=0,
                minimum_fresh_share=0.05,
                saturation=SaturationSettings(weeks=2),
            ),
            "storage": settings.storage.model_copy(
                update={"lake": "memory://", "store": f"sqlite:///{tmp_path / 'store.sqlite'}"}
            ),
        }
    )
    opened = Pipeline(Project(changed, CONFIG), clock=lambda: NOON)
    yield opened
    opened.close()


def put(pipeline: Pipeline, table: Table, rows, *, week: str) -> None:
    full = [
        {**{column: _plain(dtype) for column, dtype in table.schema.items()}, **row} for row in rows
    ]
    pipeline.lake.replace(table, pl.DataFrame(full, schema=table.schema), partition=week)


def _plain(dtype):
    if isinstance(dtype, pl.List):
        return []
    return {pl.Int64: 1, pl.Float64: 0.5, pl.Boolean: False, pl.String: "x"}.get(dtype)


def label(pipeline: Pipeline, week: str, **labels: str) -> None:
    """A week of interactions that people labelled; 'panel' for one that only the panel passed."""
    day = dt.date.fromisoformat(week)
    occurred = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    drawn = [{"interaction_id": name} for name in labels]
    put(
        pipeline,
        ANONYMISED_INTERACTIONS,
        [
            {
                **row,
                "occurred_at": occurred,
                "user_key": None,
                "messages": [{"role": "user", "content": question(row["interaction_id"])}],
            }
            for row in drawn
        ],
        week=week,
    )
    put(
        pipeline,
        STRATIFIED_INTERACTIONS,
        [
            {
                **row,
                "selection": "sample",
                "kind": "typical",
                "conversation_key": row["interaction_id"],
            }
            for row in drawn
        ],
        week=week,
    )
    put(pipeline, PANEL_VERDICTS, [{**row, "panel_verdict": "pass"} for row in drawn], week=week)
    settled = [
        {"interaction_id": name, "label": given, "settled_by": "agreement", "labelled_on": day}
        for name, given in labels.items()
        if given != "panel"
    ]
    put(pipeline, ADJUDICATIONS, settled, week=week)
    for table in (VERDICTS, JUDGE_CALIBRATION):
        pipeline.lake.replace(table, table.empty(), partition=week)


def question(name: str) -> str:
    return "".join(random.Random(name).choices("bcdfghjklmnp ", k=90))


def publish(pipeline: Pipeline, week: str):
    draft = draft_version(pipeline, week=week, run_id="run")
    return publish_version(pipeline, draft, run_id="run")


def held(pipeline: Pipeline, version: int) -> set[str]:
    return set(pipeline.golden.items(version)["item_id"])


def ids(*names: str) -> set[str]:
    return {item_identity(name) for name in names}


def test_a_week_whose_labels_never_made_a_version_is_not_lost(pipeline):
    label(pipeline, W1, a="pass")
    publish(pipeline, W1)
    label(pipeline, W2, b="fail")
    label(pipeline, W3, c="panel")
    # No label of the third week itself is settled: the second week's make it fresh.
    composition = compose_week(pipeline, week=W3, version=2, parent=1)
    assert set(composition.items["item_id"]) == ids("a", "b", "c")
    assert (composition.weeks, composition.fresh) == ((W2, W3), 1)


def test_what_was_settled_before_the_last_version_is_not_fresh_again(pipeline):
    label(pipeline, W1, a="pass")
    publish(pipeline, W1)
    label(pipeline, W2, b="panel")
    with pytest.raises(CompositionError, match="stale: nothing was settled"):
        compose_week(pipeline, week=W2, version=2, parent=1)


def test_a_week_without_labels_of_its_own_is_not_composed(pipeline):
    label(pipeline, W1, a="pass")
    assert unpublished_weeks(pipeline, week=W2, parent=None) == [W1, W2]
    with pytest.raises(MissingPartitionError):
        compose_week(pipeline, week=W2, version=1, parent=None)


def test_a_week_run_again_draws_on_the_same_weeks_and_publishes_nothing(pipeline):
    label(pipeline, W1, a="pass")
    publish(pipeline, W1)
    label(pipeline, W2, b="fail")
    label(pipeline, W3, c="pass")
    assert publish(pipeline, W3).version == 2
    assert publish(pipeline, W3).created is False
    label(pipeline, W4, d="pass")
    assert publish(pipeline, W4).version == 3
    assert unpublished_weeks(pipeline, week=W3, parent=1) == [W2, W3]
    assert (publish(pipeline, W3).version, publish(pipeline, W3).created) == (2, False)
    assert pipeline.golden.numbers() == [1, 2, 3]


def test_a_corrected_label_of_an_old_week_becomes_a_revision_and_brings_back_nothing_withdrawn(
    pipeline,
):
    label(pipeline, W1, a="pass", b="pass", c="pass")
    publish(pipeline, W1)
    withdraw_item(pipeline, item_identity("b"), by="ada", reason="it asks nothing")
    label(pipeline, W2, d="pass")
    second = publish(pipeline, W2)
    assert held(pipeline, 2) == ids("a", "c", "d")
    assert [vars(one)["reason"] for one in second.manifest.retired] == ["withdrawn"]
    # Without a correction the first week has nothing new to say, although b is withdrawn now.
    assert publish(pipeline, W1).version == 1
    label(pipeline, W1, a="fail", b="pass", c="pass")
    third = publish(pipeline, W1)
    assert (third.version, third.created, third.manifest.week) == (3, True, W1)
    assert [(one.item_id, one.reason) for one in third.manifest.revised] == [
        (item_identity("a"), "label")
    ]
    assert (third.manifest.admitted, third.manifest.retired) == ((), ())
    assert held(pipeline, 3) == ids("a", "c", "d")
    assert publish(pipeline, W1).created is False
    label(pipeline, W3, e="pass")
    publish(pipeline, W3)
    assert unpublished_weeks(pipeline, week=W4, parent=4) == [W4]
    assert [pipeline.golden.verify(number) for number in (1, 2, 3, 4)] == [[], [], [], []]


def test_an_old_week_whose_version_would_now_be_too_small_can_still_be_corrected(pipeline):
    label(pipeline, W1, a="pass", b="pass")
    publish(pipeline, W1)
    label(pipeline, W2, c="pass")
    publish(pipeline, W2)
    withdraw_item(pipeline, item_identity("b"), by="ada", reason="it asks nothing")
    settings = pipeline.project.settings
    golden = settings.golden.model_copy(update={"minimum_items": 2})
    tight = Pipeline(
        Project(settings.model_copy(update={"golden": golden}), CONFIG), clock=lambda: NOON
    )
    tight.lake = pipeline.lake
    label(tight, W1, a="fail", b="pass")
    assert publish(tight, W1).version == 3
    assert held(tight, 3) == ids("a", "c")
    tight.close()


def test_a_withdrawn_item_stays_out_until_a_person_puts_it_back(pipeline):
    gone = item_identity("a")
    label(pipeline, W1, a="pass", b="pass")
    publish(pipeline, W1)
    assert withdraw_item(pipeline, gone, by="ada", reason="call me at ada@example.org")
    assert not withdraw_item(pipeline, gone, by="ben", reason="again")
    one = withdrawn_items(pipeline)[gone]
    assert (one.decided_by, one.decided_at) == ("ada", NOON)
    assert "example.org" not in one.reason
    again = publish(pipeline, W1)
    assert (again.version, held(pipeline, 2)) == (2, ids("b"))
    assert [change.detail for change in again.manifest.retired] == ["by ada"]
    assert publish(pipeline, W1).created is False
    assert reinstate_item(pipeline, gone, by="cleo", reason="it was right")
    assert not reinstate_item(pipeline, gone, by="cleo", reason="it was right")
    assert withdrawn_items(pipeline) == {}
    assert (publish(pipeline, W1).version, held(pipeline, 3)) == (3, ids("a", "b"))
    assert [done.action for done in pipeline.withdrawals.history(gone)] == ["withdraw", "reinstate"]


def test_an_item_that_no_version_admitted_cannot_be_withdrawn(pipeline):
    label(pipeline, W1, a="pass")
    publish(pipeline, W1)
    with pytest.raises(UnknownItemError, match="item-nobody-knows"):
        withdraw_item(pipeline, "item-nobody-knows", by="ada", reason="typed by hand")
    assert withdrawn_items(pipeline) == {}


def trial(pipeline: Pipeline, week: str, *names: str, score: float | None = 1.0) -> None:
    put(
        pipeline,
        DRIFT_TRIALS,
        [
            {
                "item_id": item_identity(name),
                "stream": "rerun",
                "score": score,
                "status": "answered",
            }
            for name in names
        ],
        week=week,
    )


def test_re_runs_of_earlier_weeks_saturate_and_only_the_newest_are_read(pipeline):
    weeks = [f"2026-0{month}-0{day}" for month in (6, 7) for day in (1, 2, 3)]
    for week in weeks[:2]:
        trial(pipeline, week, "old")
    for week in weeks[2:]:
        trial(pipeline, week, "a")
    assert saturated_before(pipeline, week=W1, parent=None) == ids("a")
    # Four weeks are read, twice what it takes: the old ones lie before them.
    assert saturated_before(pipeline, week=weeks[4], parent=None) == ids("old", "a")
    assert saturated_before(pipeline, week=weeks[3], parent=None) == ids("old")


def test_the_week_s_own_re_run_does_not_change_what_composing_it_again_gives(pipeline):
    label(pipeline, W1, a="pass", b="pass")
    publish(pipeline, W1)
    trial(pipeline, W1, "a", "b")
    label(pipeline, W2, c="pass")
    publish(pipeline, W2)
    trial(pipeline, W2, "a", "b")
    assert publish(pipeline, W2).created is False
    assert saturated_before(pipeline, week=W3, parent=2) == ids("a", "b")


def test_what_is_made_from_a_withdrawn_item_goes_with_it(pipeline):
    label(pipeline, W1, a="pass", b="pass")
    put(pipeline, SYNTHETIC_ITEMS, [made_from("a")], week=W1)
    publish(pipeline, W1)
    withdraw_item(pipeline, item_identity("a"), by="ada", reason="it asks nothing")
    offered = offered_items(pipeline.golden.items(1), candidates_of(pipeline, week=W1))
    barred = barred_items(pipeline, offered)
    assert {item: change.detail for item, change in barred.items()} == {
        item_identity("a"): "by ada",
        item_identity("made-from-a"): f"made from {item_identity('a')}",
    }
    assert {change.reason for change in barred.values()} == {"withdrawn"}


def made_from(name: str) -> dict[str, object]:
    return {
        "interaction_id": f"made-from-{name}",
        "source_interaction_id": name,
        "mutation": "injection",
        "template": "plain",
        "messages": [{"role": "user", "content": "Obey"}],
        "created_on": dt.date(2026, 9, 13),
    }


def test_synthetic_questions_of_a_week_come_beside_its_labels(pipeline):
    label(pipeline, W1, a="pass")
    assert candidates_of(pipeline, week=W1)["label_source"].to_list() == ["agreement"]
    put(pipeline, SYNTHETIC_ITEMS, [made_from("a")], week=W1)
    found = candidates_of(pipeline, week=W1)
    assert found["label_source"].to_list() == ["agreement", "synthetic"]
    assert found["derived_from"].to_list() == [None, item_identity("a")]
