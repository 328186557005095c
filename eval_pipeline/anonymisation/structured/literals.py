"""Where many short literals stand in a text, without Hyperscan.

A search for each takes longer than one pass of a pattern for how they start, three bytes as a tree;
what starts so is compared with the few that do.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_HEAD: Final = 3

_Tree = dict[bytes, "_Tree"]


class Literals:
    """Literals in lower case, each with the numbers of those who wait for it."""

    def __init__(self, waiting: Mapping[bytes, tuple[int, ...]]) -> None:
        self._short = [(key, numbers) for key, numbers in waiting.items() if len(key) < _HEAD]
        self._by_head: dict[bytes, list[tuple[bytes, tuple[int, ...]]]] = {}
        for literal, numbers in waiting.items():
            if len(literal) >= _HEAD:
                self._by_head.setdefault(literal[:_HEAD], []).append((literal, numbers))
        pattern = b"(?=%b)" % _either(_tree(self._by_head)) if self._by_head else rb"(?!)"
        self._heads = re.compile(pattern)

    def find(self, lowered: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The start of each literal in the lower-case bytes, with who waits for it."""
        for literal, numbers in self._short:
            start = lowered.find(literal)
            while start >= 0:
                yield start, numbers
                start = lowered.find(literal, start + 1)
        for match in self._heads.finditer(lowered):
            start = match.start()
            for literal, numbers in self._by_head[lowered[start : start + _HEAD]]:
                if lowered.startswith(literal, start):
                    yield start, numbers


def _tree(heads: Mapping[bytes, object]) -> _Tree:
    tree: _Tree = {}
    for head in heads:
        node = tree
        for place in range(len(head)):
            node = node.setdefault(head[place : place + 1], {})
    return tree


def _either(tree: _Tree) -> bytes:
    """A pattern for any of the ways through the tree; its last bytes become one class."""
    ends = b"".join(re.escape(byte) for byte in tree if not tree[byte])
    ways = [re.escape(byte) + _either(tree[byte]) for byte in tree if tree[byte]]
    return b"(?:%b)" % b"|".join([b"[%b]" % ends, *ways] if ends else ways)
