"""What the page says of people's labels."""

from eval_pipeline.reports.wording import corrections


def row(subset, **more):
    return {
        "subset": subset, "state": "certified", "difference": -0.041, "judge_difference": 0.012,
        "rectifier": None, "human_labels": None, "lower": -0.08, "upper": 0.0, **more,
    }  # fmt: skip


def test_each_corrected_subset_is_told_with_both_differences():
    labelled = {"rectifier": -0.053, "human_labels": 60}
    decision = {
        "aggregate": row("all", **labelled),
        "subsets": [row("refunds", **labelled), row("by_code")],
    }
    assert corrections(decision) == [
        "On all items the judges see +1.2 points; with people's labels of 60 pairs it is -4.1.",
        "On refunds the judges see +1.2 points; with people's labels of 60 pairs it is -4.1.",
    ]
