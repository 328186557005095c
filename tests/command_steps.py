"""What people and daemons do, as steps that a forked process of `tests.command_server` takes."""

from eval_pipeline.cli.session import Session
from eval_pipeline.cli.story import DESK
from eval_pipeline.flows.withdrawals import withdraw_item


def review(week: str) -> None:
    """Scripted reviewers label the week's queue and adjudicate what they dispute."""
    session = Session(None)
    DESK.work(session.pipeline, week=week)
    session.pipeline.close()


def tick(sensor: str) -> None:
    """One evaluation of a sensor, with the runs it asks for."""
    session = Session(None)
    session.launcher.tick(sensor)
    session.pipeline.close()


def record(candidate: str) -> None:
    """The job that brings people's decisions about a candidate into the lake."""
    _launch("record", candidate)


def report(week: str) -> None:
    """The week's page."""
    _launch("report", week)


def withdraw() -> None:
    """A person takes the first golden item out of the set."""
    session = Session(None)
    pipeline = session.pipeline
    item = pipeline.golden.items(pipeline.golden.latest() or 0)["item_id"][0]
    withdraw_item(pipeline, item, by="ada", reason="it names a person")
    pipeline.close()


def _launch(job: str, partition: str) -> None:
    session = Session(None)
    session.launcher.launch(job, partition=partition)
    session.pipeline.close()
