"""The code location: every asset, job, schedule and sensor, over one configured project."""

import dagster as dg

from assets import (
    aa,
    adversarial,
    candidate_audit,
    clusters,
    confidence,
    contamination,
    continuation,
    drift,
    evaluation,
    gate,
    gate_audit,
    intake,
    judge_checks,
    judge_quality,
    judging,
    ledger,
    load,
    monitoring,
    outcome_tracking,
    privacy,
    review,
    shadow,
    triage,
    truth,
    weekly,
)
from assets.automation import all_sensors, weekly_schedules
from assets.jobs import ALL_JOBS
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import Project, load_project


def build_definitions(project: Project, *, pipeline: Pipeline | None = None) -> dg.Definitions:
    """All definitions over `project`; its adapters are opened on first use, not here."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules(
            [
                intake,
                privacy,
                clusters,
                confidence,
                judging,
                review,
                adversarial,
                truth,
                judge_checks,
                judge_quality,
                contamination,
                evaluation,
                drift,
                aa,
                continuation,
                candidate_audit,
                monitoring,
                outcome_tracking,
                gate_audit,
                gate,
                ledger,
                triage,
                weekly,
                shadow,
                load,
            ],
            include_specs=True,  # what lies outside: the logs and the desk
        ),
        asset_checks=dg.load_asset_checks_from_modules([monitoring]),
        jobs=list(ALL_JOBS),
        schedules=weekly_schedules(project.settings.automation),
        sensors=all_sensors(project.settings.automation),
        resources={"pipeline": pipeline or Pipeline(project)},
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_project())
