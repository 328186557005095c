import json

import polars as pl

from eval_pipeline.review.disputed import export_disputed

TASKS = pl.DataFrame(
    {
        "task_id": ["t2", "t1", "t3"],
        "interaction_id": ["i2", "i1", "i3"],
        "rubric_id": ["r@0"] * 3,
        "subject_json": ['{"response":"two"}', '{"response":"one"}', '{"response":"three"}'],
    }
)
STATES = pl.DataFrame({"task_id": ["t1", "t2", "t3"], "state": ["disputed", "disputed", "open"]})
LABELS = pl.DataFrame(
    {
        "task_id": ["t1", "t1", "t1", "t2", "t3", "t2"],
        "label_id": ["a", "b", "c", "d", "e", "f"],
        "annotator_id": ["wilma", "ben", "wilma", "wilma", "wilma", "ben"],
        "label": ["fail", "fail", "pass", "cannot_tell", "pass", "pass"],
        "rationale": ["hasty", "closed", "open", "", "fine", "careless"],
        "corrects": [None, None, "a", None, None, None],
        "withdrawn": [False, False, False, False, False, True],
        "failure_mode": [None, "stale_hours", None, None, None, None],
        "confidence": [None, "high", None, None, None, None],
        "reference_response": [None, "Closed.", None, None, None, None],
    }
)
REFUTATIONS = pl.DataFrame(
    {
        "interaction_id": ["i1", "i2", "i3"],
        "finding": ["refuted", "survived", "refuted"],
        "claim": ["It is closed.", "", "No."],
        "quote": ["one", "", "three"],
    }
)


def exported() -> list[dict[str, object]]:
    text = export_disputed(TASKS, states=STATES, labels=LABELS, refutations=REFUTATIONS)
    return [json.loads(line) for line in text.splitlines()]


def test_adjudicators_see_what_was_disputed_with_its_labels_and_the_claim() -> None:
    assert exported() == [
        {
            "task_id": "t1",
            "rubric_id": "r@0",
            "subject": {"response": "one"},
            "labels": [
                {
                    "label": "fail",
                    "rationale": "closed",
                    "failure_mode": "stale_hours",
                    "confidence": "high",
                    "reference_response": "Closed.",
                },
                {"label": "pass", "rationale": "open"},
            ],
            "refuter": {"finding": "refuted", "claim": "It is closed.", "quote": "one"},
        },
        {
            "task_id": "t2",
            "rubric_id": "r@0",
            "subject": {"response": "two"},
            "labels": [{"label": "cannot_tell", "rationale": ""}],
            "refuter": None,
        },
    ]


def test_nobody_is_told_who_labelled_and_nothing_is_told_of_open_tasks() -> None:
    text = json.dumps(exported())
    assert "wilma" not in text
    assert "three" not in text
