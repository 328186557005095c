"""A string in every golden version that has no reason to stand anywhere else.

Whoever finds it in a prompt, a fine-tuning file or a crawled corpus has found the golden set
there: Srivastava et al. 2023, "Beyond the Imitation Game", arXiv:2206.04615, section 2.
"""

import re
import uuid
from typing import Final

CANARY_PREFIX: Final = "eval-pipeline golden canary"
CANARY_PATTERN: Final = re.compile(
    rf"{CANARY_PREFIX} [0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}"
)
"""Matches the canary of any version, in lower case."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, CANARY_PREFIX)


def canary_of(parent_manifest_hash: str | None, *, week: str) -> str:
    """The canary of the version built on this parent for this week; None: the first version."""
    name = f"{parent_manifest_hash or 'first'}|{week}"
    return f"{CANARY_PREFIX} {uuid.uuid5(_NAMESPACE, name)}"


def canaries_in(text: str) -> list[str]:
    """The canaries that stand in the text, in whatever case, each once and in its own form."""
    lowered = text.lower()
    return list(dict.fromkeys(CANARY_PATTERN.findall(lowered))) if CANARY_PREFIX in lowered else []


def mentions_canary(text: str) -> bool:
    """Whether a masked text holds a canary: masking takes the number and leaves the words."""
    return CANARY_PREFIX in text.lower()
