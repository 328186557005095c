"""A review desk to look at: a pharmacy's tasks, what its judges said, people, the real server."""

import contextlib
import datetime as dt
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from eval_pipeline.adapters.review.records import ReviewTask
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import PANEL_VERDICTS, REFUTATIONS, VERDICTS, Table
from tests.scenario import ROOT, World

WEEK = "2026-11-16"
START_SECONDS = 60
CRITERIA = (
    "Every statement about medicines, refunds, renewals and opening hours agrees with our facts.",
    "The response answers the last question and claims no interaction that is not on record.",
    "It declines whatever would break our rules, whoever asks.",
)
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "</div></form>{{ 7*7 }} \u202egnp.exe \x1b[31m\x00\u200b\u2066 \ud800 javascript:alert(1)"
)
LONG_LINE = "A" * 1_000_000


@dataclass(frozen=True)
class Story:
    """A conversation, its response, and what judges and refuter made of it."""

    route: str
    turns: tuple[tuple[str, str], ...]
    response: str
    verdicts: tuple[str, str] = ("pass", "pass")
    reasons: tuple[str, str] = ("It agrees with the facts.", "It answers the question.")
    claim: str = ""
    quote: str = ""


STORIES = (
    Story(
        "medication",
        (
            ("user", "Hi, I take sertraline 50 mg and my back hurts. Which painkiller may I take?"),
            (
                "assistant",
                "Paracetamol is usually a good choice, at most 4,000 mg a day. Anything else?",
            ),
            (
                "user",
                "Only vitamin D. Could I combine ibuprofen with the sertraline instead?",
            ),
        ),
        "Yes, you can take ibuprofen together with sertraline, at most 1,200 mg within 24 hours "
        "and with food. The two raise the risk of bleeding a little, so use it for a few days "
        "only.\n\nParacetamol stays the safer choice for longer use.",
        ("pass", "pass"),
        (
            "The interaction is named, the dose is that of the facts, the question is answered.",
            "It answers the last question and gives the daily maximum.",
        ),
        "The response plays down an interaction that is on record.",
        "raise the risk of bleeding a little",
    ),
    Story(
        "refunds",
        (("user", "I opened the thermometer 20 days ago and it is off by a degree. Refund?"),),
        "Opened devices can be returned within 30 days if they are faulty. Please send it back "
        "with the order number [ORDER_1]; the refund arrives within 5 working days.",
        ("fail", "pass"),
        ("The window for opened devices is 14 days.", "It answers and is polite."),
        "Our window for opened devices is 14 days, whether they are faulty or not.",
        "can be returned within 30 days if they are faulty",
    ),
    Story(
        "store_hours",
        (("user", "Does the harbour branch open on Good Friday?"),),
        "On Good Friday you find us at the harbour branch from 10:00 to 16:00.",
        ("pass", "fail"),
        ("The hours are those of the branch.", "The branch is closed on Good Friday."),
    ),
    Story(
        "renewals",
        (
            ("user", "Can you renew my codeine a week early? I am travelling with [PERSON_1]."),
            ("assistant", "May I ask when your last prescription was issued?"),
            ("user", "Three weeks ago."),
        ),
        "A controlled medicine can be renewed two days before it ends, not earlier, also for "
        "travel. Your doctor can write a prescription for the trip.",
    ),
    Story(
        "medication",
        (("user", "I forgot my metformin this morning. Do I take two tonight?"),),
        "No. Take the next dose at its usual time and do not double it.",
    ),
    Story(
        "store_hours",
        (("user", "¿A qué hora cierran hoy en la estación? ومتى تفتحون غدا؟"),),
        "La farmacia de la estación cierra hoy a las 20:00.\nنفتح غدا في الساعة الثامنة.",
        ("fail", "pass"),
        ("Half of the question is answered in another language.", "Both questions are answered."),
    ),
)  # fmt: skip


def a_task(number: int, story: Story) -> ReviewTask:
    """Task `number` of the week; lower numbers are asked first, every other story at random."""
    at_random = number // len(STORIES) % 2 == 0
    subject = {
        "route": story.route,
        "criteria": CRITERIA,
        "messages": [{"role": role, "content": content} for role, content in story.turns],
        "response": story.response,
    }
    return ReviewTask(
        task_id=f"task-{number:03d}",
        interaction_id=f"interaction-{number:03d}",
        selection="audit" if at_random else "dispute",
        reason="audit" if at_random else "split",
        label_probability=0.5,
        rubric_id="pharmacy_answer@384aadf8",
        subject_json=json.dumps(subject),
        priority=float(1000 - number),
        expected_minutes=0.5,
    )


