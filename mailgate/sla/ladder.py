"""The escalation ladder: which rungs a clock has reached, and when the next one comes.

A rung is reached at a time that follows from the clock alone, so that whoever looks, and however late, finds the same.
Each is taken once for each clock; one that repeats is taken again at each of its times, of those missed the last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailgate.model.promises import Calendar, Rung
from mailgate.model.spans import Span, When
from mailgate.sla.calendar import add_working_time, after, before, working_time


@dataclass(frozen=True, slots=True)
class Running:
    """A clock that runs: it began at *started_at*, stood still for *paused* of working time, and ends at *due_at*."""

    started_at: datetime
    due_at: datetime
    paused: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """A rung that is reached: *place* on the ladder, for the *nth* time, since *at*."""

    place: int
    nth: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """The *steps* to be taken now, the first one first, and when to look again; None where nothing more can come."""

    steps: tuple[Step, ...]
    next_at: datetime | None


Taken = Mapping[str, int]
"""How often each rung was taken, by its ``name_of``."""


def look(ladder: Sequence[Rung], clock: Running, taken: Taken, calendar: Calendar, now: datetime) -> Look:
    """What *clock* has reached by *now* of what was not *taken* before."""
    steps, coming = [], []
    for place, rung in enumerate(ladder):
        nth, latest = taken.get(name_of(place, ladder), 0), None
        at = reached(rung, nth, clock, calendar)
        while at is not None and at <= now:
            nth, latest = nth + 1, at
            at = reached(rung, nth, clock, calendar)
        if latest is not None:
            steps.append(Step(place, nth, latest))
        if at is not None:
            coming.append(at)
    return Look(tuple(sorted(steps, key=lambda step: step.at)), min(coming, default=None))


def name_of(place: int, ladder: Sequence[Rung]) -> str:
    """What a rung is known by, whatever else a changed ladder has: when it comes, and which of those it is."""
    same = [number for number, rung in enumerate(ladder) if rung.when == ladder[place].when]
    number = same.index(place)
    return f"{ladder[place].when} {number + 1}" if number else str(ladder[place].when)


def reached(rung: Rung, nth: int, clock: Running, calendar: Calendar) -> datetime | None:
    """When *rung* comes for the time after the *nth*; None where it never does."""
    if nth and rung.repeat is None:
        return None
    first = _first(rung.when, clock, calendar)
    if rung.when.before is not None and first <= clock.started_at:
        return None  # it came with less time than that
    return after(first, Span(nth * rung.repeat.count, rung.repeat.unit), calendar) if nth and rung.repeat else first


def _first(when: When, clock: Running, calendar: Calendar) -> datetime:
    if when.before is not None:
        return before(clock.due_at, when.before, calendar)
    if when.late is not None:
        return after(clock.due_at, when.late, calendar)
    if when.is_late:
        return clock.due_at
    allowed = max(timedelta(), working_time(clock.started_at, clock.due_at, calendar) - clock.paused)
    gone = allowed * when.share / 100 + clock.paused
    return min(clock.due_at, add_working_time(clock.started_at, gone, calendar))
