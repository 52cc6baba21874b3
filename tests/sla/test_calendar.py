"""Working time: the table of docs/domain.md section 6, and laws against a count of every minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.model.promises import Calendar
from mailgate.model.spans import Span
from mailgate.sla.calendar import (
    add_working_time,
    before,
    due,
    is_working_day,
    started,
    working_days_before,
    working_time,
)
from mailgate.sla.clock import OFFICE

DUTY = Calendar.model_validate(
    {"hours": ["Monday to Friday 8am to 8pm", "Saturday 9am to 1pm"], "holidays": "england-and-wales"}
)
LUNCH = Calendar.model_validate({"hours": ["Monday to Friday 9am to 12pm", "Monday to Friday 1pm to 4.30pm"]})
MINUTE = timedelta(minutes=1)
LONDON = ZoneInfo("Europe/London")


def at(text: str) -> datetime:
    return datetime.strptime(text, "%d %b %Y %H:%M").replace(tzinfo=LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("arrives", "allowed", "calendar", "falls_due"),
    [
        ("24 Dec 2026 16:00", "2 working hours", OFFICE, "29 Dec 2026 10:00"),
        ("24 Dec 2026 16:00", "1 working day", OFFICE, "29 Dec 2026 17:00"),
        ("4 Dec 2026 17:00", "4 working hours", OFFICE, "7 Dec 2026 13:00"),
        ("5 Dec 2026 08:14", "1 working day", OFFICE, "8 Dec 2026 17:00"),
        ("25 Mar 2027 15:00", "4 working hours", OFFICE, "30 Mar 2027 11:00"),
        ("11 Dec 2026 19:30", "2 working hours", DUTY, "12 Dec 2026 10:30"),
        ("7 Dec 2026 13:00", "4 working hours", OFFICE, "7 Dec 2026 17:00"),
        ("7 Dec 2026 09:00", "30 working minutes", OFFICE, "7 Dec 2026 09:30"),
        ("31 Jan 2027 10:00", "1 calendar month", OFFICE, "28 Feb 2027 10:00"),
        ("27 Mar 2027 10:00", "1 day", OFFICE, "28 Mar 2027 10:00"),
        ("27 Mar 2027 10:00", "24 hours", OFFICE, "28 Mar 2027 11:00"),
        ("7 Dec 2026 10:00", "2 weeks", OFFICE, "21 Dec 2026 10:00"),
    ],
)
def test_a_promise_falls_due(arrives: str, allowed: str, calendar: Calendar, falls_due: str) -> None:
    assert due(at(arrives), Span.parse(allowed), calendar) == at(falls_due)


def test_working_days_before_a_deadline_keep_the_time_of_day() -> None:
    assert working_days_before(at("18 Dec 2026 17:00"), 2, OFFICE) == at("16 Dec 2026 17:00")
    assert working_days_before(at("30 Mar 2027 17:00"), 2, OFFICE) == at("24 Mar 2027 17:00")


def test_the_deadline_in_the_mail_is_when_it_says() -> None:
    span, deadline = Span.parse("the deadline in the mail"), at("18 Dec 2026 17:00")
    assert due(at("9 Dec 2026 11:00"), span, OFFICE, deadline) == deadline
    with pytest.raises(ValueError, match="no deadline"):
        due(at("9 Dec 2026 11:00"), span, OFFICE)


def test_an_announced_holiday_is_closed() -> None:
    calendar = OFFICE.model_copy(update={"also_closed": (date(2026, 12, 8),)})
    assert not is_working_day(date(2026, 12, 8), calendar)
    assert due(at("7 Dec 2026 10:00"), Span.parse("1 working day"), calendar) == at("9 Dec 2026 17:00")


def test_the_nations_have_holidays_of_their_own() -> None:
    scotland = OFFICE.model_copy(update={"holidays": "scotland"})
    assert is_working_day(date(2026, 11, 30), OFFICE)
    assert not is_working_day(date(2026, 11, 30), scotland)


def test_a_holiday_on_a_weekend_closes_the_day_in_lieu() -> None:
    """docs/domain.md section 6: 2026 has 25 and 28 December; who works on Saturdays works on the 26th."""
    assert is_working_day(date(2026, 12, 26), DUTY)
    assert not is_working_day(date(2026, 12, 28), DUTY)


def test_a_calendar_that_never_opens_says_so() -> None:
    with pytest.raises(ValueError, match="without any working time"):
        started(at("7 Dec 2026 10:00"), Calendar(hours=()))


moments = st.integers(0, 3 * 366 * 24 * 60).map(lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + minute * MINUTE)
calendars = st.sampled_from([OFFICE, DUTY, LUNCH])
CLOSED = {
    calendar.model_dump_json(): frozenset(
        day
        for day in (holidays.country_holidays("GB", subdiv="ENG", years=range(2026, 2031)) if calendar.holidays else ())
        if day.weekday() < 5
    )
    for calendar in (OFFICE, DUTY, LUNCH)
}


def is_open(moment: datetime, calendar: Calendar) -> bool:
    local = moment.astimezone(LONDON)
    return local.date() not in CLOSED[calendar.model_dump_json()] and any(
        local.weekday() in hours.days and hours.opens <= local.time() < hours.closes for hours in calendar.hours
    )


@settings(max_examples=40, deadline=None)
@given(moments, st.integers(1, 1200), calendars)
def test_working_minutes_are_as_many_open_minutes(start: datetime, minutes: int, calendar: Calendar) -> None:
    moment, left = start, minutes
    while left:
        left -= is_open(moment, calendar)
        moment += MINUTE
    assert due(start, Span.parse(f"{minutes} working minutes"), calendar) == moment


@settings(max_examples=40, deadline=None)
@given(moments, st.integers(0, 20_000), calendars)
def test_working_time_counts_the_open_minutes(start: datetime, minutes: int, calendar: Calendar) -> None:
    end = start + minutes * MINUTE
    counted = sum(is_open(start + number * MINUTE, calendar) for number in range(minutes))
    assert working_time(start, end, calendar) == counted * MINUTE


@settings(max_examples=40, deadline=None)
@given(moments, st.integers(0, 12), calendars)
def test_working_days_end_at_the_closing_of_the_nth_day_after(start: datetime, days: int, calendar: Calendar) -> None:
    end = due(start, Span.parse(f"{days} working days"), calendar)
    first = started(start, calendar).astimezone(LONDON).date()
    last = end.astimezone(LONDON).date()
    between = [first + timedelta(days=number + 1) for number in range((last - first).days)]
    assert sum(is_working_day(day, calendar) for day in between) == days
    assert is_open(end - MINUTE, calendar)
    assert not is_open(end, calendar)


@given(moments, st.integers(1, 5000), calendars)
def test_working_minutes_before_are_as_many_open_minutes(end: datetime, minutes: int, calendar: Calendar) -> None:
    start = before(end, Span.parse(f"{minutes} working minutes"), calendar)
    assert working_time(start, end, calendar) == minutes * MINUTE
    assert is_open(start, calendar)


@given(moments, st.integers(0, 5000), calendars)
def test_adding_working_time_and_counting_it_agree(start: datetime, minutes: int, calendar: Calendar) -> None:
    assert working_time(start, add_working_time(start, minutes * MINUTE, calendar), calendar) == minutes * MINUTE
