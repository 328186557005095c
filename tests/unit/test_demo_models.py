"""The planted effects, computed over 12,000 composed questions.

The standard error of a paired difference is sqrt(discordant)/n: about 0.25 points over all
questions; the bounds below leave three of them.
"""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from eval_pipeline.demo.draws import stream
from eval_pipeline.demo.knowledge import assess
from eval_pipeline.demo.logs import route_mix
from eval_pipeline.demo.pharmacy_models import CHANGED_FROM, DEMO_WEEKS, PHARMACY_MODELS
from eval_pipeline.demo.questions import Question, compose, understand_text
from eval_pipeline.settings import SystemSettings
from eval_pipeline.settings_file import load_project

ROOT = Path(__file__).parents[2]
BEFORE = DEMO_WEEKS[4].isoformat()
AFTER = DEMO_WEEKS[7].isoformat()
ARMS = {
    "before": ("pharma-large", BEFORE),
    "baseline": ("pharma-large", AFTER),
    "sharper": ("pharma-sharper", AFTER),
    "steady": ("pharma-steady", AFTER),
}
Correctness = dict[str, list[tuple[str, str, bool]]]


@pytest.fixture(scope="module")
def correctness() -> Correctness:
    """Per arm: route, intent and whether the answer is right, the same questions in order."""
    draws = stream("test-demo-models")
    mix = route_mix(DEMO_WEEKS[4])
    asked = []
    for _ in range(12_000):
        route = draws.choices(list(mix), weights=list(mix.values()))[0]
        asked.append((route, compose(route, draws=draws)))
    results: Correctness = {arm: [] for arm in ARMS}
    for route, text in asked:
        question = understood(text)
        messages = [{"role": "user", "content": text}]
        for arm, (model, epoch) in ARMS.items():
            response = PHARMACY_MODELS[model].answer(messages, epoch=epoch).text
            results[arm].append((route, question.intent, assess(messages, response).correct))
    return results


def understood(text: str) -> Question:
    question = understand_text(text)
    assert question is not None, text
    return question


def right_share(model: str, asked: list[str]) -> float:
    right = 0
    for text in asked:
        messages = [{"role": "user", "content": text}]
        response = PHARMACY_MODELS[model].answer(messages, epoch=AFTER).text
        right += assess(messages, response).correct
    return right / len(asked)


def share(rows: list[tuple[str, str, bool]], wanted: str | None = None) -> float:
    chosen = [right for route, intent, right in rows if wanted in {None, route, intent}]
    assert len(chosen) > 200
    return sum(chosen) / len(chosen)


def test_the_baseline_is_right_about_86_times_in_a_hundred(correctness):
    assert share(correctness["before"]) == pytest.approx(0.86, abs=0.012)


def test_the_silent_change_costs_refunds_22_to_28_points_and_no_other_route_any(correctness):
    lost = share(correctness["before"], "refunds") - share(correctness["baseline"], "refunds")
    assert 0.22 <= lost <= 0.28
    for route in ("order_status", "renewals", "medication", "store_hours"):
        assert share(correctness["before"], route) == share(correctness["baseline"], route)


def test_sharper_gains_about_three_points_overall(correctness):
    gained = share(correctness["sharper"]) - share(correctness["baseline"])
    assert 0.025 <= gained <= 0.040


def test_sharper_loses_about_twelve_points_where_it_invents_interactions():
    # About 6,000 pairs: standard error sqrt(.13 / 6000) = 0.0047.
    draws = stream("test-demo-interactions")
    texts = [compose("medication", draws=draws) for _ in range(10_000)]
    asked = [text for text in texts if understood(text).intent == "interaction"]
    lost = right_share("pharma-large", asked) - right_share("pharma-sharper", asked)
    assert 0.11 <= lost <= 0.14


def test_sharper_gains_on_every_other_kind_of_question(correctness):
    intents = {intent for _, intent, _ in correctness["baseline"]} - {"interaction"}
    for intent in intents:
        gained = share(correctness["sharper"], intent) - share(correctness["baseline"], intent)
        assert gained > 0.015, intent


def test_steady_is_within_a_point_everywhere_and_seldom_disagrees(correctness):
    pairs = list(zip(correctness["baseline"], correctness["steady"], strict=True))
    for intent in {intent for _, intent, _ in correctness["baseline"]}:
        gained = share(correctness["steady"], intent) - share(correctness["baseline"], intent)
        assert -0.001 <= gained <= 0.0125, intent
    discordant = sum(one[2] != other[2] for one, other in pairs) / len(pairs)
    assert discordant <= 0.02


def test_the_change_keeps_the_name_and_shows_only_in_fingerprint_and_answers():
    model = PHARMACY_MODELS["pharma-large"]
    draws = stream("test-demo-change")
    asked = [[{"role": "user", "content": compose("refunds", draws=draws)}] for _ in range(200)]
    before = [model.answer(messages, epoch=BEFORE) for messages in asked]
    after = [model.answer(messages, epoch=CHANGED_FROM.isoformat()) for messages in asked]
    assert {one.served_model for one in before} == {one.served_model for one in after}
    assert {one.system_fingerprint for one in before}.isdisjoint(
        one.system_fingerprint for one in after
    )
    # 0.40 of 64 % grow wrong, 12 % of all are reworded: 1 - (1 - 0.26) * (1 - 0.12) = 0.35.
    # The standard error of a share of 200 is 0.03.
    changed = sum(one.text != other.text for one, other in zip(before, after, strict=True)) / 200
    assert 0.26 <= changed <= 0.44


def test_models_ignore_the_system_prompt_and_answer_the_unknown_with_a_question():
    model = PHARMACY_MODELS["pharma-steady"]
    asked = {"role": "user", "content": "Is aspirin better with a meal?"}
    bare = model.answer([asked], epoch=AFTER)
    prompted = model.answer([{"role": "system", "content": "Be brief."}, asked], epoch=AFTER)
    assert bare == prompted
    unknown = model.answer([{"role": "user", "content": "Sing me a song"}], epoch=AFTER)
    assert unknown.text.endswith("?")


def test_the_example_candidates_differ_from_the_baseline_in_the_model_alone():
    settings = load_project(ROOT / "eval_pipeline.yaml").settings
    baseline = settings.systems[settings.baseline]
    assert settings.automation.first_week == DEMO_WEEKS[0]
    models = {}
    for file in sorted((ROOT / "examples" / "candidates").glob("*.yaml")):
        candidate = SystemSettings.model_validate(YAML(typ="safe", pure=True).load(file))
        if file.stem.startswith("naive-"):
            assert candidate.naive is not None
            continue
        models[file.stem] = candidate.model
        assert candidate.model_copy(update={"model": baseline.model}) == baseline
    assert models == {"sharper-on-average": "pharma-sharper", "steady": "pharma-steady"}
    assert set(models.values()) | {baseline.model} == set(PHARMACY_MODELS)
