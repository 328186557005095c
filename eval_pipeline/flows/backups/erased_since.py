"""Who was erased since a backup was made, so that restoring it brings nobody back.

The record of an erasure holds `person_link`, a keyed hash of the pseudonym that the person's data
carries. It names nobody, but whoever holds the key and the restored data finds whose it is.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.lake import Lake, parse_parquet
from eval_pipeline.errors import BackupError
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.flows.erasure.forgetting import Forgotten, forget_known
from eval_pipeline.flows.erasure.inventory import Person
from eval_pipeline.flows.erasure.record import REQUEST
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.suppression import person_link, suppression_key
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, ERASURES, SHADOW_PAIRS


@dataclass(frozen=True)
class Pending:
    """One erasure that the backup does not know to its end; `record` is the ledger's, as ERASURES.

    `link` is null where an earlier version of this program wrote the record, and `user_id` where
    nobody told it.
    """

    erasure_id: str
    record: pl.DataFrame
    link: str | None
    user_id: str | None

    @property
    def requested_at(self) -> dt.datetime:
        """When it was last asked for."""
        latest: dt.datetime = self.record["erased_at"].max()  # type: ignore[assignment]
        return latest


def records_in(files: Mapping[str, bytes]) -> dict[str, pl.DataFrame]:
    """The records of erasures among a backup's files of the lake, by erasure."""
    start, end = f"{ERASURES.name}/{ERASURES.partitioned_by}=", "/part-0.parquet"
    return {
        path.removeprefix(start).removesuffix(end): parse_parquet(
            data, table=ERASURES, path=path, remedy="Take another backup."
        )
        for path, data in files.items()
        if path.startswith(start) and path.endswith(end)
    }


def pending_erasures(
    ledger: Lake, known: Mapping[str, pl.DataFrame], *, told: Sequence[str], key: bytes
) -> list[Pending]:
    """Every erasure of the ledger that has to be made again, in the order of their ids.

    `known` is what the backup records, `told` are user ids that the operator names. Raises
    `BackupError` if the ledger lacks an erasure of the backup, so cannot be the whole of it, and if
    one can be found neither by its link nor among those told.
    """
    listed = ledger.partitions(ERASURES)
    lacking = sorted(set(known) - set(listed))
    if lacking:
        raise BackupError(
            f"The ledger of erasures at {ledger.url} does not know the erasure {lacking[0]}, which "
            "the backup does: it is another project's, or not whole. Nothing was restored. Name "
            "the ledger that `storage.erasure_ledger` named, or the lake as it was last."
        )
    names = {suppression_key(user_id, key=key): user_id for user_id in told}
    found = [
        _pending(one, ledger.read(ERASURES, partition=one), user_id=names.get(one))
        for one in listed
    ]
    open_ones = [one for one in found if not _settled(one, known.get(one.erasure_id))]
    nameless = [one for one in open_ones if one.link is None and one.user_id is None]
    if nameless:
        listed_ones = ", ".join(
            f"{one.erasure_id} of {one.requested_at:%Y-%m-%d}" for one in nameless
        )
        raise BackupError(
            f"{len(nameless)} erasures since the backup do not say by themselves whose they are: "
            f"{listed_ones}. Nothing was restored. Name these people: --erased-user ID for each, "
            "or --erased-user - to read the ids from standard input."
        )
    return open_ones


def erase_again(pipeline: Pipeline, pending: Sequence[Pending]) -> list[Forgotten]:
    """Makes each erasure again on restored data, and takes over its record; later ones stay theirs.

    An erasure of somebody of whom nothing came back is recorded and changes nothing else.
    """
    keys = {person_link(one, key=pipeline.key): one for one in _people(pipeline)}
    done = []
    for one in pending:
        held = pipeline.lake.read_if_made(ERASURES, partition=one.erasure_id)
        rows = one.record if held is None else _merged(held, one.record)
        pipeline.lake.replace(ERASURES, rows, partition=one.erasure_id)
        user_key = _user_key(one, keys, key=pipeline.key)
        if user_key is None:
            continue
        person = Person(one.user_id or user_key, user_key, one.erasure_id)
        asked = one.record.filter(pl.col("place") == REQUEST).sort("erased_at").row(-1, named=True)
        done.append(
            forget_known(pipeline, person, by=asked["requested_by"], reason=asked["reason"])
        )
    return done


def _pending(erasure_id: str, record: pl.DataFrame, *, user_id: str | None) -> Pending:
    links = record["person_link"].drop_nulls()
    return Pending(erasure_id, record, str(links[-1]) if len(links) else None, user_id)


def _settled(one: Pending, known: pl.DataFrame | None) -> bool:
    """Whether the backup has the whole record, and was proven clean or cannot be searched."""
    if known is None or not known.equals(one.record):
        return False
    proven = not known.filter(pl.col("treatment") == "proven").is_empty()
    return proven or (one.link is None and one.user_id is None)


def _merged(held: pl.DataFrame, record: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([record, held.join(record, on=list(ERASURES.key), how="anti")])


def _user_key(one: Pending, keys: Mapping[str, str], *, key: bytes) -> str | None:
    if one.user_id is not None:
        return keyed_pseudonym(key, "user", one.user_id)
    return keys.get(one.link or "")


def _people(pipeline: Pipeline) -> set[str]:
    """The pseudonyms of everybody in the restored data, wherever an inventory would look."""
    lake, found = pipeline.lake, set[str]()
    for table in (ANONYMISED_INTERACTIONS, SHADOW_PAIRS):
        for partition in lake.partitions(table):
            rows = lake.read(table, partition=partition, columns=["user_key"])
            found |= set(rows["user_key"].drop_nulls())
    for version in pipeline.golden.numbers():
        found |= set(pipeline.golden.items(version)["user_key"].drop_nulls())
    return found
