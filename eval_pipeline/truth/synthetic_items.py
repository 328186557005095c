"""Which real questions are made hard this week, and what becomes of them.

Synthetic items test how a system fails; they stand for no traffic. They are regression tests of
their own list (methods 1.6), so they carry no subset, no weight and no reference.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import polars as pl

from eval_pipeline.fingerprint import fingerprint, unit_hash
from eval_pipeline.ports import Message
from eval_pipeline.settings import AdversarialSettings, Mutation
from eval_pipeline.tables import SYNTHETIC_ITEMS
from eval_pipeline.truth.mutations import mutate

PREFIX: Final = "synthetic-"
SALT: Final = "synthetic-items"
SOURCE_COLUMNS: Final = (
    "interaction_id",
    "route",
    "stratum",
    "subsets",
    "messages",
    "conversation_key",
    "user_key",
)
_LAST_DAY: Final = dt.timedelta(days=6)

Row = Mapping[str, Any]
Entry = TypeVar("Entry")


def synthetic_items(
    sources: pl.DataFrame,
    *,
    passed: Collection[str],
    policy: AdversarialSettings,
    week: str,
) -> pl.DataFrame:
    """The week's SYNTHETIC_ITEMS, not yet masked: at most `policy.weekly_items`.

    `sources` holds `SOURCE_COLUMNS` of the week's sampled, masked interactions. One of each
    conversation may be taken; those in `passed`, whose logged response is known to be good, before
    the others, so that what is hard is the mutation. Routes take turns, and within a route its
    combinations of subsets; inside these the order is that of a hash salted with the week. The
    mutations take turns as well; a source that one gives nothing goes to the next of them.
    """
    rows: list[dict[str, Any]] = []
    for place, source in enumerate(_in_turn(sources, passed=passed, week=week)):
        if len(rows) == policy.weekly_items:
            break
        row = _made(source, place=place + len(rows) // len(policy.mutations), policy=policy)
        if row is not None:
            rows.append({**row, "created_on": dt.date.fromisoformat(week) + _LAST_DAY})
    return SYNTHETIC_ITEMS.conform(pl.DataFrame(rows, schema=SYNTHETIC_ITEMS.schema))


def synthetic_identity(interaction_id: str, mutation: Mutation) -> str:
    """The id of what a mutation makes of an interaction: the same in every run."""
    return f"{PREFIX}{fingerprint([interaction_id, mutation])[:16]}"


def _made(source: Row, *, place: int, policy: AdversarialSettings) -> dict[str, Any] | None:
    messages = tuple(
        Message(message["role"] or "", message["content"] or "") for message in source["messages"]
    )
    for turn in range(len(policy.mutations)):
        mutation = policy.mutations[(place + turn) % len(policy.mutations)]
        identity = synthetic_identity(source["interaction_id"], mutation)
        mutated = mutate(messages, mutation=mutation, key=identity, limit=policy.limit_characters)
        if mutated is not None:
            return {
                "interaction_id": identity,
                "source_interaction_id": source["interaction_id"],
                "mutation": mutation,
                "template": mutated.template,
                "route": source["route"],
                "stratum": source["stratum"],
                "kind": "adversarial",
                "subsets": [],
                "messages": [
                    {"role": message.role, "content": message.content}
                    for message in mutated.messages
                ],
                "conversation_key": source["conversation_key"],
                "user_key": source["user_key"],
            }
    return None


def _in_turn(sources: pl.DataFrame, *, passed: Collection[str], week: str) -> list[Row]:
    """Every source once a conversation, in the order in which they are taken."""
    good = frozenset(passed)
    hashes = {
        interaction_id: unit_hash(f"{SALT}:{week}", interaction_id)
        for interaction_id in sources["interaction_id"]
    }
    ordered = sorted(
        sources.select(SOURCE_COLUMNS).to_dicts(),
        key=lambda row: (hashes[row["interaction_id"]], row["interaction_id"]),
    )
    ordered.sort(key=lambda row: row["interaction_id"] not in good)
    seen: set[str] = set()
    tiers: tuple[list[Row], list[Row]] = ([], [])
    for row in ordered:
        if row["conversation_key"] not in seen:
            seen.add(row["conversation_key"])
            tiers[row["interaction_id"] not in good].append(row)
    return [row for tier in tiers for row in _spread(tier)]


def _spread(rows: Sequence[Row]) -> list[Row]:
    """Routes in turn, and in each its combinations of subsets in turn."""
    by_route = _grouped((str(row["route"]), row) for row in rows)
    return _interleaved(
        _interleaved(_grouped((str(sorted(row["subsets"])), row) for row in own))
        for own in by_route
    )


def _grouped(pairs: Iterable[tuple[str, Entry]]) -> list[list[Entry]]:
    """The entries by name, groups in the order of their first entry."""
    groups: dict[str, list[Entry]] = {}
    for name, entry in pairs:
        groups.setdefault(name, []).append(entry)
    return list(groups.values())


def _interleaved(groups: Iterable[Sequence[Entry]]) -> list[Entry]:
    """One of every group in turn, until all are empty."""
    held = list(groups)
    longest = max((len(group) for group in held), default=0)
    return [group[place] for place in range(longest) for group in held if place < len(group)]
