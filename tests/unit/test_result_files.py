"""Result files of other tools, as each wrote them itself; see `tests/data/result_files`.

Two systems added numbers: `steady` is right, `hasty` is off by one where the sum divides by five.
One call fails, one is too slow, and a judge is down.
"""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.adapters.result_files.contract import Asked, ResultFormat, ScoredFile
from eval_pipeline.adapters.result_files.recognising import read_scored
from eval_pipeline.errors import ResultFileError

FILES = Path(__file__).parents[1] / "data" / "result_files"


def read(name: str, metric: str | None = None, system: str | None = None) -> ScoredFile:
    return read_scored(FILES / name, Asked(metric, system), result_format=None)


def scores(file: ScoredFile) -> list[float | None]:
    return file.trials["score"].to_list()


def errors(file: ScoredFile) -> dict[str, int]:
    failed = file.trials.filter(pl.col("score").is_null())
    return dict(failed["error"].value_counts().sort("error").iter_rows())


def test_promptfoo_errors_and_timeouts_are_missing_and_so_is_what_a_broken_judge_scored() -> None:
    # Tests in order: 12, 15, a failed call, 85, 86, 4, a timeout, and 34 under a judge that is
    # down, to which promptfoo gives the score (1 + 0) / 2.
    steady = read("promptfoo/results.json", system="steady")
    assert (steady.result_format, steady.name) == (ResultFormat.promptfoo, "steady")
    assert scores(steady) == [1, 1, None, 1, 1, 1, None, None]
    assert errors(steady) == {"grader_error": 1, "provider_error": 2}
    # 15 and 85 divide by five: the sum is wrong and its form is right.
    hasty = read("promptfoo/results.json", system="hasty")
    assert scores(hasty) == [1, 0.5, None, 0.5, 1, 1, None, None]


def test_a_promptfoo_metric_leaves_out_the_tests_that_do_not_assert_it() -> None:
    exact = read("promptfoo/results.json", "exactness", "hasty")
    assert scores(exact) == [1, 0, None, 0, 1, 1, None, 1]
    rubric = read("promptfoo/results.json", "rubric", "hasty")
    assert errors(rubric) == {"grader_error": 1}
    assert rubric.trials.height == 1
    success = read("promptfoo/results.json", "success", "hasty")
    assert scores(success) == [1, 0, None, 0, 1, 1, None, None]


def test_promptfoo_items_of_two_files_are_the_same_and_bear_their_metadata() -> None:
    lines = read("promptfoo/results.jsonl")
    document = read("promptfoo/results.json", system="hasty")
    assert lines.name == "hasty"
    assert lines.trials.equals(document.trials)
    first = document.trials.row(0, named=True)
    assert first["subsets"] == ["small", "plain"]
    assert first["cluster_id"] == "c0"
    assert (first["input_tokens"], first["output_tokens"], first["cost_usd"]) == (12, 1, None)
    assert document.trials["latency_seconds"].null_count() == 2


def test_a_promptfoo_file_of_two_providers_asks_which_and_names_them() -> None:
    with pytest.raises(ResultFileError, match=r"it knows 'hasty', 'steady'.*--baseline-system"):
        read("promptfoo/results.json")
    with pytest.raises(ResultFileError, match="it holds no 'gpt'"):
        read("promptfoo/results.json", system="gpt")
    with pytest.raises(ResultFileError, match="it knows 'exactness', 'form', 'rubric', 'score'"):
        read("promptfoo/results.json", "tone", "steady")


def test_repeats_of_a_promptfoo_test_are_trials_of_one_item(tmp_path: Path) -> None:
    document = json.loads((FILES / "promptfoo/results.json").read_text())
    results = document["results"]["results"]
    again = [{**one, "testIdx": one["testIdx"] + 8} for one in results]
    document["results"]["results"] = [*results, *again]
    file = tmp_path / "twice.json"
    file.write_text(json.dumps(document))
    trials = read_scored(file, Asked(None, "steady"), result_format=None).trials
    assert trials["item_id"].n_unique() == 8
    assert sorted(trials["trial"].to_list()) == [1] * 8 + [2] * 8


