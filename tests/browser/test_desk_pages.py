"""What the desk's pages promise, in a real Chromium: readable, accessible, and nothing is lost."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.desk_visitor import Visitor
from tests.review_desk import HOSTILE, LONG_LINE, WEEK, Person, ReviewDesk, Story, stories

pytestmark = pytest.mark.slow

PEOPLE = tuple(
    Person(name, adjudicates=name == "cleo", administers=name == "cleo")
    for name in (
        "ana",
        "ben",
        "cleo",
        "dora",
        "eve",
        "finn",
        "gina",
        "hugo",
        "ida",
        "joe",
        "kim",
        "lea",
    )
)
TOLD = [
    Story(HOSTILE, (("user", HOSTILE), (HOSTILE, LONG_LINE)), HOSTILE + LONG_LINE),
    *stories(24),
]
PHONE = {"viewport": {"width": 375, "height": 800}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[ReviewDesk]:
    folder = tmp_path_factory.mktemp("desk") / "project"
    with ReviewDesk.furnished(folder, TOLD, people=PEOPLE).served() as served:
        yield served


@pytest.fixture
def visit(browser: Browser, desk: ReviewDesk) -> Iterator[object]:
    """Opens the desk for somebody; at the end no browser has complained of anything."""
    visitors: list[Visitor] = []

    def opened(name: str, **how: object) -> Visitor:
        visitors.append(Visitor.of(browser, desk, **how).sign_in(name))
        return visitors[-1]

    yield opened
    trouble = [line for visitor in visitors for line in visitor.trouble]
    for visitor in visitors:
        visitor.close()
    assert trouble == []


def labels_of(desk: ReviewDesk, name: str) -> list[dict[str, object]]:
    with desk.world.pipeline() as pipeline:
        rows = pipeline.review.labels(WEEK).filter(annotator_id=name)
    return rows.sort("labelled_at").to_dicts()


def test_hostile_text_is_shown_and_does_nothing(visit) -> None:
    hugo = visit("hugo", **PHONE)
    assert "<script>" in hugo.response
    assert "⟨RLO⟩" in hugo.response
    assert "⟨ESC⟩" in hugo.response
    assert "⟨NUL⟩" in hugo.response
    assert "{{ 7*7 }}" in hugo.response
    assert hugo.page.title() == "Label · Review desk"
    assert hugo.width() == 375
    box = hugo.page.locator(".response .said").bounding_box()
    assert box is not None
    assert box["height"] < 600
    hugo.page.get_by_role("button", name="Give it back").click()
    hugo.page.wait_for_url("**/mine")


def serious(page: Page) -> list[str]:
    """What axe-core holds to be serious or critical, light and dark."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += [
            f"{page.url} {scheme} {violation['id']}"
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
    return found


def test_no_page_has_a_serious_accessibility_fault_or_is_wider_than_a_phone(
    browser: Browser, desk: ReviewDesk, visit
) -> None:
    stranger = Visitor.of(browser, desk, **PHONE)
    stranger.page.goto(desk.url)
    assert serious(stranger.page) == []
    assert stranger.width() == 375
    stranger.close()

    ana, ben, cleo = visit("ana"), visit("ben"), visit("cleo", **PHONE)
    # The first task is hostile and a megabyte long, on which axe-core takes half a minute.
    for visitor in (ana, ben, cleo):
        visitor.answer("s", "5")
    assert serious(ana.page) == []
    ana.press("f")
    ana.press("s")
    assert serious(ana.page) == []
    ana.press("Escape", "?")
    assert serious(ana.page) == []
    ana.press("Escape")
    ana.answer("f")
    ben.answer("p")
    ana.press("v")
    ana.page.wait_for_selector(".page.revealed")
    assert serious(ana.page) == []
    for path in ("/label", "/adjudicate", "/mine", "/overview", "/overview?week=1999-01-04"):
        cleo.page.goto(desk.url + path)
        assert serious(cleo.page) == [], path
        assert cleo.width() == 375, path
    cleo.trouble.clear()  # a browser reports the 404 of the last page


def test_judges_are_hidden_before_the_answer_and_shown_after(desk: ReviewDesk, visit) -> None:
    dora = visit("dora")
    # The first task of the queue is hostile, the second is about sertraline.
    while "sertraline" not in dora.response:
        dora.answer("c")
    assert "arbiter" not in dora.page.content()
    assert "plays down" not in dora.page.content()
    dora.answer("f", "1")
    expect(dora.page.locator("[data-last]")).to_contain_text("Recorded: Fail")
    dora.press("v")
    dora.page.wait_for_selector(".page.revealed")
    dora.sees("arbiter-a")
    dora.sees("The interaction is named")
    dora.sees("plays down an interaction")
    dora.press("Enter")
    dora.page.wait_for_selector(".page.task")
    assert dora.page.locator("[data-last]").count() == 0


