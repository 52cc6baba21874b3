"""Figures as a table: one row for each group and one for all, with names as the configuration has them."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from mailgate.notify.spreadsheet import Cell, Sheet
from mailgate.sla.figures import Calendars, Case, Figures, Period, figures, grouped

COLUMNS = (
    *("new", "finished", "cancelled", "within time", "within time %", "working hours to finish"),
    *("open", "open and late", "duplicates avoided", "chasers avoided"),
)
ALL = "all"


def report(cases: Iterable[Case], by: Sequence[str], period: Period, calendars: Calendars) -> Sheet:
    """The figures of *period* by each of *by*, and of all; "working hours to finish" is the middle one of them."""
    known = list(cases)
    groups = grouped(known, by, period, calendars).items() if by else ()
    total = (ALL, *("" for _ in by[1:])) if by else ()
    rows = [(*group, *cells(found)) for group, found in groups]
    return Sheet("figures", (*by, *COLUMNS), [*rows, (*total, *cells(figures(known, period, calendars)))])


def cells(found: Figures) -> tuple[Cell, ...]:
    """*found* in the order of ``COLUMNS``."""
    share = None if found.share is None else round(found.share, 1)
    counts = (found.new, found.finished, found.cancelled, found.on_time, share, hours(found.took))
    return (*counts, found.open, found.late, found.duplicates, found.chasers)


def hours(length: timedelta | None) -> float | None:
    """Working time in hours, to a tenth."""
    return None if length is None else round(length.total_seconds() / 3600, 1)
