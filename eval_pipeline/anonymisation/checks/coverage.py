"""How much of the text masking has replaced."""

import polars as pl

from eval_pipeline.anonymisation.checks.written import texts_of
from eval_pipeline.anonymisation.spans import PLACEHOLDER
from eval_pipeline.tables import ANONYMISED_INTERACTIONS

_COUNTS = ("masked_texts", "characters", "masked_characters")


def with_coverage(masked: pl.DataFrame, *, raw: pl.DataFrame) -> pl.DataFrame:
    """The masked interactions with how many texts and characters masking changed in each.

    `raw` holds the same interactions before masking. A character counts as masked if nothing but
    a placeholder is left of it; placeholders that stood in the raw text are not counted at all.
    Counts are null where the two have not the same number of texts.
    """
    before = {row["interaction_id"]: _texts(row) for row in raw.iter_rows(named=True)}
    counted = [
        (row["interaction_id"], *_counts(before[row["interaction_id"]], _texts(row)))
        for row in masked.iter_rows(named=True)
    ]
    schema = {"interaction_id": pl.String, **dict.fromkeys(_COUNTS, pl.Int64)}
    counts = pl.DataFrame(counted, schema=schema, orient="row")
    counted_rows = masked.drop(_COUNTS, strict=False).join(
        counts, on="interaction_id", how="left", maintain_order="left"
    )
    return counted_rows.select(list(ANONYMISED_INTERACTIONS.schema))


def _texts(row: dict[str, object]) -> list[str]:
    return [text for _, text in texts_of(row)]


def _counts(raw: list[str], masked: list[str]) -> tuple[int | None, int | None, int | None]:
    if len(raw) != len(masked):
        return None, None, None
    pairs = list(zip(raw, masked, strict=True))
    characters = [(_readable(before), _readable(after)) for before, after in pairs]
    return (
        sum(before != after for before, after in pairs),
        sum(before for before, _ in characters),
        sum(max(0, before - after) for before, after in characters),
    )


def _readable(text: str) -> int:
    return len(PLACEHOLDER.sub("", text))
