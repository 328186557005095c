"""What stands in a mirrored request and in a baseline's reply, read without trust."""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from eval_pipeline.adapters.model_calls.transports import LARGEST_REPLY_BYTES
from eval_pipeline.adapters.network.bodies import BodyDecoder, TooLongError
from eval_pipeline.adapters.providers.replies import (
    json_object,
    mapping_of,
    mappings_of,
    storable,
    word_of,
)
from eval_pipeline.evaluation.shadow.prompts import INSTRUCTING, Exchanged, exchange
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.ports import Message, ModelCall, ModelSpec

ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
CALLS: Final = ("tool_calls", "function_call")
ONLY_HERE: Final = frozenset({"model", "messages", "stream", "stream_options"})
SIMPLE: Final = frozenset({"temperature", "top_p", "max_tokens", "max_completion_tokens", "seed"})
"""Parameters that every dialect can say; a request with others is put to OpenAI-style APIs only."""
IGNORED: Final = frozenset({"user", "metadata", "store", "n"})
"""What another API need not be told; `n` of 1 only."""


def stored_messages(messages: object) -> list[Message] | None:
    """The conversation as text alone; None where a part of it is none, as an image is.

    What an assistant called is kept as JSON: it holds what customers said.
    """
    if not isinstance(messages, list) or not messages:
        return None
    found = [_message(each) for each in messages]
    return None if any(one is None for one in found) else [one for one in found if one is not None]


def _message(message: object) -> Message | None:
    said = mapping_of(message)
    role = said.get("role")
    text = _text(said.get("content"))
    if not isinstance(role, str) or role not in ROLES or text is None:
        return None
    called = {name: said[name] for name in CALLS if said.get(name)}
    parts = [text, canonical_json(called)] if called else [text]
    return Message(role, "\n".join(part for part in parts if part))


def _text(content: object) -> str | None:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts = [mapping_of(part).get("text") for part in content]
    return None if any(not isinstance(one, str) for one in texts) else "".join(map(str, texts))


def exchanged(messages: Sequence[Message], *, known: str, prompt: str) -> Exchanged:
    """How the candidate's prompt gets into the request; see `exchange`."""
    first = messages[0]
    return exchange(first.role, first.content, known=(known,), prompt=prompt)


def openai_request(
    request: Mapping[str, Any], change: Exchanged, *, parameters: Mapping[str, Any], model: str
) -> bytes:
    """The same request for the candidate's model: every field that is not its own stays.

    The candidate's parameters stand in place of the request's of the same name. It is never
    streamed: nobody waits for it.
    """
    body = {name: value for name, value in request.items() if name not in ONLY_HERE}
    body |= parameters
    messages = list(request["messages"])
    if change.drop_first:
        messages = messages[1:]
    if change.prompt:
        messages = [{"role": "system", "content": change.prompt}, *messages]
    return json.dumps({**body, "model": model, "messages": messages}).encode("ascii")


def other_call(
    request: Mapping[str, Any], messages: Sequence[Message], change: Exchanged, *, spec: ModelSpec
) -> ModelCall | None:
    """The request as a call in another API's words; None where they do not hold what it asks."""
    further = request.keys() - ONLY_HERE - SIMPLE - IGNORED
    if further or request.get("n", 1) != 1 or any(one.role not in _SPOKEN for one in messages):
        return None
    given = {
        name: value
        for name in SIMPLE
        if isinstance(value := request.get(name), int | float) and not isinstance(value, bool)
    }
    if "max_completion_tokens" in given:
        given["max_tokens"] = given.pop("max_completion_tokens")
    parameters = tuple(sorted((given | dict(spec.parameters)).items()))
    opening = (Message("system", change.prompt),) if change.prompt else ()
    return ModelCall(
        scope="shadow",
        system_id="candidate",
        item_id="live",
        spec=ModelSpec(
            spec.provider,
            spec.model,
            parameters,
            spec.usd_per_million_input_tokens,
            spec.usd_per_million_output_tokens,
        ),
        messages=(*opening, *(messages[1:] if change.drop_first else messages)),
    )


_SPOKEN = INSTRUCTING | {"user", "assistant"}


def completion_of(
    body: bytes, *, content_type: str, encoding: str, largest: int = LARGEST_REPLY_BYTES
) -> Mapping[str, Any] | None:
    """A reply's JSON object, a stream put together first; None where it cannot be read.

    One that unfolds to more than `largest` bytes cannot.
    """
    try:
        decoder = BodyDecoder(encoding, largest=max(largest, len(body)))
        plain = b"".join(decoder.pieces(body))
        decoder.finish()
    except (zlib.error, TooLongError):
        return None
    if content_type.partition(";")[0].strip().lower() == "text/event-stream":
        return _assembled(plain)
    return json_object(plain) or None


def _assembled(body: bytes) -> Mapping[str, Any] | None:
    """The events of a stream as the completion that they tell; None where none tells any."""
    whole: dict[str, Any] = {}
    texts: list[str] = []
    calls: dict[int, tuple[list[str], list[str]]] = {}
    finish, refusals, seen = None, list[str](), False
    for event in _events(body):
        whole |= {name: event[name] for name in ("model", "system_fingerprint") if name in event}
        if isinstance(event.get("usage"), dict):
            whole["usage"] = event["usage"]
        if event.get("error"):
            whole["error"] = event["error"]
            seen = True
        for choice in mappings_of(event.get("choices")):
            if choice.get("index", 0) != 0:
                continue
            seen = True
            delta = mapping_of(choice.get("delta"))
            texts.append(word_of(delta.get("content")))
            refusals.append(word_of(delta.get("refusal")))
            _add_calls(calls, delta)
            finish = choice.get("finish_reason") or finish
    if not seen:
        return None
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts)}
    if any(refusals):
        message["refusal"] = "".join(refusals)
    if calls:
        message["tool_calls"] = [
            {"function": {"name": "".join(names), "arguments": "".join(arguments)}}
            for _, (names, arguments) in sorted(calls.items())
        ]
    return {**whole, "choices": [{"message": message, "finish_reason": finish}]}


def _add_calls(calls: dict[int, tuple[list[str], list[str]]], delta: Mapping[str, Any]) -> None:
    for part in mappings_of(delta.get("tool_calls")):
        place = part.get("index")
        if not isinstance(place, int):
            continue
        said = mapping_of(part.get("function"))
        names, arguments = calls.setdefault(place, ([], []))
        names.append(word_of(said.get("name")))
        arguments.append(word_of(said.get("arguments")))


def _events(body: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of a stream's data lines; a line that holds none is left out."""
    for line in body.splitlines():
        if line.startswith(b"data:"):
            event = json_object(line[5:].strip())
            if event:
                yield event


def called_text(completion: Mapping[str, Any]) -> str | None:
    """What an answer without text calls, as JSON without the ids of the calls; else None."""
    choices = mappings_of(completion.get("choices"))
    message = mapping_of(choices[0].get("message")) if choices else {}
    called = [mapping_of(each.get("function")) for each in mappings_of(message.get("tool_calls"))]
    if not called:
        called = [mapping_of(message["function_call"])] if message.get("function_call") else []
    told = [
        {name: storable(word_of(one.get(name))) for name in ("name", "arguments")} for one in called
    ]
    return canonical_json(told) if told else None
