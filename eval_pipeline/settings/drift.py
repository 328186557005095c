"""Drift: what is asked again every week, and when its change is more than noise."""

from pydantic import Field

from eval_pipeline.settings.section import Name, Section, Share


class DriftSettings(Section):
    """Which old versions are re-run each week, on which systems, and when that is drift."""

    systems: tuple[Name, ...] = Field((), description="Pinned systems; empty: the baseline.")
    versions: int = Field(3, ge=1, description="How many of the newest versions are re-run.")
    maximum_items: int = Field(200, ge=1, description="Items a week, over the union of versions.")
    confidence: float = Field(
        0.99, gt=0.5, lt=1, description="Of the intervals that must exclude zero to name drift."
    )
    minimum_difference: Share = Field(0.02, description="Smaller differences are never drift.")
    reference_runs: int = Field(
        10, ge=1, description="Runs of a pinned system that its noise is read from; 1 is no basis."
    )
    reference_items: int = Field(
        200, ge=1, description="Items of a week that are given reference runs, at most."
    )
    reference_days: int = Field(
        3, ge=1, description="Reference runs on fewer days are told to be too close together."
    )
    cusum_threshold: float = Field(
        4.0, gt=0, description="In noise floors: the headline's sum beyond its slack that alarms."
    )
    average_run_length: float = Field(
        1000.0, gt=1, description="Weeks between false alarms of all subsets together, at least."
    )
    guard_weeks: int = Field(
        4, ge=0, description="A judge's alarm so near to an alarm of the re-run explains it."
    )
