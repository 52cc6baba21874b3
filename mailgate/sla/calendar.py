"""Working time: when a promise made now falls due.

Pure arithmetic over a ``Calendar``. Instants are aware and come back in UTC; working hours are
those of the calendar's own zone, so that the nights the clocks change cost nothing. Bank holidays
come from the ``holidays`` library and from the calendar's own list; a year is worked out once.
"""

import calendar as months
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mailgate.model.promises import Calendar
from mailgate.model.spans import Span, Unit
from mailgate.sla.bank_holidays import bank_holidays

_WORKING = {Unit.WORKING_MINUTES: timedelta(minutes=1), Unit.WORKING_HOURS: timedelta(hours=1)}
_ELAPSED = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}
_WEEKEND = (5, 6)
_DAYS = {Unit.DAYS: 1, Unit.WEEKS: 7}
_MONTHS = {Unit.MONTHS: 1, Unit.YEARS: 12}


class Open(NamedTuple):
    """Open from *start* until *end*, both in UTC."""

    start: datetime
    end: datetime


def due(at: datetime, span: Span, calendar: Calendar, deadline: datetime | None = None) -> datetime:
    """When *span* has passed since *at*.

    Working minutes and hours count open time only; working days end at closing time on the Nth
    working day after the day the clock started; other lengths run through day and night, by the
    clock on the wall. ValueError: the span is the deadline in the mail and there is none.
    """
    if span.unit is Unit.DEADLINE:
        if deadline is None:
            raise ValueError("the mail states no deadline")
        return deadline
    if span.unit in _WORKING:
        return add_working_time(at, span.count * _WORKING[span.unit], calendar)
    if span.unit is Unit.WORKING_DAYS:
        return closing_time(working_day(_local(started(at, calendar), calendar).date(), span.count, calendar), calendar)
    return _elapsed(at, span, calendar)


def started(at: datetime, calendar: Calendar) -> datetime:
    """When the clock of something that arrives *at* starts: then if it is open, else at the next opening."""
    return max(at.astimezone(UTC), next(_openings(at, calendar)).start)


def add_working_time(at: datetime, length: timedelta, calendar: Calendar) -> datetime:
    """*at* and *length* of open time; an end that falls on closing time stays there."""
    left = length
    for opening in _openings(at, calendar):
        start = max(at.astimezone(UTC), opening.start)
        if left <= opening.end - start:
            return start + left
        left -= opening.end - start
    raise AssertionError("openings never end")


