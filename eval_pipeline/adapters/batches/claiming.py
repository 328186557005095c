"""Of several runs on one scope, one sends a call by batch, and one finds out what became of it."""

from collections.abc import Callable, Mapping

from eval_pipeline.adapters.batches.records import BatchRecord, BatchRecords
from eval_pipeline.adapters.model_calls.claims import CallClaims, CallState
from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.ports import ModelCall

WAIT_SECONDS = 1.0
CLAIMED_AT_ONCE = 500
"""A database takes only so many values in one statement."""


def claimed_for_batches(
    pending: Mapping[CallKey, ModelCall],
    may_wait: Mapping[CallKey, ModelCall],
    *,
    records: BatchRecords,
    claims: CallClaims,
    enough: Callable[[Mapping[CallKey, ModelCall]], dict[CallKey, ModelCall]],
    sleep: Callable[[float], None],
) -> tuple[list[BatchRecord], dict[CallKey, ModelCall]]:
    """The open batches that hold some of `pending`, and the calls to send, claimed by this run.

    `enough` keeps of calls that may wait those that make a batch. Waits while another run is
    sending some of them or asking them. A batch that was accepted needs no claim: several runs may
    read it, which records the same attempts.
    """
    scopes = {key.scope for key in pending}
    while True:
        found = [
            record
            for record in records.open_in(scopes)
            if not pending.keys().isdisjoint(record.calls.values())
        ]
        taken = {key for record in found for key in record.calls.values()}
        fresh = enough({key: call for key, call in may_wait.items() if key not in taken})
        in_doubt = {
            key
            for record in found
            if record.state == "sending"
            for key in record.calls.values()
            if key in pending
        }
        wanted = [key for key in pending if key in fresh or key in in_doubt]
        states: dict[CallKey, CallState] = {}
        for start in range(0, len(wanted), CLAIMED_AT_ONCE):
            states |= claims.claim(wanted[start : start + CLAIMED_AT_ONCE])
        if all(key in states and states[key].ours for key in wanted):
            return found, {key: call for key, call in fresh.items() if not states[key].settled}
        # Holding some while waiting for others could make three runs wait for each other.
        claims.release_all()
        sleep(WAIT_SECONDS)
