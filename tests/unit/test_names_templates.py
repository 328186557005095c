import re
import string
from importlib.resources import files
from typing import get_args

import pytest

from eval_pipeline.anonymisation.names.generation import SLOTS, templates
from eval_pipeline.settings import Language

LANGUAGES = get_args(Language)


def documented_slots() -> dict[str, str]:
    """The slots of the templates' README and their labels."""
    text = (files("eval_pipeline.anonymisation.names") / "templates" / "README.md").read_text()
    rows = re.findall(r"^\| (`.*) \| .* \| (\w+) \|$", text, flags=re.MULTILINE)
    return {slot: label for slots, label in rows for slot in re.findall(r"\{(\w+)\}", slots)}


def test_the_documented_slots_are_those_there_are_with_their_labels() -> None:
    assert documented_slots() == {slot: label or "none" for slot, label in SLOTS.items()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("held_out", [False, True])
def test_every_template_parses_and_asks_for_known_slots(language: Language, held_out: bool) -> None:
    lines = templates(language, held_out=held_out)
    assert len(lines) > 80
    for line in lines:
        for _, slot, spec, conversion in string.Formatter().parse(line):
            assert slot is None or slot in SLOTS, line
            assert not spec
            assert not conversion


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_templates_are_never_learnt_from(language: Language) -> None:
    learnt_from = set(templates(language, held_out=False))
    assert not learnt_from & set(templates(language, held_out=True))
    assert len(learnt_from) > 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_comments_are_no_templates(language: Language) -> None:
    for held_out in (False, True):
        assert not any(line.startswith("# ") for line in templates(language, held_out=held_out))
