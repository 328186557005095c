"""Operators' own labelled text, as training examples: CoNLL columns, or JSON lines with spans."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NoReturn

from eval_pipeline.anonymisation.names.tokens import tokenise
from eval_pipeline.anonymisation.names.weights import OUTSIDE
from eval_pipeline.errors import EvalPipelineError

Sentence = list[tuple[str, str]]
"""The model's own tokens with their labels: `PERSON`, `PLACE`, … or `O`, without positions."""

_SPELT: Final[Mapping[str, str]] = {
    "PERSON": "per person people persname pername name fullname firstname givenname middlename "
    "lastname surname familyname patient doctor",
    "PLACE": "loc location place gpe fac facility geo geoloc gpeloc city town country state county "
    "region province building landmark airport",
    "ORGANISATION": "org organisation organization corporation company institution hospital "
    "employer business",
    "ADDRESS": "address streetaddress street buildingnumber zip zipcode postcode postalcode",
    "GROUP": "group norp nationality religion ethnicity nrp demonym",
    "TITLE": "title prefix honorific nameprefix",
    "AGE": "age",
    "DATE": "date datetime dateofbirth dob birthday birthdate",
}
_NOT_NAMES: Final = (
    "misc miscellaneous product prod creativework event workofart art law language time money "
    "percent percentage quantity ordinal cardinal number num other otherid url domainname email "
    "emailaddress phone phonenumber iban ibancode creditcard creditcardnumber ipaddress ip ssn "
    "usssn usdriverlicense password username id idnum o"
)
_KINDS: Final[Mapping[str, str]] = {
    **{word: kind for kind, words in _SPELT.items() for word in words.split()},
    **dict.fromkeys(_NOT_NAMES.split(), OUTSIDE),
}
_POSITION: Final = re.compile(r"[BIOLUES][-_](?=.)", re.IGNORECASE)
_COLUMNS: Final = re.compile(r"[ \t]+")
_TEXT_KEYS: Final = ("text", "full_text", "data", "content")
_SPAN_KEYS: Final = ("spans", "entities", "labels", "label")
_START_KEYS: Final = ("start", "start_position", "start_offset", "begin")
_END_KEYS: Final = ("end", "end_position", "end_offset")
_LABEL_KEYS: Final = ("label", "entity_type", "type", "labels", "entity", "tag")


class LabelledTextError(EvalPipelineError):
    """Labelled text cannot be read; nothing was trained. Names the line and quotes none of it."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"Labelled text, line {line}: {problem}. Nothing was trained.")


def read_conll(lines: Iterable[str]) -> list[Sentence]:
    """Sentences from columns: the token first, the label last, a blank line between sentences.

    Columns are parted by tabs, where a line has one, or by blanks. Labels may be plain (IO) or
    carry BIO or BILOU positions, under the names of CoNLL-2003, WNUT-17 or OntoNotes; kinds that
    are no names, such as `product`, become `O`. Raises `LabelledTextError`.
    """
    sentences: list[Sentence] = []
    current: Sentence = []
    for number, line in enumerate(lines, start=1):
        written = line.strip("\r\n\ufeff")
        if not written.strip():
            if current:
                sentences.append(current)
            current = []
        elif not written.startswith("-DOCSTART-"):
            labelled = _labelled(written, number, comment_possible=not current)
            if labelled is not None:
                current += labelled
    return [*sentences, current] if current else sentences


def read_spans(lines: Iterable[str]) -> list[Sentence]:
    """Sentences from JSON lines: a text each, and spans of characters with labels.

    `{"text": ..., "spans": [{"start", "end", "label"}]}`, and the exports of Presidio
    (`full_text`, `start_position`, `entity_type`), doccano (`label`: [start, end, label]) and
    Label Studio (`data.text`, `annotations[].result[].value`), one object a line. A token that a
    span touches has its label; a text is one sentence. Raises `LabelledTextError`.
    """
    sentences: list[Sentence] = []
    for number, line in enumerate(lines, start=1):
        if line.strip(" \t\r\n\ufeff"):
            text, spans = _example(line, number)
            if sentence := _sentence(text, spans):
                sentences.append(sentence)
    return sentences


def kind_of_label(label: str) -> str | None:
    """The kind that a data set's label stands for, `O` for what is no name; None if unknown."""
    if label.strip() == OUTSIDE:
        return OUTSIDE
    for spelling in (label, _POSITION.sub("", label, count=1)):
        kind = _KINDS.get(re.sub(r"[^a-z]", "", spelling.lower()))
        if kind is not None:
            return kind
    return None