def test_inspect_errors_and_time_limits_are_missing_in_both_of_its_formats() -> None:
    steady = read("inspect/steady.eval", "match")
    assert (steady.result_format, steady.name) == (ResultFormat.inspect, "openai/steady")
    # sum-2 failed; sum-5 ran out of time, which Inspect scores as incorrect.
    assert scores(steady) == [1, 1, None, 1, 1, None, 1, 1]
    assert errors(steady) == {"sample_error": 1, "time_limit": 1}
    hasty = read("inspect/hasty.eval", "match")
    assert scores(hasty) == [1, 0, None, 0, 1, None, 0, 1]
    assert read("inspect/hasty.json", "match").trials.equals(hasty.trials)
    first = hasty.trials.row(0, named=True)
    assert first["item_id"] == "sums/sum-0"
    assert first["subsets"] == ["sums", "small", "plain"]
    assert first["latency_seconds"] > 0
    assert first["input_tokens"] == 12


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"limit": {"type": "operator", "limit": 1}}, "operator_limit"),
        ({"limit": {"type": "token", "limit": 9}}, None),
        ({"invalidation": {"author": "a", "reason": "b"}}, "invalidated"),
    ],
)
def test_what_stopped_an_inspect_sample_from_outside_is_no_score(tmp_path, changed, told) -> None:
    log = json.loads((FILES / "inspect/hasty.json").read_text())
    log["samples"] = [{**log["samples"][0], **changed}]
    (tmp_path / "log.json").write_text(json.dumps(log))
    trials = read_scored(tmp_path / "log.json", Asked("match"), result_format=None).trials
    assert trials["error"].to_list() == [told]


def test_an_inspect_log_of_two_scorers_asks_which() -> None:
    with pytest.raises(ResultFileError, match="several scorers; it knows 'includes', 'match'"):
        read("inspect/steady.eval")


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ("C", 1.0),
        ("P", 0.5),
        ("I", 0.0),
        ("N", 0.0),
        ("Yes", 1.0),
        ("false", 0.0),
        ("0.25", 0.25),
        (True, 1.0),
        (0.25, 0.25),
        ("c", None),
        ("odd", None),
        ("[1]", None),
    ],
)
def test_inspect_values_are_read_as_inspect_reads_them(tmp_path, value, score) -> None:
    log = json.loads((FILES / "inspect/hasty.json").read_text())
    log["samples"] = log["samples"][:1]
    log["samples"][0]["scores"] = {"own": {"value": value}}
    log["status"] = "cancelled"
    file = tmp_path / "log.json"
    file.write_text(json.dumps(log))
    read_back = read_scored(file, Asked(), result_format=None)
    assert scores(read_back) == [score]
    assert read_back.trials["error"].to_list() == [None if score is not None else "not_scored"]
    assert "did not finish (status 'cancelled')" in read_back.notes[0]


def test_a_damaged_inspect_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray((FILES / "inspect/steady.eval").read_bytes())
    data[2000:2040] = bytes(40)
    (tmp_path / "broken.eval").write_bytes(bytes(data))
    with pytest.raises(ResultFileError, match=r"broken\.eval: its archive cannot be read"):
        read_scored(tmp_path / "broken.eval", Asked("match"), result_format=None)


def test_lm_eval_tasks_and_groups_are_subsets() -> None:
    hasty = read("lm_eval/hasty")
    assert (hasty.result_format, hasty.name) == (ResultFormat.lm_eval, "hasty")
    # large: 85 86 41 70; small: 12 15 4 5 11; what divides by five is wrong.
    assert scores(hasty) == [0, 1, 1, 0, 1, 0, 1, 0, 1]
    assert hasty.trials["subsets"].to_list() == (
        [["sums_large", "sums", "plain"]] * 4 + [["sums_small", "sums", "plain"]] * 5
    )
    assert hasty.trials["item_id"].equals(read("lm_eval/steady").trials["item_id"])
    assert read("lm_eval/hasty", "exact_match").trials.equals(hasty.trials)
    assert read("lm_eval/hasty", "exact_match,none").trials.equals(hasty.trials)
    with pytest.raises(ResultFileError, match="no metric 'f1'; it knows 'exact_match,none'"):
        read("lm_eval/hasty", "f1")


