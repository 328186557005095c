"""How the demo's judges read another judge's reasons: by what their own kind is used to write."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

_REASONS: Final = re.compile(r"^<rationale>\n(?P<reasons>.*)\n</rationale>$", re.DOTALL)
_SPEAKS_AGAINST: Final = re.compile(
    r"where the facts say|is not JSON|differ from|does not answer|cannot be|leaves out"
    r"|answers as if|none that the pharmacy"
)
_SPEAKS_FOR: Final = re.compile(
    r"as the facts do|are right|answers the question|declines or asks|agrees with the facts"
)


def reasons_in(messages: Sequence[Mapping[str, str]]) -> str | None:
    """The reasons that a reader is shown without their verdict; None if this is another prompt."""
    for message in messages:
        found = _REASONS.match(message.get("content") or "")
        if found is not None:
            return found["reasons"]
    return None


def supported_json(reasons: str) -> str:
    """Which verdict the reasons support; abstain where they are not of the kind known here."""
    if _SPEAKS_AGAINST.search(reasons):
        return json.dumps({"supports": "fail"})
    return json.dumps({"supports": "pass" if _SPEAKS_FOR.search(reasons) else "abstain"})
