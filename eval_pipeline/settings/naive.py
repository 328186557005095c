"""Naive systems: what answers without a model, and what of a model's answer says how sure it is."""

import re
from typing import Annotated, Final, Literal, Self

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from eval_pipeline.settings.clusters import EmbeddingsSettings
from eval_pipeline.settings.section import Section, Share

GROUP_REFERENCE: Final = re.compile(r"\\g<(\w+)>|\\(\d)")
"""What stands in an answer for a group of its pattern: \\1 or \\g<name>."""
TEMPLATE_FILTERS: Final = frozenset(
    {"default", "float", "int", "lower", "replace", "round", "title", "tojson", "trim", "upper"}
)
_REFUSED_NODES: Final = (
    "For", "Call", "CallBlock", "Macro", "Import", "FromImport", "Include", "Extends", "Block",
    "FilterBlock", "Mul", "Pow", "Assign", "AssignBlock",
)  # fmt: skip


def pattern_groups(pattern: str) -> tuple[str, ...]:
    r"""The names of a pattern's groups, or their numbers from 1, as `\g<...>` refers to them.

    Raises `ValueError` where the engine cannot match the pattern in linear time.
    """
    try:
        found = pl.Series([""]).str.extract_groups(f"({pattern})")
    except pl.exceptions.PolarsError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ValueError(
            f"not a pattern that is matched in linear time ({lines[-1]}); look-around and "
            "back-references are none"
        ) from None
    names = found.struct.fields[1:]
    return tuple(
        str(number) if name.isdigit() else name for number, name in enumerate(names, start=1)
    )


def _is_linear(pattern: str) -> str:
    pattern_groups(pattern)
    return pattern


LinearExpression = Annotated[str, AfterValidator(_is_linear)]
"""A regular expression of the Rust crate `regex`: its time grows with the text alone."""


class RegexRule(Section):
    """One rule: the first whose pattern is in the question answers it."""

    pattern: LinearExpression = Field(
        description="Searched for in the question, in linear time: no look-around, no "
        "back-references; (?i) in front makes case not count."
    )
    answer: str = Field(description=r"May refer to groups of the pattern, as \1 or \g<name>.")
    routes: tuple[str, ...] = Field((), description="Where the rule holds; none: everywhere.")

    @model_validator(mode="after")
    def _groups_are_there(self) -> Self:
        groups = pattern_groups(self.pattern)
        known = {*groups, *(str(number) for number in range(len(groups) + 1))}
        for found in GROUP_REFERENCE.finditer(self.answer):
            named = found.group(1) or found.group(2)
            if named not in known:
                raise ValueError(
                    f"`answer` refers to group '{named}', and the pattern has "
                    f"{', '.join(groups) or 'none'}"
                )
        return self


class _Asked(Section):
    question: Literal["last_user_message", "user_messages"] = Field(
        "last_user_message", description="Which text of an item is the question."
    )


class RegexNaive(_Asked):
    """Ordered rules from pattern to answer; a question that none fits is not answered."""

    kind: Literal["regex"] = "regex"
    rules: tuple[RegexRule, ...] = Field(description="The first that fits answers.")
    otherwise: str | None = Field(
        None, description="The answer where no rule fits; none: nothing is answered."
    )


class TemplateField(Section):
    """What a template's field is read from."""

    pattern: LinearExpression = Field(
        description="Its first group, or else the whole match, is the field's value."
    )
    default: str | None = Field(
        None, description="The value where the pattern is not found; none: nothing is answered."
    )


class RouteTemplate(Section):
    """A route's answer, with fields that are found in the question."""

    answer: str = Field(
        description="Jinja, sandboxed: fields, conditions and the filters "
        + ", ".join(sorted(TEMPLATE_FILTERS))
        + "; no loops and no calls."
    )
    fields: dict[str, TemplateField] = Field(
        default_factory=dict, description="By the name that the answer uses."
    )

    @model_validator(mode="after")
    def _is_a_plain_template(self) -> Self:
        for problem in _template_problems(self.answer, known=set(self.fields)):
            raise ValueError(problem)
        return self


