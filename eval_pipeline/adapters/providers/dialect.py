"""What a dialect is: the few things in which one provider's API differs from another's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval_pipeline.adapters.providers.replies import Reply, ReplyFacts
from eval_pipeline.ports import ModelCall
from eval_pipeline.settings import StructuredOutput

Body = dict[str, Any]


@dataclass(frozen=True)
class EmbeddingsDialect:
    """How vectors are asked for; `rows` gives one per text in order, or null for another reply."""

    path: str
    request: Callable[[str, Sequence[str]], Body]
    rows: Callable[[Mapping[str, Any]], list[list[float]] | None]


@dataclass(frozen=True)
class Dialect:
    """One API. `path` follows the base URL, with what `resource` makes of the model's name in it.

    `read` takes the JSON object of a success; `facts` reads what any reply says beside its text,
    a failed one included.
    """

    path: str
    request: Callable[[ModelCall, StructuredOutput], Body]
    read: Callable[[Mapping[str, Any]], Reply]
    facts: Callable[[Mapping[str, Any]], ReplyFacts]
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    resource: Callable[[str], str] = str
    headers: Mapping[str, str] = field(default_factory=dict)
    embeddings: EmbeddingsDialect | None = None


def nested(parameters: Sequence[tuple[str, Any]], *, names: Mapping[str, str]) -> Body:
    """Parameters as JSON, each under its name here; `reasoning.effort` goes into `reasoning`.

    A streamed reply cannot be read, so `stream` is left out.
    """
    body: Body = {}
    for name, value in parameters:
        *folders, last = names.get(name, name).split(".")
        place = body
        for folder in folders:
            inner = place.get(folder)
            if not isinstance(inner, dict):
                inner = place[folder] = {}
            place = inner
        place[last] = value
    body.pop("stream", None)
    return body
