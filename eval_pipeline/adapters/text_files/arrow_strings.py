"""The strings of Arrow columns at any depth, found and put back without changing the schema."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from eval_pipeline.adapters.text_files.arrow_schema import is_string
from eval_pipeline.adapters.text_files.field_paths import Path
from eval_pipeline.adapters.text_files.json_text import (
    FUNCTION_KEYS,
    FUNCTION_NAME,
    JsonText,
    Reading,
    read_string,
)
from eval_pipeline.adapters.text_files.records import Record

Texts = Sequence[Sequence[str]]
Rebuild = Callable[[Texts], pa.Array]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one value stands: its row, its path, and the kind its key says to mask it as."""

    row: int
    path: Path
    whole: str | None = None

    def under(self, step: str | None, kind: str | None = None) -> "Place":
        """The place of a member."""
        return Place(self.row, (*self.path, step), kind or self.whole)


@dataclass
class ArrowStrings:
    """Reads the strings of arrays into records."""

    records: list[Record]
    reading: Reading
    blanked: int = field(default=0)

    def read(self, array: pa.Array, places: Sequence[Place]) -> Rebuild:
        """Appends the array's strings to the records; the result puts masked ones in their place.

        `places` are one for each value.
        """
        kind = array.type
        if isinstance(kind, pa.BaseExtensionType):
            inner = self.read(array.storage, places)
            return lambda texts: pa.ExtensionArray.from_storage(kind, inner(texts))
        if types.is_dictionary(kind):
            inner = self.read(array.dictionary_decode(), places)
            return lambda texts: inner(texts).dictionary_encode().cast(kind)
        if is_string(kind):
            return self._read_strings(array, places)
        if types.is_struct(kind):
            return self._read_struct(array, places)
        if types.is_map(kind):
            return self._read_map(array, places)
        return self._read_list_or_other(array, places)

    def _read_list_or_other(self, array: pa.Array, places: Sequence[Place]) -> Rebuild:
        kind = array.type
        if types.is_fixed_size_list(kind):
            plain = self._read_list(array.cast(pa.list_(kind.value_field)), places)
            return lambda texts: plain(texts).cast(kind)
        if types.is_list(kind) or types.is_large_list(kind):
            return self._read_list(array, places)
        return self._read_other(array, places)

    def _read_strings(self, array: pa.Array, places: Sequence[Place]) -> Rebuild:
        kind = array.type
        values = array.to_pylist()
        sources: list[tuple[int, int, JsonText | int]] = []
        for index, (value, place) in enumerate(zip(values, places, strict=True)):
            source = read_string(
                value or "",
                self.reading,
                found=self.records[place.row].found,
                path=place.path,
                whole=place.whole,
            )
            if source is not None:
                sources.append((index, place.row, source))

        def rebuilt(texts: Texts) -> pa.Array:
            for index, row, source in sources:
                values[index] = (
                    source.masked(texts[row], self.records[row].found)
                    if isinstance(source, JsonText)
                    else texts[row][source]
                )
            return pa.array(values, type=kind)

        return rebuilt

    def _read_struct(self, array: pa.Array, places: Sequence[Place]) -> Rebuild:
        fields = list(array.type)
        names = {each.name for each in fields}
        present = array.is_valid().to_pylist()
        members = []
        for index, each in enumerate(fields):
            self.reading.keys.add(each.name)
            kind = self.reading.sensitive_kind(each.name)
            child = array.field(index)
            inside = [
                place.under(each.name, kind)
                if there
                else Place(place.row, (*place.path, each.name))
                for place, there in zip(places, present, strict=True)
            ]
            if kind is not None and each.name.lower() == "name" and is_string(child.type):
                inside = _without_functions(child, inside, siblings=names)
            members.append(self.read(child, inside))
        missing = array.is_null() if array.null_count else None
        return lambda texts: pa.StructArray.from_arrays(
            [member(texts) for member in members], fields=fields, mask=missing
        )

    def _read_list(self, array: pa.Array, places: Sequence[Place]) -> Rebuild:
        kind = array.type
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
        inside = _repeated([place.under(None) for place in places], lengths)
        values = self.read(array.flatten(), list(inside))
        missing = array.is_null() if array.null_count else None
        maker = pa.LargeListArray if types.is_large_list(kind) else pa.ListArray
        return lambda texts: maker.from_arrays(
            _offsets(lengths, large=types.is_large_list(kind)),
            values(texts),
            type=kind,
            mask=missing,
        )

    def _read_map(self, array: pa.Array, places: Sequence[Place]) -> Rebuild:
        kind = array.type
        begin, end = array.offsets[0].as_py(), array.offsets[-1].as_py()
        keys = array.keys.slice(begin, end - begin)
        items = array.items.slice(begin, end - begin)
        offsets = np.asarray(array.offsets) - begin
        inside = [
            self._under_key(place, key)
            for place, key in zip(
                _repeated(places, np.diff(offsets)), keys.to_pylist(), strict=True
            )
        ]
        values = self.read(items, inside)
        missing = array.is_null() if array.null_count else None
        return lambda texts: pa.MapArray.from_arrays(
            pa.array(offsets, type=pa.int32()), keys, values(texts), type=kind, mask=missing
        )

    def _under_key(self, place: Place, key: Any) -> Place:
        if not isinstance(key, str):
            return place.under("*")
        self.reading.keys.add(key)
        return place.under(key, self.reading.sensitive_kind(key))

    def _read_other(self, array: pa.Array, places: Sequence[Place]) -> Rebuild:
        """Numbers and times stay, but under a sensitive key, where they become null."""
        chosen = [self.reading.choice.visit(place.path) for place in places]
        hidden = np.array(
            [seen and place.whole is not None for seen, place in zip(chosen, places, strict=True)],
            dtype=bool,
        )
        hidden &= np.asarray(array.is_valid(), dtype=bool)
        if not hidden.any():
            return lambda _texts: array
        self.blanked += int(hidden.sum())
        blanked = pc.if_else(pa.array(hidden), pa.scalar(None, array.type), array)
        return lambda _texts: blanked


def _without_functions(
    names: pa.Array, places: Sequence[Place], *, siblings: set[str]
) -> list[Place]:
    """The places, those of the names of called functions without a kind to mask them as."""
    called = bool(FUNCTION_KEYS & siblings)
    return [
        Place(place.row, place.path)
        if isinstance(name, str)
        and (called or place.path[-2:-1] == ("function",))
        and FUNCTION_NAME.fullmatch(name)
        else place
        for name, place in zip(names.to_pylist(), places, strict=True)
    ]


def _repeated(places: Sequence[Place], lengths: Any) -> Iterator[Place]:
    for place, length in zip(places, lengths, strict=True):
        for _ in range(int(length)):
            yield place


def _offsets(lengths: Any, *, large: bool) -> pa.Array:
    sums = np.concatenate([[0], np.cumsum(lengths)])
    return pa.array(sums, type=pa.int64() if large else pa.int32())
