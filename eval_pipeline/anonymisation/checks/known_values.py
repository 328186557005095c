"""The known-value scan: real customers' values looked for in what is about to be written.

The only leak test with real truth. Values are held and compared as keyed hashes of their
normalised form, so neither memory nor a hashed file holds them.
"""

import hmac
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import numpy as np
import polars as pl

from eval_pipeline.anonymisation.checks.written import labels_of, texts_of
from eval_pipeline.anonymisation.spans import PLACEHOLDER

HASHED: Final = "hmac:"
DEFAULT_MINIMUM_LENGTH: Final = 4
_LONGEST: Final = 24
_HEX_DIGITS: Final = 32
_COMPARED_HEX_DIGITS: Final = 16
_PURPOSE: Final = b"known_value\x1f"
_KEY_CHECK: Final = "this file was hashed with this key"

_WORD: Final = re.compile(r"[^\W_]+")
_ESCAPED_CHARACTER: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_ESCAPED_SPACE: Final = re.compile(r"\\+[nrtbf\"'/]")
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_HASHED_LINE: Final = re.compile(rf"{HASHED}([0-9]{{1,2}}):([0-9a-f]{{{_HEX_DIGITS}}})")
_BORDER: Final = "\x00"


@dataclass(frozen=True)
class KnownValueHits:
    """Occurrences of known values by interaction id and by field; both empty if there is none."""

    interactions: Mapping[str, int]
    fields: Mapping[str, int]

    @property
    def occurrences(self) -> int:
        """All of them."""
        return sum(self.interactions.values())


class KnownValueScan:
    """Finds known values as whole words, whatever their case, spacing, punctuation and grouping.

    Each value takes eight bytes of memory. Accents count. Time is linear in the text, and in the
    longest known value's number of words.
    """

    def __init__(
        self, lines: Iterable[str], *, key: bytes, minimum_length: int = DEFAULT_MINIMUM_LENGTH
    ) -> None:
        """Reads plain values and lines of `hash_known_values`, one a line, also mixed.

        Raises `ValueError`, which quotes no line, if a hash is malformed or of another key.
        """
        self._key = key
        self._minimum_length = minimum_length
        hashes = array("Q")
        self._longest = 0
        for words, code in _read(lines, key=key, minimum_length=minimum_length):
            hashes.append(code)
            self._longest = max(self._longest, min(words, _LONGEST))
        self._hashes = np.unique(np.frombuffer(hashes, dtype=np.uint64))

    def __len__(self) -> int:
        """How many distinct values are looked for."""
        return int(self._hashes.size)

    def count(self, text: str) -> int:
        """How often known values stand in the text; one inside another counts for itself."""
        if not self._hashes.size:
            return 0
        for reading in _readings(text):
            codes = array("Q")
            for piece in reading.split(_BORDER):
                codes.extend(self._codes(_words(piece)))
            if codes and (found := self._known(codes)):
                return found
        return 0

    def scan(self, interactions: pl.DataFrame) -> KnownValueHits:
        """Every string of every interaction (`anonymised_interactions`), ids and names too."""
        count = lru_cache(maxsize=None)(self.count)  # instructions to systems recur in every row
        by_interaction: Counter[str] = Counter()
        by_field: Counter[str] = Counter()
        for row in interactions.iter_rows(named=True):
            for field, text in (*texts_of(row), *labels_of(row)):
                if found := count(text):
                    by_interaction[row["interaction_id"]] += found
                    by_field[field] += found
        return KnownValueHits(dict(by_interaction), dict(by_field))

    def _codes(self, words: list[str]) -> Iterator[int]:
        for start in range(len(words)):
            joined = ""
            for word in words[start : start + self._longest]:
                joined += word
                if len(joined) >= self._minimum_length:
                    yield _code(joined, key=self._key)

    def _known(self, codes: "array[int]") -> int:
        looked_for = np.frombuffer(codes, dtype=np.uint64)
        places = np.searchsorted(self._hashes, looked_for)
        places[places == self._hashes.size] = 0
        return int((self._hashes[places] == looked_for).sum())


def hash_known_values(
    lines: Iterable[str], *, key: bytes, minimum_length: int = DEFAULT_MINIMUM_LENGTH
) -> Iterator[str]:
    """Plain values as lines `hmac:<most words>:<hex>` without line ends, in the hashes' order.

    `<most words>` is how many words a value may be spread over, so that numbers are found however
    they are grouped. The first line, of no words, tells whether a key is the one of this file.
    Repeated and too short values are left out. Whoever has the key can test a guess; nobody else.
    """
    yield f"{HASHED}0:{_hex(_KEY_CHECK, key=key)}"
    hashed: dict[str, int] = {}
    for line in lines:
        value = "".join(_words(line))
        if len(value) >= minimum_length:
            code = _hex(value, key=key)
            hashed[code] = max(hashed.get(code, 0), _most_words(line))
    for code in sorted(hashed):
        yield f"{HASHED}{hashed[code]}:{code}"


def _read(lines: Iterable[str], *, key: bytes, minimum_length: int) -> Iterator[tuple[int, int]]:
    """Most words and hash of every value; raises `ValueError` on hashes that are not of the key."""
    checked = hashed = False
    for number, line in enumerate(lines, start=1):
        if not line.startswith(HASHED):
            value = "".join(_words(line))
            if len(value) >= minimum_length:
                yield _most_words(line), _code(value, key=key)
            continue
        words, code = _parsed(line, number=number)
        if words:
            hashed = True
            yield words, code
        elif code == _code(_KEY_CHECK, key=key):
            checked = True
        else:
            raise ValueError("it was hashed with another key")
    if hashed and not checked:
        raise ValueError("it has hashes and not the line that tells their key")


def _words(text: str) -> list[str]:
    """Runs of letters and digits, case folded, compatible forms made one, accents kept."""
    return _WORD.findall(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold())


def _most_words(value: str) -> int:
    """Over how many words the value may be spread: numbers in pairs, a name's parts apart."""
    words = _words(value)
    length = sum(map(len, words))
    numeric = any(character.isdigit() for word in words for character in word)
    return min(_LONGEST, max(len(words) + 1, -(-length // 2) if numeric else 0))


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, then as whoever decodes its escapes would read it."""
    bordered = PLACEHOLDER.sub(_BORDER, text)
    yield bordered
    if "\\" in bordered:
        decoded = _ESCAPED_CHARACTER.sub(lambda match: chr(int(match[1], 16)), bordered)
        yield _ESCAPED_SPACE.sub(" ", decoded)
    if "%" in bordered:
        yield unquote(bordered)


def _mac(value: str, *, key: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + value.encode("utf-8", "surrogatepass"), "sha256")


def _hex(value: str, *, key: bytes) -> str:
    return _mac(value, key=key).hex()[:_HEX_DIGITS]


def _code(value: str, *, key: bytes) -> int:
    """The first 64 bits: of a million values one in 18 million million is hit by chance."""
    return int.from_bytes(_mac(value, key=key)[:8])


def _parsed(line: str, *, number: int) -> tuple[int, int]:
    found = _HASHED_LINE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"line {number} is no hash of this program")
    return int(found[1]), int(found[2][:_COMPARED_HEX_DIGITS], 16)