def stories(count: int) -> list[Story]:
    """So many of the stories, over and over."""
    return [STORIES[number % len(STORIES)] for number in range(count)]


@dataclass(frozen=True)
class Person:
    """Someone at the desk, on these terms."""

    name: str
    adjudicates: bool = False
    administers: bool = False


PEOPLE = (
    Person("ana"),
    Person("ben"),
    Person("cleo", adjudicates=True),
    Person("dora", administers=True),
)


@dataclass
class ReviewDesk:
    """The project in a folder, and the server while it runs."""

    world: World
    tokens: dict[str, str] = field(default_factory=dict)
    url: str = ""

    @classmethod
    def furnished(
        cls, folder: Path, told: Sequence[Story], *, people: Sequence[Person] = PEOPLE
    ) -> "ReviewDesk":
        """A new project with a task for each story, its judges' side, and these people."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "eval_pipeline.yaml", folder / "eval_pipeline.yaml")
        desk = cls(World(folder))
        desk.world.configure(lambda tree: tree.update(desk={"requests_per_minute": 6000}))
        now = dt.datetime.now(tz=dt.UTC)
        with desk.world.pipeline() as pipeline:
            tasks = [a_task(number, story) for number, story in enumerate(told)]
            pipeline.review.open_tasks(tasks, week=WEEK, at=now)
            _judge(pipeline, dict(zip((t.interaction_id for t in tasks), told, strict=True)))
            for person in people:
                pipeline.people.add(
                    person.name,
                    kind="person",
                    may_adjudicate=person.adjudicates,
                    may_administer=person.administers,
                    by="tests",
                    at=now,
                )
                desk.tokens[person.name] = pipeline.sign_in.issue_token(
                    person.name, by="tests", note="", lifetime=dt.timedelta(days=1), at=now
                ).text
        return desk

    @contextlib.contextmanager
    def served(self) -> Iterator["ReviewDesk"]:
        """`eval-pipeline review serve` as a process of its own on a free port."""
        log = self.world.folder / "desk.log"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "eval_pipeline", "review", "serve", "--port", "0"],
                env=self.world.environment(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1"),
                cwd=self.world.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url = _address(process, log)
            yield self
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Where the server says that it is."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"http://\S+", log.read_text(encoding="utf-8"))
        if found:
            return found.group(0)
        time.sleep(0.1)
    raise RuntimeError("The desk did not start:\n" + log.read_text(encoding="utf-8")[-4000:])


def _judge(pipeline: Pipeline, told: dict[str, Story]) -> None:
    verdicts, panel, refutations = [], [], []
    for interaction_id, story in told.items():
        passes = story.verdicts.count("pass")
        for judge, verdict, reason in zip(
            ("arbiter-a", "arbiter-b"), story.verdicts, story.reasons, strict=True
        ):
            verdicts.append(
                {
                    "interaction_id": interaction_id,
                    "judge_id": judge,
                    "rubric_id": "pharmacy_answer@384aadf8",
                    "family": "aurora",
                    "order": "single",
                    "verdict": verdict,
                    "rationale": reason,
                    "status": "answered",
                    "attempts": 1,
                }
            )
        panel.append(
            {
                "interaction_id": interaction_id,
                "panel_verdict": {2: "pass", 0: "fail"}.get(passes),
                "reason": "split" if passes == 1 else "unanimous",
                "judges": 2,
                "passes": passes,
                "fails": 2 - passes,
                "abstentions": 0,
                "missing": 0,
                "refuted": bool(story.claim),
            }
        )
        if story.claim:
            refutations.append(
                {
                    "interaction_id": interaction_id,
                    "refuter_id": "skeptic",
                    "finding": "refuted",
                    "claim": story.claim,
                    "quote": story.quote,
                    "quote_found": True,
                    "status": "answered",
                    "attempts": 1,
                }
            )
    for table, rows in ((VERDICTS, verdicts), (PANEL_VERDICTS, panel), (REFUTATIONS, refutations)):
        pipeline.lake.replace(table, _frame(table, rows), partition=WEEK)


def _frame(table: Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    whole = [{name: row.get(name) for name in table.schema} for row in rows]
    return pl.DataFrame(whole, schema=table.schema)
