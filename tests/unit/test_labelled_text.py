"""Operators' labelled text: columns and spans become the model's own tokens and labels."""

import json

import pytest

from eval_pipeline.anonymisation.names.labelled_text import (
    LabelledTextError,
    kind_of_label,
    read_conll,
    read_spans,
)


def test_conll_2003_columns_become_tokens_with_kinds():
    lines = [
        "-DOCSTART- -X- -X- O", "", "EU NNP B-NP B-ORG", "rejects VBZ B-VP O",
        "German JJ B-NP B-MISC", "", "", "Peter NNP B-NP B-PER", "Blackburn NNP I-NP I-PER", "",
    ]  # fmt: skip
    assert read_conll(lines) == [
        [("EU", "ORGANISATION"), ("rejects", "O"), ("German", "O")],
        [("Peter", "PERSON"), ("Blackburn", "PERSON")],
    ]


def test_wnut_17_is_read_by_tabs():
    lines = [
        "at\tO\r\n",
        "Green\tB-corporation\n",
        "Newsfeed\tI-corporation\n",
        "\n",
        "x\tB-product\n",
    ]
    assert read_conll(lines) == [
        [("at", "O"), ("Green", "ORGANISATION"), ("Newsfeed", "ORGANISATION")],
        [("x", "O")],
    ]


def test_a_token_is_cut_as_the_model_cuts_text():
    assert read_conll(["St.John's B-LOC", "x O"]) == [
        [("St", "PLACE"), (".", "PLACE"), ("John", "PLACE"), ("'s", "PLACE"), ("x", "O")]
    ]


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("O", "O"), ("PER", "PERSON"), ("person", "PERSON"), ("B-PERSON", "PERSON"),
        ("U-PER", "PERSON"), ("L_per", "PERSON"), ("I-location", "PLACE"), ("B-GPE", "PLACE"),
        ("S-FAC", "PLACE"), ("B-ORG", "ORGANISATION"), ("E-group", "GROUP"), ("NORP", "GROUP"),
        ("B-DATE", "DATE"), ("STREET_ADDRESS", "ADDRESS"), ("TITLE", "TITLE"), ("AGE", "AGE"),
        ("B-creative-work", "O"), ("WORK_OF_ART", "O"), ("EMAIL_ADDRESS", "O"), ("Jones", None),
    ],
)  # fmt: skip
def test_labels_of_public_sets_are_known(label, kind):
    assert kind_of_label(label) == kind


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        (["a O", "Zebedee"], 2, "one column"),
        (["a O", "", "b Zebedee"], 3, "no known label"),
        (["a O", "\tB-PER"], 2, "no token"),
    ],
)
def test_a_broken_line_of_columns_is_named_and_not_quoted(lines, line, problem):
    with pytest.raises(LabelledTextError, match=f"line {line}: .*{problem}") as refused:
        read_conll(lines)
    assert "Zebedee" not in str(refused.value)


def test_a_comment_before_a_sentence_is_left_out():
    assert read_conll(["# newdoc id = x", "a O"]) == [[("a", "O")]]
    assert read_conll(["# O", "a O"]) == [[("#", "O"), ("a", "O")]]


JANE = [("Hi", "O"), ("Jane", "PERSON"), ("Doe", "PERSON"), ("!", "O")]


@pytest.mark.parametrize(
    "example",
    [
        {"text": "Hi Jane Doe!", "spans": [{"start": 3, "end": 11, "label": "PERSON"}]},
        {
            "full_text": "Hi Jane Doe!",
            "spans": [{"start_position": 3, "end_position": 11, "entity_type": "PERSON"}],
        },
        {"text": "Hi Jane Doe!", "label": [[3, 11, "PER"]]},
        {
            "text": "Hi Jane Doe!",
            "entities": [{"start_offset": 3, "end_offset": 11, "label": "per"}],
        },
        {
            "data": {"text": "Hi Jane Doe!"},
            "annotations": [{"result": [{"value": {"start": 3, "end": 11, "labels": ["PER"]}}]}],
        },
    ],
)
def test_spans_of_common_exports_are_read(example):
    assert read_spans([json.dumps(example), ""]) == [JANE]


def test_a_token_that_a_span_touches_has_its_label():
    example = {"text": "Hi Jane Doe!", "spans": [{"start": 5, "end": 9, "label": "PER"}]}
    assert read_spans([json.dumps(example)]) == [JANE]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"text": "Zebedee"', "no JSON"),
        ('["Zebedee"]', "no `text`"),
        ('{"text": "Zebedee"}', "no list of `spans`"),
        ('{"text": "Zebedee", "spans": [{"start": 1, "label": "PER"}]}', "without start"),
        ('{"text": "Zebedee", "spans": [[0, 8, "PER"]]}', "outside of its text of 7"),
        ('{"text": "Zebedee", "spans": [[0, 7, "Zebedee"]]}', "no known label"),
    ],
)
def test_a_broken_example_is_named_and_not_quoted(line, problem):
    with pytest.raises(LabelledTextError, match=f"line 2: .*{problem}") as refused:
        read_spans(["", line])
    assert "Zebedee" not in str(refused.value)
