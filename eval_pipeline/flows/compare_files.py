"""The gate's statistics on two files of scored trials; needs no project, lake, store or job."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from eval_pipeline.adapters.result_files.contract import Asked, ResultFormat, ScoredFile
from eval_pipeline.adapters.result_files.recognising import read_scored
from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.decision import Decision, InputFile
from eval_pipeline.evaluation.gate.deciding import NAMED_LOSSES, decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.scored_trials import paired_arms
from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.reports.pages import decision_page
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings
from eval_pipeline.settings_file import load_required_section

AS_THEY_STAND = "The scores were taken as the files hold them; how they came about is not known."


@dataclass(frozen=True)
class ArmRequest:
    """One arm as a person names it; without a name it bears the file's or the system's."""

    path: Path
    system: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class FileComparison:
    """A decision on two files, with the REGRESSION_REPORT and OPERATIONS_REPORT it rests on."""

    decision: Decision
    report: pl.DataFrame
    operations: pl.DataFrame

    def page(self) -> str:
        """The decision as an HTML page."""
        told = self.decision.model_dump(mode="json")
        return decision_page(told, self.report, operations=self.operations, golden={})


def read_policy(path: Path) -> GateSettings:
    """The `gate` section of the file, or the file if it is that section; never defaults alone.

    Raises `SettingsError` with file, line and key.
    """
    return load_required_section(path, "gate", GateSettings)


def read_arm(
    arm: ArmRequest, *, result_format: ResultFormat | None, metric: str | None
) -> ScoredFile:
    """The arm's scored trials; raises `ResultFileError`."""
    return read_scored(arm.path, Asked(metric, arm.system), result_format=result_format)


def compare_files(
    baseline: ScoredFile,
    candidate: ScoredFile,
    *,
    policy: GateSettings,
    names: tuple[str, str],
    judged: bool | None = None,
) -> FileComparison:
    """The decision on a baseline's and a candidate's trials, under `names`.

    There is one look, which spends the policy's whole alpha, and no reserve. Gated are the subsets
    that the files name and those to which the policy gives a tolerance of their own. `judged` says
    whether models gave the scores; None: if the policy demands anything of judges, they did. What
    the policy demands and no file tells, such as an age of labels, counts as not measured.
    """
    single = policy.model_copy(update={"looks": ()})
    baseline_id, candidate_id = names
    trials = paired_arms(
        baseline.trials, candidate.trials, baseline_id=baseline_id, candidate_id=candidate_id
    )
    report = compare(trials, policy=single, subsets=_gated(trials, policy))
    operations = report_operations(trials, policy=single)
    decision = decide(
        report,
        candidate_id=candidate_id,
        baseline_id=baseline_id,
        golden_version=None,
        policy=single,
        evidence=Evidence(
            trials=_lost(trials, report),
            operations=operations,
            panel_scored=demands_judges(policy) if judged is None else judged,
            notes=(AS_THEY_STAND, *baseline.notes, *candidate.notes, *_unpaired(trials)),
        ),
    )
    inputs = tuple(
        InputFile(arm=arm, format=file.result_format.value, content=file.content)
        for arm, file in (("baseline", baseline), ("candidate", candidate))
    )
    told = decision.model_copy(update={"inputs": inputs}).identified()
    return FileComparison(told, report, operations)


def demands_judges(policy: GateSettings) -> bool:
    """Whether the policy asks anything of the judges behind the scores."""
    return policy.minimum_judge_agreement is not None or bool(policy.judges.limits())


def _gated(trials: pl.DataFrame, policy: GateSettings) -> Collection[str]:
    named = trials.select(pl.col("subsets").explode().drop_nulls().unique()).to_series()
    return {*named, *policy.tolerances} - {"default", SYNTHETIC_SUBSET}


def _lost(trials: pl.DataFrame, report: pl.DataFrame) -> pl.DataFrame:
    """The trials of the items that the blocked subsets lost worst: all that names them needs."""
    blocked = report.filter(pl.col("state") == "blocked")["subset"].to_list()
    if not blocked:
        return trials.clear()
    items = (
        trials.group_by("item_id")
        .agg(
            (
                pl.col("score").filter(pl.col("arm") == "candidate").mean()
                - pl.col("score").filter(pl.col("arm") == "baseline").mean()
            ).alias("difference"),
            pl.col("subsets").first(),
        )
        .filter(pl.col("difference") < 0)
        .sort("difference", "item_id")
    )
    chosen: set[str] = set()
    for name in blocked:
        inside = items if name == ALL else items.filter(pl.col("subsets").list.contains(name))
        chosen.update(inside["item_id"].head(2 * NAMED_LOSSES))
    return trials.filter(pl.col("item_id").is_in(chosen))


def _unpaired(trials: pl.DataFrame) -> Iterator[str]:
    """What one arm holds of an item and the other does not; the gate counts items, not trials."""
    attempts = trials.group_by("item_id").agg(
        baseline=(pl.col("arm") == "baseline").sum(), candidate=(pl.col("arm") == "candidate").sum()
    )
    for arm, other in (("baseline", "candidate"), ("candidate", "baseline")):
        absent = attempts.filter((pl.col(arm) == 0) & (pl.col(other) > 0)).height
        if absent:
            yield f"{absent} items of the {other} are not in the {arm}'s file and count as missing."
    uneven = attempts.filter(
        (pl.col("baseline") != pl.col("candidate"))
        & (pl.col("baseline") > 0)
        & (pl.col("candidate") > 0)
    ).height
    if uneven:
        yield f"{uneven} items have more trials in one arm than in the other."
