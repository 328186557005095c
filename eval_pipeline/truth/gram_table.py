"""Runs of numbered words, found in a stream of them: hashed to be fast, compared to be exact."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)


class GramTable:
    """Distinct grams of any lengths; a word is a number from 1, and 0 is in no gram."""

    def __init__(self, grams: Mapping[tuple[int, ...], int]) -> None:
        """`grams`: to the number that `find` gives back."""
        lengths = sorted({len(gram) for gram in grams})
        self._tables = {
            length: _OneLength([(gram, at) for gram, at in grams.items() if len(gram) == length])
            for length in lengths
        }

    def find(self, words: Integers) -> tuple[Integers, Integers]:
        """Where grams begin in `words` and which ones, by place; every occurrence counts."""
        runs = _known_runs(words)
        found = [table.find(words, runs) for table in self._tables.values()]
        places = np.concatenate([np.empty(0, np.int64), *(places for places, _ in found)])
        grams = np.concatenate([np.empty(0, np.int64), *(grams for _, grams in found)])
        order = np.argsort(places, kind="stable")
        return places[order], grams[order]


class _OneLength:
    def __init__(self, grams: Sequence[tuple[tuple[int, ...], int]]) -> None:
        rows = np.array([gram for gram, _ in grams], dtype=np.int64)
        numbers = np.array([number for _, number in grams], dtype=np.int64)
        self._length = rows.shape[1]
        self._offsets = np.arange(self._length)
        for multiplier in MULTIPLIERS:
            self._multiplier = np.uint64(multiplier)
            hashes = self._hashed(rows)
            if np.unique(hashes).size == len(rows):
                break
        order = np.argsort(hashes)
        self._hashes, self._rows, self._numbers = hashes[order], rows[order], numbers[order]

    def find(self, words: Integers, runs: Integers) -> tuple[Integers, Integers]:
        places = np.flatnonzero(runs >= self._length)
        hashes = self._hashed(words, places)
        rows = np.searchsorted(self._hashes, hashes)
        rows[rows == self._hashes.size] = 0
        alike = self._hashes[rows] == hashes
        places, rows = places[alike], rows[alike]
        same = (words[places[:, None] + self._offsets] == self._rows[rows]).all(axis=1)
        return places[same], self._numbers[rows[same]]

    def _hashed(self, words: Integers, places: Integers | None = None) -> Hashes:
        """Of each row, or of the runs that begin at `places`."""
        height = words.shape[0] if places is None else places.size
        hashes = np.zeros(height, dtype=np.uint64)
        for offset in range(self._length):
            column = words[:, offset] if places is None else words[places + offset]
            hashes = hashes * self._multiplier + column.astype(np.uint64)
        return hashes


def _known_runs(words: Integers) -> Integers:
    """For each place, how many words from there on are not 0."""
    places = np.arange(words.size)
    gaps = np.where(words == 0, places, words.size)
    following: Integers = np.minimum.accumulate(gaps[::-1])[::-1]
    return following - places
