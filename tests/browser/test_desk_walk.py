"""The review desk in a real Chromium, from signing in to seeing agreement, by keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.desk_visitor import Visitor
from tests.review_desk import HOSTILE, WEEK, ReviewDesk, Story, stories

pytestmark = pytest.mark.slow

EACH = 20
HOSTILE_STORY = Story(
    HOSTILE, (("user", HOSTILE), (HOSTILE, HOSTILE)), HOSTILE, claim=HOSTILE.replace("\ud800", "")
)
TOLD = [*stories(6), HOSTILE_STORY, *stories(13)]
ANA = {"refund arrives": ("f", "2"), "harbour branch": ("f",)}
BEN = {"refund arrives": ("2", "0"), "harbour branch": ("1",), "cierra hoy": ("c",)}


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[ReviewDesk]:
    furnished = ReviewDesk.furnished(tmp_path_factory.mktemp("desk") / "project", TOLD)
    with furnished.served() as served:
        yield served


def _label_all(visitor: Visitor, said: dict[str, tuple[str, ...]]) -> int:
    """Labels until nothing is left: pass unless `said` knows the response."""
    count = 0
    while visitor.lease:
        shown = visitor.page.locator("body").inner_text()
        assert "arbiter" not in shown
        assert "refuter" not in shown
        response = visitor.response
        keys = next((keys for words, keys in said.items() if words in response), ("p",))
        visitor.answer(*keys, "y", "n", "x", "h")
        count += 1
    return count


def test_twenty_labels_each_by_keyboard_then_disputes_are_decided_and_agreement_seen(
    browser: Browser, desk: ReviewDesk
) -> None:
    ana = Visitor.of(browser, desk).sign_in("ana")
    expect(ana.page.locator("#progress")).to_contain_text("20 left for you")
    assert _label_all(ana, ANA) == EACH
    ana.sees("Nothing is left for you")
    expect(ana.page.locator("#progress")).to_contain_text("20 of 60 this week")

    ben = Visitor.of(browser, desk).sign_in("ben")
    assert _label_all(ben, BEN) == EACH

    with desk.world.pipeline() as pipeline:
        labels = pipeline.review.labels(WEEK)
        second = list(pipeline.settings.subsets)[1]
    assert labels.height == 2 * EACH
    assert labels["task_id"].n_unique() == EACH
    assert labels.select("task_id", "annotator_id").is_unique().all()
    assert labels["seconds"].is_between(0, 600).all()
    assert set(labels["failure_mode"].drop_nulls()) == {second}
    assert set(labels["criteria_json"]) == {"[true,false,null]"}
    assert set(labels["confidence"]) == {"high"}

    disputed = _pairs_apart(labels)
    assert disputed

    cleo = Visitor.of(browser, desk).sign_in("cleo")
    cleo.page.locator("#menu").get_by_role("link", name="Adjudicate").focus()
    cleo.press("Enter")
    cleo.page.wait_for_url("**/adjudicate")
    decided = 0
    while cleo.lease:
        cleo.sees("Reviewer A")
        cleo.sees("Reviewer B")
        shown = cleo.page.locator("main").inner_text()
        assert "ana" not in shown.split()
        assert "arbiter" not in shown
        cleo.press("f", "r")
        cleo.page.keyboard.type("It is against our facts.")
        cleo.answer("Escape")
        decided += 1
    assert decided == len(disputed)

    dora = Visitor.of(browser, desk).sign_in("dora")
    dora.page.locator("#menu").get_by_role("link", name="Overview").focus()
    dora.press("Enter")
    dora.page.wait_for_url("**/overview")
    dora.sees("Where the tasks are")
    dora.sees("Krippendorff")
    assert [each.trouble for each in (ana, ben, cleo, dora)] == [[], [], [], []]


def _pairs_apart(labels) -> set[str]:
    by_task: dict[str, set[str]] = {}
    for row in labels.iter_rows(named=True):
        by_task.setdefault(row["task_id"], set()).add(row["label"])
    return {task for task, said in by_task.items() if len(said) > 1 or "cannot_tell" in said}
