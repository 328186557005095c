"""Hostile items, answers and names: every page shows them as text, and each to whom they are for.

What a page may consist of is learnt from the same pages with harmless texts: elements, attributes
and addresses that no harmless page has are the hostile text's own, and there are none.
"""

import json
import re
from html.parser import HTMLParser

import pytest

from eval_pipeline.adapters.review.records import ReviewTask
from tests.desk_world import NOON, WEEK, desk_world
from tests.hostile import PWN, HostileItem, hostile_items, hostile_names
from tests.sizes import sized

ITEMS = sized(130, full=1_000)
URLS = ("href", "src", "action", "formaction", "data", "srcdoc", "content", "style")
IDS = re.compile(r"(?<=/leases/)[A-Za-z0-9_-]+|(?<=/tokens/)[0-9a-f]+|(?<=answered=)[0-9a-f]+")


class Anatomy(HTMLParser):
    """The parts of a page that do something: elements with their attributes, and addresses."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: set[tuple[str, ...]] = set()
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.parts.add((tag,))
        for name, value in attrs:
            self.parts.add((tag, name))
            if name in URLS and (tag, name) != ("meta", "content"):
                self.parts.add((tag, name, IDS.sub("x", value or "")))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def harmless_items(number: int) -> list[HostileItem]:
    """The same shapes with nothing in them; long texts and hidden characters among them."""
    return [
        HostileItem(
            marker=f"item-{index:04d}",
            route="orders\u200b" if index % 3 else "",
            criteria=("Is it\0 good?", "Is it right?"),
            turns=(("user", "Hello \u202e\0 Bob"), ("robot", "word " * 900), ("assistant", "")),
            response=f"item-{index:04d} {'A' * 5_000 * (index % 2)}",
            rationale=f"why-item-{index:04d}\u202e" if index % 4 else "",
        )
        for index in range(number)
    ]


class Visit:
    """Three people at a desk of these items: two label and dispute, the third decides."""

    def __init__(self, world, items, *, names) -> None:
        self.world, self.items = world, {item.marker: item for item in items}
        for name, rights in zip(names, (False, False, True), strict=True):
            world.add_person(
                name, may_adjudicate=rights, may_administer=rights, weekly_budget=10**6
            )
        tasks = [
            ReviewTask(
                item.marker,
                f"i-{item.marker}",
                "audit",
                "audit",
                0.5,
                "r@1",
                json.dumps(item.subject),
            )
            for item in items
        ]
        world.pipeline.review.open_tasks(tasks, week=WEEK, at=NOON)
        app = world.app()
        self.names = names
        self.people = [world.visitor(app, name) for name in names]
        self.pages: list[tuple[str, str]] = []

    def see(self, reply, what: str) -> str:
        """A page, which is 200 and goes through every check later."""
        assert reply.status_code == 200, (what, reply.status_code)
        self.pages.append((what, reply.text))
        return reply.text

    def work(self, who: int, label: str, *, page: str) -> None:
        """Goes through the whole queue, and looks at what else can be seen on the way."""
        client = self.people[who].client
        text = self.see(client.get(page), f"{page} of {who}")
        csrf = re.search(r'name="csrf" value="([^"]*)"', text)[1]
        lease, last = self.lease_in(text), None
        while lease is not None:
            item = self.item_in(text)
            fields = {"csrf": csrf, "label": label, "rationale": f"by-{who} {item.rationale}"}
            fields["rationale"] = (
                fields["rationale"].replace("\0", "").encode("utf-8", "replace").decode()
            )
            reply = client.post(
                f"/leases/{lease}/answer", data=fields, headers={"X-Desk-Fragment": "1"}
            )
            last, text = lease, self.see(reply, f"after {item.marker} by {who}")
            if page == "/label" and int(item.marker[-4:]) % 5 == 0:
                shown = client.post(
                    f"/leases/{last}/reveal", data={"csrf": csrf}, headers={"X-Desk-Fragment": "1"}
                )
                self.see(shown, f"judges on {item.marker}")
            lease = self.lease_in(text)
        self.see(client.get("/mine"), f"/mine of {who}")

    def lease_in(self, text: str) -> str | None:
        found = re.search(r'action="/leases/([A-Za-z0-9_-]+)/answer"', text)
        return found and found[1]

    def item_in(self, text: str) -> HostileItem:
        return self.items[re.search(r"item-\d{4}", text)[0]]

    def everything(self) -> None:
        self.work(0, "pass", page="/label")
        self.work(1, "fail", page="/label")
        self.labelled = len(self.pages)
        self.work(2, "pass", page="/adjudicate")
        self.see(self.people[2].client.get("/overview"), "/overview")


@pytest.fixture(scope="module")
def harmless(tmp_path_factory) -> set[tuple[str, ...]]:
    """What the desk's own pages consist of."""
    with desk_world(tmp_path_factory.mktemp("harmless"), requests_per_minute=10**6) as world:
        visit = Visit(world, harmless_items(24), names=["ann", "bob", "cleo"])
        visit.everything()
        return set().union(*(Anatomy(page).parts for _, page in visit.pages))


@pytest.fixture(scope="module")
def visit(tmp_path_factory) -> Visit:
    with desk_world(tmp_path_factory.mktemp("hostile"), requests_per_minute=10**6) as world:
        visit = Visit(world, hostile_items(ITEMS), names=hostile_names(3))
        visit.everything()
        return visit


def test_every_item_was_seen_by_all_three(visit):
    for who in range(3):
        seen = sum(f"by {who}" in what for what, _ in visit.pages)
        assert seen == ITEMS


def test_no_part_of_a_page_is_an_items_own(visit, harmless):
    strange = {
        (what, part) for what, page in visit.pages for part in Anatomy(page).parts - harmless
    }
    assert sorted(strange) == []


def test_what_would_run_is_there_to_be_read(visit):
    shown = "".join(Anatomy(page).text for _, page in visit.pages)
    assert f"<script>{PWN}</script>" in shown
    assert f"<svg onload={PWN}>" in shown
    assert "{{ 7*7 }}" in shown
    assert "'; DROP TABLE labels; --" in shown


def test_nothing_invisible_reaches_a_page_as_it_is(visit):
    hidden = re.compile(
        "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    )
    found = {(what, hidden.search(page)[0]) for what, page in visit.pages if hidden.search(page)}
    assert sorted(found) == []


def test_nobody_reads_anothers_answer_or_name_before_they_adjudicate(visit):
    for what, page in visit.pages[: visit.labelled]:
        me = int(re.search(r"(\d)$", what)[1]) if what[-2] == " " else None
        others = {0, 1, 2} - {me}
        if me is not None:
            text = Anatomy(page).text
            assert [who for who in others if f"by-{who}" in text] == [], what
            assert [who for who in others if visit.names[who] in text] == [], what


def test_an_adjudicator_reads_both_and_no_names(visit):
    first = next(page for what, page in visit.pages if what == "/adjudicate of 2")
    text = Anatomy(first).text
    assert "by-0" in text
    assert "by-1" in text
    assert [name for name in visit.names[:2] if name in text] == []
