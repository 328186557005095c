"""A version's records as the files that other tools read, each as its present release reads them.

Where a tool calls every item without an expectation passed, such items are left out and counted.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.truth.exports.records import (
    ROLE_UNKNOWN,
    ExportRecord,
    Origin,
    export_records,
    json_text,
    plain_frame,
)

MULTI_TURN: Final = ".multi-turn"
ADDRESS: Final = re.compile(r"\s*[a-z]+:")


@dataclass(frozen=True)
class Export:
    """The files of an export, by what their names add to the name that the user gave.

    `left_out` counts items per reason: no_expectation | role_unknown; `without_expectation` those
    that are in the files with nothing to compare an answer to.
    """

    files: Mapping[str, bytes]
    items: int
    without_expectation: int
    left_out: Mapping[str, int]


def inspect_samples(records: Sequence[ExportRecord]) -> Export:
    """Inspect's `Sample` as JSON lines, for `json_dataset`.

    An item without a target is left out: `includes()` finds the empty target in every answer.
    """
    usable = [record for record in records if record.lacks is None]
    return _whole(
        records,
        usable,
        _lines(
            {
                "id": record.item_id,
                "input": record.messages,
                "target": record.expectation,
                "metadata": record.facts,
            }
            for record in usable
        ),
    )


def promptfoo_tests(records: Sequence[ExportRecord]) -> Export:
    """Promptfoo's test cases as JSON lines; the prompt is `{{messages}}`.

    A test without an assertion always passes there, so items without an expectation are left out.
    """
    usable = [record for record in records if record.lacks is None]
    return _whole(
        records,
        usable,
        _lines(
            {
                "description": record.item_id,
                "vars": {"messages": _messages_for_templates(record.messages or ())},
                "assert": [
                    {
                        "type": "llm-rubric" if record.graceful else "factuality",
                        "value": _text_for_templates(record.expectation or ""),
                    }
                ],
                "metadata": record.facts,
            }
            for record in usable
        ),
    )


def deepeval_goldens(records: Sequence[ExportRecord]) -> Export:
    """DeepEval's goldens as a JSON list; conversations of several turns in a file of their own.

    One dataset there holds either kind. The second file is written even without any, lest one of
    another version stands beside the first. A turn is the user's or the assistant's: what the
    system prompt says comes along as metadata; conversations with tool messages are left out.
    """
    usable = [record for record in records if record.messages and _has_turns_only(record)]
    single = [_golden(record) for record in usable if len(_turns(record)) == 1]
    several = [_conversation(record) for record in usable if len(_turns(record)) > 1]
    export = _whole(records, usable, _list(single), missing=ROLE_UNKNOWN)
    files = {**export.files, MULTI_TURN: _list(several)}
    return Export(files, export.items, export.without_expectation, export.left_out)


def langfuse_items(records: Sequence[ExportRecord]) -> Export:
    """Langfuse's dataset items as JSON lines.

    Ids are upserted and may stand in one dataset of a project only, so they name the version.
    """
    usable = [record for record in records if record.messages is not None]
    return _whole(
        records,
        usable,
        _lines(
            {
                "id": f"golden-{record.facts['golden_version']}-{record.item_id}",
                "input": {"messages": record.messages},
                "expectedOutput": record.expectation,
                "metadata": record.facts,
            }
            for record in usable
        ),
        missing=ROLE_UNKNOWN,
    )


def langfuse_csv(records: Sequence[ExportRecord]) -> Export:
    """The same for the import of Langfuse's UI: every cell is JSON, and ids are in the metadata."""
    usable = [record for record in records if record.messages is not None]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(("input", "expected_output", "metadata"))
    for record in usable:
        told = ({"messages": record.messages}, record.expectation, record.facts)
        writer.writerow(json_text(part) for part in told)
    return _whole(records, usable, buffer.getvalue().encode(), missing=ROLE_UNKNOWN)


FORMATS: Final[Mapping[str, Callable[[Sequence[ExportRecord]], Export]]] = {
    "promptfoo": promptfoo_tests,
    "inspect": inspect_samples,
    "deepeval": deepeval_goldens,
    "langfuse": langfuse_items,
    "langfuse-csv": langfuse_csv,
}


def export_for(tool: str, items: pl.DataFrame, origin: Origin) -> Export:
    """GOLDEN_SET `items` in the format of one of FORMATS."""
    return FORMATS[tool](list(export_records(items, origin)))


def export_jsonl(items: pl.DataFrame, origin: Origin) -> Export:
    """`plain_frame` as JSON lines; dates as text."""
    frame = plain_frame(items, origin).with_columns(pl.col(pl.Date).dt.to_string("iso"))
    unknown = frame["reference_response"].null_count()
    return Export({"": _lines(frame.iter_rows(named=True))}, frame.height, unknown, {})


def _whole(
    records: Sequence[ExportRecord],
    usable: Sequence[ExportRecord],
    data: bytes,
    *,
    missing: str | None = None,
) -> Export:
    kept = {record.item_id for record in usable}
    left = Counter(
        missing or record.lacks or ROLE_UNKNOWN for record in records if record.item_id not in kept
    )
    unknown = sum(record.expectation is None for record in usable)
    return Export({"": data}, len(usable), unknown, dict(sorted(left.items())))


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(f"{json_text(row)}\n" for row in rows).encode()


def _list(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return (json.dumps(rows, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


def _messages_for_templates(messages: Sequence[Mapping[str, str]]) -> str:
    """The messages as JSON in which no text holds a brace: Nunjucks finds nothing to render.

    Without this, a message that holds `{{ env.NAME }}` would send a secret to the model.
    """
    told = (
        f'{{"role": {_braceless(one["role"])}, "content": {_braceless(one["content"])}}}'
        for one in messages
    )
    return f"[{', '.join(told)}]"


def _braceless(text: str) -> str:
    return json_text(text).replace("{", "\\u007b").replace("}", "\\u007d")


def _text_for_templates(text: str) -> str:
    """The text as a template that renders to it.

    The space keeps a text that begins with `file:` or `package:` from being read as an address.
    """
    rendered = "".join(f"{{{{ '{sign}' }}}}" if sign in "{}" else sign for sign in text)
    return f" {rendered}" if ADDRESS.match(text) else rendered


def _turns(record: ExportRecord) -> list[Mapping[str, str]]:
    return [one for one in record.messages or () if one["role"] != "system"]


def _has_turns_only(record: ExportRecord) -> bool:
    return bool(_turns(record)) and all(
        one["role"] in {"user", "assistant"} for one in _turns(record)
    )


def _deepeval_facts(record: ExportRecord) -> Iterator[tuple[str, Any]]:
    yield from record.facts.items()
    yield (
        "system_prompt",
        [one["content"] for one in record.messages or () if one["role"] == "system"],
    )


def _golden(record: ExportRecord) -> dict[str, Any]:
    return {
        "name": record.item_id,
        "input": _turns(record)[0]["content"],
        "expected_output": record.expectation,
        "additional_metadata": dict(_deepeval_facts(record)),
    }


def _conversation(record: ExportRecord) -> dict[str, Any]:
    return {
        "name": record.item_id,
        "scenario": f"A {record.facts['kind']} conversation on the route "
        f"'{record.facts['route']}'; the assistant answers the last turn.",
        "turns": _turns(record),
        "expected_outcome": record.expectation,
        "additional_metadata": dict(_deepeval_facts(record)),
    }
