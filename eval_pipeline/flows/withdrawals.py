"""Golden items taken out by a person, or put back: from the next published version on."""

from collections.abc import Mapping

from eval_pipeline.adapters.withdrawals import Action, Withdrawal
from eval_pipeline.errors import UnknownItemError
from eval_pipeline.flows.wiring import Pipeline


def withdraw_item(pipeline: Pipeline, item_id: str, *, by: str, reason: str) -> bool:
    """Takes an item out of every version to come; False if it is out already.

    Published versions stay as they are. Raises `UnknownItemError` if no version ever admitted it.
    """
    return _record(pipeline, item_id, action="withdraw", by=by, reason=reason)


def reinstate_item(pipeline: Pipeline, item_id: str, *, by: str, reason: str) -> bool:
    """Lets a withdrawn item stand for a place again; False if it is not withdrawn.

    It comes back when a week that labelled it is published again, if there is room.
    """
    return _record(pipeline, item_id, action="reinstate", by=by, reason=reason)


def withdrawn_items(pipeline: Pipeline) -> Mapping[str, Withdrawal]:
    """The items that are out, by id, with who decided so and why."""
    return pipeline.withdrawals.standing()


def _record(pipeline: Pipeline, item_id: str, *, action: Action, by: str, reason: str) -> bool:
    if not _was_admitted(pipeline, item_id):
        raise UnknownItemError(item_id)
    return pipeline.withdrawals.record(
        item_id,
        action=action,
        decided_by=by,
        reason=pipeline.anonymiser.mask_text(reason),
        at=pipeline.clock(),
    )


def _was_admitted(pipeline: Pipeline, item_id: str) -> bool:
    """Whether a version admitted it; the manifests tell, so the items are not read."""
    return any(
        change.item_id == item_id
        for number in reversed(pipeline.golden.numbers())
        for change in pipeline.golden.manifest(number).admitted
    )
