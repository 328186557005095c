"""What counts as one person's, in a lake small enough to read."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.flows.erasure.inventory import person_of, take_inventory
from eval_pipeline.settings_file import load_project
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, DISPUTES, GOLDEN_SET, VERDICTS

ROOT = Path(__file__).parents[2]
KEY = b"a key that is long enough for tests"
MONDAY = dt.datetime(2026, 9, 7, tzinfo=dt.UTC)
OWN = "My daughter's tablets taste of soap"
SHARED = "Thank you for your order, it is on its way"
PROJECT = load_project(ROOT / "eval_pipeline.yaml")
PROMPT = next(system.prompt for system in PROJECT.settings.systems.values() if system.prompt)


class FakeGolden:
    """Versions that tests make by hand."""

    def __init__(self, *versions: pl.DataFrame) -> None:
        self._versions = versions

    def numbers(self) -> list[int]:
        return list(range(1, len(self._versions) + 1))

    def items(self, number: int) -> pl.DataFrame:
        return self._versions[number - 1]


def pipeline_over(lake: Lake, *versions: pl.DataFrame) -> SimpleNamespace:
    return SimpleNamespace(lake=lake, golden=FakeGolden(*versions), key=KEY, project=PROJECT)


ANN = person_of(pipeline_over(Lake("memory://")), "ann@example.org")


def interaction(name: str, conversation: str, user: str | None, *said: str) -> dict:
    return {
        "interaction_id": name,
        "conversation_key": conversation,
        "user_key": user,
        "messages": [{"role": "user", "content": text} for text in said],
    }


def lake_with(*rows: dict) -> Lake:
    lake = Lake("memory://")
    given = {"route": "chat", "selection": "sample", "occurred_at": MONDAY}
    frame = pl.DataFrame([given | row for row in rows], schema=ANONYMISED_INTERACTIONS.schema)
    lake.replace(ANONYMISED_INTERACTIONS, frame, partition="2026-09-07")
    return lake


def golden(item: str, user: str | None, conversation: str, text: str) -> pl.DataFrame:
    row = {"item_id": item, "user_key": user, "conversation_key": conversation,
           "messages": [{"role": "user", "content": text}]}  # fmt: skip
    return pl.DataFrame([row], schema=GOLDEN_SET.schema)


def test_interactions_are_found_by_user_and_conversations_only_where_nobody_else_is_named():
    lake = lake_with(
        interaction("i1", "alone", ANN.user_key, OWN),
        interaction("i2", "alone", None),
        interaction("i3", "shared", ANN.user_key),
        interaction("i4", "shared", "u-bob"),
        interaction("i5", "shared", None),
    )
    found = take_inventory(pipeline_over(lake), ANN)
    assert found.interaction_ids == {"i1", "i2", "i3"}
    assert found.conversation_keys == {"alone"}


def test_golden_items_are_found_in_versions_whose_week_is_gone():
    old = golden("item-old", ANN.user_key, "gone", OWN)
    found = take_inventory(pipeline_over(lake_with(), old, old), ANN)
    assert found.golden_ids == {"item-old"}
    assert found.conversation_keys == {"gone"}
    assert found.lines == {OWN}


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        (OWN, {OWN}),
        (f"Hello\n  {OWN}\nBye", {OWN}),
        (f"{OWN}\n{SHARED}", {OWN}),
        ("Too short", set()),
        (PROMPT, set()),
    ],
)
def test_a_line_is_telling_if_it_is_long_and_stands_in_nobody_elses_text(text, telling):
    lake = lake_with(
        interaction("i1", "c1", ANN.user_key, text),
        interaction("i2", "c2", "u-bob", f"You wrote: {SHARED}."),
    )
    assert take_inventory(pipeline_over(lake), ANN).lines == telling


def test_what_systems_were_instructed_tells_nothing_of_a_person():
    row = interaction("i1", "c1", ANN.user_key, OWN)
    row["messages"].append({"role": "system", "content": "Answer as our pharmacist would do it."})
    assert take_inventory(pipeline_over(lake_with(row)), ANN).lines == {OWN}


def test_what_judges_said_of_a_person_is_looked_for_too():
    lake = lake_with(interaction("i1", "c1", ANN.user_key, "short"))
    said = {"interaction_id": "i1", "judge_id": "a", "order": "single", "rubric_id": "r",
            "family": "f", "status": "answered", "attempts": 1,
            "rationale": "It names the soap that was asked for"}  # fmt: skip
    frame = pl.DataFrame([said], schema=VERDICTS.schema)
    lake.replace(VERDICTS, frame, partition="2026-09-07")
    lake.replace(DISPUTES, DISPUTES.empty(), partition="2026-09-07")
    lines = take_inventory(pipeline_over(lake), ANN).lines
    assert lines == {"It names the soap that was asked for"}


def test_of_somebody_unknown_nothing_is_found():
    lake = lake_with(interaction("i1", "c1", "u-bob", OWN))
    assert take_inventory(pipeline_over(lake), ANN).empty
