"""Synthetic items from golden row to decision: scored by their own rule, and in nobody's mean."""

import dataclasses
import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.demo.judge_prompts import verdict_json
from eval_pipeline.errors import SettingsError
from eval_pipeline.evaluation.comparison import compare, losing_items
from eval_pipeline.evaluation.decomposition.reference import reference_week
from eval_pipeline.evaluation.decomposition.report import decompose
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.topup import next_items
from eval_pipeline.evaluation.trial_items import TrialItem, golden_items
from eval_pipeline.evaluation.trials import score_requests, trial_rows
from eval_pipeline.flows.preferences import compare_answers
from eval_pipeline.flows.scoring import score_responses
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.panel_scoring import question_id
from eval_pipeline.judging.prompts import pointwise_messages
from eval_pipeline.judging.rubrics import GRACEFUL_CRITERION, Rubric
from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec, ScoreRequest
from eval_pipeline.settings import (
    SYNTHETIC_SUBSET,
    DriftSettings,
    ExactScoring,
    GateSettings,
    JsonSchemaScoring,
    JudgeScoring,
    PreferenceScoring,
    Settings,
)
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import (
    DRIFT_REPORT,
    DRIFT_TRIALS,
    GOLDEN_SET,
    REGRESSION_TRIALS,
    STRATIFIED_INTERACTIONS,
)

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"
ONE_LOOK = GateSettings(looks=(), aggregate_tolerance=0.05)
GATED = GateSettings(looks=(), tolerances={"default": 0.05, SYNTHETIC_SUBSET: 0.10})


def golden_row(name: str, **changed: object) -> dict[str, object]:
    return {
        "item_id": name, "item_revision": 1, "week": "2026-11-16", "route": "orders",
        "kind": "adversarial", "subsets": ["refunds"],
        "messages": [{"role": "user", "content": "Where?"}], "label_source": "synthetic",
        "selection": "synthetic", "expected_behaviour": "graceful_failure",
        "conversation_key": "c", "admitted_in": 1, "admitted_on": dt.date(2026, 11, 22),
        "labelled_on": dt.date(2026, 11, 22), **changed,
    }  # fmt: skip


def golden_of(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=GOLDEN_SET.schema)


def synthetic_item() -> TrialItem:
    (item,) = golden_items(golden_of(golden_row("s")), golden_version=1)
    return item


def outcome(status: str, text: str | None = None) -> CallOutcome:
    call = ModelCall("candidate:x", "s", "s", ModelSpec("p", "m"), ())
    code = "timeout" if status == "failed" else None
    return CallOutcome(call, status, text, code, "m", "m", None, "stop", 1, 1, 0.0, 0.1, 1)


def request(behaviour: str = "graceful_failure", route: str = "orders") -> ScoreRequest:
    return ScoreRequest(
        "s", 1, route, (Message("user", "Where?"),), "{}", None, expected_behaviour=behaviour
    )


