"""Hostile items in a real Chromium: nothing runs, nothing opens, no policy has to step in."""

import json

import pytest

from tests.desk_visitor import Visitor
from tests.hostile import PWN, SCRIPTS, TEMPLATES
from tests.review_desk import ReviewDesk, Story
from tests.sizes import sized

pytestmark = pytest.mark.slow

ITEMS = sized(24, full=len(SCRIPTS + TEMPLATES))
POOL = (SCRIPTS + TEMPLATES)[:ITEMS]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    told = [
        Story(
            route=text,
            turns=(("user", text), (text[:40], POOL[number - 1])),
            response=f"{text} {POOL[number - 2]}",
            reasons=(text, POOL[number - 3]),
            claim=text,
            quote=text,
        )
        for number, text in enumerate(POOL)
    ]
    furnished = ReviewDesk.furnished(tmp_path_factory.mktemp("desk") / "project", told)
    with furnished.served() as served:
        yield served


def test_no_hostile_text_runs_on_any_page(browser, desk):
    for name, label in (("ana", "p"), ("ben", "f")):
        visitor = Visitor.of(browser, desk).sign_in(name)
        for number in range(ITEMS):
            assert POOL[number].split("\0")[0][:20].strip() in visitor.response
            visitor.answer(label)
            still_harmless(visitor)
        see(visitor, "/mine")
        visitor.page.locator("form[action$='/reveal'] button").first.click()
        visitor.page.wait_for_selector("text=arbiter-a")
        still_harmless(visitor)
        visitor.close()
    for name, page in (("cleo", "/adjudicate"), ("dora", "/overview")):
        visitor = Visitor.of(browser, desk).sign_in(name)
        see(visitor, page)
        visitor.close()


def see(visitor: Visitor, path: str) -> None:
    visitor.page.goto(desk_address(visitor) + path)
    still_harmless(visitor)


def desk_address(visitor: Visitor) -> str:
    return visitor.desk.url.rstrip("/")


def still_harmless(visitor: Visitor) -> None:
    """Nothing was reported, nothing ran, and every script is the desk's own."""
    own = json.dumps(desk_address(visitor))
    assert visitor.trouble == []
    assert visitor.page.evaluate(f"() => {PWN.split('=')[0]} === undefined")
    assert visitor.page.evaluate(
        f"() => [...document.scripts].every((one) => one.src.startsWith({own} + '/static/'))"
    )
    assert visitor.page.evaluate(
        "() => ![...document.querySelectorAll('*')].some((one) => "
        "[...one.attributes].some((attribute) => attribute.name.startsWith('on')))"
    )
