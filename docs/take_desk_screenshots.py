"""Takes the screenshots of the review desk from a desk of its own, served on the loopback.

    PYTHONPATH=. python docs/take_desk_screenshots.py

Two people label, a third decides what they dispute, and an administrator looks at it all.
"""

import argparse
import contextlib
import dataclasses
import datetime as dt
import random
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
from playwright.sync_api import Browser, FloatRect, Page, ViewportSize

from eval_pipeline.adapters.review.records import NewAdjudication, NewLabel
from eval_pipeline.tables import STRATIFIED_INTERACTIONS
from tests.chromium import chromium
from tests.desk_visitor import Visitor
from tests.review_desk import Person, ReviewDesk, a_task, stories

SCREENSHOTS: Final = Path(__file__).parent / "screenshots"
WINDOW: Final = {"viewport": {"width": 1280, "height": 900}}
LOW: Final[ViewportSize] = {"width": 1280, "height": 640}
PHONE: Final = {
    "viewport": {"width": 375, "height": 812},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 1.5,
}
LARGEST_BYTES: Final = 200_000
PEOPLE: Final = (
    Person("ana"),
    Person("ben"),
    Person("cleo", adjudicates=True),
    Person("dora", adjudicates=True, administers=True),
)
TASKS: Final = 26
SETTLED: Final = 48
LAST_WEEK: Final = "2026-11-09"
LABELLERS: Final = ("ana", "ben")
CAREFUL: Final = 0.9
SUBSET_OF: Final = {
    "medication": "invented_drug_interactions",
    "refunds": "wrong_refund_window",
    "store_hours": "holiday_store_hours",
    "renewals": "renewal_without_prescription",
}
ANA: Final = {
    "refund arrives": ("f", "Opened devices go back within two weeks."),
    "harbour branch": ("f", "It is closed on Good Friday."),
    "cierra hoy": ("f", "The second question is answered in another language."),
}
BEN: Final = {
    "refund arrives": ("p", "A faulty device can always be returned."),
    "harbour branch": ("f", "The branch is closed on Good Friday."),
    "cierra hoy": ("f", "Two languages in one answer."),
}


