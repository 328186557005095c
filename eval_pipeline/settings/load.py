"""How a load profile asks, and what it may cost."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section


class LoadSettings(Section):
    """The steps of a load profile; every request is one attempt, and is paid for."""

    ramp: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        (1, 2, 4, 8, 16, 32), description="Requests at once, step by step, in a closed loop."
    )
    rates: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (),
        description="Arrivals a second, step by step, in an open loop; none: they are searched for "
        "around the limit.",
    )
    requests_per_step: int = Field(
        100,
        ge=20,
        description="A step ends after so many, or after `seconds_per_step`; a 99th percentile has "
        "an upper bound from 368 on, a 95th from 72.",
    )
    seconds_per_step: float = Field(30, gt=0, description="A step ends then, however few it asked.")
    least_seconds_per_rate: float = Field(
        0.5,
        ge=0,
        description="A step at a high rate lasts so long, even if that takes more requests.",
    )
    rate_steps: int = Field(10, ge=3, description="Steps of the search for the limit, at most.")
    highest_rate: float | None = Field(
        None,
        gt=0,
        description="The search offers no more a second; none: four times the ramp's best "
        "throughput.",
    )
    degradation_ratio: float = Field(
        2.0, gt=1, description="A system degrades where p95 exceeds so many times the first step's."
    )
    maximum_in_flight: int = Field(
        256, ge=1, le=4096, description="With so many unanswered at a rate, the step ends."
    )
    maximum_requests: int = Field(3000, ge=20, description="Of one profile, over all its steps.")
    maximum_usd: float = Field(
        5.0, gt=0, description="Of one profile; the next request that might pass it is not sent."
    )

    @model_validator(mode="after")
    def _steps_grow(self) -> Self:
        for name, steps in (("ramp", self.ramp), ("rates", self.rates)):
            if list(steps) != sorted(set(steps)):
                raise ValueError(f"`{name}` must grow")
        if not self.ramp and not self.rates:
            raise ValueError("a profile needs a `ramp` or `rates`")
        return self
