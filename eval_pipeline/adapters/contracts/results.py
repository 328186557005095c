"""What became of a data contract, in sentences of counts and shares."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from eval_pipeline.inert_text import markdown_list


@dataclass(frozen=True)
class ContractResult:
    """What became of a contract: a sentence per broken promise, in the promises' order.

    `failures` break the contract; `warnings` are broken promises that stop nothing. `shortfalls`
    are what the policy wants and the data could not give. `particulars` help to mend and may name
    strata: they are for the report, not for errors or pages. `validation` is the library's own
    result as JSON, counts and shares only, of which the page is made.
    """

    contract: str
    failures: tuple[str, ...]
    shortfalls: tuple[str, ...]
    evaluated: int
    warnings: tuple[str, ...] = ()
    particulars: tuple[str, ...] = ()
    validation: str = field(default="", repr=False)

    @property
    def passed(self) -> bool:
        """Whether every promise holds that must."""
        return not self.failures

    def as_markdown(self) -> str:
        """The result as a person reads it in the orchestrator's UI."""
        broken = len(self.failures) + len(self.warnings)
        if broken:
            lines = [f"**{self.contract}**: {broken} of {self.evaluated} expectations fail."]
        else:
            lines = [f"**{self.contract}**: all {self.evaluated} expectations hold."]
        parts = {
            "These break the contract:": self.failures,
            "Warnings, which stop nothing:": self.warnings,
            "Wanted, and not met yet:": self.shortfalls,
            "In particular:": self.particulars,
        }
        for heading, sentences in parts.items():
            lines += _part(heading, sentences)
        return "\n".join(lines)


def _part(heading: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    return ["", heading, "", markdown_list(sentences)]
