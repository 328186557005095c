"""A week whose logs, people and policy are hostile text: inert wherever it lands.

The same texts go through the draw, masking, judges, the queue, the pages and Dagster's metadata;
then every place where a person or a program reads them is looked at.
"""

import contextlib
import json
import re
import sqlite3
from html.parser import HTMLParser

import polars as pl
import pytest

from tests.hostile import POOL, PWN, SCRIPTS, hostile_names
from tests.scenario import NEXT_WEEK

COMMANDS = ("::error file=x::forged", "##[add-mask]pass", "![](http://evil.example/p)", "=cmd()")
TEXTS = [
    text[:2_000]
    for text in (*POOL, *COMMANDS)
    if text.strip() and "\0" not in text and text.isascii() | text.isprintable()
]
LINES = [text for text in TEXTS if len(text) < 100]
DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COMMAND = re.compile(r"^\s*::[A-Za-z]|##[A-Za-z]*\[", re.MULTILINE)


class Harm(HTMLParser):
    """What of a page would run or fetch."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag in {"script", "iframe", "object", "base", "form", "link", "embed"}:
            self.found.append(tag)
        for name, value in attrs:
            told = (value or "").strip().lower()
            address = name in {"src", "href", "action", "data", "srcdoc"}
            fetched = told.startswith(("http:", "https:", "//", "javascript:"))
            if name.startswith("on") or (address and fetched and tag != "svg"):
                self.found.append(f"{tag} {name}={told[:60]}")


@pytest.fixture
def hostile_world(world):
    (file,) = (world.logs / f"week={NEXT_WEEK}").iterdir()
    logged = pl.read_parquet(file)
    rows = logged.rows(named=True)
    for number, row in enumerate(rows):
        text = TEXTS[number % len(TEXTS)]
        if number % 2:
            row["response"] = text
        else:
            row["messages"][-1]["content"] += f" {text}"
        if number % 10 == 0:
            row["route"] = LINES[number // 10 % len(LINES)]
        if number % 7 == 0:
            row["user_id"] = LINES[number // 7 % len(LINES)]
    pl.DataFrame(rows, schema=logged.schema).write_parquet(file)

    def harm(tree):
        for name, text in zip(tree["subsets"], SCRIPTS, strict=False):
            tree["subsets"][name].update(owner=text, why=f"{text} {COMMANDS[2]}")
        tree["rubrics"]["pharmacy_answer"]["criteria"].append(f"{SCRIPTS[0]} {{{{ 7*7 }}}}")
        tree["sampling"].update(minimum_per_stratum=1, budget=80, reserve=80)

    world.configure(harm)
    return world


def _markdown_of(world) -> list[str]:
    """Every Markdown text in Dagster's event logs."""
    found: list[str] = []

    def walk(value) -> None:
        if isinstance(value, dict):
            found.extend(v for k, v in value.items() if k == "md_str" and isinstance(v, str))
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    for file in world.home.rglob("*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if "event_logs" in tables:
                for (event,) in connection.execute("SELECT event FROM event_logs"):
                    walk(json.loads(event))
    return found


@pytest.mark.slow
def test_a_hostile_week_is_inert_wherever_it_lands(hostile_world):
    world = hostile_world
    before = world.count("annotators")
    refreshed = world.run("refresh", "--week", NEXT_WEEK)
    assert refreshed.code == 0, refreshed.err
    for name in hostile_names(3):
        world.run("review", "add-reviewer", name)
    exported = world.run("review", "export", "--week", NEXT_WEEK)
    said = [
        refreshed,
        world.run("review", "status", "--week", NEXT_WEEK),
        world.run("review", "reviewers"),
        world.run("monitor", "--week", NEXT_WEEK),
        world.run("judge-checks", "show"),
        world.run("gate", "--candidate", "::error::forged\x1b[2J"),
    ]

    # The terminal and a CI's log.
    for ended in said:
        assert not DRIVES.search(ended.out + ended.err)
        assert not COMMAND.search(ended.out + ended.err)

    # SQL: the tables are there, with what they held and more.
    assert world.count("annotators") >= before
    assert world.count("review_tasks", f"week = '{NEXT_WEEK}'") > 0

    # The texts were there to do harm: reviewers get them as they are, as JSON lines.
    tasks = [json.loads(line) for line in exported.out.splitlines()]
    assert PWN in json.dumps(tasks)
    assert "{{ 7*7 }}" in json.dumps(tasks)

    # Pages.
    pages = list(world.lake.rglob("*.html"))
    assert pages
    assert {str(page): Harm(page.read_text()).found for page in pages} == {
        str(page): [] for page in pages
    }

    # Markdown of the orchestrator's UI.
    told = _markdown_of(world)
    assert len(told) > 50
    for text in told:
        plain = re.sub(r"!\[[^\]]*\]\(data:image/svg\+xml;base64,[A-Za-z0-9+/=]*\)", "", text)
        plain = re.sub(r"```+yaml\n.*?\n```+", "", plain, flags=re.DOTALL)
        assert not re.search(r"<[a-zA-Z/!]", plain), plain[:300]
        assert not re.search(r"(?<!\\)\]\((?!/runs)", plain), plain[:300]
