"""The Dagster glue: assets, checks, jobs, schedules and sensors over `eval_pipeline`."""
