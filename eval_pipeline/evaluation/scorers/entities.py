"""Entities that a response names, against those of its reference."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy

from eval_pipeline.evaluation.scorers.comparing import one_spaced
from eval_pipeline.evaluation.scorers.json_answers import UnreadableJsonError, read_json
from eval_pipeline.evaluation.scorers.matched_sets import WRONG, Matched, measured_scores
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import EntitiesScoring

Entity = tuple[str, str]
"""Type and text, the text folded and one-spaced."""


def entities_scores(
    requests: Sequence[ScoreRequest], scoring: EntitiesScoring
) -> list[list[Score]]:
    """One list per measure of the scorer; 0 for a response without a readable list."""
    return measured_scores(
        requests,
        lambda response, reference: matched_entities(response, reference, scoring),
        measures=scoring.measures,
        scorer=scoring.scorer,
    )


def matched_entities(response: str, reference: str, scoring: EntitiesScoring) -> Matched | None:
    """The entities of both texts, matched one to one; null for an unreadable reference.

    By patterns every text can be read, and may hold none.
    """
    expected = entities_in(reference, scoring)
    if expected is None:
        return None
    found = entities_in(response, scoring)
    if found is None:
        return WRONG
    if scoring.match == "strict":
        both = (Counter(found) & Counter(expected)).total()
    else:
        both = _overlapping(found, expected, least=scoring.least_overlap)
    return Matched(found=len(found), expected=len(expected), both=both)


def entities_in(text: str, scoring: EntitiesScoring) -> list[Entity] | None:
    """The text's entities; null where it is to be JSON and is not such a list."""
    if scoring.patterns:
        return _by_pattern(text, scoring.patterns)
    try:
        value = read_json(text)
    except UnreadableJsonError:
        return None
    if scoring.key is not None:
        value = value.get(scoring.key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    entities = [_entity(each) for each in value]
    return None if None in entities else [each for each in entities if each is not None]


def _by_pattern(text: str, patterns: Mapping[str, str]) -> list[Entity]:
    return [
        (kind, one_spaced(found.group(1 if found.re.groups else 0) or ""))
        for kind, pattern in patterns.items()
        for found in re.finditer(pattern, text)
        if found.group(1 if found.re.groups else 0)
    ]


def _entity(value: Any) -> Entity | None:
    if not isinstance(value, dict):
        return None
    kind, text = value.get("type"), value.get("text")
    if not isinstance(kind, str) or not isinstance(text, str):
        return None
    return one_spaced(kind), one_spaced(text)


def _overlapping(found: Sequence[Entity], expected: Sequence[Entity], *, least: float) -> int:
    """The most pairs, each entity in one at most, that are of one type and overlap enough."""
    if not found or not expected:
        return 0
    fits = np.array(
        [[_overlap(left, right) >= least for right in expected] for left in found], dtype=np.int8
    )
    pairs = scipy.sparse.csgraph.maximum_bipartite_matching(
        scipy.sparse.csr_array(fits), perm_type="column"
    )
    return int((pairs >= 0).sum())


def _overlap(left: Entity, right: Entity) -> float:
    """Jaccard's index of the words; 1 for equal texts, 0 for different types."""
    if left[0] != right[0]:
        return 0.0
    if left[1] == right[1]:
        return 1.0
    words, others = set(left[1].split()), set(right[1].split())
    return len(words & others) / len(words | others)
