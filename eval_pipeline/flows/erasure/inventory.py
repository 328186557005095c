"""What came from one person, found by their keyed pseudonym in the weeks and golden versions."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl

from eval_pipeline.adapters.traces import lines_in, strings_of
from eval_pipeline.evaluation.trial_items import reserve_identity, reserve_names
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.suppression import suppression_key, theirs, whole_conversations
from eval_pipeline.tables import (
    ALL_TABLES,
    ANONYMISED_INTERACTIONS,
    GOLDEN_SET,
    SHADOW_PAIRS,
    Table,
)
from eval_pipeline.tables.personal import columns_with, treatment_of
from eval_pipeline.truth.golden_set import item_identity

LEAST_TELLING: Final = 20
"""Characters from which on a line that nobody else wrote is taken to tell who wrote it."""
_INSTRUCTING: Final = ("system", "developer")


@dataclass(frozen=True)
class Person:
    """One person: as the logs call them, as the tables do, and as the record of the erasure does.

    `user_id` is in no representation of the object.
    """

    user_id: str = field(repr=False)
    user_key: str
    erasure_id: str


@dataclass(frozen=True)
class Inventory:
    """What is known of a person before anything is erased; `lines` are theirs alone."""

    person: Person
    interaction_ids: frozenset[str] = frozenset()
    conversation_keys: frozenset[str] = frozenset()
    golden_ids: frozenset[str] = frozenset()
    lines: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def empty(self) -> bool:
        """Whether nothing of the person is here."""
        return not (self.interaction_ids or self.conversation_keys or self.golden_ids)

    @cached_property
    def reserve_ids(self) -> frozenset[str]:
        """Item ids of their reserve interactions, also as an earlier version of this program."""
        return frozenset(map(reserve_identity, self.interaction_ids)) | frozenset(self.legacy_ids)

    @cached_property
    def legacy_ids(self) -> dict[str, str]:
        """Item ids that name an interaction, as earlier versions wrote them, and their hashes."""
        names = map(reserve_names, sorted(self.interaction_ids))
        return {legacy: hashed for hashed, legacy in names}

    @cached_property
    def item_ids(self) -> frozenset[str]:
        """Every id under which a system was asked one of their questions."""
        made = frozenset(map(item_identity, self.interaction_ids))
        return self.golden_ids | made | self.reserve_ids

    @property
    def ids(self) -> frozenset[str]:
        """The ids of which nothing may be left anywhere."""
        own = {self.person.user_id, self.person.user_key}
        return frozenset(own) | self.interaction_ids | self.conversation_keys


def person_of(pipeline: Pipeline, user_id: str) -> Person:
    """The person under all their names."""
    return Person(
        user_id=user_id,
        user_key=keyed_pseudonym(pipeline.key, "user", user_id),
        erasure_id=suppression_key(user_id, key=pipeline.key),
    )


def take_inventory(pipeline: Pipeline, person: Person) -> Inventory:
    """Everything of the person, from the interactions of all weeks and from every golden version.

    A conversation counts as theirs if nobody else is named in it.
    """
    rows = pl.concat([_interactions(pipeline), _mirrored(pipeline), *_golden_rows(pipeline)])
    people = [person.user_key]
    conversations = whole_conversations(rows, people=people)
    ids = theirs(rows, people=people)
    kept = rows.filter(pl.col("interaction_id").is_in(list(ids)))
    found = Inventory(
        person,
        interaction_ids=frozenset(kept.filter(~pl.col("golden"))["interaction_id"]),
        conversation_keys=conversations,
        golden_ids=frozenset(kept.filter("golden")["interaction_id"]),
    )
    if found.empty:
        return found
    return replace(found, lines=telling_lines(pipeline, found))


def is_theirs(table: Table, inventory: Inventory) -> pl.Expr:
    """Whether a row of the table is about the person; false where it names nobody."""
    conditions = [
        pl.col(column).is_in(sorted(values)).fill_null(value=False)
        for role, values in (
            ("user", {inventory.person.user_key}),
            ("conversation", inventory.conversation_keys),
            ("interaction", inventory.interaction_ids),
            ("item", inventory.item_ids),
        )
        for column in columns_with(table, role)  # type: ignore[arg-type]
    ]
    return pl.any_horizontal(conditions) if conditions else pl.lit(value=False)


def telling_lines(pipeline: Pipeline, inventory: Inventory) -> frozenset[str]:
    """The person's lines of text, of some length, that stand in no text of anybody else.

    What the operator tells systems is nobody's: instructions, and lines of the configuration.
    """
    own: set[str] = set()
    for table, frame in _text_frames(pipeline):
        mine = _without_instructions(frame.filter(is_theirs(table, inventory)))
        for values in _text_columns(table, mine):
            lines = {line.strip() for text in values for line in text.splitlines()}
            own.update(line for line in lines if len(line) >= LEAST_TELLING)
    for text in _configuration(pipeline):
        own.difference_update([line for line in own if line in text])
    for table, frame in _text_frames(pipeline):
        if not own:
            break
        others = frame.filter(~is_theirs(table, inventory))
        for values in _text_columns(table, others):
            own -= lines_in(values, own)
    return frozenset(own)


def _interactions(pipeline: Pipeline) -> pl.DataFrame:
    frames = [
        pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week).select(
            "interaction_id", "conversation_key", "user_key"
        )
        for week in pipeline.lake.partitions(ANONYMISED_INTERACTIONS)
    ]
    empty = ANONYMISED_INTERACTIONS.empty().select("interaction_id", "conversation_key", "user_key")
    rows = pl.concat([empty, *frames])
    return rows.select(
        "interaction_id",
        conversation="conversation_key",
        user="user_key",
        golden=pl.lit(value=False),
    )


def _mirrored(pipeline: Pipeline) -> pl.DataFrame:
    """What passed the mirror, each request once; a pair is known like an interaction."""
    rows = pipeline.lake.read_all(SHADOW_PAIRS).filter(pl.col("arm") == "baseline")
    return rows.select(
        interaction_id="pair_id",
        conversation="conversation_key",
        user="user_key",
        golden=pl.lit(value=False),
    )


def _golden_rows(pipeline: Pipeline) -> Iterator[pl.DataFrame]:
    for version in pipeline.golden.numbers():
        yield pipeline.golden.items(version).select(
            interaction_id="item_id",
            conversation="conversation_key",
            user="user_key",
            golden=pl.lit(value=True),
        )


def _text_frames(pipeline: Pipeline) -> Iterator[tuple[Table, pl.DataFrame]]:
    for table in (*ALL_TABLES, SHADOW_PAIRS):
        if treatment_of(table) == "versions" or not columns_with(table, "text"):
            continue
        for partition in pipeline.lake.partitions(table):
            yield table, pipeline.lake.read(table, partition=partition)
    for version in pipeline.golden.numbers():
        yield GOLDEN_SET, pipeline.golden.items(version)


def _text_columns(table: Table, rows: pl.DataFrame) -> Iterator[pl.Series]:
    yield from strings_of(rows.select(columns_with(table, "text")))


def _without_instructions(rows: pl.DataFrame) -> pl.DataFrame:
    if "messages" not in rows.columns:
        return rows
    said = ~pl.element().struct.field("role").is_in(_INSTRUCTING)
    return rows.with_columns(pl.col("messages").list.eval(pl.element().filter(said)))


def _configuration(pipeline: Pipeline) -> Iterator[str]:
    """The configuration and the candidate files, as they are written and as they are read."""
    project = pipeline.project
    folder = Path(project.locate(project.settings.candidates.folder))
    for file in (project.file, *sorted(folder.glob("*.y*ml"))):
        yield file.read_text(encoding="utf-8", errors="replace")
    yield project.settings.model_dump_json()
    yield from (system.prompt or "" for system in project.settings.systems.values())
