"""What every judging call shares: how it is planned and what its outcome says in a table."""

from collections.abc import Iterable, Mapping, Sequence

from eval_pipeline.judging.parsing import Unusable
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec
from eval_pipeline.settings import ModelSettings

_JUDGE_PREFIX = "judge:"


def model_spec(settings: ModelSettings) -> ModelSpec:
    """The model to ask, with its parameters in a fixed order."""
    return ModelSpec(
        provider=settings.provider,
        model=settings.model,
        parameters=tuple(sorted(settings.parameters.items())),
        usd_per_million_input_tokens=settings.usd_per_million_input_tokens,
        usd_per_million_output_tokens=settings.usd_per_million_output_tokens,
    )


def judge_system_id(judge_id: str) -> str:
    """The identity under which a judge's calls are journalled."""
    return f"{_JUDGE_PREFIX}{judge_id}"


def judge_of(outcome: CallOutcome) -> str:
    """The judge that was asked."""
    return outcome.call.system_id.removeprefix(_JUDGE_PREFIX)


def judge_call(
    settings: ModelSettings,
    messages: tuple[Message, ...],
    *,
    scope: str,
    system_id: str,
    item_id: str,
    output_schema: str,
    trial: int = 1,
) -> ModelCall:
    """One call that asks for a JSON object that fits `output_schema`."""
    return ModelCall(
        scope=scope,
        system_id=system_id,
        item_id=item_id,
        spec=model_spec(settings),
        messages=messages,
        trial=trial,
        output_schema=output_schema,
    )


def conversation_of(messages: Iterable[Mapping[str, str | None]]) -> tuple[Message, ...]:
    """The messages column of one row; a null role or content reads as empty."""
    return tuple(Message(message["role"] or "", message["content"] or "") for message in messages)


def call_columns(outcome: CallOutcome, answer: object | None) -> dict[str, object]:
    """The columns that tables keep of a call; an unusable answer makes the call failed."""
    return {
        "status": "failed" if isinstance(answer, Unusable) else outcome.status,
        "error_code": answer.code if isinstance(answer, Unusable) else outcome.error_code,
        "requested_model": outcome.requested_model,
        "served_model": outcome.served_model,
        "system_fingerprint": outcome.system_fingerprint,
        "finish_reason": outcome.finish_reason,
        "input_tokens": outcome.input_tokens,
        "output_tokens": outcome.output_tokens,
        "cost_usd": outcome.cost_usd,
        "latency_seconds": outcome.latency_seconds,
        "first_byte_seconds": outcome.first_byte_seconds,
        "attempts": outcome.attempts,
    }


def distinct_calls(calls: Sequence[ModelCall]) -> list[ModelCall]:
    """The calls in order without repeats: the same question in one scope is paid once."""
    return list(dict.fromkeys(calls))
