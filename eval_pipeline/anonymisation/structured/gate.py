"""Which rules a text needs: by `re`, or by one pass of Hyperscan.

Both see the same bytes and look for the same literals and patterns, so both say the same.
"""

import importlib
import re
import threading
from collections.abc import Sequence
from typing import Any, Final, Protocol

from eval_pipeline.anonymisation.structured.compiled_gate import compiled
from eval_pipeline.anonymisation.structured.literals import Literals
from eval_pipeline.anonymisation.structured.rule import REACH, Rule

_DIGITS: Final = re.compile(rb"[0-9](?:[^0-9]{0,%d}[0-9])*" % (2 * REACH))
"""Digits with all that follow within twice the reach: what lies around others is another's."""


class Gate(Protocol):
    """Says which rules fire, in ascending order, each with the starts of its literals."""

    def fired(self, text: str) -> list[tuple[int, list[int]]]:
        """Of the rules by their numbers; one without literals has no starts."""
        ...


def one_byte_each(text: str) -> bytes:
    """The text with one byte per character, so that places in both are the same."""
    return text.encode("latin-1", "replace")


def by_literal(rules: Sequence[Rule]) -> dict[bytes, tuple[int, ...]]:
    """Each lower-case literal once, with the numbers of the rules that wait for it."""
    waiting: dict[bytes, tuple[int, ...]] = {}
    for number, rule in enumerate(rules):
        for literal in rule.literals:
            key = literal.encode("latin-1").lower()
            waiting[key] = (*waiting.get(key, ()), number)
    return waiting


class PlainGate:
    """The gate without Hyperscan."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        needs = dict.fromkeys(rule.needs for rule in rules)
        self._stages = [
            (re.compile(need.encode()) if need else None, _Stage(rules, need=need))
            for need in needs
        ]

    def fired(self, text: str) -> list[tuple[int, list[int]]]:
        """Fired rules in ascending order with the starts of their literals."""
        data = one_byte_each(text)
        lowered = data.lower()
        hits: dict[int, set[int]] = {}
        for need, stage in self._stages:
            if need is None or need.search(lowered):
                stage.look(data, lowered, hits=hits)
        return [(number, sorted(hits[number])) for number in sorted(hits)]


class _Stage:
    """The triggers of all rules with one need."""

    def __init__(self, rules: Sequence[Rule], *, need: str) -> None:
        chosen = {number for number, rule in enumerate(rules) if rule.needs == need}
        waiting = {
            literal: tuple(number for number in numbers if number in chosen)
            for literal, numbers in by_literal(rules).items()
        }
        self._literals = Literals({key: numbers for key, numbers in waiting.items() if numbers})
        patterns = [
            (number, rules[number], re.compile((rules[number].pattern or "").encode()))
            for number in sorted(chosen)
            if rules[number].pattern is not None
        ]
        self._anywhere = [(n, rule.cased, p) for n, rule, p in patterns if not rule.near_digits]
        self._near_digits = [(n, rule.cased, p) for n, rule, p in patterns if rule.near_digits]

    def look(self, data: bytes, lowered: bytes, *, hits: dict[int, set[int]]) -> None:
        for start, numbers in self._literals.find(lowered):
            for number in numbers:
                hits.setdefault(number, set()).add(start)
        for number, cased, pattern in self._anywhere:
            if pattern.search(data if cased else lowered):
                hits.setdefault(number, set())
        if self._near_digits:
            self._look_near_digits(data, lowered, hits=hits)

    def _look_near_digits(self, data: bytes, lowered: bytes, *, hits: dict[int, set[int]]) -> None:
        for match in _DIGITS.finditer(lowered):
            first, last = max(0, match.start() - REACH), match.end() + REACH
            near, near_lowered = data[first:last], lowered[first:last]
            for number, cased, pattern in self._near_digits:
                if number not in hits and pattern.search(near if cased else near_lowered):
                    hits[number] = set()


class HyperscanGate:
    """The gate by one pass over the text; safe in several threads."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._hyperscan = importlib.import_module("hyperscan")
        literals = by_literal(rules)
        self._waiting = [*literals.values()]
        self._lengths = [len(literal) for literal in literals]
        self._database = compiled(self._expressions(rules, [*literals]))
        self._local = threading.local()

    def _expressions(
        self, rules: Sequence[Rule], literals: Sequence[bytes]
    ) -> list[tuple[bytes, int]]:
        """Pattern and flags, by the numbers that the scan will tell."""
        caseless, once = self._hyperscan.HS_FLAG_CASELESS, self._hyperscan.HS_FLAG_SINGLEMATCH
        expressions = [(_quoted(literal), caseless) for literal in literals]
        for number, rule in enumerate(rules):
            if rule.pattern is not None:
                self._waiting.append((number,))
                self._lengths.append(0)
                flags = once if rule.cased else once | caseless
                expressions.append((rule.pattern.encode(), flags))
        return expressions

    def fired(self, text: str) -> list[tuple[int, list[int]]]:
        """Fired rules in ascending order with the starts of their literals."""
        found: list[tuple[int, int]] = []
        if text:
            self._database.scan(one_byte_each(text), _noted, 0, found, self._scratch())
        if not found:
            return []
        hits: dict[int, list[int]] = {}
        waiting, lengths = self._waiting, self._lengths
        for expression, end in found:
            length = lengths[expression]
            for number in waiting[expression]:
                starts = hits.get(number)
                if starts is None:
                    starts = hits[number] = []
                if length:
                    starts.append(end - length)
        return [
            (number, starts if len(starts) < 2 else sorted(set(starts)))  # noqa: PLR2004 - sorted
            for number, starts in sorted(hits.items())
        ]

    def _scratch(self) -> Any:
        try:
            return self._local.scratch
        except AttributeError:
            self._local.scratch = self._hyperscan.Scratch(self._database)
            return self._local.scratch


def _noted(
    expression: int, _start: int, end: int, _flags: int, found: list[tuple[int, int]]
) -> None:
    found.append((expression, end))


def _quoted(literal: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in literal)
