"""Lengths of time as people write them: "4 working hours", "1 calendar month"."""

import re
from dataclasses import dataclass
from datetime import time
from enum import StrEnum


class Unit(StrEnum):
    WORKING_MINUTES = "working minutes"
    WORKING_HOURS = "working hours"
    WORKING_DAYS = "working days"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "calendar months"
    YEARS = "years"
    DEADLINE = "the deadline in the mail"


_SPAN = re.compile(r"(\d{1,5}) +((?:working +|calendar +)?[a-z]+?)s?", re.IGNORECASE)
_UNITS = {unit.value.removesuffix("s"): unit for unit in Unit} | {"month": Unit.MONTHS, "calendar day": Unit.DAYS}


@dataclass(frozen=True, slots=True)
class Span:
    """*count* of *unit*; for ``Unit.DEADLINE`` the count is 0."""

    count: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read "2 working days" or "the deadline in the mail"; ValueError says what was expected."""
        words = " ".join(text.lower().split())
        if words == Unit.DEADLINE:
            return cls(0, Unit.DEADLINE)
        found = _SPAN.fullmatch(words)
        unit = _UNITS.get(found[2]) if found else None
        if found is None or unit is None:
            raise ValueError(
                'expected a length of time such as "4 working hours", "1 working day" or "1 calendar month"'
            )
        return cls(int(found[1]), unit)

    def __str__(self) -> str:
        if self.unit is Unit.DEADLINE:
            return self.unit.value
        return f"{self.count} {self.unit.value.removesuffix('s') if self.count == 1 else self.unit.value}"


_LONGER = re.compile(r"([2-9]|10) x longer")


@dataclass(frozen=True, slots=True)
class Longer:
    """So many times as long."""

    times: int

    @classmethod
    def parse(cls, text: str) -> "Longer":
        """Read "2 x longer"; ValueError says what was expected."""
        found = _LONGER.fullmatch(" ".join(text.lower().split()))
        if found is None:
            raise ValueError('expected how much longer it may take, such as "2 x longer"')
        return cls(int(found[1]))

    def __str__(self) -> str:
        return f"{self.times} x longer"


_GONE = re.compile(r"(\d{1,2})% of the time has gone")


@dataclass(frozen=True, slots=True)
class When:
    """When a rung of the ladder is reached: once *share* percent of the time have gone, *before* it is due, or *late*
    after that."""

    share: int = 100
    late: Span | None = None
    before: Span | None = None

    @classmethod
    def parse(cls, text: str) -> "When":
        """Read "75% of the time has gone", "1 working day before", "due" or "1 working day late"; ValueError says what
        was expected."""
        words = " ".join(text.lower().split())
        if words == "due":
            return cls()
        if gone := _GONE.fullmatch(words):
            return cls(int(gone[1]))
        if words.endswith(" late"):
            return cls(late=Span.parse(words.removesuffix(" late")))
        if words.endswith(" before"):
            return cls(before=Span.parse(words.removesuffix(" before")))
        raise ValueError('expected "75% of the time has gone", "1 working day before", "due" or "1 working day late"')

    @property
    def is_late(self) -> bool:
        """Whether the promise is broken by then."""
        return self.share == 100 and self.before is None

    def __str__(self) -> str:
        if self.late:
            return f"{self.late} late"
        if self.before:
            return f"{self.before} before"
        return f"{self.share}% of the time has gone" if self.share < 100 else "due"


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OPENING = re.compile(r"(?P<first>[a-z]+)(?: to (?P<last>[a-z]+))?,? (?P<opens>\S+) to (?P<closes>\S+)")
_CLOCK = re.compile(r"(\d{1,2})(?:[.:](\d{2}))?(am|pm)")


@dataclass(frozen=True, slots=True)
class Opening:
    """Open from *opens* until *closes* on the given *days* (0 is Monday)."""

    days: frozenset[int]
    opens: time
    closes: time

    @classmethod
    def parse(cls, text: str) -> "Opening":
        """Read "Monday to Friday, 9am to 5pm" or "Saturday 9am to 1pm"."""
        found = _OPENING.fullmatch(" ".join(text.lower().split()))
        if found is None or found["first"] not in _DAYS or (found["last"] or found["first"]) not in _DAYS:
            raise ValueError('expected opening hours such as "Monday to Friday, 9am to 5pm"')
        first, last = _DAYS.index(found["first"]), _DAYS.index(found["last"] or found["first"])
        opens, closes = clock(found["opens"]), clock(found["closes"])
        if last < first or closes <= opens:
            raise ValueError("expected the first day before the last, and the opening time before the closing time")
        return cls(frozenset(range(first, last + 1)), opens, closes)

    def __str__(self) -> str:
        first, last = min(self.days), max(self.days)
        days = _DAYS[first].title() + (f" to {_DAYS[last].title()}" if last > first else "")
        return f"{days}, {spoken(self.opens)} to {spoken(self.closes)}"


def clock(text: str) -> time:
    """The time of day that *text* names; ValueError where it names none."""
    found = _CLOCK.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= 12 or int(found[2] or 0) > 59:
        raise ValueError(f'"{text}" is not a time such as 9am or 5.30pm')
    return time(int(found[1]) % 12 + (12 if found[3] == "pm" else 0), int(found[2] or 0))


def spoken(at: time) -> str:
    """ "9am", "5.30pm"."""
    minutes = f".{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'am' if at.hour < 12 else 'pm'}"
