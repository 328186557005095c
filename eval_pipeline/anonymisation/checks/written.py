"""What of an interaction will be written as text, and where in it each text stands."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_NOT_TEXT: Final = frozenset(
    {"conversation_key", "user_key", "anonymiser_fingerprint", "selection", "masked"}
)


def texts_of(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and text of everything that is masked, in an order that masking keeps; no nulls."""
    for message in row["messages"] or ():
        if message["content"] is not None:
            yield "messages", message["content"]
    for field in ("response", "error"):
        if row[field] is not None:
            yield field, row[field]
    for attribute in row["attributes"] or ():
        if attribute["value"] is not None:
            yield "attributes", attribute["value"]


def labels_of(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Column and string of everything that is written and not masked: ids, names, keys, roles.

    Pseudonyms and what this program itself says are left out.
    """
    for name, value in row.items():
        if isinstance(value, str) and name not in {"response", "error", *_NOT_TEXT}:
            yield name, value
    for message in row["messages"] or ():
        if message["role"] is not None:
            yield "messages", message["role"]
    for attribute in row["attributes"] or ():
        if attribute["key"] is not None:
            yield "attributes", attribute["key"]
