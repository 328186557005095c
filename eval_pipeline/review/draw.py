"""An unequal-probability draw of fixed size whose inclusion probabilities are known exactly.

Randomness is derived: the same keys, chances and salt draw the same keys on every machine.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from eval_pipeline.fingerprint import unit_hash

CERTAIN: Final = 1 - 1e-12


def inclusion_probabilities(
    values: Sequence[float], *, places: int, kept: Sequence[float]
) -> list[float]:
    """The chance pi_i of each of N units to get one of n `places`; they sum to min(n, N).

    With the uniform chance u = n/N,

        pi_i = kept_i u + min(1 - kept_i u, c v_i),    c such that the sum of pi is n:

    a uniform part of which nobody loses more than 1 - `kept_i` (within 0 to 1), and the rest in
    proportion to `values`, all positive, with what would exceed 1 given to the others (a defensive
    mixture, Hesterberg 1995). With `kept_i` of 1/2 no weight 1/pi_i is more than twice N/n.
    """
    if places >= len(values):
        return [1.0] * len(values)
    if places <= 0:
        return [0.0] * len(values)
    uniform = places / len(values)
    floors = [uniform * share for share in kept]
    left = max(0.0, places - math.fsum(floors))
    shares = _shared_out(left, values, rooms=[1 - floor for floor in floors])
    return [floor + share for floor, share in zip(floors, shares, strict=True)]


def _shared_out(total: float, values: Sequence[float], *, rooms: Sequence[float]) -> list[float]:
    """`total` in proportion to `values`, never more than each one's room."""
    shares = list(rooms)
    order = sorted(range(len(values)), key=lambda unit: rooms[unit] / values[unit])
    weight = math.fsum(values)
    for position, unit in enumerate(order):
        if total * values[unit] < rooms[unit] * weight:
            # From here on all have room: the order is that in which they would run out of it.
            for other in order[position:]:
                shares[other] = total * values[other] / weight
            break
        total = max(0.0, total - rooms[unit])
        weight = math.fsum(values[other] for other in order[position + 1 :])
    return shares


def systematic_draw(chances: Mapping[str, float], *, salt: str) -> list[str]:
    """The keys drawn, in hash order: each with exactly its chance, as many as the chances sum to.

    Systematic sampling with unequal probabilities (Madow 1949): the chances are laid end to end in
    the order of a hash, and whoever holds one of the points s, s + 1, s + 2, ... is drawn; the
    start s in (0, 1) is a hash too. The order is as good as random, so that the draw is not
    clustered by anything known about the keys.
    """
    certain = [key for key, chance in chances.items() if chance >= CERTAIN]
    others = [key for key, chance in chances.items() if 0 < chance < CERTAIN]
    start = unit_hash(f"{salt}:start", "")
    drawn, end, before = [], 0.0, -1
    for key in sorted(others, key=lambda key: (unit_hash(salt, key), key)):
        end += chances[key]
        points = math.floor(end - start)
        if points > before:
            drawn.append(key)
        before = points
    return sorted([*certain, *drawn], key=lambda key: (unit_hash(salt, key), key))
