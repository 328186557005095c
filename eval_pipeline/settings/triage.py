"""What is asked again after a decision, and what counts as systematic."""

from typing import Literal

from pydantic import Field

from eval_pipeline.settings.section import PositiveShare, Section, Share

Attribute = Literal["subset", "route", "kind", "source"]


class TriageSettings(Section):
    """Which of a candidate's losses are real: asked again, looked for in slices, over candidates.

    Nothing of it changes a verdict.
    """

    repeats: int = Field(3, ge=1, le=20, description="How often a lost item is asked again.")
    maximum_items: int = Field(
        20, ge=0, description="Lost items asked again on both systems; 0 asks nothing."
    )
    flaky_share: Share = Field(
        0.2,
        description="An item whose score changes on more of its reruns is flaky: it is left out of "
        "what is told, and stays in every estimate.",
    )
    least_runs: int = Field(5, ge=2, description="With fewer runs no item is called flaky.")
    attributes: tuple[Attribute, ...] = Field(
        ("subset", "route", "kind"),
        description="Slices are looked for along these alone, so that chance finds none.",
    )
    maximum_slices: int = Field(
        40, ge=1, le=40, description="The largest slices; smaller ones are not tested."
    )
    least_clusters: int = Field(
        5, ge=2, description="Conversations that differ, without which a slice is not tested."
    )
    slices_by: Literal["max_t", "by"] = Field(
        "max_t",
        description="max_t: one false slice in a twentieth of candidates at most; by: a tenth of "
        "all slices named may be false.",
    )
    permutations: int = Field(2000, ge=200, description="Of the signs, to know what chance gives.")
    error_rate: PositiveShare = Field(
        0.05, description="Of slices named by max_t, of confirmations, and of `systematic`."
    )
