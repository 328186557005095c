"""Who is who: people's ids or addresses in another tool, and their ids at the desk."""

from collections.abc import Collection, Mapping
from typing import Any

from eval_pipeline.errors import ReviewError

UNKNOWN = "nobody that the desk knows; name them in the file of --annotators"


class People:
    """Finds an annotator by what another tool calls them: by the given names, else by equality.

    Addresses and ids are compared without regard to case. Raises `ReviewError` if two entries say
    different things of one name, or one names somebody who is not at the desk.
    """

    def __init__(self, known: Collection[str], named: Mapping[str, str] | None = None) -> None:
        self._by_name = {person.casefold(): person for person in sorted(known)}
        self._by_name |= {person: person for person in known}
        absent = sum(person not in known for person in (named or {}).values())
        if absent:
            raise ReviewError(
                f"--annotators: {absent} of {len(named or {})} entries name somebody who is not "
                "at the desk. Nothing was imported. Add them by "
                "`eval-pipeline review add-reviewer`, or correct the file."
            )
        self._by_name |= {name.strip().casefold(): person for name, person in (named or {}).items()}

    def find(self, *names: object) -> str | None:
        """The first name that is known; numbers count as their digits."""
        for name in names:
            if isinstance(name, bool) or not isinstance(name, str | int):
                continue
            text = str(name).strip()
            person = self._by_name.get(text) or self._by_name.get(text.casefold())
            if person is not None:
                return person
        return None


def named_people(value: Any) -> dict[str, str]:
    """Their id or address -> our id, from a parsed file; raises `ReviewError` if it is no such."""
    problem = "is not a mapping of their ids or addresses to annotators' ids"
    if not isinstance(value, dict):
        raise ReviewError(f"--annotators: the file {problem}. Nothing was imported.")
    named: dict[str, str] = {}
    for theirs, ours in value.items():
        if isinstance(theirs, bool) or not isinstance(theirs, str | int) or not _is_id(ours):
            raise ReviewError(
                f"--annotators: entry {len(named) + 1} of the file {problem}. Nothing was imported."
            )
        if named.setdefault(str(theirs).strip().casefold(), str(ours)) != str(ours):
            raise ReviewError(
                f"--annotators: entry {len(named) + 1} of the file names a person a second time, "
                "as somebody else. Nothing was imported."
            )
    return named


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value))
