"""How many topics and which: k-means on unit vectors, steered by the mean silhouette.

Without earlier topics the number is the best of a small grid; with them the search begins from
their places. Then one topic is split or two are joined as long as the mean silhouette (Rousseeuw
1987, cosine distance) gains at least `step_gain`: a topic that did not change keeps its members.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.intake.topic_vectors import one_thread
from eval_pipeline.settings import ClustersSettings

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

GRID: Final = 7
STARTS: Final = 4
SEED: Final = 0
MOST_STEPS: Final = 60
MOST_ROWS: Final = 4_000
"""Searched; all their distances are held at once."""
FEWEST: Final = 2
NOWHERE: Final = -1
ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Grouping:
    """A label per row, -1 for a row that has none, and every group's mean silhouette."""

    labels: Labels
    silhouettes: Floats

    @property
    def count(self) -> int:
        """How many groups."""
        return len(self.silhouettes)


def group(vectors: Floats, *, masses: Floats, starts: Floats, policy: ClustersSettings) -> Grouping:
    """Groups the rows; `starts` are the places to begin from, none of them for a first search.

    `masses` is what each row counts for in the size of a group: one over its conversation's rows.

    A row of zeros gets no group. Nothing is grouped where two groups of `minimum_size` do not fit.
    Of more than `MOST_ROWS` rows a fixed random part is searched, and the others go to the nearest.
    """
    known = np.flatnonzero(np.abs(vectors).sum(axis=1) > 0)
    labels = np.full(len(vectors), NOWHERE, dtype=np.int64)
    nothing = Grouping(labels, np.zeros(0))
    if masses[known].sum() < FEWEST * policy.minimum_size:
        return nothing
    shuffled = np.random.default_rng(SEED).permutation(known)
    searched = np.sort(shuffled[:MOST_ROWS])
    with one_thread():
        search = _Search(vectors[searched], masses[searched], policy)
        found = search.first() if len(starts) < FEWEST else search.settled(starts)
        found = search.refined(found)
        if found.max() + 1 < FEWEST:
            return nothing
        others = np.sort(shuffled[MOST_ROWS:])
        labels[searched] = found
        labels[others] = (vectors[others] @ search.means(found).T).argmax(axis=1)
    widths = search.silhouettes(search.sums(found), found)
    means = [widths[found == label].mean() for label in range(found.max() + 1)]
    return Grouping(labels, np.array(means))


