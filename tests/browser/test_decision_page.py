"""The decision page in a real Chromium: it stands alone, says what was decided, fits a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import page_path
from tests.scenario import CANDIDATE, World

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(browser: Browser, finished_world: World) -> Iterator[tuple[Page, list[str]]]:
    """The page, and everything that went wrong or went out while it was opened."""
    page = browser.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith("file:") else trouble.append(request.url),
    )
    with finished_world.pipeline() as pipeline:
        page.goto(f"file://{page_path(pipeline, CANDIDATE)}")
    yield page, trouble
    page.close()


def test_the_page_needs_no_network_and_has_nothing_to_complain_of(opened) -> None:
    page, trouble = opened
    assert page.title()
    assert trouble == []


def test_the_first_screen_says_what_was_decided_about_whom(opened, finished_world) -> None:
    page, _ = opened
    with finished_world.pipeline() as pipeline:
        decision = load_decision(pipeline, CANDIDATE)
    heading = page.locator("h1")
    box = heading.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < page.viewport_size["height"]
    first_screen = page.locator("header, main").first.inner_text()
    words = {"pass": "Passed", "block": "Blocked", "inconclusive": "Inconclusive",
             "invalid": "Could not be evaluated"}  # fmt: skip
    assert words[decision.verdict].casefold() in first_screen.casefold()
    assert CANDIDATE in first_screen


def test_every_subset_of_the_decision_stands_in_the_table(opened, finished_world) -> None:
    page, _ = opened
    with finished_world.pipeline() as pipeline:
        decision = load_decision(pipeline, CANDIDATE)
    text = page.locator("table").first.inner_text().replace("\u200b", "").replace("\n", "")
    for finding in decision.subsets:
        assert finding.subset in text


def test_on_a_phone_nothing_is_wider_than_the_screen(opened) -> None:
    page, _ = opened
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
