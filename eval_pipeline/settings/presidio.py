"""Recognisers of Microsoft Presidio that an operator has, beside our own."""

from pydantic import Field

from eval_pipeline.settings.section import Section, Share


class PresidioSettings(Section):
    """Whose finds are masked too; needs the extra `presidio`."""

    factory: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="`package.module:function`; called without arguments, the function returns a "
        "Presidio AnalyzerEngine or a list of recognisers.",
    )
    entities: tuple[str, ...] = Field(
        (), description="Presidio's names of what to look for, such as PERSON; empty for all."
    )
    language: str = Field("en", min_length=2, description="The language that Presidio is told.")
    threshold: Share = Field(0.5, description="Finds with a lower score are left out.")
