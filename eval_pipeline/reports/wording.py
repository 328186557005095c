"""The words and numbers that every report uses, so that page, terminal and CI say the same."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

VERDICT_WORDS: Final = {
    "pass": "Passed",
    "block": "Blocked",
    "inconclusive": "Inconclusive",
    "invalid": "Could not be evaluated",
}
STATE_WORDS: Final = {
    "certified": "certified",
    "blocked": "blocked",
    "undecided": "undecided",
    "infeasible": "too few items",
    "reported": "not gated",
}
STATE_SYMBOLS: Final = {
    "certified": "✓",
    "blocked": "✕",
    "undecided": "?",
    "infeasible": "∅",
    "reported": "·",
}
EXIT_CODES: Final = {"pass": 0, "block": 1, "inconclusive": 2, "invalid": 3}
STATE_ORDER: Final = ("blocked", "undecided", "infeasible", "certified", "reported")
AGGREGATE: Final = "all"
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)

SubsetRow = Mapping[str, Any]


def printable(text: str) -> str:
    """The text without what could drive a terminal, reorder a line or break an XML document."""
    return _UNPRINTABLE.sub("�", text.encode("utf-8", "replace").decode("utf-8"))


def one_line(text: str) -> str:
    """Printable, and on one line."""
    return " ".join(printable(text).split())


def clipped(text: str, limit: int) -> str:
    """At most `limit` characters; a cut is marked."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def points(share: float | None, *, signed: bool = True) -> str:
    """A difference of shares in percentage points, or a dash where there is none."""
    if share is None:
        return "—"
    rounded = round(100 * share, 1) + 0.0  # no negative zero
    return f"{rounded:+.1f}" if signed and rounded else f"{rounded:.1f}"


def tolerance(share: float | None) -> str:
    """A tolerance in percentage points, as short as it was written."""
    return "—" if share is None else f"{round(100 * share, 4):g}"


def interval(row: SubsetRow) -> str:
    """'-15.0 to -9.2', or a dash if the comparison gave no interval."""
    if row.get("lower") is None or row.get("upper") is None:
        return "—"
    return f"{points(row['lower'])} to {points(row['upper'])}"


def people_agree(row: SubsetRow) -> str | None:
    """'two people agree on 81 % (72 to 88, 45 tasks)'; null where nobody measured it."""
    ends = [row.get(f"human_{name}") for name in ("agreement", "lower", "upper")]
    if None in ends:
        return None
    share, lower, upper = (f"{100 * float(end or 0.0):.0f}" for end in ends)
    who = "two people" if row.get("human_kind") == "person" else "two scripts in people's place"
    tasks = row.get("human_tasks")
    counted = f"{tasks} task{'' if tasks == 1 else 's'}"
    return f"{who} agree on {share} % ({lower} to {upper}, {counted})"


def ceilings(decision: Mapping[str, Any]) -> list[str]:
    """The human ceiling of all items and of each gated subset, a sentence each."""
    bound = ": no system can be asked for more"
    sentences = []
    for row in (decision["aggregate"], *ordered(decision["subsets"])):
        told = None if row["state"] == "reported" else people_agree(row)
        if told is not None:
            whole = row["subset"] == AGGREGATE
            where = "all items" if whole else name_of(row)
            sentences.append(f"On {where} {told}{bound if whole else ''}.")
    return sentences


def corrections(decision: Mapping[str, Any]) -> list[str]:
    """What people's labels of the candidate's answers changed, a sentence for each subset."""
    return [
        f"On {'all items' if row['subset'] == AGGREGATE else name_of(row)} the judges see "
        f"{points(row['judge_difference'])} points; with people's labels of "
        f"{row['human_labels']} pairs it is {points(row['difference'])}."
        for row in (decision["aggregate"], *ordered(decision["subsets"]))
        if row.get("rectifier") is not None
    ]


def interval_name(decision: Mapping[str, Any]) -> str:
    """'95 % interval' if the decision tells its confidence, else 'interval'."""
    policy = decision.get("policy")
    confidence = decision.get("confidence")
    if confidence is None and isinstance(policy, Mapping):
        confidence = policy.get("confidence")
    return "interval" if confidence is None else f"{100 * float(confidence):g} % interval"


def name_of(row: SubsetRow) -> str:
    """The subset's name, or words for the aggregate."""
    return "the aggregate" if row["subset"] == AGGREGATE else str(row["subset"])


def ordered(subsets: Sequence[SubsetRow]) -> list[SubsetRow]:
    """What stands in the way first; within a state the worst difference first."""
    return sorted(
        subsets,
        key=lambda row: (
            STATE_ORDER.index(row["state"]),
            row["difference"] if row.get("difference") is not None else 0.0,
            row["subset"],
        ),
    )


def headline(decision: Mapping[str, Any]) -> str:
    """The verdict in one sentence, on one line, with the number that carries it."""
    sentence = {
        "pass": _passed,
        "block": _blocked,
        "inconclusive": _inconclusive,
        "invalid": _first_reason,
    }[decision["verdict"]](decision)
    return f"{VERDICT_WORDS[decision['verdict']]}: {one_line(sentence)}"


def change(row: SubsetRow, decision: Mapping[str, Any]) -> str:
    """'x falls 12.1 points (95 % interval -15.0 to -9.2; tolerance 5)'."""
    difference = row.get("difference")
    if difference is None:
        return f"{name_of(row)} could not be compared"
    verb = "falls" if difference < 0 else "rises"
    return (
        f"{name_of(row)} {verb} {points(abs(difference), signed=False)} points "
        f"({interval_name(decision)} {interval(row)}; tolerance {tolerance(row.get('margin'))})"
    )


def _blocked(decision: Mapping[str, Any]) -> str:
    rows = [row for row in _all_rows(decision) if row["state"] == "blocked"]
    if not rows:
        return _first_reason(decision)
    named = change(rows[0], decision)
    return f"{named}{_besides(rows[1:], 'blocked')}"


def _inconclusive(decision: Mapping[str, Any]) -> str:
    rows = [row for row in _all_rows(decision) if row["state"] in {"undecided", "infeasible"}]
    if not rows:
        return _first_reason(decision)
    needed = rows[0].get("items_needed")
    if not needed:
        return _first_reason(decision)
    others = _besides(rows[1:], "open")
    return (
        f"the evidence does not settle {name_of(rows[0])}, which needs about {needed} items{others}"
    )


def _besides(rows: Sequence[SubsetRow], state: str) -> str:
    """What shares the first one's state: other subsets by number, all items by name."""
    subsets = sum(row["subset"] != AGGREGATE for row in rows)
    named = [f"{subsets} more subset{'s' if subsets > 1 else ''}"] if subsets else []
    if subsets < len(rows):
        named.append("all items together")
    if not named:
        return ""
    return f"; {' and '.join(named)} {'is' if len(rows) == 1 else 'are'} {state} too"


def _passed(decision: Mapping[str, Any]) -> str:
    aggregate = decision["aggregate"]
    lost = any(
        row["state"] == "reported" and (row.get("difference") or 0.0) < -row["margin"]
        for row in decision["subsets"]
    )
    which = "no gated subset" if lost else "no subset"
    return (
        f"{which} loses more than its tolerance; overall {points(aggregate.get('difference'))} "
        f"points ({interval_name(decision)} {interval(aggregate)})"
    )


def _first_reason(decision: Mapping[str, Any]) -> str:
    return str(decision["reasons"][0]) if decision["reasons"] else "no reason was recorded"


def _all_rows(decision: Mapping[str, Any]) -> list[SubsetRow]:
    return [*ordered(decision["subsets"]), decision["aggregate"]]
