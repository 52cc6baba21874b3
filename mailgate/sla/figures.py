"""What came, what became of it and how long it took: counts over requests, in working time.

A request counts as new in the period in which it came, as finished in the one in which it was last done.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import median

from mailgate.model.promises import Calendar
from mailgate.model.ticket import OPEN_STATUSES, Status, Values
from mailgate.sla.calendar import working_time

BY = ("category", "task", "unit", "team")
"""What figures can be told apart by."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request as figures see it; names are "" where there are none. *unit* is where it came from.

    *paused* is the working time for which its clocks stood still, *stands_since* when that began which still lasts.
    *joined* are the instants at which it was asked again, *chased* those at which somebody asked how it goes.
    """

    ref: str
    received_at: datetime
    status: Status
    category: str = ""
    task: str = ""
    unit: str = ""
    team: str = ""
    priority: str = ""
    sla_policy: str = ""
    assignee: str = ""
    key: str = ""
    mailbox: str = ""
    fields: Values = field(default_factory=dict)
    is_restricted: bool = False
    waiting_since: datetime | None = None
    stands_since: datetime | None = None
    due_at: datetime | None = None
    closed_at: datetime | None = None
    paused: timedelta = timedelta()
    joined: tuple[datetime, ...] = ()
    chased: tuple[datetime, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


@dataclass(frozen=True, slots=True)
class Period:
    """From *begin* until before *end*."""

    begin: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.begin <= at < self.end


@dataclass(frozen=True, slots=True)
class Figures:
    """What a period brought.

    *promised* of the *finished* had a time to finish, and *on_time* kept it; *took* is the middle one of their working
    times, None for none. *late* of those *open* at its end are past their time. *duplicates* and
    *chasers* are mails that would have been work, and were answered without.
    """

    new: int = 0
    finished: int = 0
    cancelled: int = 0
    promised: int = 0
    on_time: int = 0
    took: timedelta | None = None
    open: int = 0
    late: int = 0
    duplicates: int = 0
    chasers: int = 0

    @property
    def share(self) -> float | None:
        """How many of a hundred were finished within their time; None where none was promised."""
        return 100 * self.on_time / self.promised if self.promised else None


Calendars = Callable[[str], Calendar]
"""The calendar of a team."""


def figures(cases: Iterable[Case], period: Period, calendars: Calendars) -> Figures:
    """What *period* brought of *cases*."""
    known = [case for case in cases if case.received_at < period.end]
    closed = [case for case in known if case.closed_at is not None and case.closed_at in period]
    finished = [case for case in closed if case.status is Status.DONE]
    still_open = [case for case in known if case.closed_at is None or case.closed_at >= period.end]
    return Figures(
        new=sum(case.received_at in period for case in known),
        finished=len(finished),
        cancelled=len(closed) - len(finished),
        promised=sum(case.due_at is not None for case in finished),
        on_time=sum(is_on_time(case) for case in finished),
        took=_middle([took(case, calendars(case.team)) for case in finished]),
        open=len(still_open),
        late=sum(is_late(case, period.end) for case in still_open),
        duplicates=sum(at in period for case in known for at in case.joined),
        chasers=sum(at in period for case in known for at in case.chased),
    )


def _middle(lengths: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(length.total_seconds() for length in lengths)) if lengths else None


def grouped(
    cases: Iterable[Case], by: Sequence[str], period: Period, calendars: Calendars
) -> dict[tuple[str, ...], Figures]:
    """The figures of each group of *cases* that agree in all of *by* (``BY``), in order of their names."""

    def group(case: Case) -> tuple[str, ...]:
        return tuple(getattr(case, name) for name in by)

    found = groupby(sorted(cases, key=group), key=group)
    told = {name: figures(own, period, calendars) for name, own in found}
    return {name: each for name, each in told.items() if each != Figures()}


def took(case: Case, calendar: Calendar) -> timedelta:
    """The working time from when a closed *case* came until it was closed, less that for which its clocks stood."""
    end = case.closed_at or case.received_at
    return max(timedelta(), working_time(case.received_at, end, calendar) - case.paused)


def is_on_time(case: Case) -> bool:
    return case.due_at is not None and case.closed_at is not None and case.closed_at <= case.due_at


def is_late(case: Case, at: datetime) -> bool:
    """Whether its time to finish is over at *at*, or was when its clocks began to stand still."""
    return case.due_at is not None and case.due_at < min(at, case.stands_since or at)


def days(first: date, last: date, at_midnight: Callable[[date], datetime]) -> Period:
    """The days from *first* to *last*, both within it."""
    return Period(at_midnight(first), at_midnight(last + timedelta(days=1)))
