"""What requests of the past would have been promised by another configuration: other service levels, other hours."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mailgate.model.config import Config
from mailgate.rules.promise import calendar_of, calendars, promised, service_level
from mailgate.sla.calendar import add_working_time
from mailgate.sla.figures import Case, Figures, Period, grouped


def replayed(case: Case, config: Config) -> Case:
    """*case* with the time to finish that *config* promises; without one where it promises none.

    The clock stands still for as much working time as it did.
    """
    level = service_level(case.task or None, case.priority or None, config)
    calendar = calendar_of(case.team or None, config)
    clock, _ = promised(level, case.priority or None, case.fields, case.received_at, calendar, config)
    if clock is None:
        return replace(case, due_at=None)
    return replace(case, due_at=add_working_time(clock.due_at, case.paused, calendar) if case.paused else clock.due_at)


def compared(
    cases: Iterable[Case], by: Sequence[str], period: Period, config: Config, other: Config
) -> dict[tuple[str, ...], tuple[Figures, Figures]]:
    """The figures of each group as they were by *config*, and as they would have been by *other*."""
    known = list(cases)
    was = grouped(known, by, period, calendars(config))
    would = grouped([replayed(case, other) for case in known], by, period, calendars(other))
    return {name: (found, would[name]) for name, found in was.items()}
