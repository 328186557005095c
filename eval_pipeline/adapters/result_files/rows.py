"""What the readers of other tools' files share: metadata that mean what our columns mean."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from eval_pipeline.adapters.result_files.contract import refuse
from eval_pipeline.fingerprint import fingerprint


def parsed_or_none(data: bytes) -> Any:
    """The JSON document in the bytes, or None."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def parsed(path: Path, data: bytes) -> Any:
    """The JSON document in the bytes; raises `ResultFileError` if there is none."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        refuse(path, "it is not one JSON document", "Check that the run finished writing it.")


def parsed_lines(path: Path, data: bytes) -> list[Any]:
    """The JSON documents in the lines; raises `ResultFileError` with the line that is none."""
    rows = []
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError):
                refuse(path, f"line {number} is not JSON", "Check that the run finished.")
    return rows


def item_properties(*metadata: Any) -> dict[str, Any]:
    """`subsets`, `cluster_id` and `weight` from mappings that bear these keys, the first wins.

    `subsets` is a list of names or one text with commas between them.
    """
    known: dict[str, Any] = {}
    for mapping in metadata:
        if isinstance(mapping, Mapping):
            for key in ("subsets", "cluster_id", "weight"):
                if mapping.get(key) is not None:
                    known.setdefault(key, mapping[key])
    weight = known.get("weight")
    return {
        "subsets": names_of(known.get("subsets")),
        "cluster_id": None if known.get("cluster_id") is None else str(known["cluster_id"]),
        "weight": number_of(weight) if weight is not None else None,
    }


def names_of(value: Any) -> list[str]:
    """The names in a list, or in one text with commas between them; none of anything else."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        return []
    return list(dict.fromkeys(name.strip() for name in map(str, value) if name.strip()))


def number_of(value: Any) -> float | None:
    """A finite number as one, true as 1 and false as 0; null for anything else."""
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of more digits than a float can hold
        return None
    return number if math.isfinite(number) else None


def count_of(value: Any) -> int | None:
    """A count, or null for anything else."""
    number = number_of(value)
    return None if number is None else int(number)


def content_id(*parts: Any) -> str:
    """An item's id by its content, the same in every run that asks the same."""
    return fingerprint(list(parts))


def named_id(metadata: Any) -> str | None:
    """The `item_id` that the author wrote into the metadata, or null."""
    if isinstance(metadata, Mapping) and metadata.get("item_id") is not None:
        return str(metadata["item_id"])
    return None


def refuse_choice(path: Path, what: str, known: Iterable[str], option: str) -> NoReturn:
    """Raises `ResultFileError`: several are there, or not the one that was asked for."""
    told = ", ".join(f"'{name}'" for name in sorted(set(known))[:20]) or "none"
    refuse(path, f"{what}; it knows {told}", f"Choose one with {option}.")
