"""Model providers: what each API is sent and what its replies mean, without a socket."""

from eval_pipeline.adapters.providers.accounts import cost_usd, request_fingerprint
from eval_pipeline.adapters.providers.provider import ChatProvider
from eval_pipeline.adapters.providers.replies import (
    Answered,
    ErrorCode,
    Failed,
    FinishReason,
    Refused,
    Reply,
    ReplyFacts,
)

__all__ = [
    "Answered",
    "ChatProvider",
    "ErrorCode",
    "Failed",
    "FinishReason",
    "Refused",
    "Reply",
    "ReplyFacts",
    "cost_usd",
    "request_fingerprint",
]