def test_an_empty_answer_in_lm_eval_is_missing_whatever_score_it_got(tmp_path: Path) -> None:
    (source,) = (FILES / "lm_eval/steady").glob("samples_sums_small_*")
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    rows[1] |= {"resps": [[""]], "exact_match": 0.0}
    file = tmp_path / source.name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read_back = read_scored(file, Asked(), result_format=None)
    assert scores(read_back) == [1, None, 1, 1, 1]
    assert errors(read_back) == {"empty_answer": 1}
    assert read_back.name == tmp_path.name


def test_two_runs_of_an_lm_eval_task_and_a_metric_of_which_less_is_better_are_refused(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(FILES / "lm_eval/steady", folder)
    (aggregate,) = folder.glob("results_*.json")
    told = json.loads(aggregate.read_text())
    told["higher_is_better"]["sums_small"]["exact_match"] = False
    aggregate.write_text(json.dumps(told))
    with pytest.raises(ResultFileError, match="of the metric 'exact_match,none' less is better"):
        read_scored(folder, Asked(), result_format=None)
    (source,) = folder.glob("samples_sums_small_*")
    shutil.copy(source, folder / "samples_sums_small_2026-11-23T00-00-00.000001.jsonl")
    with pytest.raises(ResultFileError, match="two runs of task 'sums_small'"):
        read_scored(folder, Asked(), result_format=None)


def test_deepeval_metrics_that_failed_are_missing() -> None:
    brevity = read("deepeval/test_run_steady.json", "Brevity [GEval]")
    assert (brevity.result_format, brevity.name) == (ResultFormat.deepeval, "test_run_steady")
    assert scores(brevity) == [0.8, 0.8, 0.8, None, 0.8, None]
    assert errors(brevity) == {"metric_error": 2}
    exact = read("deepeval/test_run_hasty.json", "Exact Match")
    assert scores(exact) == [1, 0, 0, 1, 1, None]
    first = exact.trials.row(0, named=True)
    assert first["subsets"] == ["small", "plain"]
    assert (first["cluster_id"], first["cost_usd"], first["latency_seconds"]) == ("c0", 0.001, 0.25)
    assert exact.trials["item_id"].equals(brevity.trials["item_id"])
    with pytest.raises(ResultFileError, match="2 metrics; it knows 'Brevity"):
        read("deepeval/test_run_steady.json")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "item_id,score\na,1\n", "its format is not known"),
        ("a.json", "{}", "its format is not known"),
        ("a.json", "[" * 100_000, "its format is not known"),
        ("a.json", '{"results": {"a": {"acc": 1}}, "configs": {}}', "its format is not known"),
        ("a.eval", "PK\x03\x04 no archive", "its archive cannot be read"),
        (
            "a.jsonl",
            '{"testIdx": 0, "promptIdx": 0, "score": 1, "testCase": 5}',
            "not as promptfoo",
        ),
        ("a.json", '{"testCases": [5], "metricsScores": []}', "not as deepeval"),
        ("a.json", '{"version": 2, "status": "success", "eval": {}}', "holds no sample"),
    ],
)
def test_what_is_of_no_known_format_or_shape_is_refused_in_words(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ResultFileError, match=told):
        read_scored(tmp_path / name, Asked(), result_format=None)


def test_a_folder_of_nothing_known_and_a_file_that_is_not_there_are_refused(tmp_path) -> None:
    with pytest.raises(ResultFileError, match="neither samples nor logs"):
        read_scored(tmp_path, Asked(), result_format=None)
    with pytest.raises(ResultFileError, match="no such file"):
        read_scored(tmp_path / "none", Asked(), result_format=None)
    with pytest.raises(ResultFileError, match="it is a folder, and promptfoo is a file"):
        read_scored(tmp_path, Asked(), result_format=ResultFormat.promptfoo)


def test_a_folder_of_inspect_logs_is_one_arm(tmp_path: Path) -> None:
    shutil.copy(FILES / "inspect/steady.eval", tmp_path)
    arm = read_scored(tmp_path, Asked("match"), result_format=None)
    assert arm.trials.equals(read("inspect/steady.eval", "match").trials)
    shutil.copy(FILES / "inspect/hasty.eval", tmp_path)
    with pytest.raises(ResultFileError, match="two logs of task 'sums'"):
        read_scored(tmp_path, Asked("match"), result_format=None)
