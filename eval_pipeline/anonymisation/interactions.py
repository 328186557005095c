"""Sampled interactions masked, conversation by conversation, with no text left on the way."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from eval_pipeline.anonymisation.anonymiser import Anonymiser, MaskedConversation
from eval_pipeline.anonymisation.finding import Passage
from eval_pipeline.errors import LogsChangedError, ResidualTextError
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.tables import ANONYMISED_INTERACTIONS

_TOGETHER: Final = 256
"""Conversations masked at once: enough to share the work, few enough to keep memory flat."""

Row = dict[str, Any]


def mask_interactions(
    interactions: pl.DataFrame,
    selections: pl.DataFrame,
    *,
    anonymiser: Anonymiser,
    taus: Mapping[str, float] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Every text of the interactions masked (`anonymised_interactions`).

    `selections` says of each drawn interaction whether it is sample or reserve; `taus` how probable
    a name must be to be masked in it, where that is not the policy's default; `report` is told
    conversations done and conversations in all. Raises `ResidualTextError` if the scan of the
    result still finds anything, and `LogsChangedError` if a drawn interaction is not among
    `interactions`.
    """
    chosen = dict(selections.select("interaction_id", "selection").iter_rows())
    rows = interactions.filter(pl.col("interaction_id").is_in(list(chosen))).sort(
        "conversation_id", "occurred_at", "interaction_id"
    )
    if rows.height < len(chosen):
        raise LogsChangedError(len(chosen) - rows.height, len(chosen))
    written: list[Row] = []
    residual: Counter[str] = Counter()
    hit = 0
    groups = rows.partition_by("conversation_id", maintain_order=True)
    for start in range(0, len(groups), _TOGETHER):
        batch = [group.to_dicts() for group in groups[start : start + _TOGETHER]]
        passages = [
            [_passages(row, anonymiser=anonymiser, taus=taus or {}) for row in conversation]
            for conversation in batch
        ]
        flat = [[one for row in conversation for one in row] for conversation in passages]
        identities = [str(conversation[0]["conversation_id"]) for conversation in batch]
        masked = anonymiser.mask_conversations(flat, identities=identities)
        for conversation, of_rows, result in zip(batch, passages, masked, strict=True):
            for row, texts, counts, left in _by_row(conversation, of_rows, result):
                hit += bool(left)
                residual.update(left)
                written.append(
                    _written(row, texts, counts, anonymiser=anonymiser)
                    | {"selection": chosen[row["interaction_id"]]}
                )
        if report is not None:
            report(min(start + _TOGETHER, len(groups)), len(groups))
    if residual:
        raise ResidualTextError(hit, dict(residual))
    return ANONYMISED_INTERACTIONS.conform(
        pl.DataFrame(written, schema=ANONYMISED_INTERACTIONS.schema)
    )


def _passages(row: Row, *, anonymiser: Anonymiser, taus: Mapping[str, float]) -> list[Passage]:
    """The row's texts in the order in which `_written` takes them back."""
    route, tau = row["route"], taus.get(row["interaction_id"])
    texts = [message["content"] for message in row["messages"]]
    texts += [row["response"], row["error"]]
    passages = [Passage(text, route, tau=tau) for text in texts if text is not None]
    for attribute in row["attributes"] or ():
        if attribute["value"] is not None:
            whole = anonymiser.sensitive_kind(attribute["key"] or "")
            passages.append(Passage(attribute["value"], route, whole, tau))
    return passages


def _by_row(
    rows: Sequence[Row], passages: Sequence[Sequence[Passage]], result: MaskedConversation
) -> Iterator[tuple[Row, Iterator[str], Counter[str], Counter[str]]]:
    """Each row with its masked texts, spans masked by kind, and what is left by kind."""
    start = 0
    for row, of_row in zip(rows, passages, strict=True):
        part = slice(start, start + len(of_row))
        start += len(of_row)
        yield (
            row,
            iter(result.texts[part]),
            sum((Counter(counts) for counts in result.masked[part]), Counter()),
            sum((Counter(counts) for counts in result.residual[part]), Counter()),
        )


def _written(
    row: Row, texts: Iterator[str], counts: Counter[str], *, anonymiser: Anonymiser
) -> Row:
    def next_for(text: str | None) -> str | None:
        return None if text is None else next(texts)

    messages = [
        {"role": message["role"], "content": next_for(message["content"])}
        for message in row["messages"]
    ]
    response, error = next_for(row["response"]), next_for(row["error"])
    attributes = row["attributes"]
    user = row["user_id"]
    return {
        **{name: row[name] for name in row if name in ANONYMISED_INTERACTIONS.schema},
        "messages": messages,
        "response": response,
        "error": error,
        "attributes": None
        if attributes is None
        else [
            {"key": attribute["key"], "value": next_for(attribute["value"])}
            for attribute in attributes
        ],
        "conversation_key": keyed_pseudonym(anonymiser.key, "conversation", row["conversation_id"]),
        "user_key": None if user is None else keyed_pseudonym(anonymiser.key, "user", user),
        "masked": [{"kind": kind.lower(), "spans": counts[kind]} for kind in sorted(counts)],
        "anonymiser_fingerprint": anonymiser.fingerprint,
    }
