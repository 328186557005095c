"""Which text of a GOLDEN_SET row may be held up as a good answer."""

from collections.abc import Mapping
from typing import Any


def good_reference(row: Mapping[str, Any]) -> str | None:
    """The reference response, or the logged one if it passed; never a failed response."""
    reference: str | None = row["reference_response"]
    logged: str | None = row["logged_response"]
    if row["reference_label"] == "pass":
        return reference if reference is not None else logged
    return None if reference == logged else reference
