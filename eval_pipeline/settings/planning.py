"""What the gate assumes when it plans; how versions, A/A runs and continuations count."""

import math
from typing import Literal

from pydantic import Field

from eval_pipeline.settings.section import PositiveShare, Section, Share


class PlanningSettings(Section):
    """What `eval-pipeline plan` and the preflight assume where nothing was measured."""

    discordance: PositiveShare = Field(
        0.10,
        description="Share of items on which two equal systems differ, until an A/A run says so.",
    )
    horizon_weeks: int = Field(
        12, ge=0, description="Weeks of reserve that a subset may wait for before it is infeasible."
    )
    deploys_per_year: int = Field(
        50, ge=1, description="Candidates a year, for the expected number of false blocks."
    )
    refuse_infeasible: bool = Field(
        False,  # noqa: FBT003 - pydantic's default
        description="Ask nothing for a candidate while a gated subset is infeasible.",
    )


class LedgerSettings(Section):
    """How often one golden version may decide."""

    maximum_exposures: int = Field(
        20,
        ge=1,
        description="Candidates decided on one golden version before the gate advises a new one.",
    )


class ContinuationSettings(Section):
    """What happens to an undecided candidate after the last planned look."""

    share: Share = Field(
        0.0,
        lt=1,
        description="Share of alpha kept for e-processes over the reserve of later weeks; "
        "0: the planned looks have it all, and nothing is continued.",
    )
    weekly_items: int = Field(
        400, ge=1, description="Reserve items a week that each undecided subset may ask."
    )


class AASettings(Section):
    """The baseline against itself: how much is asked, and what too many blocks do to the gate."""

    maximum_items: int = Field(200, ge=1, description="Golden items a week, asked in both arms.")
    top_up: bool = Field(
        False,  # noqa: FBT003 - pydantic's default
        description="Ask the reserve at later looks as for a candidate; else golden items alone.",
    )
    weeks: int = Field(26, ge=1, description="Newest runs that the false-block rate rests on.")
    when_exceeded: Literal["note", "inconclusive"] = Field(
        "note", description="What a proven excess of false blocks does to a decision."
    )


def least_items(*, margin: float, alpha: float) -> int:
    """With fewer items not even zero losses prove a loss smaller than `margin`.

    The exact bound of a binomial share with no event: n >= ln alpha / ln(1 - margin).
    """
    return math.ceil(math.log(alpha) / math.log(1 - margin) - 1e-9)