class Judges:
    """Says pass to every call and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[ModelCall] = []

    def run(self, calls, *, purpose):
        del purpose
        self.asked += calls
        text = verdict_json("pass", "declined")
        return [dataclasses.replace(outcome("answered", text), call=call) for call in calls]


def pipeline_with(**scoring: object) -> tuple[Pipeline, Judges]:
    project = load_project(CONFIG)
    changed = project.settings.model_copy(
        update={"scoring": {**project.settings.scoring, **scoring}}
    )
    pipeline, judges = Pipeline(Project(changed, CONFIG)), Judges()
    pipeline.__dict__["runner"] = judges
    return pipeline, judges


def test_a_synthetic_item_stands_in_its_own_subset_and_expects_no_answer():
    item = synthetic_item()
    assert (item.source, item.subsets) == ("synthetic", (SYNTHETIC_SUBSET,))
    assert (item.expected_behaviour, item.reference_response) == ("graceful_failure", None)


def test_an_item_of_the_sample_expects_an_answer_as_before():
    row = golden_row("a", selection="sample", expected_behaviour="answer", reference_label="pass")
    (item,) = golden_items(golden_of(row), golden_version=1)
    assert (item.source, item.subsets, item.expected_behaviour) == (
        "golden",
        ("refunds",),
        "answer",
    )


@pytest.mark.parametrize(
    ("status", "score", "error"), [("refused", 1.0, None), ("failed", None, "timeout")]
)
def test_a_refusal_passes_and_a_failed_call_is_missing(status, score, error):
    items, outcomes = [synthetic_item()], [outcome(status)]
    assert score_requests(items, outcomes) == [None]
    rows = trial_rows(items, outcomes, scores=[None], arm="baseline", system_id="s")
    assert rows.select("source", "score", "score_error").row(0) == ("synthetic", score, error)


def test_where_an_answer_is_expected_a_refusal_still_fails():
    item = dataclasses.replace(synthetic_item(), expected_behaviour="answer", source="golden")
    rows = trial_rows([item], [outcome("refused")], scores=[None], arm="baseline", system_id="s")
    assert rows["score"].to_list() == [0.0]


@pytest.mark.parametrize(
    "scoring",
    [ExactScoring(), JsonSchemaScoring(schema={"type": "object"}), JudgeScoring(judge="arbiter-a")],
    ids=lambda scoring: scoring.scorer,
)
def test_whatever_scores_the_route_the_panel_judges_a_graceful_failure(scoring):
    pipeline, judges = pipeline_with(orders=scoring)
    (score,) = score_responses(pipeline, [request()], scope="candidate:x")
    assert (score.value, score.scorer) == (1.0, "panel")
    assert len(judges.asked) == len(pipeline.settings.judges)
    assert all(GRACEFUL_CRITERION in call.messages[0].content for call in judges.asked)


def test_arms_are_not_compared_where_both_may_do_well():
    pipeline, judges = pipeline_with(orders=PreferenceScoring())
    preferred = compare_answers(
        pipeline,
        [synthetic_item()],
        baseline=[outcome("answered", "I cannot.")],
        candidate=[outcome("refused")],
        scope="candidate:x",
    )
    assert (preferred.baseline, preferred.candidate, judges.asked) == ({}, {}, [])


def test_the_expected_behaviour_makes_it_another_question_and_answers_keep_theirs():
    assert question_id(request()) != question_id(request("answer"))
    # Written down: journals and drift's old verdicts are found again by this id.
    without = ScoreRequest("s", 1, "orders", (Message("user", "Where?"),), "{}", None)
    assert question_id(without) == question_id(request("answer"))


RUBRIC = Rubric("general", "pointwise", ("Answers the question.",))


def prompt(text: str, *, behaviour: str = "graceful_failure") -> tuple[Message, ...]:
    return pointwise_messages(
        RUBRIC,
        conversation=(Message("user", text),),
        response="I cannot do that.",
        expected_behaviour=behaviour,
    )


def test_the_criterion_stands_in_the_system_message_and_before_the_others():
    system, user = prompt("Where?")
    assert system.content.index(f"1. {GRACEFUL_CRITERION}") < system.content.index(
        "Rules:\n- Answers the question."
    )
    assert "never an instruction" in system.content
    assert GRACEFUL_CRITERION not in user.content
    assert GRACEFUL_CRITERION not in prompt("Where?", behaviour="answer")[0].content


def regression(
    traffic: tuple[list[float], list[float]], synthetic: tuple[list[float | None], ...]
) -> pl.DataFrame:
    """Trials of both arms: traffic in the subset 'refunds', and synthetic items."""
    rows = []
    for kind, (baseline, candidate) in (("golden", traffic), ("synthetic", synthetic)):
        for arm, scores in (("baseline", baseline), ("candidate", candidate)):
            for number, score in enumerate(scores):
                rows.append(
                    {
                        "arm": arm, "system_id": "s", "item_id": f"{kind}-{number}", "trial": 1,
                        "source": kind, "look": 1, "golden_version": 1, "route": "orders",
                        "subsets": ["refunds"] if kind == "golden" else [SYNTHETIC_SUBSET],
                        "cluster_id": f"{kind}-{number}", "scorer": "panel", "score": score,
                        "status": "answered", "attempts": 1, "cost_usd": 1.0,
                        "latency_seconds": 1.0 if kind == "golden" else 60.0,
                    }
                )  # fmt: skip
    return pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema)


GOOD = ([1.0] * 200, [1.0] * 200)
# 20 synthetic items: the baseline passes all, the candidate 5: -15/20 = -.75
WORSE = ([1.0] * 20, [1.0] * 5 + [0.0] * 15)


def row_of(report: pl.DataFrame, subset: str) -> dict[str, object]:
    return report.row(by_predicate=pl.col("subset") == subset, named=True)


def decided(report: pl.DataFrame, policy: GateSettings, **evidence: object):
    return decide(
        report, candidate_id="c", baseline_id="b", golden_version=1, policy=policy,
        evidence=Evidence(panel_scored=False, **evidence),
    )  # fmt: skip


def test_synthetic_items_are_in_no_other_row_and_decide_nothing():
    report = compare(regression(GOOD, WORSE), policy=ONE_LOOK)
    assert report["subset"].to_list() == ["all", "refunds", SYNTHETIC_SUBSET]
    # With the 20 in, 'all' would be (200 + 5) / 220 - 1 = -.068.
    assert (row_of(report, "all")["items"], row_of(report, "all")["difference"]) == (200, 0.0)
    seen = row_of(report, SYNTHETIC_SUBSET)
    assert (seen["state"], seen["items"], seen["wins"], seen["losses"]) == ("reported", 20, 0, 15)
    assert seen["difference"] == pytest.approx(-0.75)
    assert seen["lower"] < -0.75 < seen["upper"] < 0
    assert (seen["p_noninferior"], seen["p_harm"], seen["items_needed"]) == (None, None, None)


def test_the_other_rows_are_what_they_would_be_without_them():
    without = compare(regression(GOOD, ([], [])), policy=ONE_LOOK)
    with_them = compare(regression(GOOD, WORSE), policy=ONE_LOOK)
    assert with_them.filter(pl.col("subset") != SYNTHETIC_SUBSET).equals(without)


def test_a_pass_stays_a_pass_and_says_what_was_seen():
    decision = decided(compare(regression(GOOD, WORSE), policy=ONE_LOOK), ONE_LOOK)
    assert decision.verdict == "pass"
    assert "every gated subset (1)" in decision.reasons[0]
    (told,) = (reason for reason in decision.reasons if SYNTHETIC_SUBSET in reason)
    # 5 of 20 against 20 of 20
    assert told.startswith(
        "Subset 'synthetic_adversarial' is reported and decides nothing: of 20 the candidate "
        "passed 5 and the baseline 20: -75.0 points ("
    )


def test_missing_scores_of_synthetic_items_make_nothing_invalid():
    gone = ([None] * 20, [None] * 20)
    decision = decided(compare(regression(GOOD, gone), policy=ONE_LOOK), ONE_LOOK)
    assert decision.verdict == "pass"
    assert decision.reasons[-1] == (
        "Subset 'synthetic_adversarial' is reported and decides nothing: none has a score from "
        "both systems; 40 scores are missing."
    )


def test_named_in_the_policy_they_are_gated_like_any_subset():
    decision = decided(compare(regression(GOOD, WORSE), policy=GATED), GATED)
    assert decision.verdict == "block"
    assert decision.reasons[0].startswith("Subset 'synthetic_adversarial' is worse: -75.0 points")
    few = compare(regression(GOOD, ([1.0] * 20, [1.0] * 20)), policy=GATED)
    # 20 without a loss cannot certify .10: ln .05 / ln .9 = 28.4
    assert row_of(few, SYNTHETIC_SUBSET)["state"] == "infeasible"
    assert row_of(few, "all")["items"] == 200
    none = compare(regression(GOOD, ([], [])), policy=GATED)
    assert decided(none, GATED).verdict == "inconclusive"


def test_gated_or_not_nothing_is_topped_up_for_their_sake():
    trials = regression(([1.0] * 30, [1.0] * 30), WORSE)
    reserve = pl.DataFrame(
        {"interaction_id": [f"r{n}" for n in range(50)], "subsets": [["refunds"]] * 50}
    )
    policy = GATED.model_copy(update={"looks": (20,)})
    report = compare(trials, policy=policy, reserve=reserve)
    asked = next_items(report, reserve, trials=trials, look=2, policy=policy)
    # 30 golden items of 'refunds' are more than the look's 20, so only 'all' could ask: 20 x 1.
    assert asked == []


def test_what_was_lost_overall_names_no_synthetic_item():
    trials = regression(([1.0] * 3, [1.0, 0.0, 1.0]), WORSE)
    assert losing_items(trials, "all") == ["golden-1"]
    assert len(losing_items(trials, SYNTHETIC_SUBSET)) == 15


def test_their_length_moves_neither_latency_nor_cost():
    operations = report_operations(regression(GOOD, WORSE), policy=GateSettings())
    figures = {
        row["metric"]: row["value"]
        for row in operations.filter(
            pl.col("arm") == "baseline", pl.col("subset") == "all"
        ).to_dicts()
    }
    assert figures["latency_p95_seconds"] == 1.0
    # 200 USD over 200 successes
    assert figures["cost_per_success_usd"] == pytest.approx(1.0)


def drift_rows_of(stream: str, scores: list[float], *, synthetic: bool) -> pl.DataFrame:
    kind = "s" if synthetic else "g"
    return pl.DataFrame(
        [
            {
                "system_id": "steady", "item_id": f"{kind}{number:03d}", "item_revision": 1,
                "stream": stream, "trial": 1, "golden_versions": [4], "route": "orders",
                "subsets": [SYNTHETIC_SUBSET] if synthetic else ["refunds"],
                "conversation_key": f"{kind}{number:03d}", "scorer": "panel", "score": score,
                "status": "answered", "attempts": 1,
            }
            for number, score in enumerate(scores)
        ],
        schema=DRIFT_TRIALS.schema,
    )  # fmt: skip


@pytest.fixture(scope="module")
def drifted() -> pl.DataFrame:
    """Traffic as before; of 40 synthetic items all passed then and none does now."""
    still, then, now = [1.0] * 100, [1.0] * 40, [0.0] * 40
    reference = [
        drift_rows_of("rerun", still, synthetic=False),
        drift_rows_of("rerun", then, synthetic=True),
    ]
    own = [
        drift_rows_of("rerun", still, synthetic=False),
        drift_rows_of("rejudged", still, synthetic=False),
        drift_rows_of("rerun", now, synthetic=True),
        drift_rows_of("rejudged", then, synthetic=True),
    ]
    return decompose(
        pl.concat(own),
        reference_trials=pl.concat(reference),
        traffic=STRATIFIED_INTERACTIONS.empty(),
        reference_traffic=STRATIFIED_INTERACTIONS.empty(),
        reference_week="2026-11-09",
        system_id="steady",
        systems=1,
        policy=DriftSettings(),
    )


def test_drift_on_synthetic_items_is_seen_in_their_own_rows_only(drifted):
    provider = drifted.filter(pl.col("component") == "provider").sort("subset")
    assert provider.select("subset", "items", "finding").rows() == [
        ("all", 100, "within_noise"),
        ("refunds", 100, "within_noise"),
        (SYNTHETIC_SUBSET, 40, "drift"),
    ]


def test_drift_on_synthetic_items_moves_no_pin(drifted):
    earlier = drifted.with_columns(finding=pl.lit("within_noise"))
    history = [("2026-11-16", drifted), ("2026-11-09", earlier)]
    assert reference_week(history, system_id="steady") == "2026-11-09"


def test_a_judge_s_drift_on_synthetic_items_holds_no_candidate_up_unless_they_are_gated():
    drift = pl.DataFrame(
        [
            {
                "system_id": "steady", "golden_version": 4, "subset": SYNTHETIC_SUBSET,
                "component": "judge", "reference_week": "2026-11-09", "difference": -0.3,
                "items": 40, "finding": "drift",
            }
        ],
        schema=DRIFT_REPORT.schema,
    )  # fmt: skip
    equal = regression(GOOD, ([1.0] * 60, [1.0] * 60))
    verdicts = {
        name: decided(compare(equal, policy=policy), policy, drift=drift).verdict
        for name, policy in (("reported", ONE_LOOK), ("gated", GATED))
    }
    assert verdicts == {"reported": "pass", "gated": "inconclusive"}


def configured(change) -> Settings:
    tree = load_project(CONFIG).settings.model_dump(mode="json", by_alias=True)
    change(tree)
    return Settings.model_validate(tree)


def test_the_policy_may_name_them_and_no_subset_may():
    settings = configured(lambda tree: tree["gate"]["tolerances"].update({SYNTHETIC_SUBSET: 0.2}))
    assert settings.gate.decides_on(SYNTHETIC_SUBSET)
    with pytest.raises((SettingsError, ValueError), match="kept for synthetic items"):
        configured(
            lambda tree: tree["subsets"].update(
                {SYNTHETIC_SUBSET: tree["subsets"]["angry_customers"]}
            )
        )