def test_undoing_corrects_the_answer_and_keeps_the_first_one(desk: ReviewDesk, visit) -> None:
    eve = visit("eve")
    first = eve.lease
    eve.answer("p")
    eve.press("u")
    eve.sees("Correct your answer")
    assert eve.page.locator("input[name=label][value=pass]").is_checked()
    eve.answer("f")
    given = labels_of(desk, "eve")
    assert [row["label"] for row in given] == ["pass", "fail"]
    assert given[1]["corrects"] == given[0]["label_id"]
    assert first != eve.lease


def test_keys_do_nothing_while_somebody_types(visit) -> None:
    finn = visit("finn")
    lease = finn.lease
    finn.press("r")
    finn.page.keyboard.type("pass or fail? just skip, undo, 1 2 3")
    assert finn.page.locator("input[name=label]:checked").count() == 0
    assert finn.lease == lease
    finn.press("Escape", "c")
    assert finn.page.locator("input[name=label][value=cannot_tell]").is_checked()
    assert finn.page.locator("#rationale").input_value() == "pass or fail? just skip, undo, 1 2 3"
    finn.page.locator("#rationale").fill("")


def test_what_was_typed_is_still_there_after_looking_at_the_judges(visit) -> None:
    gina = visit("gina")
    gina.answer("p")
    gina.press("r")
    gina.page.keyboard.type("half a thou")
    gina.press("Escape", "c", "v")
    gina.page.wait_for_selector(".page.revealed")
    gina.press("Enter")
    gina.page.wait_for_selector("#rationale")
    assert gina.page.locator("#rationale").input_value() == "half a thou"
    assert gina.page.locator("input[name=label][value=cannot_tell]").is_checked()
    gina.page.locator("#rationale").fill("")


def test_an_answer_survives_a_dead_network_and_is_recorded_once(desk: ReviewDesk, visit) -> None:
    ida = visit("ida")
    lost = []

    def arrives_but_nothing_returns(route: Route) -> None:
        if not lost:
            lost.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.continue_()

    ida.page.route("**/answer", arrives_but_nothing_returns)
    lease = ida.lease
    ida.press("p", "r")
    ida.page.keyboard.type("As the facts say.")
    ida.press("Control+Enter")
    ida.sees("The desk cannot be reached.")
    assert ida.lease == lease
    assert ida.page.locator("#rationale").input_value() == "As the facts say."
    ida.page.get_by_role("button", name="Send now").click()
    ida.page.wait_for_selector(f".page:not([data-lease='{lease}'])")
    assert lost == [200]
    assert [row["rationale"] for row in labels_of(desk, "ida")] == ["As the facts say."]
    assert any("ERR_CONNECTION_RESET" in line for line in ida.trouble)
    ida.trouble.clear()


def test_who_was_signed_out_signs_in_elsewhere_and_sends_what_they_had(
    desk: ReviewDesk, visit
) -> None:
    lea = visit("lea")
    lea.page.context.clear_cookies()
    lea.press("f", "r")
    lea.page.keyboard.type("It is against our facts.")
    lea.press("Control+Enter")
    lea.sees("You are signed out.")
    with lea.page.expect_popup() as opened:
        lea.page.get_by_role("link", name="Sign in in a new tab").click()
    opened.value.get_by_label("Your personal token").fill(desk.tokens["lea"])
    opened.value.keyboard.press("Enter")
    opened.value.wait_for_url("**/label")
    lea.page.get_by_role("button", name="Send again").click()
    expect(lea.page.locator("[data-last]")).to_contain_text("Recorded: Fail")
    assert [row["rationale"] for row in labels_of(desk, "lea")] == ["It is against our facts."]
    assert all("401" in line for line in lea.trouble)
    lea.trouble.clear()


def test_a_lease_warns_before_it_ends_and_is_renewed_by_whoever_goes_on(
    browser: Browser, desk: ReviewDesk
) -> None:
    joe = Visitor.of(browser, desk)
    joe.page.clock.install()
    joe.sign_in("joe")
    note = joe.page.locator("[data-lease-note]")
    expect(note).to_have_text("")
    joe.page.clock.fast_forward("18:30")
    expect(note).to_contain_text(re.compile(r"Kept for you for another 1:[0-3]\d"))
    with joe.page.expect_response("**/heartbeat") as beaten:
        joe.press("j")
        joe.page.clock.fast_forward("00:06")
    assert beaten.value.status == 200
    expect(note).to_have_text("")
    joe.page.clock.fast_forward("20:30")
    expect(note).to_contain_text("has run out")
    assert joe.trouble == []


def test_without_scripts_a_label_can_be_given(browser: Browser, desk: ReviewDesk) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(desk.url)
    page.get_by_label("Your personal token").fill(desk.tokens["kim"])
    page.get_by_role("button", name="Sign in").click()
    page.locator(".choice.fail").click()
    page.locator("summary", has_text="Say why").click()
    page.get_by_label("Why, in a sentence").fill("Without a script.")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("[data-last]")).to_contain_text("Recorded: Fail")
    assert [row["label"] for row in labels_of(desk, "kim")] == ["fail"]
    context.close()
