"""Families of models: a judge should not be of the family that it judges."""

from collections.abc import Mapping

from eval_pipeline.settings.judging import JudgeSettings
from eval_pipeline.settings.models import SystemSettings


def judges_of_family(judges: Mapping[str, JudgeSettings], family: str | None) -> tuple[str, ...]:
    """The judges of this family, however it is spelt in upper and lower case; none of no family."""
    if family is None:
        return ()
    return tuple(
        name for name, judge in judges.items() if judge.family.casefold() == family.casefold()
    )


def family_sentences(
    judges: Mapping[str, JudgeSettings], systems: Mapping[str, SystemSettings]
) -> list[str]:
    """What people must know of judges that share a family with what they judge."""
    return [
        f"Judge '{judge}' is of the family '{system.family}' of system '{name}' that it judges: "
        "it may favour its own kind."
        for name, system in systems.items()
        for judge in judges_of_family(judges, system.family)
    ]


def undeclared_families(systems: Mapping[str, SystemSettings]) -> list[str]:
    """The systems whose family nobody declared: whether a judge shares it is not known.

    A naive system is of no family.
    """
    return [
        name for name, system in systems.items() if system.family is None and system.naive is None
    ]
