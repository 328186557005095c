"""The gate's plan for a terminal of 100 columns; `evaluation.gate_plan` makes the document."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

NAME_LENGTH: Final = 28
RATED_NAME_LENGTH: Final = 22
RATE_WIDTH: Final = 12
OUTCOMES: Final = {
    "gating": "enough now",
    "needs_topup": "needs top-ups",
    "infeasible": "infeasible",
}
STYLES: Final = {"gating": "blue", "needs_topup": "", "infeasible": "bold red"}


def plan_tables(plan: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The whole gate in sentences, then sizes and rates per subset, then what is assumed."""
    for line in _sentences(plan):
        yield Text(line)
    yield Text()
    yield _sizes(plan)
    yield Text()
    yield _rates(plan)
    yield Text()
    for line in _notes(plan):
        yield Text(line, style="dim")


def _sentences(plan: Mapping[str, Any]) -> Iterator[str]:
    overall, blocks = plan["overall"], plan["false_blocks_per_year"]
    used = plan["exposures"]
    yield (
        f"Golden version {plan['golden_version']}, used for {used} of at most "
        f"{plan['maximum_exposures']} candidates advised; {1 + len(plan['looks'])} looks at alpha "
        f"{plan['alpha_per_look']:.4f} each."
    )
    yield (
        f"A candidate that is no worse passes {_share(overall['pass'])}, is blocked "
        f"{_share(overall['false_block'])}, stays undecided {_share(overall['inconclusive'])}."
    )
    yield (
        f"One subset worse by its tolerance passes {_share(overall['false_pass_at_tolerance'])}; "
        f"by twice that {_share(overall['false_pass_at_twice'])}, and is blocked "
        f"{_share(overall['block_at_twice'])}."
    )
    yield (
        f"A gate asks about {plan['generations_per_gate']:,.0f} answers and costs about "
        f"{_usd(plan['usd_per_gate'])} USD ({plan['cost_basis']})."
    )
    yield (
        f"False blocks a year, of {plan['deploys_per_year']} candidates that are no worse: "
        f"{blocks['expected']:.1f} ({blocks['lower']:.1f} to {blocks['upper']:.1f}); at most "
        f"{blocks['promised']:.1f} are promised."
    )


def _sizes(plan: Mapping[str, Any]) -> Table:
    table = _table(
        "subset", "tol.", "golden", "reserve", "a week", "differing", "needed", "outcome"
    )
    for row in plan["subsets"]:
        noise = row["noise"]
        assumed = "" if noise["measured_in"] else "*"
        weeks = row["weeks_needed"]
        outcome = OUTCOMES[row["outcome"]] + (f" of {weeks} weeks" if weeks else "")
        if row["outcome"] == "infeasible":
            outcome += f": {row['reason']}"
        table.add_row(
            _name(row),
            _points(row["tolerance"]),
            f"{row['golden_items']:,}",
            f"{row['reserve_items']:,}",
            f"{row['weekly_items']:,.0f}",
            f"{_points(noise['discordance'])}{assumed}",
            f"{row['items_needed']:,}",
            Text(outcome, style=STYLES[row["outcome"]]),
        )
    return table


def _rates(plan: Mapping[str, Any]) -> Table:
    table = _table(
        "subset",
        "certified",
        "false block",
        "passes at -1",
        "passes at -2",
        "named at -2",
        "blocks",
        name_length=RATED_NAME_LENGTH,
    )
    for column in table.columns[1:-1]:
        column.min_width = RATE_WIDTH
    for row in plan["subsets"]:
        drop = row["blocked_drop"]
        table.add_row(
            _name(row),
            *(
                _interval(row[name])
                for name in (
                    "certified", "false_block", "false_pass_at_tolerance",
                    "false_pass_at_twice", "blocked_at_twice",
                )
            ),
            "—" if drop is None else f"-{_points(drop)}",
        )  # fmt: skip
    return table


def _notes(plan: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"In per cent and percentage points; {plan['runs']} simulated candidates of each kind, "
        "with 95 % intervals. certified, false block: nothing is worse. passes at -1, -2: the gate "
        "does, though this subset is worse by its tolerance, by twice that. named at -2: it is the "
        "one blocked. blocks: the drop blocked with about 80 %, with the reserve of today. Limits "
        "on latency, cost, judges, people, age and further dimensions are taken as kept."
    )
    if any(row["noise"]["measured_in"] is None for row in plan["subsets"]):
        yield (
            "* assumed (`gate.planning.discordance`); `eval-pipeline aa --week W` measures how "
            "often equal systems differ."
        )


def _table(*titles: str, name_length: int = NAME_LENGTH) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )
    table.add_column(titles[0], max_width=name_length, no_wrap=True, overflow="ellipsis")
    for title in titles[1:]:
        last = title == "outcome"
        table.add_column(title, justify="left" if last else "right", no_wrap=not last)
    return table


def _name(row: Mapping[str, Any]) -> str:
    return "all items" if row["subset"] == "all" else str(row["subset"])


def _share(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "(not simulated)"
    return f"{100 * rate['value']:.0f} % ({100 * rate['lower']:.0f} to {100 * rate['upper']:.0f})"


def _interval(rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return "—"
    return f"{100 * rate['value']:.0f} ({100 * rate['lower']:.0f}…{100 * rate['upper']:.0f})"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _usd(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.4f}"
