"""The chart of topics over the weeks."""

import polars as pl

from eval_pipeline.reports.topic_plots import MOST_TOPICS, topics_chart
from eval_pipeline.tables import TOPIC_CLUSTERS


def topics(*rows: tuple[str, str, str, str, float]) -> pl.DataFrame:
    blank = dict.fromkeys(TOPIC_CLUSTERS.schema)
    keys = ("week", "cluster", "topic", "identity", "share")
    return pl.DataFrame(
        [
            blank
            | dict(zip(keys, row, strict=True))
            | {"share_lower": row[-1] * 0.8, "share_upper": row[-1] * 1.2}
            for row in rows
        ],
        schema={**TOPIC_CLUSTERS.schema, "week": pl.String},
    )


TWO_WEEKS = topics(
    ("2026-01-05", "c-1", "refund, money", "born", 0.4),
    ("2026-01-12", "c-1", "refund, money", "kept", 0.35),
    ("2026-01-12", "c-2", "<b>$x$</b>", "born", 0.1),
)


def test_the_chart_names_topics_and_their_share_of_the_last_week():
    chart = topics_chart(TWO_WEEKS)
    assert chart.startswith("<svg")
    assert "refund, money" in chart
    assert "35 % (28 to 42)" in chart


def test_the_order_of_rows_leaves_no_trace():
    assert topics_chart(TWO_WEEKS) == topics_chart(TWO_WEEKS.reverse())


def test_markup_in_a_term_stays_text():
    assert "<b>" not in topics_chart(TWO_WEEKS)


def test_no_week_and_many_topics_can_be_drawn():
    assert "no topics" in topics_chart(TWO_WEEKS.clear())
    many = topics(*(("2026-01-05", f"c-{n:02d}", f"topic {n}", "born", n / 100) for n in range(40)))
    assert topics_chart(many).count("topic ") >= MOST_TOPICS