def working_time(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """The open time between *start* and *end*; nothing where *end* is not later."""
    return sum((opening.end - opening.start for opening in openings(start, end, calendar)), timedelta())


def is_working_day(day: date, calendar: Calendar) -> bool:
    return day in _year(calendar, day.year).closing


def closed_because(day: date, calendar: Calendar) -> str:
    """The name of the holiday, else of the day of the week; "" for a working day."""
    if is_working_day(day, calendar):
        return ""
    if day in calendar.also_closed:
        return "closed as the configuration says"
    return _holidays(calendar, day.year).get(day) or f"a {day:%A}"


def openings(start: datetime, end: datetime, calendar: Calendar) -> Iterator[Open]:
    """The open time between *start* and *end*, in order."""
    for opening in _openings(start, calendar):
        if opening.start >= end:
            return
        yield Open(max(opening.start, start), min(opening.end, end))


def working_day(day: date, count: int, calendar: Calendar) -> date:
    """The *count*-th working day after *day*, or before it where *count* is negative; 0 is *day* itself."""
    step = timedelta(days=1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not is_working_day(day, calendar):
            day += step
    return day


def working_days_before(deadline: datetime, count: int, calendar: Calendar) -> datetime:
    """The same time of day on the *count*-th earlier working day."""
    local = _local(deadline, calendar)
    earlier = working_day(local.date(), -count, calendar)
    return datetime.combine(earlier, local.time(), local.tzinfo).astimezone(UTC)


def after(at: datetime, span: Span, calendar: Calendar) -> datetime:
    """The instant that *span* after *at* ends: for working days the same time of day on a later one."""
    if span.unit is Unit.WORKING_DAYS:
        return working_days_before(at, -span.count, calendar)
    if span.unit in _WORKING:
        return add_working_time(at, span.count * _WORKING[span.unit], calendar)
    return _elapsed(at, span, calendar)


def before(at: datetime, span: Span, calendar: Calendar) -> datetime:
    """The instant that *span* before *at* began: for working days the same time of day on an earlier one."""
    if span.unit is Unit.WORKING_DAYS:
        return working_days_before(at, span.count, calendar)
    if span.unit in _WORKING:
        return _subtract(at, span.count * _WORKING[span.unit], calendar)
    return _elapsed(at, Span(-span.count, span.unit), calendar)


def _subtract(at: datetime, length: timedelta, calendar: Calendar) -> datetime:
    """The instant from which to *at* there is *length* of open time."""
    left, year = length, _local(at, calendar).year
    while True:
        for opening in reversed(_year(calendar, year).openings):
            end = min(at.astimezone(UTC), opening.end)
            if opening.start < end and left <= end - opening.start:
                return end - left
            left -= max(timedelta(), end - opening.start)
        year -= 1


def closing_time(day: date, calendar: Calendar) -> datetime:
    """When work ends on *day*, or on the last working day before it."""
    while not is_working_day(day, calendar):
        day -= timedelta(days=1)
    return _year(calendar, day.year).closing[day]


def local_date(at: datetime, calendar: Calendar) -> date:
    """The date on the wall where the calendar's people work."""
    return _local(at, calendar).date()


def instant(day: date, at: time, calendar: Calendar) -> datetime:
    """The instant of a date and a time of day as the calendar's people say them."""
    return datetime.combine(day, at, ZoneInfo(calendar.time_zone)).astimezone(UTC)


def _elapsed(at: datetime, span: Span, calendar: Calendar) -> datetime:
    if span.unit in _ELAPSED:
        return at.astimezone(UTC) + span.count * _ELAPSED[span.unit]
    local = _local(at, calendar)
    if span.unit in _DAYS:
        day = local.date() + timedelta(days=span.count * _DAYS[span.unit])
    else:
        day = months_later(local.date(), span.count * _MONTHS[span.unit])
    return datetime.combine(day, local.time(), local.tzinfo).astimezone(UTC)


def months_later(day: date, count: int) -> date:
    """The same day *count* months later (earlier where negative), or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _local(at: datetime, calendar: Calendar) -> datetime:
    return at.astimezone(ZoneInfo(calendar.time_zone))


def _openings(at: datetime, calendar: Calendar) -> Iterator[Open]:
    """The openings that end after *at*, in order, without end."""
    year = _local(at, calendar).year
    first = _year(calendar, year).openings
    yield from first[bisect_right(first, at, key=lambda opening: opening.end) :]
    while True:
        year += 1
        yield from _year(calendar, year).openings


class _Year(NamedTuple):
    openings: tuple[Open, ...]
    closing: dict[date, datetime]
    """When each working day ends."""


def _holidays(calendar: Calendar, year: int) -> Mapping[date, str]:
    """The bank holidays of *year* and their names: of one on a weekend the day in lieu (docs/domain.md section 6)."""
    if calendar.holidays is None:
        return {}
    found = bank_holidays(calendar.holidays, year)
    return {day: name for day, name in found.items() if day.weekday() not in _WEEKEND}


@lru_cache(maxsize=256)
def _year(calendar: Calendar, year: int) -> _Year:
    """All openings of *year*. ValueError: it has none, and no promise could ever fall due."""
    closed = {*calendar.also_closed, *_holidays(calendar, year)}
    first = date(year, 1, 1)
    days = (first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days))
    found: list[Open] = []
    closing = {}
    for day in days:
        if day in closed:
            continue
        for hours in sorted(calendar.hours, key=lambda hours: hours.opens):
            if day.weekday() in hours.days:
                _append(found, Open(instant(day, hours.opens, calendar), instant(day, hours.closes, calendar)))
                closing[day] = found[-1].end
    if not found:
        raise ValueError(f"a calendar without any working time in {year} cannot tell when something is due")
    return _Year(tuple(found), closing)


def _append(openings: list[Open], opening: Open) -> None:
    """Add *opening*, as one with the last where they touch or overlap."""
    if openings and opening.start <= openings[-1].end:
        openings[-1] = Open(openings[-1].start, max(openings[-1].end, opening.end))
    else:
        openings.append(opening)
