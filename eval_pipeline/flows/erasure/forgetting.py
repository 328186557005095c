"""`eval-pipeline forget`: everything of one person, in the order that survives being killed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_pipeline.adapters.audit import leave_trace
from eval_pipeline.adapters.review.erasure import StoreRows, blank_calls, count_rows
from eval_pipeline.adapters.traces import Traces
from eval_pipeline.evaluation.human_correction.audited import audit_interactions
from eval_pipeline.flows.erasure.calls import answered_in_their_words, journalled_ids
from eval_pipeline.flows.erasure.inventory import Inventory, Person, person_of, take_inventory
from eval_pipeline.flows.erasure.lake_rows import Change, lake_changes, table_changes
from eval_pipeline.flows.erasure.places import Looked
from eval_pipeline.flows.erasure.proof import cover_history, prove, prove_mapping
from eval_pipeline.flows.erasure.record import REQUEST, Recorder, Request
from eval_pipeline.flows.erasure.versions import (
    Held,
    forget_in_versions,
    holding_versions,
    items_hash,
)
from eval_pipeline.flows.truth import refresh_catalogue
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.suppression import person_link
from eval_pipeline.tables import ERASURES, REGRESSION_TRIALS
from eval_pipeline.tables.personal import MAPPINGS

LONGEST_NAME = 80
_TABLES = (
    "review_tasks",
    "labels",
    "label_withdrawals",
    "adjudications",
    "call_attempts",
    "call_batches",
    "call_claims",
    "golden_withdrawals",
)


@dataclass(frozen=True)
class Erased:
    """What was changed in one place: rows that went, and rows that lost text and ids."""

    place: str
    treatment: str
    rows_removed: int
    rows_blanked: int


@dataclass(frozen=True)
class Forgotten:
    """What an erasure found, changed and proved; of a dry run, what it would change.

    `suppressed` says whether later draws leave the person out. `looked` is empty for a dry run.
    """

    erasure_id: str
    dry_run: bool
    found: dict[str, int]
    changes: tuple[Erased, ...]
    looked: tuple[Looked, ...]
    sought: int
    suppressed: bool

    @property
    def clean(self) -> bool:
        """Nothing was left anywhere."""
        return all(one.clean for one in self.looked)


def forget(
    pipeline: Pipeline,
    user_id: str,
    *,
    by: str,
    reason: str,
    dry_run: bool = False,
    suppress: bool = False,
    dagster_home: Path | None = None,
) -> Forgotten:
    """Erases one person and proves it by a scan; may be run again at any time, also when killed.

    The masked interactions, which alone lead from the person to all else, are removed once
    nothing is found anywhere else; until then the same command finishes what is left. Without
    data of the person nothing changes, and only `suppress` keeps them out of later draws.
    """
    return forget_known(
        pipeline,
        person_of(pipeline, user_id),
        by=by,
        reason=reason,
        dry_run=dry_run,
        suppress=suppress,
        dagster_home=dagster_home,
    )


def forget_known(
    pipeline: Pipeline,
    person: Person,
    *,
    by: str,
    reason: str,
    dry_run: bool = False,
    suppress: bool = False,
    dagster_home: Path | None = None,
) -> Forgotten:
    """`forget` of a person whose pseudonyms are known."""
    inventory = take_inventory(pipeline, person)
    if dry_run:
        return _planned(pipeline, inventory)
    request = Request(
        person.erasure_id,
        by[:LONGEST_NAME],
        _masked(pipeline, reason, person),
        pipeline.clock(),
        person_link(person.user_key, key=pipeline.key),
    )
    recorder = Recorder(pipeline, request)
    if not inventory.empty or suppress:
        recorder.add(REQUEST, "suppressed")
    traces = Traces(ids=inventory.ids, texts=inventory.lines)
    changes: list[Erased] = []
    if not inventory.empty:
        changes += _erase(pipeline, inventory, recorder=recorder, request=request)
        # A draft composed before the weeks were cleaned may have been published meanwhile.
        changes += _erase_versions(pipeline, inventory, recorder=recorder, request=request)
        cover_history(dagster_home, traces)
    refresh_catalogue(pipeline)
    looked = prove(pipeline, traces, dagster_home=dagster_home)
    if not inventory.empty and all(one.clean for one in looked):
        for table in MAPPINGS:
            changes += _apply(pipeline, table_changes(pipeline, table, inventory), recorder)
        refresh_catalogue(pipeline)
        looked = prove_mapping(pipeline, traces, before=looked)
        if all(one.clean for one in looked):
            recorder.add("scan", "proven")
            refresh_catalogue(pipeline)
    return Forgotten(
        erasure_id=person.erasure_id,
        dry_run=False,
        found=_found(inventory),
        changes=tuple(changes),
        looked=looked,
        sought=len(traces),
        suppressed=pipeline.lake.has(ERASURES, partition=person.erasure_id),
    )


def _erase(
    pipeline: Pipeline, inventory: Inventory, *, recorder: Recorder, request: Request
) -> Iterator[Erased]:
    yield from _erase_store(pipeline, inventory, recorder=recorder, request=request)
    yield from _apply(pipeline, lake_changes(pipeline, inventory), recorder)
    yield from _erase_versions(pipeline, inventory, recorder=recorder, request=request)
    pipeline.store.compact(_TABLES)


def _erase_store(
    pipeline: Pipeline, inventory: Inventory, *, recorder: Recorder, request: Request
) -> Iterator[Erased]:
    calls, counted = _in_store(pipeline, inventory)
    for change in _of_store(counted):
        recorder.add(change.place, change.treatment, blanked=change.rows_blanked)
    with pipeline.store.writing() as connection:
        rows = blank_calls(connection, calls, erasure_id=request.erasure_id)
        if rows:
            leave_trace(
                connection,
                at=request.at,
                actor=request.by,
                action="forget",
                subject="call_attempts",
                erasure_id=request.erasure_id,
                rows=rows,
            )
    pipeline.withdrawals.forget(inventory.item_ids, at=request.at)
    pipeline.review.forget(
        reviewed_names(pipeline, inventory),
        erasure_id=request.erasure_id,
        actor=request.by,
        at=request.at,
    )
    yield from _of_store(counted)


def _erase_versions(
    pipeline: Pipeline, inventory: Inventory, *, recorder: Recorder, request: Request
) -> Iterator[Erased]:
    held = holding_versions(pipeline, inventory)
    for one in held:
        recorder.add(one.place, "reissued", removed=one.items, old_hash=one.sha256)
    # Also where none is held: a killed erasure may have left the chain half re-issued.
    forget_in_versions(pipeline, inventory, reason=request.reason)
    for one in held:
        recorder.add(
            one.place,
            "reissued",
            removed=one.items,
            old_hash=one.sha256,
            new_hash=items_hash(pipeline, one.version),
        )
    yield from _of_versions(held)


def _apply(pipeline: Pipeline, changes: Iterator[Change], recorder: Recorder) -> Iterator[Erased]:
    for change in changes:
        if pipeline.report is not None:
            pipeline.report(0, None, f"erasing in {change.place.partition('/')[0]}")
        recorder.add(
            change.place,
            change.treatment,
            removed=change.rows_removed,
            blanked=change.rows_blanked,
            old_hash=change.old_hash,
            new_hash=change.new_hash,
        )
        pipeline.lake.write_bytes(change.place, change.data)
        yield _told(change)


def _planned(pipeline: Pipeline, inventory: Inventory) -> Forgotten:
    changes: list[Erased] = []
    if not inventory.empty:
        changes += _of_store(_in_store(pipeline, inventory)[1])
        changes += map(_told, lake_changes(pipeline, inventory))
        changes += _of_versions(holding_versions(pipeline, inventory))
        for table in MAPPINGS:
            changes += map(_told, table_changes(pipeline, table, inventory))
    return Forgotten(
        erasure_id=inventory.person.erasure_id,
        dry_run=True,
        found=_found(inventory),
        changes=tuple(changes),
        looked=(),
        sought=0,
        suppressed=pipeline.lake.has(ERASURES, partition=inventory.person.erasure_id),
    )


def _in_store(pipeline: Pipeline, inventory: Inventory) -> tuple[frozenset[str], StoreRows]:
    """The item ids of journalled calls about the person, and the rows that are to be blanked."""
    with pipeline.store.reading() as connection:
        calls = journalled_ids(pipeline, inventory, connection=connection)
        counted = count_rows(
            connection,
            interaction_ids=reviewed_names(pipeline, inventory),
            item_ids=calls,
            golden_ids=inventory.item_ids,
        )
    return calls, counted


def reviewed_names(pipeline: Pipeline, inventory: Inventory) -> frozenset[str]:
    """Under which names they are review tasks: their interactions, and answers to their items."""
    candidates = pipeline.lake.partitions(REGRESSION_TRIALS)
    borrowed = (
        audit_interactions([candidate], items)
        for candidate, items in answered_in_their_words(pipeline, inventory).items()
    )
    own = audit_interactions(candidates, inventory.item_ids)
    return (inventory.interaction_ids | own).union(*borrowed)


def _of_store(counted: StoreRows) -> list[Erased]:
    return [Erased(f"store/{name}", "blanked", 0, rows) for name, rows in counted.rows.items()]


def _of_versions(held: Sequence[Held]) -> list[Erased]:
    return [Erased(one.place, "reissued", one.items, 0) for one in held]


def _told(change: Change) -> Erased:
    return Erased(change.place, change.treatment, change.rows_removed, change.rows_blanked)


def _found(inventory: Inventory) -> dict[str, int]:
    return {
        "interactions": len(inventory.interaction_ids),
        "conversations": len(inventory.conversation_keys),
        "golden items": len(inventory.golden_ids),
        "telling lines": len(inventory.lines),
    }


def _masked(pipeline: Pipeline, reason: str, person: Person) -> str:
    """The reason without the person: it is kept for as long as the record."""
    covered = Traces(ids=[person.user_id], texts=()).masked(reason)
    return pipeline.anonymiser.mask_text(covered)
