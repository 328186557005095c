"""The decision for machines and for places where people talk: text, JSON, JUnit, Markdown.

Pure functions of the decision's JSON. `decision.schema.json`, beside this module, is the published
contract of that JSON; fields may be added to a version of it, never taken away.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast
from xml.etree import ElementTree as ET

from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.inert_text import for_json, for_terminal
from eval_pipeline.reports import policy_sections, wording
from eval_pipeline.reports.wording import SubsetRow

MAXIMUM_REASONS: Final = 20
MAXIMUM_SENTENCE: Final = 500
MAXIMUM_NAME: Final = 120
MAXIMUM_COMMENT: Final = 60_000
"""In characters; GitHub refuses a comment of more than 65,536."""
_SCHEMA_FILE: Final = Path(__file__).with_name("decision.schema.json")
_MARKDOWN_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]!|~])")
# Forges look for mentions, issues and links after Markdown is rendered, so escaping is not enough.
_LINKED_BY_FORGES: Final = re.compile(r"(@|#|:(?=//)|(?<=www)\.)")


def decision_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of the decision."""
    return cast("dict[str, Any]", json.loads(_SCHEMA_FILE.read_text(encoding="utf-8")))


def as_json(decision: Mapping[str, Any]) -> str:
    """The decision in key order, so that equal decisions are equal files."""
    told = json.dumps(decision, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return for_json(told) + "\n"


def as_text(decision: Mapping[str, Any]) -> str:
    """The verdict in a sentence, a line per subset, the reasons; plain and aligned."""
    rows = _all_rows(decision)
    names = [_display_name(row) for row in rows]
    width = max(len(name) for name in names)
    lines = [
        wording.headline(decision),
        wording.one_line(_arms(decision)),
        "",
        f"{'subset':<{width}}  {'state':<13}  change  {'interval':<14}  tolerance  items",
    ]
    for name, row in zip(names, rows, strict=True):
        lines.append(
            f"{name:<{width}}  {wording.STATE_WORDS[row['state']]:<13}  "
            f"{wording.points(row.get('difference')):>6}  {wording.interval(row):<14}  "
            f"{wording.tolerance(row.get('margin')):>9}  {_items(row):>5}"
        )
    words = policy_sections.people_sentences(decision)
    told = (words, decision["reasons"], wording.ceilings(decision))
    for sentences in told:
        if sentences:
            lines += ["", *(f"- {wording.one_line(sentence)}" for sentence in sentences)]
    return for_terminal("\n".join(lines) + "\n")


def as_junit(decision: Mapping[str, Any]) -> str:
    """One test case for the verdict and one per subset.

    A proven harm is a failure; what the evidence does not settle is an error, as no tool shows a
    skipped test as a reason to stop. Only what is waived, and stops nothing, is skipped.
    """
    rows = [*_sorted(decision), *policy_sections.dimension_rows(decision)]
    cases = [_verdict_case(decision), *(_subset_case(row, decision) for row in rows)]
    suite = ET.Element(
        "testsuite",
        name=f"eval-pipeline gate: {wording.one_line(decision['candidate'])}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
    )
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def as_markdown(decision: Mapping[str, Any]) -> str:
    """A comment for a pull request; names cannot mention people, link or break the table.

    Its first line is `comment_marker`, which forges do not show. It fits into a comment of GitHub:
    of too many subsets those that lost most are told.
    """
    told = [
        *_while_room(_markdown_reasons(decision), MAXIMUM_COMMENT // 2),
        "",
        f"<sub>Decision {_escaped(decision['decision_id'])}</sub>",
    ]
    head = [
        comment_marker(decision),
        f"### {_cut(wording.headline(decision))}",
        "",
        _cut(_arms(decision)),
        "",
        f"| Subset | State | Change | {wording.interval_name(decision)} | Tolerance | Items |",
        "|:--|:--|--:|:--|--:|--:|",
    ]
    rows = [_markdown_row(row) for row in wording.ordered(decision["subsets"])]
    last = [
        _markdown_row(row)
        for row in (decision["aggregate"], *policy_sections.dimension_rows(decision))
    ]
    room = MAXIMUM_COMMENT - sum(len(line) + 1 for line in (*head, *told)) - MAXIMUM_SENTENCE
    last = list(_while_room(last, room))
    room -= sum(len(line) + 1 for line in last)
    shown = list(_while_room(rows, room))
    hidden = len(rows) - len(shown)
    more = ["", f"{hidden} more subsets are in the decision's JSON."] if hidden else []
    return "\n".join([*head, *shown, *last, *more, *told]) + "\n"


def comment_marker(decision: Mapping[str, Any]) -> str:
    """A hidden line by which the next decision on the candidate finds the comment it replaces."""
    return f"<!-- eval-pipeline decision on {fingerprint(decision['candidate'])} -->"


def _markdown_reasons(decision: Mapping[str, Any]) -> Iterator[str]:
    words = policy_sections.people_sentences(decision)[:MAXIMUM_REASONS]
    if words:
        yield ""
        yield from (f"- {_cut(sentence)}" for sentence in words)
    reasons = decision["reasons"]
    ceilings = wording.ceilings(decision)
    more = len(reasons) - MAXIMUM_REASONS
    if reasons:
        yield ""
        yield from (f"- {_cut(reason)}" for reason in reasons[:MAXIMUM_REASONS])
    if more > 0:
        yield f"- {more} more in the decision's JSON"
    if ceilings:
        yield ""
        yield from (f"- {_cut(sentence)}" for sentence in ceilings[:MAXIMUM_REASONS])


def _while_room(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return
        yield line


def _cut(text: str) -> str:
    return _escaped(wording.clipped(wording.one_line(text), MAXIMUM_SENTENCE))


def _all_rows(decision: Mapping[str, Any]) -> list[SubsetRow]:
    """The subsets, all items together, and the gated dimensions."""
    subsets = wording.ordered(decision["subsets"])
    return [*subsets, decision["aggregate"], *policy_sections.dimension_rows(decision)]


def _arms(decision: Mapping[str, Any]) -> str:
    return f"Candidate {decision['candidate']} against baseline {decision['baseline']}"


def _sorted(decision: Mapping[str, Any]) -> Sequence[SubsetRow]:
    return sorted(decision["subsets"], key=lambda row: str(row["subset"]))


def _display_name(row: SubsetRow) -> str:
    name = "all items" if row["subset"] == wording.AGGREGATE else str(row["subset"])
    return wording.one_line(name)


def _items(row: SubsetRow) -> str:
    return "—" if row.get("items") is None else str(row["items"])


def _verdict_case(decision: Mapping[str, Any]) -> ET.Element:
    case = ET.Element("testcase", classname="gate", name="decision")
    kind = {"pass": None, "block": "failure"}.get(decision["verdict"], "error")
    if decision.get("waived"):
        ET.SubElement(case, "skipped", message=policy_sections.waived_sentence(decision))
    elif kind is not None:
        message = wording.headline(decision)
        detail = ET.SubElement(case, kind, type=decision["verdict"], message=message)
        detail.text = "\n".join(wording.one_line(reason) for reason in decision["reasons"])
    return case


def _subset_case(row: SubsetRow, decision: Mapping[str, Any]) -> ET.Element:
    case = ET.Element("testcase", classname="gate.subsets", name=wording.one_line(row["subset"]))
    kind = {"certified": None, "reported": None, "blocked": "failure"}.get(row["state"], "error")
    if policy_sections.is_waived(row, decision):
        ET.SubElement(case, "skipped", message=policy_sections.waived_sentence(decision))
    elif kind is not None:
        message = wording.one_line(wording.change(row, decision))
        needed = row.get("items_needed")
        if needed and kind == "error":
            message += f"; about {needed} items are needed to decide"
        ET.SubElement(case, kind, type=row["state"], message=message)
    return case


def _markdown_row(row: SubsetRow) -> str:
    state = f"{wording.STATE_SYMBOLS[row['state']]} {wording.STATE_WORDS[row['state']]}"
    if row["state"] == "blocked":
        state = f"**{state}**"
    name = _escaped(wording.clipped(_display_name(row), MAXIMUM_NAME))
    return (
        f"| {name} | {state} | {wording.points(row.get('difference'))} "
        f"| {wording.interval(row)} | {wording.tolerance(row.get('margin'))} | {_items(row)} |"
    )


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is; a zero-width space after `@` keeps people unnotified."""
    plain = _LINKED_BY_FORGES.sub("\\1\u200b", wording.one_line(text))
    return _MARKDOWN_SPECIAL.sub(r"\\\1", html.escape(plain, quote=False))
