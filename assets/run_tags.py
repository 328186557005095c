"""Tags that find, in the UI's list of runs, every run behind a decision."""

from collections.abc import Iterable, Iterator
from typing import Final

import dagster as dg

from assets.conventions import weekly

PREFIX: Final = "decision"


def tag_runs_behind(
    instance: dg.DagsterInstance,
    *,
    decision_id: str,
    candidate_id: str,
    inputs: Iterable[dg.AssetKey],
    this_run: str,
) -> dg.MarkdownMetadataValue:
    """Gives the runs that made `inputs` the tag `decision/ID`, and this run too; a link to them.

    Of an asset of candidates it is the run that last made the candidate's partition; of a weekly
    asset, the one that last made its newest week, for that is what a decision reads. A run that is
    no longer kept has no tag.
    """
    key = f"{PREFIX}/{decision_id}"
    runs = {this_run, *_runs_of(instance, inputs, candidate_id=candidate_id)}
    for run_id in runs:
        if instance.has_run(run_id):
            instance.add_run_tags(run_id, {key: candidate_id})
    return dg.MetadataValue.md(
        f"[The runs behind this decision](/runs?q[0]=tag%3A{PREFIX}%2F{decision_id}%3D"
        f"{candidate_id}): `tag:{key}={candidate_id}`"
    )


def _runs_of(
    instance: dg.DagsterInstance, inputs: Iterable[dg.AssetKey], *, candidate_id: str
) -> Iterator[str]:
    weeks = set(weekly.get_partition_keys())
    for asset in inputs:
        made = instance.get_materialized_partitions(asset)
        partition = candidate_id if candidate_id in made else max(made & weeks, default=None)
        if partition is None:
            continue
        newest = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition]), limit=1
        )
        yield from (record.run_id for record in newest.records)
