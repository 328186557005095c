"""Real model changes through `compare`: GPT-4 and GPT-3.5, March against June 2023 (LLMDrift).

    python benchmarks/decision_llmdrift.py [--data ../shared/data]

The published scores, latencies and costs of the same questions become two files, and the command's
own flow compares them, each task a subset under a tolerance of five points. Compared backwards,
June against March, what rose becomes a loss. Source: Chen, Zaharia and Zou 2023,
lchen001/LLMDrift (Apache-2.0).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.result_files.contract import Asked
from eval_pipeline.adapters.result_files.own import read_own
from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.flows.compare_files import FileComparison, compare_files
from eval_pipeline.settings import GateSettings

MARCH: Final = "2023-03"
JUNE: Final = "2023-06"
FAMILIES: Final = ("gpt-4", "gpt-3.5-turbo")
RATIOS: Final = ("latency_p95_ratio", "cost_per_success_ratio")
POLICY: Final = GateSettings(tolerances={"default": 0.05}, aggregate_tolerance=0.05, looks=())
DATA: Final = Path(__file__).parents[1] / os.environ.get(
    "EVAL_PIPELINE_REAL_DATA", "../shared/data"
)


@dataclass(frozen=True)
class Expected:
    """What the gate must say of a task, with the rates that were published."""

    family: str
    task: str
    baseline: str  # an era
    before: float
    after: float
    states: tuple[str, ...]


EXPECTED: Final = (
    Expected("gpt-4", "prime", MARCH, 0.840, 0.511, ("blocked",)),
    Expected("gpt-4", "opinionqa", MARCH, 0.976, 0.234, ("blocked",)),
    Expected("gpt-4", "sensitiveq", MARCH, 0.21, 0.05, ("blocked",)),
    Expected("gpt-3.5-turbo", "prime", MARCH, 0.496, 0.762, ("certified",)),
    Expected("gpt-3.5-turbo", "opinionqa", MARCH, 0.943, 0.967, ("certified",)),
    Expected("gpt-3.5-turbo", "sensitiveq", MARCH, 0.02, 0.08, ("certified",)),
    Expected("gpt-3.5-turbo", "prime", JUNE, 0.762, 0.496, ("blocked",)),
    Expected("gpt-3.5-turbo", "opinionqa", JUNE, 0.967, 0.943, ("certified",)),
    # Six of a hundred were lost and none was won: a loss, and no proof of one beyond half of five.
    Expected("gpt-3.5-turbo", "sensitiveq", JUNE, 0.08, 0.02, ("undecided",)),
)


def main() -> int:
    """Prints a row per task; 0 if the gate says everywhere what the data can tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    rows = _measured(parser.parse_args().data)
    for row in rows:
        figures = "{value:+.3f} ({lower:+.3f} to {upper:+.3f})".format_map(row)
        print(f"{row['claim']}: {figures}{'' if row['met'] is not False else '  MISSED'}")
    return int(any(row["met"] is False for row in rows))


def measure(runs: int) -> list[dict[str, Any]]:  # noqa: ARG001 - the data are what they are
    """A row per family, direction and task; none where the public data are not there."""
    return _measured(DATA) if (DATA / "llmdrift").is_dir() else []


def compared(
    data: Path, family: str, *, baseline: str, policy: GateSettings = POLICY
) -> FileComparison:
    """One family's other era against `baseline`, from files of our own."""
    answers = pl.read_parquet(data / "llmdrift" / "answers.parquet")
    candidate = JUNE if baseline == MARCH else MARCH
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for era in (baseline, candidate):
            file = Path(folder) / f"{family}-{era}.parquet"
            scored_rows(answers, family=family, era=era).write_parquet(file)
            files.append(read_own(file, Asked()))
        names = (files[0].name, files[1].name)
        return compare_files(*files, policy=policy, names=names, judged=False)


def scored_rows(answers: pl.DataFrame, *, family: str, era: str) -> pl.DataFrame:
    """Rows of the contract; a question that was asked twice has two trials."""
    own = answers.filter(model_family=family, era=era)
    item = pl.concat_str("task", "item_id", separator="/")
    return own.select(
        item_id=item,
        trial=pl.int_range(pl.len()).over(item) + 1,
        score="score",
        subsets=pl.concat_list("task"),
        latency_seconds="latency_s",
        output_tokens=pl.col("answer_tokens").cast(pl.Int64),
        cost_usd="cost_usd",
    )


def _measured(data: Path) -> list[dict[str, Any]]:
    done = {
        (family, era): compared(data, family, baseline=era)
        for family in FAMILIES
        for era in (MARCH, JUNE)
    }
    return [*_verdicts(done), *_ratios(done)]


def _verdicts(done: dict[tuple[str, str], FileComparison]) -> Iterator[dict[str, Any]]:
    for expected in EXPECTED:
        finding = finding_of(done[expected.family, expected.baseline], expected.task)
        later = "June" if expected.baseline == MARCH else "March"
        yield {
            "claim": f"{expected.family}, {expected.task}, {later} as the candidate: "
            f"{finding.state}",
            "bar": " or ".join(expected.states),
            "value": finding.difference,
            "lower": finding.lower,
            "upper": finding.upper,
            "met": finding.state in expected.states,
        }


def _ratios(done: dict[tuple[str, str], FileComparison]) -> Iterator[dict[str, Any]]:
    for family in FAMILIES:
        operations = done[family, MARCH].operations
        for metric in RATIOS:
            row = operations.filter(arm="candidate", subset="all", metric=metric).row(0, named=True)
            yield {
                "claim": f"{family}, June over March: {metric}",
                "bar": None,
                "met": None,
                **{name: row[name] for name in ("value", "lower", "upper")},
            }


def finding_of(done: FileComparison, task: str) -> SubsetFinding:
    """The task's part of the decision."""
    return next(each for each in done.decision.subsets if each.subset == task)


if __name__ == "__main__":
    sys.exit(main())
