"""All candidates in one table: what differs, what was measured, what may not be compared."""

from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.errors import UnknownCandidateError
from eval_pipeline.flows.candidate_table import candidate_table, changes_of
from eval_pipeline.flows.candidates import Candidate, candidates_folder, resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.reports.candidate_table import COLUMNS, fragment, rows
from eval_pipeline.settings import GateSettings, SystemSettings
from eval_pipeline.settings_file import load_project
from eval_pipeline.tables import OPERATIONS_REPORT, REGRESSION_REPORT, REGRESSION_TRIALS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    text = (ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8")
    file = tmp_path / "eval_pipeline.yaml"
    file.write_text(text)
    (tmp_path / "candidates").mkdir()
    return Pipeline(load_project(file))


def evaluated(
    pipeline: Pipeline, name: str, *, version: int = 3, cost: float = 0.01, mean: float = 0.8
) -> None:
    """A candidate whose 40 answers cost so much each, with these figures in the lake."""
    trials = pl.DataFrame(
        [
            {
                "arm": arm, "system_id": "assistant" if arm == "baseline" else name,
                "item_id": f"i{number:03d}", "trial": 1, "source": "golden", "look": 1,
                "golden_version": version, "subsets": ["refunds"], "cluster_id": f"c{number:03d}",
                "scorer": "exact", "score": float(number < 32), "status": "answered",
                "latency_seconds": 0.1 + number / 1000, "input_tokens": 100, "output_tokens": 10,
                "cost_usd": 0.01 if arm == "baseline" else cost, "attempts": 1,
            }
            for arm in ("baseline", "candidate")
            for number in range(40)
        ],
        schema=REGRESSION_TRIALS.schema,
    )  # fmt: skip
    report = pl.DataFrame(
        [
            {"subset": "all", "state": "certified", "baseline_mean": 0.8, "candidate_mean": mean,
             "difference": mean - 0.8, "lower": mean - 0.83, "upper": mean - 0.77, "margin": 0.05,
             "items": 40, "effective_items": 40.0, "missing_baseline": 0, "missing_candidate": 0}
        ],
        schema=REGRESSION_REPORT.schema,
    )  # fmt: skip
    operations = report_operations(trials, policy=GateSettings())
    pipeline.lake.replace(REGRESSION_TRIALS, trials, partition=name)
    pipeline.lake.replace(REGRESSION_REPORT, report, partition=name)
    pipeline.lake.replace(OPERATIONS_REPORT, operations, partition=name)


def put(pipeline: Pipeline, name: str, text: str) -> None:
    path = candidates_folder(pipeline.project) / f"{name}.yaml"
    path.write_text(f"provider: pharmacy-cloud\n{text}", encoding="utf-8")


def test_candidates_and_their_baseline_stand_in_one_table(pipeline) -> None:
    put(pipeline, "dearer", "model: pharma-large\nprompt: Be brief.\n")
    evaluated(pipeline, "dearer", cost=0.02, mean=0.82)
    evaluated(pipeline, "plain")
    table = candidate_table(pipeline)
    assert [row["name"] for row in table.rows] == ["assistant", "dearer", "plain"]
    baseline, dearer, plain = table.rows
    assert (baseline["verdict"], dearer["verdict"]) == ("baseline", "not decided")
    assert dearer["cost_per_success_ratio"]["value"] == pytest.approx(2.0)
    assert plain["cost_per_success_ratio"]["value"] == pytest.approx(1.0)
    assert baseline["cost_per_success_ratio"]["value"] is None
    # Wilson at 40: .82 lies inside, and the gate's own difference beside it
    assert dearer["quality"]["lower"] < 0.82 < dearer["quality"]["upper"]
    assert dearer["difference"]["value"] == pytest.approx(0.02)
    assert "prompt" in dearer["change"]
    assert plain["change"] == "no longer configured"


def test_candidates_on_different_golden_versions_are_not_held_against_each_other(pipeline) -> None:
    evaluated(pipeline, "older", version=2)
    evaluated(pipeline, "newer", version=3)
    table = candidate_table(pipeline)
    # The newest version first, each under the baseline as it was measured on that version.
    names = [(row["name"], row["golden_version"]) for row in table.rows]
    assert names == [("assistant", 3), ("newer", 3), ("assistant", 2), ("older", 2)]
    assert any("version 2: older; version 3: newer" in note for note in table.notes)
    evaluated(pipeline, "older", version=3)
    assert not any("not comparable" in note for note in candidate_table(pipeline).notes)


def test_a_subset_has_its_own_figures_and_what_it_lacks_is_said(pipeline) -> None:
    evaluated(pipeline, "plain")
    table = candidate_table(pipeline, subset="refunds")
    assert table.rows[1]["cost_per_task_usd"]["value"] == pytest.approx(0.01)
    assert table.rows[1]["quality"]["value"] is None
    assert "'plain' has no items in 'refunds'." in table.notes


def test_only_what_was_evaluated_can_be_named(pipeline) -> None:
    evaluated(pipeline, "plain")
    assert len(candidate_table(pipeline, names=["plain"]).rows) == 2
    with pytest.raises(UnknownCandidateError, match="plain"):
        candidate_table(pipeline, names=["other"])


def test_before_any_evaluation_the_table_is_empty(pipeline) -> None:
    assert candidate_table(pipeline).rows == ()


def test_a_change_is_told_by_what_differs() -> None:
    before = SystemSettings(provider="p", model="large", parameters={"temperature": 0})
    now = SystemSettings(
        provider="p",
        model="tuned",
        parameters={"temperature": 0, "top_p": 0.9},
        fine_tuning_files=("train.jsonl",),
    )
    told = changes_of(Candidate("new", now, "old", before))
    assert told == "model large → tuned; top_p none → 0.9; fine-tuned on train.jsonl"
    assert changes_of(Candidate("same", before, "old", before)) == "nothing"


def test_the_page_s_fragment_escapes_what_people_named(pipeline) -> None:
    put(pipeline, "plain", "model: '<b>bold</b>'\n")
    evaluated(pipeline, "plain")
    table = candidate_table(pipeline)
    html = fragment(table.rows, table.notes)
    assert "&lt;b&gt;bold" in html
    assert "<b>bold" not in html
    assert html.count("<tr>") == 3
    assert len(rows(table.rows)[0]) == len(COLUMNS)
    assert resolve_candidate(pipeline.project, "plain").system.model == "<b>bold</b>"
