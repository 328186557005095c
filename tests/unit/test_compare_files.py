"""`compare` on files of our own: the contract, the pairing, the verdicts and the exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.result_files.contract import Asked, ScoredFile, input_schema
from eval_pipeline.adapters.result_files.recognising import read_scored
from eval_pipeline.cli import app
from eval_pipeline.errors import ArmsDisagreeError, ResultFileError, SettingsError
from eval_pipeline.evaluation.scored_trials import SCORED_TRIALS
from eval_pipeline.flows import compare_files as flow
from eval_pipeline.flows.compare_files import FileComparison, compare_files, read_policy
from eval_pipeline.reports import formats
from eval_pipeline.reports.page_filters import MINUS
from eval_pipeline.settings import GateSettings

FULL = {
    "item_id": "a", "trial": 1, "score": 0.5, "error": None, "subsets": ["x", "y"], "weight": 2.0,
    "cluster_id": "c", "latency_seconds": 0.5, "input_tokens": 3, "output_tokens": 4,
    "cost_usd": 0.01,
}  # fmt: skip


def lines(tmp_path: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    file = tmp_path / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def read(file: Path) -> ScoredFile:
    return read_scored(file, Asked(), result_format=None)


def many(score: Callable[[int], float | None], *, count: int = 400, **more: object) -> list[dict]:
    return [{"item_id": f"i{n:04d}", "score": score(n), **more} for n in range(count)]


def compared(
    tmp_path: Path, baseline: list[dict], candidate: list[dict], **policy: object
) -> FileComparison:
    return compare_files(
        read(lines(tmp_path, *baseline, name="baseline.jsonl")),
        read(lines(tmp_path, *candidate, name="candidate.jsonl")),
        policy=GateSettings.model_validate({"tolerances": {"default": 0.05}, **policy}),
        names=("baseline", "candidate"),
    )


def test_parquet_and_json_lines_are_read_alike_and_only_two_columns_are_needed(tmp_path) -> None:
    rows = [FULL, {**FULL, "item_id": "b", "subsets": [], "cluster_id": None}]
    by_lines = read(lines(tmp_path, *rows)).trials
    pl.DataFrame(rows, schema=SCORED_TRIALS).write_parquet(tmp_path / "rows.parquet")
    assert by_lines.equals(read(tmp_path / "rows.parquet").trials)
    assert by_lines.to_dicts() == rows
    least = read(lines(tmp_path, {"item_id": "a", "score": 1})).trials.row(0, named=True)
    assert (least["trial"], least["score"], least["subsets"]) == (1, 1.0, None)


def test_every_width_of_number_and_encoding_of_text_in_parquet_is_read(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"item_id": ["a", "b"], "score": [1, 0], "subsets": [["x"], ["y"]], "trial": [1, 1]},
        schema={
            "item_id": pl.Categorical,
            "score": pl.Int8,
            "subsets": pl.List(pl.Categorical),
            "trial": pl.UInt16,
        },
    )
    frame.write_parquet(tmp_path / "narrow.parquet")
    assert read(tmp_path / "narrow.parquet").trials["subsets"].to_list() == [["x"], ["y"]]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"item_id": "b", "score": 1.5}, "row 2: `score` is not a number from 0 to 1"),
        ({"item_id": "b", "score": float("nan")}, "row 2: `score` is not a number from 0 to 1"),
        ({"item_id": "b", "score": float("inf")}, "row 2: `score` is not a number from 0 to 1"),
        ({"item_id": "b", "score": "0.5"}, "line 2: `score` is text, and must be a number"),
        ({"item_id": "b", "score": True}, "line 2: `score` is true or false"),
        ({"item_id": 7, "score": 1}, "line 2: `item_id` is a whole number, and must be text"),
        ({"item_id": "", "score": 1}, "row 2: `item_id` is empty"),
        ({"score": 1}, "row 2: `item_id` is empty"),
        ({"item_id": "a", "score": 1}, "row 2: it repeats the item and trial of row 1"),
        ({"item_id": "b", "score": 1, "trial": 0}, "row 2: `trial` is empty or less than 1"),
        ({"item_id": "b", "score": 1, "trial": 1.0}, "line 2: `trial` is a number, and must"),
        ({"item_id": "b", "score": 1, "subsets": "x"}, "line 2: `subsets` is text"),
        ({"item_id": "b", "score": 1, "subsets": [1]}, "line 2: `subsets` is a list"),
        ({"item_id": "b", "score": 1, "subsets": [""]}, "row 2: `subsets` holds a name that is"),
        ({"item_id": "b", "score": 1, "subsets": ["all"]}, "row 2: `subsets` holds the name 'all'"),
        ({"item_id": "b", "score": 1, "weight": 2}, "row 1: `weight` is empty, and other rows"),
        ({"item_id": "b", "score": 1, "cost_usd": -1}, "row 2: `cost_usd` is negative"),
        ([1], "line 2: it is a list, and must be an object"),
    ],
)
def test_a_mistake_is_told_with_its_row_and_never_becomes_a_score(tmp_path, row, told) -> None:
    with pytest.raises(ResultFileError, match=told):
        read(lines(tmp_path, {"item_id": "a", "score": 1}, row))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '{"item_id": "a", "score": 1}\n\n{"item_id": "b", "sco',
            "line 3: it is not a JSON object",
        ),
        (
            '{"item_id": "a", "score": 1}\n{"item_id": "a", "item_id": "b"}',
            "line 2: it names `item",
        ),
        ('{"item_id": "a", "score": }', "line 1: it is not a JSON object on one line"),
        ('{"item_id": "a", "scores": 1}', "it has no column score"),
        ('{"item_id": "a", "score": 1, "subset": "x"}', "'subset' is not of the contract, which"),
    ],
)
def test_a_file_that_does_not_keep_to_the_contract_is_refused(tmp_path, text, told) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(ResultFileError, match=told):
        read(tmp_path / "rows.jsonl")


def test_parquet_of_other_types_or_without_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pl.DataFrame({"item_id": ["a"], "score": ["1"]}).write_parquet(file)
    with pytest.raises(ResultFileError, match="`score` is String, and must be a number"):
        read(file)
    pl.DataFrame({"item_id": [], "score": []}, schema={"item_id": pl.String, "score": pl.Float64})
    pl.DataFrame(schema={"item_id": pl.String, "score": pl.Float64}).write_parquet(file)
    with pytest.raises(ResultFileError, match="it holds no row"):
        read(file)
    file.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ResultFileError, match="it is not sound Parquet"):
        read(file)


def test_a_score_beside_an_error_is_missing_and_other_columns_are_told(tmp_path: Path) -> None:
    file = read(lines(tmp_path, {"item_id": "a", "score": 0, "error": "429", "prompt": "p"}))
    assert file.trials["score"].to_list() == [None]
    assert file.notes == (
        "rows.jsonl holds columns that were not read: 'prompt'.",
        "1 scores in the file of 'rows' stand beside an error and were not used.",
    )


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3) | st.booleans()
rows = st.fixed_dictionaries(
    {"item_id": st.text(max_size=3) | st.integers()},
    optional={
        "score": st.none() | numbers | st.text(max_size=2),
        "error": st.none() | st.text(max_size=3) | st.integers(),
        "subsets": st.none() | st.lists(st.sampled_from(["x", "all", ""]), max_size=2),
        "trial": st.none() | numbers,
        "cluster_id": st.none() | st.text(max_size=2),
        "input_tokens": st.none() | numbers,
        "latency_seconds": st.none() | numbers,
    },
)


@given(rows)
def test_a_file_is_read_exactly_if_its_row_holds_to_the_published_schema(tmp_path_factory, row):
    file = lines(tmp_path_factory.getbasetemp(), row, name="schema.jsonl")
    holds = jsonschema.Draft202012Validator(input_schema()).is_valid(row)
    # JSON Schema takes 1.0 for a whole number; we do not, as no Parquet does.
    floats = [row.get(name) for name in ("trial", "input_tokens")]
    if holds and not any(isinstance(value, float) for value in floats):
        assert read(file).trials["item_id"].to_list() == [row["item_id"]]
    elif not holds:
        with pytest.raises(ResultFileError):
            read(file)


def test_equal_arms_pass_and_a_proven_loss_in_one_subset_blocks(tmp_path: Path) -> None:
    baseline = [{**row, "subsets": ["even" if n % 2 else "odd"]} for n, row in enumerate(
        many(lambda _: 1))]  # fmt: skip
    same = compared(tmp_path, baseline, baseline)
    assert (same.decision.verdict, same.decision.exit_code) == ("pass", 0)
    assert [each.subset for each in same.decision.subsets] == ["even", "odd"]
    # Of 200 odd items the candidate fails 40: 20 points, four tolerances.
    worse = many(lambda n: 0 if n % 10 == 0 else 1)
    blocked = compared(tmp_path, baseline, worse)
    odd = blocked.decision.subsets[1]
    assert (blocked.decision.verdict, odd.state, odd.difference) == ("block", "blocked", -0.2)
    assert odd.losing_items[:3] == ("i0000", "i0010", "i0020")
    assert len(odd.losing_items) == 20
    assert "Subset 'odd' is worse" in blocked.decision.reasons[1]


def test_too_few_items_are_inconclusive_and_say_how_many_it_takes(tmp_path: Path) -> None:
    small = many(lambda _: 1, count=30, subsets=["few"])
    decision = compared(tmp_path, small, small).decision
    (few,) = decision.subsets
    assert (decision.verdict, decision.exit_code, few.state) == ("inconclusive", 2, "infeasible")
    # Zero losses prove less than 5 points from ln 0.05 / ln 0.95 = 58.4 items on; planning takes
    # two flips in a hundred: (1.645 + 0.842)^2 * 0.02 / 0.05^2 = 49.5 < 59.
    assert few.items_needed == 59


def test_what_one_file_lacks_is_missing_and_too_much_of_it_is_no_basis(tmp_path: Path) -> None:
    baseline = many(lambda _: 1)
    decision = compared(tmp_path, baseline, baseline[:-20]).decision
    assert (decision.verdict, decision.exit_code) == ("invalid", 3)
    assert (decision.aggregate.missing_candidate, decision.aggregate.items) == (20, 380)
    assert "20 items of the baseline are not in the candidate's file" in " ".join(decision.reasons)


def test_an_error_is_missing_and_no_loss(tmp_path: Path) -> None:
    baseline = many(lambda _: 1)
    failed = [{**row, **({"score": 0, "error": "429"} if n < 2 else {})} for n, row in enumerate(
        baseline)]  # fmt: skip
    decision = compared(tmp_path, baseline, failed).decision
    assert (decision.verdict, decision.aggregate.losses) == ("pass", 0)
    assert decision.aggregate.missing_candidate == 2


def test_trials_are_averaged_inside_the_item_and_never_counted(tmp_path: Path) -> None:
    trials = [row for n in (1, 2, 3) for row in many(lambda _: 1, trial=n)]
    decision = compared(tmp_path, trials, trials[:400]).decision
    assert decision.aggregate.items == 400
    assert "400 items have more trials in one arm than in the other." in decision.reasons


def test_clusters_decide_what_counts_as_one(tmp_path: Path) -> None:
    clustered = [{**row, "cluster_id": f"c{n // 40}"} for n, row in enumerate(many(lambda _: 1))]
    aggregate = compared(tmp_path, clustered, clustered).decision.aggregate
    assert (aggregate.items, aggregate.clusters, aggregate.method) == (400, 10, "augmented_cr2_t")


def test_weights_are_the_items_own(tmp_path: Path) -> None:
    # Half the items weigh 3 and lose nothing, half weigh 1 and lose one in ten:
    # -(1 * 0.1) / (3 + 1) = -0.025 where unweighted it would be -0.05.
    weights = [{"weight": 3.0 if n % 2 else 1.0} for n in range(400)]
    baseline = [row | more for row, more in zip(many(lambda _: 1), weights, strict=True)]
    lost = many(lambda n: 0 if n % 20 == 0 else 1)
    candidate = [row | more for row, more in zip(lost, weights, strict=True)]
    aggregate = compared(tmp_path, baseline, candidate).decision.aggregate
    assert aggregate.difference == pytest.approx(-0.025)
    # Kish of 200 items at 3 and 200 at 1: 800 squared over 2,000 is 320.
    assert aggregate.effective_items == pytest.approx(320)


def test_properties_of_an_item_come_from_either_file_and_must_not_contradict(tmp_path) -> None:
    bare, named = many(lambda _: 1), many(lambda _: 1, subsets=["x"], cluster_id="c")
    (subset,) = compared(tmp_path, bare, named).decision.subsets
    assert (subset.subset, subset.items, subset.clusters) == ("x", 400, 1)
    with pytest.raises(ArmsDisagreeError, match=r"400 items \(the first is 'i0000'\).*`subsets`"):
        compared(tmp_path, named, many(lambda _: 1, subsets=["y"]))


def test_a_subset_that_the_policy_names_and_no_item_bears_is_not_passed_over(tmp_path) -> None:
    rows = many(lambda _: 1, subsets=["x"])
    decision = compared(tmp_path, rows, rows, tolerances={"default": 0.05, "minors": 0.1}).decision
    assert decision.verdict == "inconclusive"
    assert any("'minors' is gated but holds no item" in reason for reason in decision.reasons)


def test_latency_and_cost_are_held_against_the_limits(tmp_path: Path) -> None:
    baseline = many(lambda _: 1, latency_seconds=1.0, cost_usd=0.01)
    dearer = many(lambda _: 1, latency_seconds=1.0, cost_usd=0.02)
    within = compared(tmp_path, baseline, dearer, maximum_latency_ratio=1.2).decision
    assert within.verdict == "pass"
    over = compared(tmp_path, baseline, dearer, maximum_cost_ratio=1.5).decision
    assert over.verdict == "block"
    assert "The cost per success is 2.00 times the baseline's" in over.reasons[0]
    unknown = compared(
        tmp_path, many(lambda _: 1), many(lambda _: 1), maximum_latency_ratio=1.2
    ).decision
    assert unknown.verdict == "inconclusive"


def test_demands_on_judges_are_not_met_by_scores_of_unknown_making(tmp_path: Path) -> None:
    rows = many(lambda _: 1)
    decision = compared(tmp_path, rows, rows, minimum_judge_agreement=0.8).decision
    assert decision.verdict == "invalid"
    files = [read(tmp_path / f"{arm}.jsonl") for arm in ("baseline", "candidate")]
    policy = GateSettings(minimum_judge_agreement=0.8)
    program = compare_files(*files, policy=policy, names=("b", "c"), judged=False)
    assert program.decision.verdict == "pass"
    assert flow.AS_THEY_STAND in program.decision.reasons


def test_every_demand_on_judges_is_known_to_compare() -> None:
    # A new one belongs into `demands_judges`; without it `compare` would pass it over in silence.
    assert {name for name in GateSettings.model_fields if "judge" in name} == {
        "judges",
        "minimum_judge_agreement",
    }
    assert not flow.demands_judges(GateSettings())
    assert flow.demands_judges(GateSettings(minimum_judge_agreement=0.5))
    assert flow.demands_judges(GateSettings(judges={"maximum_retest_flips": 0.05}))


def test_one_look_spends_the_whole_alpha(tmp_path: Path) -> None:
    rows = many(lambda _: 1, count=60)
    decision = compared(tmp_path, rows, rows, aggregate_tolerance=0.05).decision
    assert (decision.verdict, decision.aggregate.looks) == ("pass", 1)


def test_a_decision_names_its_inputs_by_content_and_is_the_same_whatever_the_order_of_rows(
    tmp_path: Path,
) -> None:
    rows = many(lambda n: float(n % 7 > 0), subsets=["x"])
    first = compared(tmp_path, rows, rows).decision
    assert [(each.arm, each.format) for each in first.inputs] == [
        ("baseline", "own"), ("candidate", "own"),
    ]  # fmt: skip
    assert first == compared(tmp_path, rows, rows).decision
    turned = compared(tmp_path, rows[::-1], rows).decision
    assert turned.inputs[0] != first.inputs[0]
    assert turned.aggregate == first.aggregate
    jsonschema.validate(first.model_dump(mode="json"), formats.decision_schema())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gate:\n  confidance: 0.9\n", "policy.yaml:2: `gate.confidance`: this key is unknown"),
        ("confidance: 0.9\ntolerances: {default: 0.1}\n", "policy.yaml:1: `confidance`: this key"),
        ("gates:\n  confidence: 0.9\n", "policy.yaml:1: `gate`: this section is required"),
        ("gate:\n  confidence: 2\n", "policy.yaml:2: `gate.confidence`: Input should be less"),
        ("gate: [\n", "not valid YAML"),
    ],
)
def test_a_mistake_in_the_policy_is_told_with_line_and_key(tmp_path, text, told) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(SettingsError, match=told):
        read_policy(tmp_path / "policy.yaml")


def test_the_policy_is_a_section_a_file_of_that_section_or_a_whole_configuration(tmp_path) -> None:
    section = tmp_path / "section.yaml"
    section.write_text("gate:\n  aggregate_tolerance: 0.03\n")
    alone = tmp_path / "alone.yaml"
    alone.write_text("aggregate_tolerance: 0.03\nmax_missing: 0.02\n")
    assert read_policy(section) == read_policy(alone)
    root = Path(__file__).parents[2]
    assert read_policy(root / "eval_pipeline.yaml").tolerance_of("all") > 0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files and a policy in the current folder."""
    monkeypatch.chdir(tmp_path)
    rows = many(lambda _: 1, subsets=["x"])
    lines(tmp_path, *rows, name="steady.jsonl")
    lines(tmp_path, *many(lambda n: float(n % 5 > 0), subsets=["x"]), name="hasty.jsonl")
    lines(tmp_path, *rows[:30], name="few.jsonl")
    lines(tmp_path, *rows[:300], name="part.jsonl")
    (tmp_path / "policy.yaml").write_text("gate:\n  tolerances: {default: 0.05}\n")
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        app(["compare", *arguments])
    return int(str(stopped.value.code))


