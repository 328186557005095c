"""What the recognisers find together, names among them."""

import pytest

from eval_pipeline.anonymisation.finding import Finder, Passage
from eval_pipeline.settings import AnonymisationSettings

FINDER = Finder(AnonymisationSettings())


def hidden(text: str) -> set[int]:
    """The positions that would be masked at first sight."""
    (spans,) = FINDER.find([Passage(text)])
    return {position for span in spans for position in range(span.start, span.end)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is maria lopez and I wait", "maria lopez"),
        ("My name is Rubija", "Rubija"),
        ("I'm Sara Khan, hello", "Sara Khan"),
        ("I'm Will Smith", "Will Smith"),
        ("Ask Dr. Kuefer about it", "Kuefer"),
        ("Mrs. Anne-Marie O'Neil called", "Anne-Marie O'Neil"),
        ("Best regards,\nMaria", "Maria"),
        ("Where is it? Kind regards, Xanthippia Qorvelund", "Xanthippia Qorvelund"),
        ("Yours sincerely,\nQorv Zelmundsdottir\nBerlin", "Qorv Zelmundsdottir"),
        ("John F. Kennedy's order", "John F. Kennedy"),
        ("Ludwig van Beethoven ordered", "Ludwig van Beethoven"),
        ("May Johnson called", "May Johnson"),
        ("Nicole: I wait", "Nicole"),
        ("Hi Fatima, how are you?", "Fatima"),
        ("My name is Þórunn Ó Maolchatha.", "Þórunn Ó Maolchatha"),
        ("The patient is Mr Nnamdi Ezeigbonam, my father.", "Nnamdi Ezeigbonam"),
        ("lol jessica u crazy", "jessica"),
    ],
)
def test_every_letter_of_a_name_is_masked(text: str, name: str) -> None:
    start = text.index(name)
    letters = {start + place for place, letter in enumerate(name) if letter.isalnum()}
    assert letters <= hidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 1234567890 and item 4417822210",
        "2 4 6 8 10 12 14 16",
        "May I? Will you? Mark it.",
        "Ibuprofen 400 mg with Amoxicillin, Advil or Tylenol",
        "my name is on the list",
        "Dear Customer, Best regards, Customer Service Team",
        "Where is my order? It should have arrived 3 days ago.",
        "Can I take ibuprofen together with warfarin?",
        "my name is [PERSON_1]",
        '{"order": "A-123", "status": "shipped", "items": [{"quantity": 2}]}',
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert hidden(text) == set()


def test_a_title_and_a_name_are_kinds_of_their_own() -> None:
    (spans,) = FINDER.find([Passage("Ask Dr. Kuefer about it")])
    assert [span.kind for span in spans] == ["TITLE", "PERSON"]


def test_only_the_configured_kinds_of_names_are_found() -> None:
    finder = Finder(AnonymisationSettings(recognisers=("place",)))
    (spans,) = finder.find([Passage("Maria Lopez lives in Paris, France")])
    assert {span.kind for span in spans} == {"PLACE"}


def test_every_configured_language_is_asked() -> None:
    text = "Sehr geehrte Frau Krüger-Sabatini, Ihr Paket ist da."
    german = Finder(AnonymisationSettings(languages=("en", "de")))
    (spans,) = german.find([Passage(text)])
    assert any("Krüger" in text[span.start : span.end] for span in spans)


def test_a_plugged_in_recogniser_is_asked_too() -> None:
    from eval_pipeline.anonymisation.spans import Span

    finder = Finder(AnonymisationSettings(recognisers=()), extra=[lambda _: [Span(0, 3, "THING")]])
    assert finder.find([Passage("abc def")]) == [[Span(0, 3, "THING")]]
