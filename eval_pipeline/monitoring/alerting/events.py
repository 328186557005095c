"""An alert's event: what happened to what, how severe it is, and what makes it the same again."""

import json
from dataclasses import asdict, dataclass
from typing import Final, Self

from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import AlertKind, Severity

MAXIMUM_LINES: Final = 12
MAXIMUM_LINE: Final = 300
MAXIMUM_TITLE: Final = 150
MAXIMUM_SUBJECT: Final = 200

LASTING: Final[frozenset[AlertKind]] = frozenset(
    {
        "drift_alarm",
        "monitor_alert",
        "outcome_no_longer_tracks",
        "gate_audit_failed",
        "review_deadline",
        "review_backlog",
        "run_failed",
        "check_failed",
        "spending_limit",
    }
)
"""Kinds that go on until something ends them; the others happen once and are over."""

RUN_KINDS: Final[frozenset[AlertKind]] = frozenset({"run_failed", "check_failed", "spending_limit"})
"""Kinds that a run of a job makes; a later run of it that succeeds ends them."""


@dataclass(frozen=True)
class AlertEvent:
    """One thing to tell: names, counts and verdicts, never a text from the logs.

    `subject` names what it is about and `since` when it began; with the kind they are its identity:
    the same three are the same event, whatever its lines say today. `table` and `partition` name
    where it stands, `run_id` the run that made it.
    """

    kind: AlertKind
    severity: Severity
    subject: str
    title: str
    lines: tuple[str, ...] = ()
    since: str = ""
    next_step: str = ""
    table: str | None = None
    partition: str | None = None
    run_id: str | None = None

    def __post_init__(self) -> None:
        """Makes every text one line of bounded length, and the lines few."""
        lines = [one_line(line, at_most=MAXIMUM_LINE) for line in self.lines]
        if len(lines) > MAXIMUM_LINES:
            rest = len(lines) - MAXIMUM_LINES + 1
            lines = [*lines[: MAXIMUM_LINES - 1], f"and {rest} more"]
        for name, kept in (
            ("subject", _name(self.subject)),
            ("title", one_line(self.title, at_most=MAXIMUM_TITLE)),
            ("next_step", one_line(self.next_step, at_most=MAXIMUM_LINE)),
            ("lines", tuple(lines)),
        ):
            object.__setattr__(self, name, kept)

    @property
    def identity(self) -> str:
        """The key by which it is told once."""
        return fingerprint([self.kind, self.subject, self.since])

    @property
    def lasting(self) -> bool:
        """Whether it goes on until something ends it."""
        return self.kind in LASTING

    @property
    def anchor(self) -> str:
        """The heading of the runbook that says what to do."""
        return self.kind.replace("_", "-")

    def to_json(self) -> str:
        """The event as the store keeps it, to be sent again where a channel did not answer."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The event that was kept."""
        found = json.loads(text)
        return cls(**{**found, "lines": tuple(found["lines"])})


def one_line(text: str, *, at_most: int) -> str:
    """The text without control characters and line breaks, cut where it is too long."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(printable.split())
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"


def _name(subject: str) -> str:
    """The subject, or where it is too long for the store its beginning with its fingerprint."""
    if len(subject) <= MAXIMUM_SUBJECT:
        return subject
    return f"{subject[: MAXIMUM_SUBJECT - 33]}:{fingerprint(subject)}"