@pytest.mark.parametrize(
    ("baseline", "candidate", "code"),
    [("steady", "steady", 0), ("steady", "hasty", 1), ("few", "few", 2), ("steady", "part", 3)],
)
def test_the_exit_code_is_the_verdict(world, capsys, baseline, candidate, code) -> None:
    files = (f"{baseline}.jsonl", f"{candidate}.jsonl")
    assert run(*files, "--policy", "policy.yaml", "--format", "json") == code
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == ("pass", "block", "inconclusive", "invalid")[code]


@pytest.mark.parametrize(
    "arguments",
    [
        ("steady.jsonl", "absent.jsonl", "--policy", "policy.yaml"),
        ("steady.jsonl", "steady.jsonl", "--policy", "absent.yaml"),
        ("steady.jsonl", "policy.yaml", "--policy", "policy.yaml"),
        ("steady.jsonl", "hasty.jsonl", "--policy", "policy.yaml", "--out", "no/such/folder"),
        ("steady.jsonl", "hasty.jsonl", "--policy", "policy.yaml", "--also", "junit"),
        ("steady.jsonl", "hasty.jsonl", "--policy", "policy.yaml", "--metric", "f1"),
    ],
)
def test_what_cannot_be_evaluated_ends_with_3_and_never_with_1(world, capsys, arguments) -> None:
    assert run(*arguments) == 3


