"""How a deadline came about, day by day: for whoever wonders why it is then."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mailgate.model.promises import Calendar
from mailgate.model.spans import Span, Unit, spoken
from mailgate.sla.calendar import before, closed_because, due, is_working_day, openings, started

BEFORE = " before"
_OPEN_TIME = frozenset({Unit.WORKING_MINUTES, Unit.WORKING_HOURS})
_DAY = timedelta(days=1)


class Step(NamedTuple):
    """What a *day* brought."""

    day: date
    what: str


def answer(at: datetime, allow: str, calendar: Calendar) -> datetime:
    """When *allow* has passed since *at*, or began before it: "2 working hours", "2 working days before".

    ValueError: it is no length of time, or the calendar never opens.
    """
    if allow.endswith(BEFORE):
        return before(at, _length(allow.removesuffix(BEFORE)), calendar)
    return due(at, _length(allow), calendar)


def account(at: datetime, allow: str, calendar: Calendar) -> Iterator[Step]:
    """What led from *at* to ``answer``, in order of the days."""
    zone = ZoneInfo(calendar.time_zone)
    end, here = answer(at, allow, calendar), at.astimezone(zone)
    if allow.endswith(BEFORE):
        yield Step(here.date(), f"the deadline, {spoken(here.time())}")
        yield from _days(here.date(), end.astimezone(zone).date(), calendar)
        return
    unit = _length(allow).unit
    if unit not in _OPEN_TIME and unit is not Unit.WORKING_DAYS:
        yield Step(here.date(), f"counted from {spoken(here.time())}, day and night")
        return
    begun = started(at, calendar).astimezone(zone)
    yield Step(here.date(), _arrival(here, begun))
    yield from (Step(day, closed_because(day, calendar)) for day in _between(here.date(), begun.date()))
    if unit is Unit.WORKING_DAYS:
        yield from _days(begun.date(), end.astimezone(zone).date(), calendar)
    else:
        yield from _hours(begun, end.astimezone(zone), calendar)


def _length(allow: str) -> Span:
    span = Span.parse(allow)
    if span.unit is Unit.DEADLINE:
        raise ValueError("a deadline is stated by a mail, and is not counted")
    return span


def _arrival(here: datetime, begun: datetime) -> str:
    if here == begun:
        return f"arrives at {spoken(here.time())}, in working time: the clock starts"
    when = "" if begun.date() == here.date() else f"on {begun:%A} "
    return f"arrives at {spoken(here.time())}, outside working time: the clock starts {when}at {spoken(begun.time())}"


def _between(first: date, last: date) -> Iterator[date]:
    """The days after *first* and before *last*."""
    yield from (first + number * _DAY for number in range(1, (last - first).days))


def _days(start: date, end: date, calendar: Calendar) -> Iterator[Step]:
    """The days from *start*, which does not count, to *end*, before it or after."""
    step, count = (_DAY if end > start else -_DAY), 0
    for number in range(1, abs((end - start).days) + 1):
        day = start + number * step
        count += is_working_day(day, calendar)
        yield Step(day, closed_because(day, calendar) or f"working day {count}")


def _hours(begun: datetime, end: datetime, calendar: Calendar) -> Iterator[Step]:
    total, day = timedelta(), begun.date()
    for opening in openings(begun, end, calendar):
        start, close = (each.astimezone(begun.tzinfo) for each in opening)
        yield from (Step(closed, closed_because(closed, calendar)) for closed in _between(day, start.date()))
        day = start.date()
        total += opening.end - opening.start
        yield Step(day, f"{spoken(start.time())} to {spoken(close.time())}, {_long(total)} so far")


def _long(length: timedelta) -> str:
    hours, minutes = divmod(round(length.total_seconds() / 60), 60)
    words = [f"{count} {unit}{'s' * (count != 1)}" for count, unit in ((hours, "hour"), (minutes, "minute")) if count]
    return " ".join(words) or "0 minutes"