def main() -> None:
    """Takes every screenshot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SCREENSHOTS)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory(prefix="desk-") as folder, chromium() as browser:
        desk = ReviewDesk.furnished(Path(folder) / "project", stories(TASKS), people=PEOPLE)
        _label_last_week(desk)
        with desk.served():
            _take(browser, desk, out)
    for shot in sorted(out.glob("desk-*.png")):
        size = shot.stat().st_size
        print(f"{shot.name} {size / 1000:.0f} kB{' TOO LARGE' if size > LARGEST_BYTES else ''}")


def _take(browser: Browser, desk: ReviewDesk, out: Path) -> None:
    stranger = _visitor(browser, desk)
    stranger.page.set_viewport_size(LOW)
    stranger.page.goto(desk.url)
    _shoot(stranger.page, out / "desk-sign-in.png")
    ana, ben = _visitor(browser, desk).sign_in("ana"), _visitor(browser, desk).sign_in("ben")
    for visitor, said in ((ana, ANA), (ben, BEN)):
        for _ in range(11):
            _label(visitor, said)
    _task(browser, desk, ana, out)
    ana.press("r")
    ana.page.keyboard.type("It plays down the risk of bleeding.")
    ana.press("Escape")
    ana.answer("f", "3", "h")
    ana.press("v")
    ana.page.wait_for_selector(".page.revealed")
    _shoot(ana.page, out / "desk-revealed.png")
    ben.page.set_viewport_size(LOW)
    ben.page.goto(f"{desk.url}/mine")
    _shoot(ben.page, out / "desk-mine.png")
    _adjudicate(browser, desk, out)
    _finish(browser, desk, (ana, ben), out)


def _label_last_week(desk: ReviewDesk) -> None:
    """A settled week, so that the overview has something to measure; drawn with a fixed seed."""
    draw = random.Random(7)
    now = dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=8)
    told = stories(SETTLED)
    tasks = [
        dataclasses.replace(
            a_task(number, story), task_id=f"last-{number}", interaction_id=f"l-{number}"
        )
        for number, story in enumerate(told)
    ]
    places = [
        {
            **dict.fromkeys(STRATIFIED_INTERACTIONS.schema),
            "interaction_id": task.interaction_id,
            "conversation_key": task.interaction_id,
            "route": story.route,
            "stratum": story.route,
            "selection": "audit",
            "subsets": [SUBSET_OF[story.route]],
            "kind": "typical",
            "inclusion_probability": 0.5,
            "design_weight": 2.0,
            "item_fingerprint": task.task_id,
            "unit_hash": number / SETTLED,
        }
        for number, (task, story) in enumerate(zip(tasks, told, strict=True))
    ]
    with desk.world.pipeline() as pipeline:
        pipeline.review.open_tasks(tasks, week=LAST_WEEK, at=now)
        frame = pl.DataFrame(places, schema=STRATIFIED_INTERACTIONS.schema)
        pipeline.lake.replace(STRATIFIED_INTERACTIONS, frame, partition=LAST_WEEK)
        labels, apart = [], []
        for task in tasks:
            truth = draw.choice(["pass", "pass", "fail"])
            said = [truth if draw.random() < CAREFUL else "fail" for _ in LABELLERS]
            labels += [
                NewLabel(
                    task.task_id, name, label, now, seconds=round(draw.lognormvariate(3, 0.6), 1)
                )
                for name, label in zip(LABELLERS, said, strict=True)
            ]
            if len(set(said)) > 1:
                apart.append(
                    NewAdjudication(task.task_id, "cleo", truth, now, rationale="By the facts.")
                )
        pipeline.review.record_labels(labels)
        pipeline.review.record_adjudications(apart)


def _label(visitor: Visitor, said: Mapping[str, tuple[str, str]]) -> None:
    known = (answer for words, answer in said.items() if words in visitor.response)
    key, reason = next(known, ("p", ""))
    if reason:
        visitor.press("r")
        visitor.page.keyboard.type(reason)
        visitor.press("Escape")
    visitor.answer(key, "h")


def _task(browser: Browser, desk: ReviewDesk, ana: Visitor, out: Path) -> None:
    while "sertraline" not in ana.response:
        ana.answer("p", "h")
    ana.press("y", "n", "y", "f", "3", "h")
    _shoot(ana.page, out / "desk-task.png")
    ana.page.emulate_media(color_scheme="dark")
    _shoot(ana.page, out / "desk-task-dark.png")
    ana.page.emulate_media(color_scheme="light")
    ana.press("?")
    _shoot(ana.page, out / "desk-keys.png")
    ana.press("Escape")
    phone = _visitor(browser, desk, **PHONE).sign_in("ana")
    _shoot(phone.page, out / "desk-task-phone.png")
    phone.close()


def _adjudicate(browser: Browser, desk: ReviewDesk, out: Path) -> None:
    cleo = _visitor(browser, desk).sign_in("cleo")
    cleo.page.goto(f"{desk.url}/adjudicate")
    cleo.press("f", "r")
    cleo.page.keyboard.type("The window for opened devices is two weeks, faulty or not.")
    _shoot(cleo.page, out / "desk-adjudicate.png")
    for _ in range(2):
        cleo.press("r")
        cleo.page.keyboard.type(" It is against our facts.")
        cleo.answer("Escape", "f")


def _finish(browser: Browser, desk: ReviewDesk, labellers: tuple[Visitor, ...], out: Path) -> None:
    for visitor in labellers:
        visitor.page.goto(f"{desk.url}/label")
        while visitor.lease:
            _label(visitor, ANA if visitor is labellers[0] else BEN)
    _take_time(desk)
    labellers[0].page.set_viewport_size(LOW)
    labellers[0].page.reload()
    _shoot(labellers[0].page, out / "desk-done.png")
    dora = _visitor(browser, desk).sign_in("dora")
    dora.page.set_viewport_size({"width": 1100, "height": 900})
    dora.page.goto(f"{desk.url}/overview")
    end = dora.page.get_by_role("heading", name="Stuck").bounding_box()
    if end is None:
        raise SystemExit("The overview has no heading 'Stuck'.")
    clip: FloatRect = {"x": 0, "y": 0, "width": 1100, "height": end["y"] - 20}
    _shoot(dora.page, out / "desk-overview.png", clip=clip)


def _take_time(desk: ReviewDesk) -> None:
    """A script answers in no time; people do not."""
    with contextlib.closing(sqlite3.connect(desk.world.store)) as connection, connection:
        connection.execute("UPDATE labels SET seconds = 12 + rowid % 23 WHERE seconds < 5")


def _visitor(browser: Browser, desk: ReviewDesk, **how: Any) -> Visitor:
    return Visitor.of(
        browser, desk, locale="en-GB", timezone_id="Europe/Berlin", **{**WINDOW, **how}
    )


def _shoot(page: Page, target: Path, *, clip: FloatRect | None = None) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(200)
    page.screenshot(path=target, full_page=clip is not None, clip=clip)


if __name__ == "__main__":
    main()
