"""Which Arrow columns hold texts, and which can be neither scanned nor left alone."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyarrow import types

from eval_pipeline.adapters.text_files.failures import AnonymiseRequestError
from eval_pipeline.adapters.text_files.field_paths import FieldChoice, Path, spelt
from eval_pipeline.adapters.text_files.json_text import Reading


def is_string(kind: pa.DataType) -> bool:
    """Whether values of the type are texts."""
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def check_schema(schema: pa.Schema, reading: Reading, choice: FieldChoice) -> None:
    """Raises `AnonymiseRequestError` for columns that can be neither scanned nor left alone."""
    for path, leaf, sensitive in _leaves(schema, reading, path=(), sensitive=False):
        if not choice.visit(path):
            continue
        if _is_binary(leaf.type):
            raise AnonymiseRequestError(
                f"The column '{spelt(path)}' holds bytes, which cannot be scanned. Nothing was "
                "written. Make it text or drop it, or name the columns to scan with --field."
            )
        if sensitive and not leaf.nullable and not _holds_text(leaf.type):
            raise AnonymiseRequestError(
                f"The column '{spelt(path)}' has a sensitive name and is no text, so it would "
                "become null, which its schema forbids. Nothing was written. Make it nullable, "
                "or name the columns to scan with --field."
            )


def _leaves(
    members: Any, reading: Reading, *, path: Path, sensitive: bool
) -> Iterator[tuple[Path, pa.Field, bool]]:
    for each in members:
        at: Path = (*path, each.name)
        named = sensitive or reading.sensitive_kind(each.name) is not None
        yield from _leaves_of(each, reading, path=at, sensitive=named)


def _leaves_of(
    each: pa.Field, reading: Reading, *, path: Path, sensitive: bool
) -> Iterator[tuple[Path, pa.Field, bool]]:
    kind = each.type
    if types.is_struct(kind):
        yield from _leaves(kind, reading, path=path, sensitive=sensitive)
    elif types.is_map(kind):
        yield from _leaves_of(kind.item_field, reading, path=(*path, "*"), sensitive=sensitive)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        yield from _leaves_of(kind.value_field, reading, path=(*path, None), sensitive=sensitive)
    else:
        yield path, each, sensitive


def _is_binary(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return False
    value = kind.value_type if types.is_dictionary(kind) else kind
    return bool(
        types.is_binary(value)
        or types.is_large_binary(value)
        or types.is_binary_view(value)
        or types.is_fixed_size_binary(value)
    )


def _holds_text(kind: pa.DataType) -> bool:
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    return is_string(storage.value_type if types.is_dictionary(storage) else storage)
