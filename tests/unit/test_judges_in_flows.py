"""What flows take from settings and lake about judges: weights, kin, and who scored alone."""

from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.decision import judge_sentences
from eval_pipeline.flows.judge_weights import weights_before, weights_told
from eval_pipeline.flows.judging import families_told
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import SystemSettings
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import JUDGE_CALIBRATION, REGRESSION_TRIALS

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"
KIN = SystemSettings(provider="pharmacy-cloud", model="m", family="AURORA")
STRANGER = SystemSettings(provider="pharmacy-cloud", model="m", family="delphinus")


AT_HOME = (
    "Judge 'arbiter-a' is of the family 'AURORA' of system 'new' that it judges: "
    "it may favour its own kind."
)


def pipeline(**panel: str) -> Pipeline:
    settings = load_project(CONFIG).settings
    changed = settings.model_copy(
        update={
            "panel": settings.panel.model_copy(update=panel),
            "storage": settings.storage.model_copy(update={"lake": "memory://"}),
        }
    )
    return Pipeline(Project(changed, CONFIG))


def calibrate(opened: Pipeline, week: str, **accuracies: float) -> None:
    rows = [
        {"judge_id": judge, "measure": measure, "value": value, "labelled": 500, "weeks": 1}
        for judge, value in accuracies.items()
        for measure in ("sensitivity", "specificity")
    ]
    frame = pl.DataFrame(rows, schema=JUDGE_CALIBRATION.schema)
    opened.lake.replace(JUDGE_CALIBRATION, frame, partition=week)


def trials(*scorers: str) -> pl.DataFrame:
    rows = [{"scorer": scorer} for scorer in scorers]
    return pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema)


def test_equal_judges_have_no_weights_whatever_the_lake_holds() -> None:
    opened = pipeline()
    calibrate(opened, "2026-09-07", **{"arbiter-a": 0.99, "arbiter-b": 0.6})
    assert weights_before(opened) is None
    assert weights_told(None) == "equal"


def test_a_week_is_weighed_by_the_newest_week_before_it_and_never_by_its_own() -> None:
    opened = pipeline(weights="reliability")
    assert weights_before(opened, week="2026-09-14") == {"arbiter-a": 1.0, "arbiter-b": 1.0}
    calibrate(opened, "2026-09-07", **{"arbiter-a": 0.99, "arbiter-b": 0.6})
    calibrate(opened, "2026-09-14", **{"arbiter-a": 0.6, "arbiter-b": 0.99})
    assert weights_before(opened, week="2026-09-07") == {"arbiter-a": 1.0, "arbiter-b": 1.0}
    earlier = weights_before(opened, week="2026-09-14")
    newest = weights_before(opened)
    assert earlier is not None
    assert newest is not None
    assert earlier["arbiter-a"] > 1 > earlier["arbiter-b"]
    assert newest["arbiter-b"] > 1 > newest["arbiter-a"]
    assert weights_told(earlier).startswith(f"arbiter-a {earlier['arbiter-a']:.2f}, arbiter-b ")


@pytest.mark.parametrize(
    ("system", "sentences"),
    [
        (STRANGER, []),
        (
            KIN,
            [AT_HOME],
        ),
    ],
)
def test_the_decision_says_whose_kin_judged(system: SystemSettings, sentences: list[str]) -> None:
    candidate = Candidate("new", system, "assistant", STRANGER)
    told = judge_sentences(pipeline(family_under_test="allow"), candidate, trials("panel"))
    assert told == sentences


def test_the_decision_names_a_judge_that_scored_alone() -> None:
    candidate = Candidate("new", STRANGER, "assistant", STRANGER)
    told = judge_sentences(pipeline(), candidate, trials("exact", "judge:arbiter-b"))
    assert told == ["Judge 'arbiter-b' scored alone: no panel stood behind it."]


def test_a_week_s_verdicts_say_that_no_judge_is_kin() -> None:
    assert families_told(pipeline()) == "No judge is of a family under test."
