import datetime as dt
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.anonymisation.surrogates.dates import Calendar
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.realistic import RealisticSurrogates


class TenWeeksLater(Calendar):
    """A calendar whose offset is known, for arithmetic by hand."""

    def __init__(self, *, language: str = "en", weeks: int = 10) -> None:
        super().__init__(Draws(b"key", "any"), language=language)
        self.offset = dt.timedelta(weeks=weeks)


# 70 days after 12 March are 19 (to 31 March) + 30 (April) + 21: 21 May.
@pytest.mark.parametrize(
    ("written", "moved"),
    [
        ("2024-03-12", "2024-05-21"),
        ("2024/3/12", "2024/5/21"),
        ("20240312", "20240521"),
        ("2024-03-12T10:20:30.5Z", "2024-05-21T10:20:30.5Z"),
        ("2024-03-12 10:20:30+01:00", "2024-05-21 10:20:30+01:00"),
        ("3/12/24", "5/21/24"),
        ("12 March 1980", "21 May 1980"),
        ("12th of March, 1980", "21st of May, 1980"),
        ("March 12th", "May 21st"),
        ("MARCH 12TH, 1980", "MAY 21ST, 1980"),
        ("mar. 12, 1980", "may. 21, 1980"),
        ("Tuesday, 12 March 2024 at 10:30 pm", "Tuesday, 21 May 2024 at 10:30 pm"),
        ("12. März 1980", "21. Mai 1980"),
        ("12 mars 1980", "21 mai 1980"),
        ("12 de marzo de 1980", "21 de mayo de 1980"),
        ("12.03.1980", "21.05.1980"),
        ("12.3.", "21.5."),
        ("12-Mar-1980", "21-May-1980"),
        # 1 May + 70 days: 30 to the 31st, 30 of June, and 10.
        ("01-May-1980", "10-Jul-1980"),
        ("1 May 1980", "10 July 1980"),
        ("12 March 2024 to 13 March 2024", "21 May 2024 to 22 May 2024"),
        # The middle of March, 15, and 70 days: 24 May.
        ("Mar 2021", "May 2021"),
        ("March", "May"),
        ("Mar '21", "May '21"),
        ("2021-03", "2021-05"),
        ("03/2021", "05/2021"),
        ("1980", "1981"),
        ("in 1980", "in 1981"),
        ("Dienstag", "Dienstag"),
        # 29 February 2024 + 70 days: 31 March is 31 days on, 30 April 61, 9 May 70.
        ("February 29", "May 9"),
        # 26 February + 70 days of a common year: 2 + 31 + 30 + 7.
        ("26 February 2023", "7 May 2023"),
    ],
)
def test_a_date_moves_in_the_spelling_it_has(written: str, moved: str) -> None:
    assert TenWeeksLater().moved(written) == moved


@pytest.mark.parametrize(
    "written",
    ["soon", "31/02/2020", "10:30", "30 November 9999", "the", "", "99/99/99", "3rd quarter"],
)
def test_what_is_no_date_for_certain_is_not_guessed(written: str) -> None:
    assert TenWeeksLater().moved(written) is None


def test_an_unreadable_date_gets_a_placeholder() -> None:
    surrogates = RealisticSurrogates(b"key", "c1")
    assert surrogates.stand_in("DATE_OF_BIRTH", "31/02/2020") == "[DATE_OF_BIRTH_1]"


def test_french_has_an_ordinal_for_the_first_alone() -> None:
    assert TenWeeksLater(language="fr").moved("1er mars 2023") == "10 mai 2023"


def test_a_move_back_crosses_the_year() -> None:
    # 70 days before 1 March 2024: 29 (to 1 February) + 31 (to 1 January) + 10: 22 December 2023.
    assert TenWeeksLater(weeks=-10).moved("1 March 2024") == "22 December 2023"
    assert TenWeeksLater(weeks=-10).moved("1980") == "1979"


def test_the_first_unmistakable_date_settles_the_order_of_day_and_month() -> None:
    # 3 April + 70 days is 12 June; 4 March + 70 days is 13 May.
    american, british, german = TenWeeksLater(), TenWeeksLater(), TenWeeksLater(language="de")
    american.note("due 12/31/2022 or 31/12/2022")
    british.note("see 1/2/2022; due 31/12/2022")
    assert american.moved("03/04/2023") == "05/13/2023"
    assert british.moved("03/04/2023") == "12/06/2023"
    assert german.moved("03/04/2023") == "12/06/2023"
    assert american.moved("03.04.2023") == "12.06.2023"
    assert american.moved("31/12/2022") == "11/03/2023"


FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y")


@settings(deadline=None)
@given(
    st.dates(dt.date(1920, 1, 1), dt.date(2080, 1, 1)),
    st.dates(dt.date(1920, 1, 1), dt.date(2080, 1, 1)),
    st.sampled_from(FORMS),
    st.text(max_size=5),
)
def test_intervals_and_weekdays_stay(one: dt.date, two: dt.date, form: str, name: str) -> None:
    surrogates = RealisticSurrogates(b"key", name)
    told = [surrogates.stand_in("DATE", date.strftime(form)) for date in (one, two)]
    read = [dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC).date() for text in told]
    assert read[1] - read[0] == two - one
    shift = abs((read[0] - one).days)
    assert shift % 7 == 0
    assert 4 <= shift // 7 <= 52


@settings(deadline=None)
@given(
    st.integers(1900, 2050), st.integers(1, 12), st.integers(-52, 52).filter(lambda w: abs(w) > 3)
)
def test_months_and_years_change_and_keep_their_order(year: int, month: int, weeks: int) -> None:
    calendar = TenWeeksLater(weeks=weeks)
    first, after = f"{year}-{month:02}", f"{year + month // 12}-{month % 12 + 1:02}"
    moved, moved_after = calendar.moved(first), calendar.moved(after)
    assert moved != first
    assert moved is not None
    assert moved_after is not None
    assert moved <= moved_after
    assert calendar.moved(str(year)) == str(year + (1 if weeks > 0 else -1))


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_breaks_the_calendar(text: str) -> None:
    calendar = TenWeeksLater()
    calendar.note(text)
    moved = calendar.moved(text)
    assert moved is None or re.search(r"\w", moved)
