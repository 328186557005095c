"""Ordered rules and templates: patterns are Rust's `regex`, whose time grows with the text alone.

Patterns come from the configuration and texts from customers, so an engine that backtracks could
be made to hang by either.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from eval_pipeline.evaluation.naive.asked import Question
from eval_pipeline.ports import OwnAnswer
from eval_pipeline.settings import (
    GROUP_REFERENCE,
    RegexNaive,
    RouteTemplate,
    TemplateNaive,
    pattern_groups,
)

RULE_MATCHED, OTHERWISE, NO_RULE = "rule", "otherwise", "no_rule"
TEMPLATE, NO_TEMPLATE, NO_FIELD = "template", "no_template", "no_field"
WHOLE = "0"


def groups_found(pattern: str, text: str) -> dict[str, str | None] | None:
    """What the first match holds, by group name and number, '0' the whole; None without a match."""
    fields = pl.Series([text]).str.extract_groups(f"({pattern})").struct.unnest().row(0)
    if fields[0] is None:
        return None
    named = dict(zip(pattern_groups(pattern), fields[1:], strict=True))
    numbered = {str(number): value for number, value in enumerate(fields)}
    return numbered | named


def filled_in(answer: str, groups: Mapping[str, str | None]) -> str:
    r"""The answer with \\1 and \\g<name> replaced; a group that took no part is empty."""
    return GROUP_REFERENCE.sub(lambda found: groups[found.group(1) or found.group(2)] or "", answer)


class RegexSystem:
    """The first rule that fits answers."""

    def __init__(self, naive: RegexNaive) -> None:
        self._naive = naive

    def answer(self, question: Question) -> OwnAnswer:
        """With confidence 1 where a rule fits, and 0 for what is said otherwise."""
        for rule in self._naive.rules:
            if rule.routes and question.route not in rule.routes:
                continue
            groups = groups_found(rule.pattern, question.text)
            if groups is not None:
                return OwnAnswer(filled_in(rule.answer, groups), 1.0, RULE_MATCHED)
        if self._naive.otherwise is not None:
            return OwnAnswer(self._naive.otherwise, 0.0, OTHERWISE)
        return OwnAnswer(None, 0.0, NO_RULE)


class TemplateSystem:
    """A route's template, filled in from the question."""

    def __init__(self, naive: TemplateNaive) -> None:
        from jinja2 import StrictUndefined  # noqa: PLC0415 - slow
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - slow

        # Answers are plain text: nothing here is shown as HTML, and pages escape by themselves.
        sandbox = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        self._routes: dict[str, tuple[RouteTemplate, Any]] = {
            route: (one, sandbox.from_string(one.answer)) for route, one in naive.routes.items()
        }

    def answer(self, question: Question) -> OwnAnswer:
        """With confidence 1, or nothing where the route or a field without default is missing."""
        chosen = self._routes.get(question.route) or self._routes.get("default")
        if chosen is None:
            return OwnAnswer(None, 0.0, NO_TEMPLATE)
        route, template = chosen
        values: dict[str, str] = {}
        for name, field in route.fields.items():
            groups = groups_found(field.pattern, question.text)
            value = field.default if groups is None else groups.get("1", groups[WHOLE])
            if value is None:
                return OwnAnswer(None, 0.0, NO_FIELD)
            values[name] = value
        return OwnAnswer(template.render(values), 1.0, TEMPLATE)
