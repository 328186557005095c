"""The identity of a call, under which it is paid for once, and the price of its reply."""

from eval_pipeline.adapters.providers.replies import ReplyFacts
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.ports import ModelCall, ModelSpec


def request_fingerprint(call: ModelCall) -> str:
    """The identity of what is asked: the provider's name counts, its address does not."""
    return fingerprint(
        {
            "provider": call.spec.provider,
            "model": call.spec.model,
            "messages": [[message.role, message.content] for message in call.messages],
            "parameters": dict(call.spec.parameters),
            "output_schema": call.output_schema,
        }
    )


def cost_usd(spec: ModelSpec, facts: ReplyFacts) -> float | None:
    """The price of one reply, or null where the provider counted no tokens.

    Input from a cache counts in full, so the true price may be lower, never higher by it.
    """
    if facts.input_tokens is None or facts.output_tokens is None:
        return None
    return (
        facts.input_tokens * spec.usd_per_million_input_tokens
        + facts.output_tokens * spec.usd_per_million_output_tokens
    ) / 1_000_000
