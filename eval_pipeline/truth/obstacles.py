"""What keeps an entry out of a version beside those that hold a place: likeness, and caps."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eval_pipeline.truth.near_duplicates import Neighbours

NEAR_DUPLICATE: Final = "near_duplicate"
USER_CAP: Final = "user_cap"
CONVERSATION_CAP: Final = "conversation_cap"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Obstacle:
    """Why: near_duplicate | user_cap | conversation_cap; `detail` names the item it duplicates."""

    reason: str
    detail: str | None = None


class Obstacles:
    """What the entries added so far leave no room for; adding more never makes room.

    An entry is kept out only by one that holds a place and that it is itself alike: likeness is
    not passed on, so a chain of small differences never merges two different questions. A mutation
    is a small change that matters, so what was mutated differently is merged only where the
    normalised text is the same. Questions under other instructions are other questions. A person
    without a key is not capped.
    """

    def __init__(
        self, neighbours: Neighbours, *, maximum_per_user: int, maximum_per_conversation: int
    ) -> None:
        self._neighbours = neighbours
        self._maximum_per_user = maximum_per_user
        self._maximum_per_conversation = maximum_per_conversation
        self._users: Counter[str] = Counter()
        self._conversations: Counter[str] = Counter()
        self._asked: dict[str, list[tuple[Row, str]]] = defaultdict(list)

    def against(self, row: Row, *, asks: str, told: str) -> Obstacle | None:
        """What keeps the row out, if anything does."""
        twins = self._twins(row, asks=asks, told=told)
        if twins:
            return Obstacle(NEAR_DUPLICATE, min(twins))
        if self._conversations[row["conversation_key"]] >= self._maximum_per_conversation:
            return Obstacle(CONVERSATION_CAP)
        user = row["user_key"]
        if user is not None and self._users[user] >= self._maximum_per_user:
            return Obstacle(USER_CAP)
        return None

    def add(self, row: Row, *, asks: str, told: str) -> None:
        """From now on the row holds a place."""
        self._asked[asks].append((row, told))
        self._conversations[row["conversation_key"]] += 1
        if row["user_key"] is not None:
            self._users[row["user_key"]] += 1

    def resembling(self, texts: Iterable[str]) -> set[str]:
        """Every text that is the same as, or alike, one of `texts`."""
        found = set(texts)
        return found.union(*(self._neighbours.get(text, frozenset()) for text in found))

    def _twins(self, row: Row, *, asks: str, told: str) -> list[str]:
        twins = []
        for text in (asks, *self._neighbours.get(asks, frozenset())):
            twins += [
                str(other["item_id"])
                for other, its in self._asked.get(text, ())
                if its == told and (text == asks or other["mutation"] == row["mutation"])
            ]
        return twins
