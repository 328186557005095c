"""Which of a team's columns is which canonical one, and which files are like a given file."""

import datetime as dt
import glob
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from eval_pipeline.adapters.logs.formats import LOG_COLUMNS
from eval_pipeline.settings.logs import LogFormat

_ALSO_CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "interaction_id": ("id", "request_id", "log_id", "call_id", "event_id", "uuid"),
    "occurred_at": ("timestamp", "time", "ts", "created_at", "created", "datetime", "started_at"),
    "conversation_id": (
        "conversation",
        "session_id",
        "session",
        "thread_id",
        "chat_id",
        "trace_id",
    ),
    "user_id": ("user", "customer_id", "end_user", "account_id"),
    "route": ("intent", "feature", "endpoint", "task", "use_case", "topic", "flow"),
    "prompt_version": ("prompt_id", "template_version", "prompt_template"),
    "messages": ("chat_messages", "input_messages", "prompt_messages", "chat", "history", "input"),
    "response": ("answer", "output", "completion", "reply", "response_text", "output_text"),
    "provider": ("vendor", "llm_provider"),
    "requested_model": ("model", "model_name", "request_model"),
    "served_model": ("response_model", "model_version"),
    "finish_reason": ("stop_reason",),
    "error": ("error_code", "error_type"),
    "latency_seconds": ("latency_s", "duration_seconds", "duration_s"),
    "input_tokens": ("prompt_tokens", "tokens_in"),
    "output_tokens": ("completion_tokens", "tokens_out"),
    "cost_usd": ("cost", "price_usd", "spend_usd"),
    "outcome": ("success", "resolved", "solved"),
    "feedback": ("thumbs", "user_feedback"),
    "escalated": ("handed_over", "transferred"),
    "attributes": ("metadata", "tags", "labels"),
    "arrived_at": ("ingested_at", "received_at", "loaded_at", "ingestion_time"),
}
_DATE: Final = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
_EXPORT_FOLDERS: Final = frozenset({"observations", "observations_v2", "traces", "scores"})


def near_canonical(found: Sequence[str], *, given: Mapping[str, str]) -> dict[str, str]:
    """Canonical column to the one of `found` that is it; what is not found is left out.

    `given` decides first, then the canonical name however it is spelt, then usual other names. No
    column of theirs is taken twice.
    """
    taken = set(given.values())
    free = {_folded(name): name for name in sorted(found, reverse=True) if name not in taken}
    chosen = dict(given)
    wanted = [column for column in LOG_COLUMNS if column not in given]
    for also in (False, True):
        for column in wanted:
            names = _ALSO_CALLED[column] if also else (column,)
            match = next((name for name in map(_folded, names) if name in free), None)
            if column not in chosen and match is not None:
                chosen[column] = free.pop(match)
    return {column: chosen[column] for column in LOG_COLUMNS if column in chosen}


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def path_of_all(sample: Path, *, log_format: LogFormat | None) -> str:
    """The pattern of all files like the sample: a Monday's date is `{week}`, other numbers are `*`.

    A file without a number stands for itself, unless its folder holds more of its kind.
    """
    folders = [_folder(part) for part in sample.parent.parts]
    suffix = "".join(sample.suffixes)
    name = _with_week(sample.name.removesuffix(suffix))
    general = re.sub(r"[0-9]+(?:[-_T:]?[0-9]+)*", "*", name) if "{week}" not in name else name
    if log_format == "langfuse":
        # Traces, observations and scores lie side by side, in files or in folders.
        if sample.parent.name in _EXPORT_FOLDERS:
            folders[-1] = "*"
        general = "*"
    elif general == name and "{week}" not in "".join([*folders, name]):
        alike = [other for other in sample.parent.glob(f"*{suffix}") if other.is_file()]
        general = "*" if len(alike) > 1 else name
    return str(Path(*folders, general + suffix))


def _folder(part: str) -> str:
    with_week = _with_week(part)
    if "{week}" in with_week:
        return with_week
    if re.fullmatch(r"[A-Za-z_]+=.+", part):
        return part.partition("=")[0] + "=*"
    return "*" if _DATE.fullmatch(part) or re.fullmatch(r"\d+", part) else with_week


def _with_week(part: str) -> str:
    """The text as a pattern that names itself, with `{week}` for a Monday's date in it."""
    found = _DATE.search(part)
    if found is None or not _is_monday(found.group()):
        return glob.escape(part)
    return f"{glob.escape(part[: found.start()])}{{week}}{glob.escape(part[found.end() :])}"


def _is_monday(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).weekday() == 0
    except ValueError:
        return False
