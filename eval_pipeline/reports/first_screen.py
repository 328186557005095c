"""What a reader sees first: what was decided, why, and what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eval_pipeline.reports import wording
from eval_pipeline.reports.beside import Standing
from eval_pipeline.reports.failure_costs import lost_in_words
from eval_pipeline.reports.wording import SubsetRow

MAXIMUM_WHY: Final = 4
MAXIMUM_NAMED: Final = 2
MAXIMUM_SENTENCE: Final = 230
PROVEN: Final = {
    "blocked": "Harm is proven",
    "undecided": "A loss beyond the tolerance is not ruled out",
    "infeasible": "There are too few items",
}
STOPPING: Final = tuple(PROVEN)


@dataclass(frozen=True)
class Step:
    """One thing to do next, and the command that does it, if one does."""

    sentence: str
    command: str | None = None


def why(
    decision: Mapping[str, Any], *, costs: Sequence[SubsetRow] = (), standing: Standing | None
) -> list[str]:
    """The few sentences that carry the verdict, what stops it first.

    Each subset that stops it with size, interval, items and cost; of a pass, the subset that came
    nearest to its tolerance; then what else the decision says.
    """
    by_name = {row["name"]: row for row in costs if row["attribute"] == "subset"}
    rows = wording.ordered(decision["subsets"])
    stopping = [row for row in (*rows, decision["aggregate"]) if row["state"] in STOPPING]
    told = [
        _stopping(row, decision, cost=by_name.get(row["subset"]), standing=standing)
        for row in stopping[:MAXIMUM_NAMED]
    ]
    if len(stopping) > MAXIMUM_NAMED:
        rest = ", ".join(wording.name_of(row) for row in stopping[MAXIMUM_NAMED:])
        told.append(f"{len(stopping) - MAXIMUM_NAMED} more stand in the way: {rest}.")
    others = [one for one in decision["reasons"] if not _is_about(one, stopping)]
    if decision["verdict"] == "pass":
        others[1:1] = _nearest(decision)
    told += others[: MAXIMUM_WHY - len(told)]
    return [wording.clipped(wording.one_line(one), MAXIMUM_SENTENCE) for one in told]


def untold(decision: Mapping[str, Any]) -> int:
    """How many reasons the decision has beyond what a first screen holds."""
    return max(0, len(decision["reasons"]) - MAXIMUM_WHY)


def next_steps(
    decision: Mapping[str, Any], *, triaged: bool, standing: Standing | None
) -> list[Step]:
    """What a person can do now, the most useful first; commands only where there is a project."""
    steps = list(_steps(decision, triaged=triaged, standing=standing))
    return steps if standing is not None else [Step(one.sentence) for one in steps]


def _steps(
    decision: Mapping[str, Any], *, triaged: bool, standing: Standing | None
) -> Iterator[Step]:
    candidate = wording.one_line(decision["candidate"])
    rows = [*wording.ordered(decision["subsets"]), decision["aggregate"]]
    verdict = decision["verdict"]
    if decision.get("waived"):
        yield Step("It may ship: what is open is waived. Watch those subsets.")
    if verdict == "pass":
        yield Step(
            "Release it, and record it as the baseline.", f"eval-pipeline promote {candidate}"
        )
        return
    if verdict == "invalid":
        yield Step("Mend what made it invalid, then decide again.", _gate(candidate))
        return
    state = "blocked" if verdict == "block" else "undecided"
    first = next((row["subset"] for row in rows if row["state"] == state), None)
    subset = "" if first is None else f" --subset {wording.one_line(first)}"
    if verdict == "block":
        yield Step("Read what it lost.", f"eval-pipeline explain {candidate}{subset} --texts")
        if not triaged:
            yield Step(
                "Tell systematic losses from noise.",
                f"eval-pipeline triage --candidate {candidate}",
            )
        yield Step("Fix that, and evaluate the fixed system under a new name.")
    else:
        yield Step(
            "Gather more evidence on later weeks' conversations.",
            f"eval-pipeline continue-gate --candidate {candidate}",
        )
        yield Step("See what stays open.", f"eval-pipeline explain {candidate}{subset}")
    if not decision.get("waived") and standing is not None:
        yield _waiving(decision, standing, candidate)


def _gate(candidate: str) -> str:
    return f"eval-pipeline gate --candidate {candidate}"


def _waiving(decision: Mapping[str, Any], standing: Standing, candidate: str) -> Step:
    if not standing.may_waive:
        return Step("Nobody may waive it: `gate.may_waive` names nobody.")
    if decision["verdict"] == "block" and not standing.waive_blocks:
        return Step("A proven loss may not be waived: `gate.waive_blocks` is false.")
    names = wording.clipped(", ".join(standing.may_waive), 80)
    return Step(
        f"{names} may waive what is open, until a date.", f"eval-pipeline waive {candidate}"
    )


def _stopping(
    row: SubsetRow,
    decision: Mapping[str, Any],
    *,
    cost: SubsetRow | None,
    standing: Standing | None,
) -> str:
    """The headline tells the change of the first row: its figures are not told twice."""
    owner = None if standing is None else standing.owners.get(row["subset"])
    asked = f" Ask {owner}." if owner and owner != "unowned" else ""
    if row.get("difference") is None:
        return f"{wording.name_of(row)} could not be compared.{asked}"
    change = wording.change(row, decision)
    if change in wording.headline(decision):
        told = f"{PROVEN[row['state']]} in {wording.name_of(row)} on {row['items']} items"
    else:
        told = f"{change} on {row['items']} items"
    if row.get("losses") is not None:
        told += f": {row['losses']} lost, {row['wins']} won"
    if row["state"] != "blocked" and row.get("items_needed"):
        told += f"; it needs about {row['items_needed']} items"
    harm = lost_in_words(cost)
    return f"{told}.{f' It costs {harm}.' if harm else ''}{asked}"


def _nearest(decision: Mapping[str, Any]) -> list[str]:
    known = [
        row
        for row in decision["subsets"]
        if row["state"] == "certified" and row.get("lower") is not None
    ]
    if not known:
        return []
    row = min(known, key=lambda one: (one["lower"] + one["margin"], one["subset"]))
    change = wording.change(row, decision)
    return [f"Nearest to its tolerance: {change} on {row['items']} items."]


def _is_about(reason: str, rows: Sequence[SubsetRow]) -> bool:
    """Whether a reason tells what a row of figures has told."""
    return any(
        reason.startswith("The aggregate is " if row["subset"] == wording.AGGREGATE else named)
        for row in rows
        for named in (f"Subset '{row['subset']}' ",)
    )
