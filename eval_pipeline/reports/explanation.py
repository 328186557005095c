"""An explanation for a terminal: the decision, its subsets look by look, and their items."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from eval_pipeline.reports import wording
from eval_pipeline.reports.terminal import STATE_STYLES, VERDICT_STYLES

_DASH = "—"


def explanation_tree(told: Mapping[str, Any]) -> Iterator[RenderableType]:
    """From `Explanation.as_dict()`: the verdict with its reasons, then a tree per subset."""
    decision = told["decision"]
    yield Text(wording.headline(decision), style=VERDICT_STYLES[decision["verdict"]])
    yield Text(f"decision {decision['decision_id']}", style="dim")
    yield _facts(told)
    for reason in decision["reasons"]:
        yield Text(f"- {wording.one_line(reason)}")
    for subset in told["subsets"]:
        yield Text()
        yield _subset(subset)


def _facts(told: Mapping[str, Any]) -> Text:
    golden, decision = told["golden"], told["decision"]
    version = (
        "no golden version"
        if golden is None
        else f"golden version {golden['version']} of {golden['week']} ({golden['items']} items)"
    )
    audit = told["gate_audit"]
    audited = "gate not audited" if audit is None else f"gate audited {audit['week']}"
    return Text(
        f"{decision['candidate']} against {decision['baseline']} on {version}; policy "
        f"{decision['policy_fingerprint'][:12]}; {audited}; made by eval-pipeline "
        f"{told['made_by']['eval_pipeline']}",
        style="dim",
    )


def _subset(subset: Mapping[str, Any]) -> RenderableType:
    finding = subset["finding"]
    name = "all items" if finding["subset"] == wording.AGGREGATE else finding["subset"]
    head = Text(f"{wording.one_line(name)}  ", style="bold")
    head.append(wording.STATE_WORDS[finding["state"]], style=STATE_STYLES[finding["state"]])
    tree = Tree(head)
    tree.add(_looks(subset["looks"]))
    items = tree.add(Text(f"{len(subset['items'])} of {subset['items_total']} items"))
    for item in subset["items"]:
        branch = items.add(_scores(item["scores"]))
        for line in _lines(item):
            branch.add(Text(wording.one_line(line)))
    return tree


def _looks(looks: list[Mapping[str, Any]]) -> RenderableType:
    table = Table(
        "look", "state", "change", "interval", "tol.", "items", "wins", "losses", box=None
    )
    table.header_style = "dim"
    for row in looks:
        table.add_row(
            str(row["look"]),
            wording.STATE_WORDS[row["state"]],
            wording.points(row["difference"]),
            wording.interval(row),
            wording.tolerance(row["margin"]),
            str(row["items"]),
            _count(row["wins"]),
            _count(row["losses"]),
        )
    return table


def _scores(scores: Mapping[str, Any]) -> Text:
    parts = [
        f"{arm} {_DASH if scores[arm] is None else format(scores[arm], '.2f')}"
        + (f" ({scores['errors'][arm]})" if arm in scores["errors"] else "")
        for arm in ("baseline", "candidate")
    ]
    told = Text(wording.one_line(f"{scores['item_id']}  "), style="bold")
    told.append(
        wording.one_line(
            f"{', '.join(parts)}; by {', '.join(scores['scorers'])}; look {scores['look']}, "
            f"{scores['source']}"
        ),
        style="",
    )
    return told


def _lines(item: Mapping[str, Any]) -> Iterator[str]:
    golden, label = item["golden"], item["label"]
    if golden is None:
        yield f"reserve of {item['week'] or 'an unknown week'}: no label, scored by rule or panel"
    else:
        chance = golden["inclusion_probability"]
        drawn = "" if chance is None else f", drawn with probability {chance:.3g}"
        yield (
            f"week {golden['week']}, stratum {golden['stratum'] or _DASH}{drawn}; admitted in "
            f"version {golden['admitted_in']}, revision {golden['item_revision']}"
        )
        yield (
            f"reference: {golden['reference_label'] or _DASH} by {golden['label_source']}"
            f" ({golden['annotator_kind'] or 'no annotator'}), {golden['labelled_on']}"
        )
    if label is not None:
        by = ", ".join(
            f"{who}: {what}"
            for who, what in zip(label["annotators"], label["labels"], strict=False)
        )
        third = f"; adjudicated by {label['adjudicated_by']}" if label["adjudicated_by"] else ""
        yield f"label: {label['label']} by {label['settled_by']} ({by}{third})"
        if label["rationale"]:
            yield f"why: {label['rationale']}"
    if item["judges"]:
        said = ", ".join(f"{one['judge_id']}: {one['verdict'] or _DASH}" for one in item["judges"])
        yield f"judges of the logged answer: {said}"
    for answer in item["answers"]:
        text = answer.get("response")
        if text:
            yield f"{answer['arm']} answered: {text}"


def _count(value: int | None) -> str:
    return _DASH if value is None else str(value)
