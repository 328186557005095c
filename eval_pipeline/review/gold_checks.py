"""Items whose label people have settled, asked again blind: how careful annotators are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.review.minutes import ReadingRule, characters_shown
from eval_pipeline.review.subjects import TEXT_COLUMNS, task_id_of
from eval_pipeline.tables import DISPUTES, MESSAGES, schema_of

GOLD_CHECK: Final = "gold_check"


@dataclass(frozen=True)
class KnownItem:
    """A response whose label people settled, with its texts and who labelled or adjudicated it."""

    interaction_id: str
    label: str
    annotator_kind: str
    labelled_by: frozenset[str]
    route: str
    messages: Sequence[dict[str, str]]
    response: str


@dataclass(frozen=True)
class GoldChecks:
    """The week's gold checks as rows of DISPUTES, with what a task needs beside them.

    `texts`: TEXT_COLUMNS. `labels`: the known label by interaction. `fresh`: how many of them
    nobody at the desk labelled or adjudicated before.
    """

    rows: pl.DataFrame
    texts: pl.DataFrame
    labels: dict[str, str]
    fresh: int


def gold_checks(
    known: Iterable[KnownItem],
    *,
    count: int,
    excluded: Collection[str],
    annotators: Collection[str],
    week: str,
    reading: ReadingRule,
) -> GoldChecks:
    """`count` items by hash; `excluded` are interactions that are tasks already.

    Items that the fewest of the `annotators` have labelled come first: nobody should be measured
    against a label of their own. The desk keeps people from a task, not from an item, so where
    somebody there labelled it they may be asked it again, and their answer then says whether they
    agree with themselves. Labels of scripts are asked only where people have settled none.
    `label_probability` is the share of the items that is taken.
    """
    offered = [item for item in known if item.interaction_id not in excluded]
    by_people = [item for item in offered if item.annotator_kind == "person"]
    pool = by_people or offered

    def knowing(item: KnownItem) -> int:
        return len(item.labelled_by.intersection(annotators))

    ordered = sorted(
        pool,
        key=lambda item: (
            knowing(item),
            unit_hash(f"gold check:{week}", item.interaction_id),
            item.interaction_id,
        ),
    )
    taken = ordered[:count]
    rows = [
        {
            "interaction_id": item.interaction_id,
            "task_id": task_id_of(item.interaction_id, week=week),
            "selection": GOLD_CHECK,
            "reason": GOLD_CHECK,
            "panel_verdict": None,
            "label_probability": len(taken) / len(pool),
            "value": None,
            "expected_minutes": reading.minutes(characters_shown(item.messages, item.response)),
            "priority": None,
        }
        for item in taken
    ]
    return GoldChecks(
        rows=DISPUTES.conform(pl.DataFrame(rows, schema=DISPUTES.schema)),
        texts=pl.DataFrame(
            [{name: getattr(item, name) for name in TEXT_COLUMNS} for item in taken],
            schema=_TEXT_SCHEMA,
        ),
        labels={item.interaction_id: item.label for item in taken},
        fresh=sum(knowing(item) == 0 for item in taken),
    )


_TEXT_SCHEMA: Final = schema_of(
    {
        "interaction_id": pl.String,
        "route": pl.String,
        "messages": MESSAGES,
        "response": pl.String,
    }
)
