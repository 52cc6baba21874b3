"""Working time by counting: every minute of three years is looked at once and is open or is not.

Written apart from ``mailgate.sla``, whose answers it judges (K9): it knows bank holidays from docs/domain.md section 6,
hours as numbers, and of dates what ``datetime`` does; nothing is imported from the code under test.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_HOLIDAYS = """
    2026: 1/1 3/4 6/4 4/5 25/5 31/8 25/12 28/12
    2027: 1/1 26/3 29/3 3/5 31/5 30/8 27/12 28/12
    2028: 3/1 14/4 17/4 1/5 29/5 28/8 25/12 26/12
"""
HOLIDAYS = frozenset(
    date(int(year), int(day.partition("/")[2]), int(day.partition("/")[0]))
    for year, _, days in (line.partition(":") for line in _HOLIDAYS.split("\n") if line.strip())
    for day in days.split()
)
Week = Mapping[int, tuple[int, int]]
OFFICE: Week = dict.fromkeys(range(5), (9, 17))
SERVICE_CENTRE: Week = dict.fromkeys(range(5), (8, 18))
CUSTODY: Week = {**dict.fromkeys(range(5), (8, 20)), 5: (9, 13)}


class Oracle:
    """What is open by *week* (from which hour until which, by the day of the week) in *zone*."""

    def __init__(self, week: Week, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.open: list[int] = []
        """The open minutes, by their number from ``FIRST`` on."""
        self.last_minute: dict[date, int] = {}
        """The last open minute of each working day."""
        for number in range((LAST - FIRST) // MINUTE):
            local = (FIRST + number * MINUTE).astimezone(self.zone)
            opens, closes = week.get(local.weekday(), (0, 0))
            if opens <= local.hour < closes and local.date() not in HOLIDAYS:
                self.open.append(number)
                self.last_minute[local.date()] = number
        self.days: Sequence[date] = sorted(self.last_minute)

    def working_minutes(self, at: datetime, count: int) -> datetime:
        """When *count* open minutes have passed."""
        return FIRST + (self._nth(at, count - 1) + 1) * MINUTE if count else FIRST + self._nth(at, 0) * MINUTE

    def open_minutes(self, start: datetime, end: datetime) -> int:
        """How many minutes between two full minutes are open."""
        return max(0, bisect_left(self.open, _number(end)) - bisect_left(self.open, _number(start)))

    def working_days(self, at: datetime, count: int) -> datetime:
        """The closing time of the *count*-th working day after the one on which the clock starts."""
        start = (FIRST + self._nth(at, 0) * MINUTE).astimezone(self.zone).date()
        day = self.days[self.days.index(start) + count]
        return FIRST + (self.last_minute[day] + 1) * MINUTE

    def working_days_before(self, at: datetime, count: int) -> datetime:
        """The same time of day, by the clock on the wall, on an earlier working day."""
        local = at.astimezone(self.zone)
        earlier = [day for day in self.days if day < local.date()][-count]
        return local.replace(year=earlier.year, month=earlier.month, day=earlier.day).astimezone(UTC)

    def working_days_after(self, at: datetime, count: int) -> datetime:
        """The same time of day, by the clock on the wall, on a later working day."""
        local = at.astimezone(self.zone)
        day = self.days[bisect_right(self.days, local.date()) + count - 1]
        return local.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)

    def months(self, at: datetime, count: int) -> datetime:
        """The same day of a later month, by the clock on the wall; the last day of a shorter one."""
        local = at.astimezone(self.zone)
        year, month = local.year, local.month
        for _ in range(count):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        day = min(local.day, monthrange(year, month)[1])
        return local.replace(year=year, month=month, day=day).astimezone(UTC)

    def _nth(self, at: datetime, count: int) -> int:
        """The open minute with *count* others between *at* and it."""
        return self.open[bisect_left(self.open, _number(at)) + count]


def _number(at: datetime) -> int:
    return (at - FIRST) // MINUTE
