"""`eval-pipeline review`: who is at the desk, the queue and the answers, and how far they are."""

import typer

from eval_pipeline.cli import (
    desk_commands,
    people_commands,
    review_audit,
    review_files,
    review_status,
)

group = typer.Typer(help="What people are asked, and what they answered.", no_args_is_help=True)
for commands in (desk_commands, people_commands, review_files, review_audit, review_status):
    commands.register(group)
