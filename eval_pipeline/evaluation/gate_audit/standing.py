"""How recent the gate's audit is, when a decision is made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AuditStanding:
    """The newest audit's week and its age, in the logs' own time; null where there is none."""

    week: str | None
    age_days: int | None
