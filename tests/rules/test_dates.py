"""Dates in all the ways of docs/domain.md section 5; the mail is of Monday 7 December 2026."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.rules.dates import find_dates, plain

TODAY = date(2026, 12, 7)


def values(text: str) -> list[str]:
    return [found.value for found in find_dates(plain(text), TODAY)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14 January 2027, the hearing", ["2027-01-14"]),
        ("on 14/1/2027", ["2027-01-14"]),
        ("14.1.27 at 2pm", ["2027-01-14T14:00"]),
        ("2026-12-18", ["2026-12-18"]),
        ("Thurs", ["2026-12-10"]),
        ("by Monday", ["2026-12-14"]),
        ("last Friday", ["2026-12-04"]),
        ("tomorrow", ["2026-12-08"]),
        ("today", ["2026-12-07"]),
        ("COP Friday", ["2026-12-11T17:00"]),
        ("w/c 11 January – agreed", ["2027-01-11"]),
        ("hearing 21 December", ["2026-12-21"]),
        ("on 28 October", ["2026-10-28"]),
        ("Fri 27 November at 10.30am", ["2026-11-27T10:30"]),
        ("tues 8 dec at 1.30pm", ["2026-12-08T13:30"]),
        ("5pm, Friday 18 December 2026", ["2026-12-18T17:00"]),
        ("noon on Friday", ["2026-12-11T12:00"]),
        ("21 December 10am", ["2026-12-21T10:00"]),
        ("27 Nov 26", ["2026-11-27"]),
        ("January 14th", ["2027-01-14"]),
        ("January 14, 2027", ["2027-01-14"]),
        ("Missed 17th and 24th November", ["2026-11-17", "2026-11-24"]),
        ("4-6 January 2027", ["2027-01-04", "2027-01-06"]),
        ("between 1 September and 30 November 2026", ["2026-09-01", "2026-11-30"]),
        ("tomorrow, Tuesday 8 December,", ["2026-12-08"]),
        ("Wed 17/11", ["2027-11-17"]),
        ("born 02/09/1997", ["1997-09-02"]),
        ("born 2/9/89", ["1989-09-02"]),
        ("court 3 - 21 December", ["2026-12-21"]),
        ("on Monday 21st", ["2026-12-21"]),  # not the next Monday
        ("missed Mon the 30th at 2pm", ["2026-11-30T14:00"]),
        ("Weds 9th", ["2026-12-09"]),
        ("on Tuesday week", ["2026-12-15"]),
        ("a week on Tuesday at noon", ["2026-12-15T12:00"]),
        ("Tuesday week commencing 7 December", ["2026-12-08", "2026-12-07"]),
        ("within 48 hours on Friday", ["2026-12-11"]),
        ("missed on the 4th", ["2026-12-04"]),
        ("on the 4th of January", ["2027-01-04"]),
        ("Mon 14th at 2pm", ["2026-12-14T14:00"]),
        ("overslept, 27/11 again", ["2026-11-27"]),
    ],
)
def test_a_date_is_read(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "any time",
        "Wednesdays and Sundays",
        "she sat down",
        "only 5 may attend",
        "31/2/2027",
        "10.1.1.20",
        "12 marches",
        "twice a week on Tuesday",
        "Monday 45th",
        "Monday 22nd",
        "by the 4th time",
        "by the 2nd hearing",
        "on the 21st birthday",
        "on the 14th of next month",
        "24/7",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert values(text) == []


@given(st.dates(date(1930, 1, 1), date(2036, 12, 31)))
def test_the_ways_to_write_a_day_are_one_day(day: date) -> None:
    ways = [f"{day.day} {day:%B %Y}", f"{day.day}/{day.month}/{day.year}", f"{day:%a} {day.day} {day:%b %Y}", str(day)]
    assert [values(f"on {way}.") for way in ways] == [[str(day)]] * 4


@given(st.integers(-182, 182).map(lambda days: date.fromordinal(TODAY.toordinal() + days)))
def test_without_a_year_it_is_the_nearest(day: date) -> None:
    assert values(f"x {day.day} {day:%B}") == [str(day)]


@given(st.text())
def test_plain_text_keeps_its_places(text: str) -> None:
    assert len(plain(text)) == len(text)
    assert plain(text).isascii()
    assert find_dates(plain(text), TODAY) is not None