def _template_problems(template: str, *, known: set[str]) -> list[str]:
    from jinja2 import TemplateSyntaxError, meta, nodes  # noqa: PLC0415 - slow
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - slow

    try:
        tree = ImmutableSandboxedEnvironment().parse(template)
    except TemplateSyntaxError as error:
        return [f"`answer` is no template: {error}"]
    refused = tree.find_all(tuple(getattr(nodes, name) for name in _REFUSED_NODES))
    problems = [
        f"`answer` holds {type(node).__name__}: loops, calls, blocks, assignments, products and "
        "imports are refused"
        for node in refused
    ]
    used = {node.name for node in tree.find_all(nodes.Filter)} - TEMPLATE_FILTERS
    problems += [f"`answer` uses the filter '{name}'" for name in sorted(used)]
    unknown = meta.find_undeclared_variables(tree) - known
    problems += [f"`answer` uses '{name}', which is not under `fields`" for name in sorted(unknown)]
    return problems


class TemplateNaive(_Asked):
    """A fixed answer per route, with fields from the question."""

    kind: Literal["template"] = "template"
    routes: dict[str, RouteTemplate] = Field(
        min_length=1, description="By route, or `default`; other routes are not answered."
    )


class RetrievalNaive(_Asked):
    """The reference answer of the nearest golden item of the route.

    Never of the item itself, of its conversation, of what was made from it or of its
    near-duplicates.
    """

    kind: Literal["retrieval"] = "retrieval"
    minimum_similarity: Share = Field(
        0.2, description="Cosine below which nothing is answered; the cosine is the confidence."
    )
    embeddings: EmbeddingsSettings | None = Field(
        None,
        description="An embeddings endpoint in place of TF-IDF. Its cost and latency are not "
        "known per answer and stay null.",
    )


class LogisticNaive(_Asked):
    """Logistic regression over a route's few reference answers, cross-fitted by conversation."""

    kind: Literal["logistic"] = "logistic"
    label_pattern: LinearExpression | None = Field(
        None,
        description="Its first group in a reference answer is the label that is learnt; none: the "
        "whole reference answer, whatever its case and spacing.",
    )
    minimum_examples: int = Field(
        3, ge=2, description="Golden items that a label needs to be learnt."
    )
    maximum_labels: int = Field(
        50, ge=2, description="A route with more learnable labels is not answered."
    )
    folds: int = Field(5, ge=2, le=50, description="Of the cross-fitting.")
    inverse_regularisation: float = Field(
        10.0, gt=0, description="The C of logistic regression: larger follows the data more."
    )
    minimum_confidence: Share = Field(0, description="Probability below which nothing is answered.")


NaiveSettings = Annotated[
    RegexNaive | TemplateNaive | RetrievalNaive | LogisticNaive, Field(discriminator="kind")
]


class ConfidenceSettings(Section):
    """What of a model's answer says how sure it is: a field of its JSON, or a pattern."""

    field: str | None = Field(
        None, description="Of the JSON object that the answer is; a dot goes inside an object."
    )
    pattern: LinearExpression | None = Field(
        None, description="Its first group, or else the whole match, is the number."
    )
    certain: float = Field(
        1.0, gt=0, description="The number that means certain: 1, or 100 for percentages."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.field is None) == (self.pattern is None):
            raise ValueError("`confidence` has either a `field` or a `pattern`")
        return self


class EscalationSettings(Section):
    """What a system may answer by itself, by how sure it says it is; the rest goes to people."""

    minimum_accuracy: float | None = Field(
        0.9,
        gt=0,
        lt=1,
        description="Share of right answers that what is answered by itself must reach; none: no "
        "threshold is sought.",
    )
    confidence: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="Of the intervals, and of the claim that a threshold is supported.",
    )
    right_from: float = Field(
        1.0, gt=0, le=1, description="The score from which an answer counts as right."
    )
    first_items: int = Field(
        60,
        ge=1,
        description="The search begins at the strictest threshold that leaves so many items, or "
        "at the loosest.",
    )
