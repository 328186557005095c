"""Input close to the limit: the question at the start, in the middle or at the end of much else."""

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, product
from typing import Final

from eval_pipeline.truth.mutations.conversation import Conversation, Mutated
from eval_pipeline.truth.mutations.draws import Draws
from eval_pipeline.truth.mutations.written_templates import read_data

PLACES: Final = ("start", "middle", "end")
EXTENTS: Final = ("below_limit", "above_half")
SLACK: Final = 32
"""At most so many characters from the limit, or from its half."""
LEAST_FILLER: Final = 120
_BREAK: Final = "\n\n"
_QUOTE_DEPTH: Final = 4


def mutate(conversation: Conversation, draws: Draws, *, limit: int) -> Mutated | None:
    """All messages together as long as drawn; None where the conversation leaves no room."""
    filler, place, extent = draws.choice(list(product(_FILLERS, PLACES, EXTENTS)))
    slack = 1 + draws.below(SLACK)
    length = limit - slack if extent == "below_limit" else limit // 2 + slack
    wanted = length - conversation.characters - 2 * len(_BREAK)
    if wanted < LEAST_FILLER:
        return None
    lines = _FILLERS[filler](draws.rotated(read_data("near_limit_length")[filler]))
    text = _exactly(lines, wanted)
    before = {"start": 0, "middle": wanted // 2, "end": wanted}[place]
    # A part that is empty still has its break, so that every place has the same length.
    question = f"{text[:before]}{_BREAK}{conversation.question}{_BREAK}{text[before:]}"
    return Mutated(f"{filler}_{place}_{extent}", conversation.asking(question))


def _exactly(units: Sequence[str], length: int) -> str:
    """The units over and over, cut off where the length is reached, as pasted text is."""
    parts: list[str] = []
    reached = 0
    for unit in cycle(units):
        parts.append(unit)
        reached += len(unit)
        if reached >= length:
            break
    return "".join(parts)[:length]


def _pasted(units: Sequence[str]) -> list[str]:
    return [f"{unit} " for unit in units]


def _quoted(units: Sequence[str]) -> list[str]:
    """A mail thread, quoted deeper from answer to answer."""
    return [f"{'> ' * (1 + number % _QUOTE_DEPTH)}{unit}\n" for number, unit in enumerate(units)]


def _listed(units: Sequence[str]) -> list[str]:
    return [f"- {unit}\n" for unit in units]


_FILLERS: Final[Mapping[str, Callable[[Sequence[str]], list[str]]]] = {
    "pasted_text": _pasted,
    "quoted_mail": _quoted,
    "long_list": _listed,
}