def test_a_defect_ends_with_3_and_never_with_1(world, capsys, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(flow, "compare", broken)
    assert run("steady.jsonl", "hasty.jsonl", "--policy", "policy.yaml") == 3


def test_a_mistake_in_the_command_ends_with_64(world, capsys) -> None:
    assert run("steady.jsonl", "--policy", "policy.yaml") == 64


def test_every_format_comes_out_of_one_run(world, capsys) -> None:
    also = [f"{name}=gate.{name}" for name in ("text", "json", "junit", "markdown", "html")]
    arguments = [part for pair in also for part in ("--also", pair)]
    assert run("steady.jsonl", "hasty.jsonl", "--policy", "policy.yaml", *arguments) == 1
    assert "Blocked: x falls 20.0 points" in capsys.readouterr().out
    for name in ("text", "markdown", "html"):
        assert "x falls 20.0 points" in Path(f"gate.{name}").read_text().replace(MINUS, "-")
    assert json.loads(Path("gate.json").read_text())["candidate"] == "hasty"
    assert '<failure type="block"' in Path("gate.junit").read_text()


def test_arms_of_the_same_file_name_are_told_apart(world, capsys) -> None:
    both = ("steady.jsonl", "steady.jsonl", "--policy", "policy.yaml", "--format", "json")
    run(*both)
    told = json.loads(capsys.readouterr().out)
    assert (told["baseline"], told["candidate"]) == ("steady (baseline)", "steady (candidate)")
    run(*both, "--baseline-name", "march", "--candidate-name", "june")
    told = json.loads(capsys.readouterr().out)
    assert (told["baseline"], told["candidate"]) == ("march", "june")


def test_the_schema_is_printed_without_files(capsys) -> None:
    assert run("--print-schema") == 0
    assert json.loads(capsys.readouterr().out) == input_schema()


def test_results_of_another_tool_are_compared_without_further_ado(world, capsys) -> None:
    results = str(Path(__file__).parents[1] / "data/result_files/promptfoo/results.json")
    systems = ("--baseline-system", "steady", "--candidate-system", "hasty")
    code = run(results, results, "--policy", "policy.yaml", "--format", "json", *systems)
    told = json.loads(capsys.readouterr().out)
    # Three of eight tests have no score, far over the 2 % that a policy accepts.
    assert (code, told["verdict"], told["aggregate"]["items"]) == (3, "invalid", 5)


@pytest.mark.slow
def test_comparing_needs_no_project_no_dagster_and_no_store(world) -> None:
    check = (
        "import sys\n"
        "from eval_pipeline.cli import app\n"
        "try:\n"
        "    app(['compare', 'steady.jsonl', 'hasty.jsonl', '--policy', 'policy.yaml'])\n"
        "except SystemExit as stopped:\n"
        "    assert 'dagster' not in sys.modules, 'dagster'\n"
        "    sys.exit(stopped.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=world, check=False, timeout=120)
    assert done.returncode == 1
    assert sorted(each.name for each in world.iterdir()) == sorted(
        ["steady.jsonl", "hasty.jsonl", "few.jsonl", "part.jsonl", "policy.yaml"]
    )
