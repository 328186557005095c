import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.flows.preferences import UNPAIRED, compare_answers
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.pairwise import order_effects, order_sentences
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec
from eval_pipeline.settings import PreferenceScoring, RubricSettings
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import REGRESSION_TRIALS

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"


class ScriptedRunner:
    """Answers judge calls by a rule over (judge, order, prompt); remembers what it was asked."""

    def __init__(self, prefer) -> None:
        self.prefer = prefer
        self.asked: list[ModelCall] = []

    def run(self, calls, *, purpose):
        del purpose
        self.asked += calls
        return [outcome(call, self.prefer(call)) for call in calls]


def outcome(call: ModelCall, text: str | None, *, status: str = "answered") -> CallOutcome:
    return CallOutcome(
        call=call, status=status, text=text, error_code=None, requested_model="m",
        served_model="m", system_fingerprint=None, finish_reason="stop", input_tokens=1,
        output_tokens=1, cost_usd=0.0, latency_seconds=0.1, attempts=1,
    )  # fmt: skip


def item(name: str) -> TrialItem:
    return TrialItem(
        item_id=name,
        item_revision=1,
        route="store_hours",
        subsets=(),
        messages=(Message("user", "When do you open?"),),
        reference_response=None,
        conversation_key=name,
        source="golden",
        golden_versions=(1,),
    )


def answer(item_id: str, text: str | None, *, status: str = "answered") -> CallOutcome:
    call = ModelCall("s", "system", item_id, ModelSpec("p", "m"), ())
    return outcome(call, text, status=status)


@pytest.fixture
def pipeline():
    settings = load_project(CONFIG).settings
    changed = settings.model_copy(
        update={
            "scoring": {**settings.scoring, "store_hours": PreferenceScoring()},
            "rubrics": {
                **settings.rubrics,
                "clearer": RubricSettings(form="pairwise", criteria=("Says the hours clearly.",)),
            },
        }
    )
    return Pipeline(
        Project(changed, CONFIG), clock=lambda: dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    )


def prefer_the_text(wanted: str):
    """A judge that sees which side holds `wanted`, whatever the order."""

    def prefer(call: ModelCall) -> str:
        first = call.messages[-1].content.split("<response_b ")[0]
        side = "a" if wanted in first.split("<response_a ")[1] else "b"
        return json.dumps({"preference": side, "rationale": "clearer"})

    return prefer


def compare(pipeline, runner, baseline, candidate):
    pipeline.__dict__["runner"] = runner
    items = [item(name) for name in ("one",)]
    return compare_answers(
        pipeline, items, baseline=[baseline], candidate=[candidate], scope="candidate:x"
    )


def test_both_orders_are_asked_of_every_judge_and_a_steady_preference_counts(pipeline):
    runner = ScriptedRunner(prefer_the_text("At nine"))
    preferred = compare(pipeline, runner, answer("one", "Early."), answer("one", "At nine."))
    assert len(runner.asked) == 2 * len(pipeline.settings.judges)
    assert preferred.candidate["one"].value == 1.0
    assert preferred.baseline["one"].value == 0.0


def test_a_judge_that_always_takes_the_first_answer_makes_a_tie(pipeline):
    always_first = ScriptedRunner(
        lambda _call: json.dumps({"preference": "a", "rationale": "reads better"})
    )
    preferred = compare(pipeline, always_first, answer("one", "Early."), answer("one", "At nine."))
    assert preferred.candidate["one"].value == 0.5
    assert preferred.baseline["one"].value == 0.5


def test_the_trials_show_what_each_judge_preferred_and_the_decision_counts_what_moved(pipeline):
    def prefer(call: ModelCall) -> str:
        if "arbiter-b" in call.system_id:
            return json.dumps({"rationale": "reads better", "preference": "a"})
        return prefer_the_text("At nine")(call)

    preferred = compare(
        pipeline, ScriptedRunner(prefer), answer("one", "Early."), answer("one", "At nine.")
    )
    rows = [
        {
            "arm": arm, "system_id": "s", "item_id": "one", "trial": 1, "source": "golden",
            "look": 1, "golden_version": 1, "subsets": [], "cluster_id": "c",
            "scorer": "preference", "status": "answered", "attempts": 1,
        }
        for arm in ("baseline", "candidate")
    ]  # fmt: skip
    trials = preferred.shown_in(pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema))
    shown = dict(trials.select("arm", "preferences").iter_rows())
    assert shown["baseline"] is None
    assert shown["candidate"] == [
        {"judge_id": "arbiter-a", "score": 1.0, "consistent": True, "error": None},
        {"judge_id": "arbiter-b", "score": 0.5, "consistent": False, "error": None},
    ]
    assert order_effects(trials).rows() == [("arbiter-a", 1, 1, 0, 0), ("arbiter-b", 1, 0, 1, 0)]
    assert "Judge 'arbiter-b': 1 of 1 preferences moved" in order_sentences(trials)[1]


def test_a_refusal_loses_to_an_answer_without_asking_anyone(pipeline):
    runner = ScriptedRunner(prefer_the_text("At nine"))
    refused = answer("one", None, status="refused")
    preferred = compare(pipeline, runner, refused, answer("one", "At nine."))
    assert runner.asked == []
    assert preferred.candidate["one"].value == 1.0


def test_where_an_arm_failed_neither_arm_has_a_score(pipeline):
    runner = ScriptedRunner(prefer_the_text("At nine"))
    failed = answer("one", None, status="failed")
    preferred = compare(pipeline, runner, failed, answer("one", "At nine."))
    assert preferred.candidate["one"].value is None
    assert preferred.candidate["one"].error == UNPAIRED
    assert preferred.baseline["one"].error == UNPAIRED
