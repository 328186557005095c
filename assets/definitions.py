"""The code location: every asset, job, schedule and sensor, over one configured project."""

import dagster as dg

from assets import (
    aa,
    adversarial,
    candidate_audit,
    clusters,
    contamination,
    continuation,
    drift,
    evaluation,
    gate,
    intake,
    judge_checks,
    judge_quality,
    judging,
    ledger,
    monitoring,
    privacy,
    review,
    triage,
    truth,
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
                gate,
                ledger,
                triage,
            ],
            include_specs=True,  # what lies outside: the logs and the desk
        ),
        jobs=list(ALL_JOBS),
        schedules=weekly_schedules(project.settings.automation),
        sensors=all_sensors(project.settings.automation),
        resources={"pipeline": pipeline or Pipeline(project)},
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_project())
