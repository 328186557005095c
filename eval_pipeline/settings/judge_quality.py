"""What the product owner's policy asks of the judges behind the scores."""

from typing import Final, Literal

from pydantic import Field

from eval_pipeline.settings.section import Section, Share

JudgeLimit = Literal[
    "minimum_share_of_ceiling",
    "maximum_retest_flips",
    "maximum_position_excess",
    "maximum_position_bias",
    "maximum_verbosity_effect",
    "maximum_self_preference",
    "maximum_calibration_error",
    "maximum_error_correlation",
]

MEASURED_BY: Final[dict[JudgeLimit, str]] = {
    "minimum_share_of_ceiling": "share_of_ceiling",
    "maximum_retest_flips": "retest_flips",
    "maximum_position_excess": "position_excess",
    "maximum_position_bias": "position_bias",
    "maximum_verbosity_effect": "verbosity",
    "maximum_self_preference": "self_preference",
    "maximum_calibration_error": "ece_debiased",
    "maximum_error_correlation": "error_correlation",
}
"""The measure of `judge_quality` that each limit is held against."""


class JudgeQualitySettings(Section):
    """Limits for the judges behind the scores; null asks nothing.

    A limit that is set and was not measured counts as not kept.
    """

    minimum_share_of_ceiling: float | None = Field(
        None,
        gt=0,
        le=1.5,
        description="Lower bound of a judge's alpha with people over people's alpha with each "
        "other; 0.9 is usual. Below, or not shown: not kept.",
    )
    maximum_retest_flips: Share | None = Field(
        None, description="Other verdicts on the very same words."
    )
    maximum_position_excess: Share | None = Field(
        None, description="Flips under a swap beyond those on a rerun."
    )
    maximum_position_bias: Share | None = Field(
        None, description="How much more than half whatever stands first wins."
    )
    maximum_verbosity_effect: Share | None = Field(
        None, description="Of one standard deviation of length on a judge's error."
    )
    maximum_self_preference: Share | None = Field(
        None, description="How much a judge's error favours its own family."
    )
    maximum_calibration_error: Share | None = Field(
        None,
        description="Debiased error of what the panel's votes, or a lone judge's grades, promise; "
        "it takes 300 labels.",
    )
    maximum_error_correlation: Share | None = Field(
        None, description="Of two judges: above it the second adds little."
    )
    noted_only: tuple[JudgeLimit, ...] = Field(
        ("maximum_error_correlation",),
        description="Limits whose breach the decision tells and that stop nothing; any other makes "
        "it invalid.",
    )
    undecided: Literal["note", "invalid"] = Field(
        "note",
        description="What a `maximum_` limit does where the interval reaches over it, so that more "
        "items would tell.",
    )
    by_rubric: bool = Field(
        default=False,
        description="Agreement and calibration are held to their limits under each rubric, not "
        "under all together.",
    )
    anchor_alarm: Literal["suspend", "note", "off"] = Field(
        "suspend",
        description="What an alarm on a judge's accuracy on anchors does to decisions that rest on "
        "it: a judge that changed under its name decides nothing until it is calibrated again.",
    )

    def limits(self) -> dict[JudgeLimit, float]:
        """The limits that are set, by name."""
        asked = {name: getattr(self, name) for name in MEASURED_BY}
        return {name: limit for name, limit in asked.items() if limit is not None}
