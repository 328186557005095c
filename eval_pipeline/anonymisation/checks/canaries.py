"""Canaries: invented personal values masked every week, and how many of them can still be read.

They stand in interactions and conversations of their own, which live in memory only.
"""

import datetime as dt
import json
import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from eval_pipeline.anonymisation.checks.canary_frames import FIELDS, SENTENCES
from eval_pipeline.anonymisation.checks.canary_values import KINDS, CanaryValues
from eval_pipeline.anonymisation.checks.written import texts_of
from eval_pipeline.anonymisation.spans import PLACEHOLDER
from eval_pipeline.errors import ResidualTextError
from eval_pipeline.fingerprint import keyed_pseudonym, seed_for
from eval_pipeline.settings import ALL_RECOGNISERS, Language
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import INTERACTION_SCHEMA

Mask = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""`Anonymiser.mask_interactions`."""

CONFIDENCE: Final = 0.95
MASKED_AS: Final[Mapping[str, str]] = MappingProxyType(
    {"unlisted_person": "person", "ipv4": "ip", "ipv6": "ip"}
)
"""The recogniser and the placeholder of a kind of canary, where they are not called like it."""

ROUTE: Final = "canary"
_SHORTEST_REST: Final = 3
_JOINING: Final = frozenset({"and", "the"})
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Canary:
    """A value of `kind`, planted into `field` of an interaction of its own."""

    kind: str
    field: str
    value: str
    columns: dict[str, Any]
    frame_words: frozenset[str]

    @classmethod
    def planted(cls, kind: str, field: str, *, value: str, sentence: str) -> "Canary":
        """The value in the sentence in the field."""
        frame = FIELDS[field](sentence.format(""))
        return cls(
            kind=kind,
            field=field,
            value=value,
            columns=FIELDS[field](sentence.format(value)),
            frame_words=frozenset(_words(" ".join(_texts(frame)))),
        )

    def can_be_read(self, texts: Sequence[str]) -> bool:
        """Whether three letters or digits in a row are left of the value, all of a shorter one.

        Words that the sentence around it holds too do not count, nor does the "and" between names,
        and placeholders are none.
        """
        own = {*_words(self.value), *_words(json.dumps(self.value)[1:-1])}
        joined = {"".join(_words(self.value)), "".join(_words(json.dumps(self.value)[1:-1]))}
        least = min(_SHORTEST_REST, max(map(len, own)))
        left = set(_words(PLACEHOLDER.sub(" ", "\n".join(texts)))) - self.frame_words - _JOINING
        return any(
            any(word in value for value in joined)
            or any(part in word for part in own if len(part) >= least)
            for word in left
            if len(word) >= least
        )


def kinds_looked_for(recognisers: Collection[str]) -> tuple[str, ...]:
    """The kinds that the policy wants masked: all but those whose recogniser it leaves out."""
    left_out = set(ALL_RECOGNISERS) - set(recognisers)
    return tuple(kind for kind in KINDS if MASKED_AS.get(kind, kind) not in left_out)


def plant(
    kinds: Sequence[str], *, count: int, week: str, key: bytes, languages: Sequence[Language]
) -> list[Canary]:
    """`count` canaries spread evenly over the kinds and over all fields, the same for a week.

    The key is part of the seed, so that nobody without it can make allowance for them.
    """
    if not kinds:
        return []
    seed = seed_for("canaries", week, keyed_pseudonym(key, "canaries", week))
    draws = random.Random(seed)  # noqa: S311 - an experiment's draws, not a secret
    values = CanaryValues(draws, languages=languages)
    kinds = draws.sample(kinds, k=len(kinds))
    fields = draws.sample(list(FIELDS), k=len(FIELDS))
    return [
        Canary.planted(
            kind := kinds[number % len(kinds)],
            fields[(number // len(kinds) + number) % len(fields)],
            value=values.of(kind),
            sentence=draws.choice(SENTENCES[kind]),
        )
        for number in range(count)
    ]


def measure(canaries: Sequence[Canary], *, mask: Mask, week: str) -> pl.DataFrame:
    """One row per canary with `kind`, `field` and whether it `leaked`; no values.

    A canary for which masking stops with `ResidualTextError` counts as leaked.
    """
    masked = _masked(range(len(canaries)), canaries, mask=mask, week=week)
    return pl.DataFrame(
        {
            "kind": [canary.kind for canary in canaries],
            "field": [canary.field for canary in canaries],
            "leaked": [
                number not in masked or canary.can_be_read(masked[number])
                for number, canary in enumerate(canaries)
            ],
        },
        schema={"kind": pl.String, "field": pl.String, "leaked": pl.Boolean},
    )


def recalls(measured: pl.DataFrame, *, by: str | None = None) -> pl.DataFrame:
    """`about`, `planted`, `leaked`, `recall` and its Wilson interval, for each `by` or for 'all'.

    Without canaries there are no rows.
    """
    about = pl.lit("all") if by is None else pl.col(by)
    counted = (
        measured.group_by(about.alias("about"))
        .agg(planted=pl.len().cast(pl.Int64), leaked=pl.col("leaked").sum().cast(pl.Int64))
        .filter(pl.col("planted") > 0)
        .sort("about")
        .with_columns(recall=(pl.col("planted") - pl.col("leaked")) / pl.col("planted"))
    )
    bounds = [
        wilson(recall, planted, confidence=CONFIDENCE)
        for recall, planted in counted.select("recall", "planted").iter_rows()
    ]
    return counted.with_columns(
        lower=pl.Series([low for low, _ in bounds], dtype=pl.Float64),
        upper=pl.Series([high for _, high in bounds], dtype=pl.Float64),
    )


def _masked(
    numbers: Sequence[int], canaries: Sequence[Canary], *, mask: Mask, week: str
) -> dict[int, list[str]]:
    """Texts after masking by canary; halves what a residual scan refuses until it stands alone."""
    if not numbers:
        return {}
    ids = {_id(number): number for number in numbers}
    frame = _interactions({number: canaries[number] for number in numbers}, week=week)
    selections = pl.DataFrame({"interaction_id": list(ids), "selection": "sample"})
    try:
        masked = mask(frame, selections)
    except ResidualTextError:
        half = len(numbers) // 2
        if not half:
            return {}
        return {
            **_masked(numbers[:half], canaries, mask=mask, week=week),
            **_masked(numbers[half:], canaries, mask=mask, week=week),
        }
    return {
        ids[row["interaction_id"]]: [text for _, text in texts_of(row)]
        for row in masked.iter_rows(named=True)
    }


def _interactions(canaries: dict[int, Canary], *, week: str) -> pl.DataFrame:
    monday = dt.datetime.fromisoformat(week).replace(tzinfo=dt.UTC)
    blank: dict[str, Any] = dict.fromkeys(INTERACTION_SCHEMA)
    rows = [
        {
            **blank,
            "interaction_id": _id(number),
            "conversation_id": _id(number),
            "occurred_at": monday,
            "route": ROUTE,
            "messages": [],
            **canary.columns,
        }
        for number, canary in canaries.items()
    ]
    return pl.DataFrame(rows, schema=INTERACTION_SCHEMA)


def _id(number: int) -> str:
    return f"canary-{number}"


def _texts(columns: dict[str, Any]) -> list[str]:
    blank = {"messages": None, "response": None, "error": None, "attributes": None}
    return [text for _, text in texts_of({**blank, **columns})]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
