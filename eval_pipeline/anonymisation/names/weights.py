"""A trained model as a text file: one feature a line, its weights in thousandths."""

import bz2
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.errors import ModelFileError

OUTSIDE: Final = "O"
"""The label of a word that belongs to no name."""

_HEAD: Final = "eval-pipeline names 1"


@dataclass(frozen=True)
class Weights:
    """Weights in thousandths: of features by label, and of a label after a label."""

    labels: tuple[str, ...]
    transitions: Mapping[tuple[str, str], int]
    state: Mapping[str, Mapping[str, int]]


def spell_weights(weights: Weights) -> bytes:
    """The file of a model; equal weights give equal bytes."""
    lines = [_HEAD, "\t".join(weights.labels)]
    lines += [
        f"{before}\t{after}\t{weight}"
        for (before, after), weight in sorted(weights.transitions.items())
        if weight
    ]
    lines.append("")
    numbers = {label: str(number) for number, label in enumerate(weights.labels)}
    for attribute in sorted(weights.state):
        held = weights.state[attribute]
        told = " ".join(f"{numbers[label]}:{held[label]}" for label in sorted(held))
        lines.append(f"{attribute}\t{told}")
    return bz2.compress("\n".join(lines).encode(), 9)


def parse_weights(data: bytes) -> Weights:
    """The weights of a model's file; raises `ModelFileError` for any other."""
    try:
        head, names, *rest = bz2.decompress(data).decode().split("\n")
        border = rest.index("")
        labels = tuple(names.split("\t"))
        if head != _HEAD or OUTSIDE not in labels:
            raise ModelFileError
        return Weights(
            labels=labels,
            transitions=_transitions(rest[:border], labels=labels),
            state=_state(rest[border + 1 :], labels=labels),
        )
    except (OSError, ValueError, LookupError, EOFError):
        raise ModelFileError from None


def _transitions(lines: Iterable[str], *, labels: Sequence[str]) -> dict[tuple[str, str], int]:
    found = {}
    for line in lines:
        before, after, weight = line.split("\t")
        if before not in labels or after not in labels:
            raise ModelFileError
        found[before, after] = int(weight)
    return found


def _state(lines: Iterable[str], *, labels: Sequence[str]) -> dict[str, dict[str, int]]:
    numbered = {str(number): label for number, label in enumerate(labels)}
    found = {}
    for line in lines:
        attribute, _, told = line.rpartition("\t")
        pairs = (pair.split(":") for pair in told.split(" "))
        found[attribute] = {numbered[number]: int(weight) for number, weight in pairs}
    return found
