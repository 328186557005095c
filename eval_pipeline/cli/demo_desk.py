"""`eval-pipeline demo desk`: a review desk to try, on the last week of a demo that was run."""

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import Final

from eval_pipeline.cli.run_folder import RunFolder
from eval_pipeline.cli.session import out
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import Project

STORE: Final = "demo-desk.sqlite"
TOKEN_LIFETIME: Final = dt.timedelta(days=1)


@dataclass(frozen=True)
class Guest:
    """Someone to sign in as."""

    name: str
    does: str
    may_adjudicate: bool = False
    may_administer: bool = False


GUESTS: Final = (
    Guest("ana", "labels"),
    Guest("ben", "labels, blind to what Ana said"),
    Guest("cleo", "decides what the two dispute", may_adjudicate=True),
    Guest("dora", "sees the desk as a whole", may_administer=True),
)


def desk_of(run: RunFolder, *, afresh: bool) -> Pipeline:
    """The run's pipeline over a store of its own, where its last week waits for its labels.

    The run itself is left as it is. `afresh` begins again; else what was labelled there stands.
    Raises `ReviewError` if the run has no tasks.
    """
    project = run.session().project
    if afresh:
        for leftover in run.path.glob(f"{STORE}*"):
            leftover.unlink()
    pipeline = Pipeline(_with_store(project, STORE))
    if pipeline.review.weeks():
        return pipeline
    with contextlib.closing(Pipeline(project)) as told:
        weeks = told.review.weeks()
        if not weeks:
            raise ReviewError(
                f"The demo in {run.path} has no review tasks. Run `eval-pipeline demo` to its end."
            )
        tasks = told.review.tasks(weeks[-1])
    pipeline.review.open_tasks(tasks, week=weeks[-1], at=pipeline.clock())
    for guest in GUESTS:
        pipeline.people.add(
            guest.name,
            kind="person",
            may_adjudicate=guest.may_adjudicate,
            may_administer=guest.may_administer,
            by="demo",
            at=pipeline.clock(),
        )
    return pipeline


def tell_guests(pipeline: Pipeline) -> None:
    """A new token for each guest, on the terminal and nowhere else; old ones end."""
    for known in pipeline.sign_in.tokens():
        pipeline.sign_in.revoke_token(known.token_id, by="demo", at=pipeline.clock())
    out.print("Sign in with one of these; each is good for a day:")
    for guest in GUESTS:
        issued = pipeline.sign_in.issue_token(
            guest.name, by="demo", note="demo", lifetime=TOKEN_LIFETIME, at=pipeline.clock()
        )
        out.print(f"  {guest.name:<5} {issued.text}  {guest.does}", soft_wrap=True, markup=False)


def _with_store(project: Project, name: str) -> Project:
    storage = project.settings.storage.model_copy(update={"store": f"sqlite:///{name}"})
    settings = project.settings.model_copy(update={"storage": storage})
    return Project(settings=settings, file=project.file)
