"""In which order people are given a week's tasks."""

from collections.abc import Mapping

from eval_pipeline.fingerprint import unit_hash


def priorities(worth: Mapping[str, float | None], *, week: str) -> dict[str, float]:
    """Each interaction's place in its week as a number in (0, 1], larger first.

    `worth` is value per minute, null for what is not asked for its value: audit tasks and gold
    checks. Those stand where a hash of their own id puts them among all; the queue fills the other
    places from the most worth down. So nothing about a task shows by its place, and wherever an
    unfinished week ends, audit labels are missing at random.
    """
    by_hash = sorted(worth, key=lambda name: (unit_hash(f"place:{week}", name), name))
    queue = iter(
        sorted(
            (name for name in worth if worth[name] is not None),
            key=lambda name: (-(worth[name] or 0.0), unit_hash(f"place:{week}", name), name),
        )
    )
    served = [name if worth[name] is None else next(queue) for name in by_hash]
    return {name: 1 - place / len(served) for place, name in enumerate(served)}
