"""What production logged of a request, as the outcome of a call that is not made again."""

from collections.abc import Mapping
from typing import Any

from eval_pipeline.ports import CallOutcome, CallStatus, ModelCall, ModelSpec

LOGGED_ERROR = "logged_error"
NO_RESPONSE = "no_response"
DECLINED = frozenset({"content_filter", "refusal"})


def recorded_outcome(
    row: Mapping[str, Any], *, item_id: str, system_id: str, scope: str
) -> CallOutcome:
    """The outcome that a row of ANONYMISED_INTERACTIONS tells.

    A logged error is a failure whatever else stands beside it, and its text goes no further; an
    answer that is missing without one is a failure too. Neither has a latency, as with calls.
    """
    call = ModelCall(
        scope=scope,
        system_id=system_id,
        item_id=item_id,
        spec=ModelSpec(provider="recorded", model=row["requested_model"] or "unknown"),
        messages=(),
        route=row["route"],
    )
    status, code = _status(row)
    answered = status == "answered"
    return CallOutcome(
        call=call,
        status=status,
        text=row["response"] if answered else None,
        error_code=code,
        requested_model=row["requested_model"] or "unknown",
        served_model=row["served_model"],
        system_fingerprint=None,
        finish_reason=row["finish_reason"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_usd=row["cost_usd"],
        latency_seconds=None if status == "failed" else row["latency_seconds"],
        attempts=1,
    )


def _status(row: Mapping[str, Any]) -> tuple[CallStatus, str | None]:
    if row["error"] is not None:
        return "failed", LOGGED_ERROR
    if row["finish_reason"] in DECLINED:
        return "refused", None
    if not (row["response"] or "").strip():
        return "failed", NO_RESPONSE
    return "answered", None