class _Search:
    def __init__(self, vectors: Floats, masses: Floats, policy: ClustersSettings) -> None:
        self._vectors = vectors
        self._masses = masses
        self._policy = policy
        self._distances = np.clip(1 - vectors @ vectors.T, 0, 2)
        self._rows = np.arange(len(vectors))
        self._most = min(policy.maximum, max(FEWEST, int(masses.sum() // policy.minimum_size)))

    def first(self) -> Labels:
        """The best of a grid of numbers."""
        low = min(self._policy.minimum, self._most)
        numbers = sorted({round(n) for n in np.geomspace(low, self._most, GRID)})
        tries = [self._dropped(self._cold(number)) for number in numbers]
        scores = [round(self._score(self.sums(labels), labels), 9) for labels in tries]
        return tries[int(np.argmax(scores))]

    def settled(self, starts: Floats) -> Labels:
        """K-means from these places, topics that stay too small left out one by one."""
        return self._dropped(self._warm(starts[: self._most]))

    def refined(self, labels: Labels) -> Labels:
        """Split or joined, the best step first, while that gains enough."""
        for _ in range(MOST_STEPS):
            sums = self.sums(labels)
            now = self._score(sums, labels)
            steps = [
                (round(self._score(self.sums_after(sums, labels, step), step), 9), step)
                for step in self._steps(labels)
            ]
            best = max(steps, key=lambda scored: scored[0], default=(now, labels))
            if best[0] < now + self._policy.step_gain:
                break
            labels = self.settled(self.means(best[1]))
        return labels

    def sums(self, labels: Labels) -> Floats:
        """By row and topic: the sum of distances to its members."""
        return np.asarray(self._distances @ np.eye(labels.max() + 1)[labels], dtype=np.float64)

    def sums_after(self, sums: Floats, before: Labels, after: Labels) -> Floats:
        """The sums of `after`, of which only what differs from `before` is computed anew."""
        count = int(after.max()) + 1
        result = np.empty((len(after), count))
        for topic in range(count):
            members = after == topic
            same = topic <= before.max() and np.array_equal(members, before == topic)
            result[:, topic] = sums[:, topic] if same else self._distances[:, members].sum(axis=1)
        return result

    def silhouettes(self, sums: Floats, labels: Labels) -> Floats:
        """Of every row: how much nearer its own topic is than the next."""
        sizes = np.bincount(labels, minlength=sums.shape[1])
        if len(sizes) < FEWEST:
            return np.zeros(len(labels))
        own = sums[self._rows, labels] / np.maximum(sizes[labels] - 1, 1)
        others = sums / np.maximum(sizes, 1)
        others[self._rows, labels] = np.inf
        nearest = others.min(axis=1)
        width = np.maximum(np.maximum(own, nearest), 1e-12)
        return np.asarray(np.where(sizes[labels] > 1, (nearest - own) / width, 0.0))

    def _score(self, sums: Floats, labels: Labels) -> float:
        return float(self.silhouettes(sums, labels).mean())

    def _steps(self, labels: Labels) -> Iterator[Labels]:
        count = int(labels.max()) + 1
        if count < self._most:
            for topic in range(count):
                yield from self._split(labels, topic)
        if count > max(FEWEST, self._policy.minimum):
            means = self.means(labels)
            means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
            alike = means @ means.T
            np.fill_diagonal(alike, -np.inf)
            pairs = {tuple(sorted((one, int(alike[one].argmax())))) for one in range(count)}
            for one, other in sorted(pairs):
                joined = np.where(labels == other, one, labels)
                yield np.where(joined > other, joined - 1, joined)

    def _split(self, labels: Labels, topic: int) -> Iterator[Labels]:
        members = np.flatnonzero(labels == topic)
        if self._masses[members].sum() < FEWEST * self._policy.minimum_size:
            return
        halves = _kmeans(self._vectors[members], 2, starts=STARTS)
        sizes = np.bincount(halves, weights=self._masses[members], minlength=2)
        if self._is_enough(sizes):
            after = labels.copy()
            after[members[halves == 1]] = labels.max() + 1
            yield after

    def _is_enough(self, sizes: NDArray[Any]) -> bool:
        return bool(sizes.min() >= self._policy.minimum_size - ROUNDING)

    def _cold(self, count: int) -> Labels:
        return _kmeans(self._vectors, count, starts=STARTS)

    def _warm(self, places: Floats) -> Labels:
        return _kmeans(self._vectors, places, starts=1)

    def _dropped(self, labels: Labels) -> Labels:
        """Without topics under the minimum size: their members go to what is nearest."""
        while True:
            sizes = np.bincount(labels, weights=self._masses)
            if self._is_enough(sizes) or len(sizes) <= FEWEST:
                return labels if self._is_enough(sizes) else np.zeros_like(labels)
            labels = self._warm(np.delete(self.means(labels), int(sizes.argmin()), axis=0))

    def means(self, labels: Labels) -> Floats:
        """By topic: the mean of its rows."""
        return np.array(
            [self._vectors[labels == topic].mean(axis=0) for topic in range(labels.max() + 1)]
        )


def _kmeans(vectors: Floats, places: int | Floats, *, starts: int) -> Labels:
    """Labels without a gap, even where k-means leaves a place empty."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - slow

    count = places if isinstance(places, int) else len(places)
    init: Any = "k-means++" if isinstance(places, int) else places
    if len(np.unique(vectors, axis=0)) <= count:
        found = np.unique(vectors, axis=0, return_inverse=True)[1]
    else:
        found = KMeans(count, init=init, n_init=starts, random_state=SEED).fit(vectors).labels_
    return np.unique(found.ravel(), return_inverse=True)[1].ravel().astype(np.int64)