def _labelled(written: str, number: int, *, comment_possible: bool) -> Sentence | None:
    """The line's token, cut as the model cuts text, and its kind; None for a comment."""
    columns = written.split("\t") if "\t" in written else _COLUMNS.split(written.strip(" "))
    kind = kind_of_label(columns[-1]) if len(columns) > 1 else None
    if kind is None and comment_possible and written.startswith("#"):
        return None
    if len(columns) < 2:  # noqa: PLR2004 - a token and a label
        raise LabelledTextError(number, "has one column; a token and a label are needed")
    if kind is None:
        _refuse_label(number)
    token = columns[0].strip()
    if not token:
        raise LabelledTextError(number, "has no token in its first column")
    return [(word, kind) for word in tokenise(token)[0]]


def _refuse_label(number: int) -> NoReturn:
    raise LabelledTextError(
        number,
        "the last column, or the span's label, is no known label "
        f"(known are {', '.join(sorted(_SPELT))}, {OUTSIDE}, and data sets' own "
        "names such as PER, LOC, GPE, FAC, ORG, corporation, group, NORP)",
    )


def _example(line: str, number: int) -> tuple[str, list[tuple[int, int, str]]]:
    try:
        example = json.loads(line.strip("\ufeff"))
    except (ValueError, RecursionError):
        raise LabelledTextError(number, "is no JSON") from None
    text = _first(example, _TEXT_KEYS) if isinstance(example, dict) else None
    if isinstance(text, dict):
        text = _first(text, _TEXT_KEYS)
    if not isinstance(text, str):
        raise LabelledTextError(number, "has no `text`")
    spans = [_span(raw, number, length=len(text)) for raw in _raw_spans(example, number)]
    return text, spans


def _raw_spans(example: Mapping[str, Any], number: int) -> Iterator[Any]:
    if isinstance(annotations := example.get("annotations"), list):
        for annotation in annotations:
            results = annotation.get("result", ()) if isinstance(annotation, dict) else ()
            yield from (
                result["value"]
                for result in results
                if isinstance(result, dict) and isinstance(result.get("value"), dict)
            )
        return
    spans = _first(example, _SPAN_KEYS)
    if not isinstance(spans, list):
        raise LabelledTextError(number, "has no list of `spans`")
    yield from spans


def _span(raw: Any, number: int, *, length: int) -> tuple[int, int, str]:
    start, end, label = (
        (_first(raw, _START_KEYS), _first(raw, _END_KEYS), _first(raw, _LABEL_KEYS))
        if isinstance(raw, dict)
        else raw
        if isinstance(raw, list) and len(raw) == 3  # noqa: PLR2004 - start, end, label
        else (None, None, None)
    )
    if isinstance(label, list) and label:
        label = label[0]
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(label, str):
        raise LabelledTextError(number, "has a span without start, end and label")
    if not 0 <= start < end <= length:
        raise LabelledTextError(number, f"has a span outside of its text of {length} characters")
    kind = kind_of_label(label)
    if kind is None:
        _refuse_label(number)
    return start, end, kind


def _sentence(text: str, spans: Sequence[tuple[int, int, str]]) -> Sentence:
    words, extents = tokenise(text)
    labels = [OUTSIDE] * len(words)
    for start, end, kind in spans:
        first = bisect_right(extents, start, key=itemgetter(1))
        for index in range(first, len(words)):
            if extents[index][0] >= end:
                break
            if words[index] != "\n" and labels[index] == OUTSIDE:
                labels[index] = kind
    return list(zip(words, labels, strict=True))


def _first(members: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((members[name] for name in names if name in members), None)
