"""Which open requests a manager has to look at, and why: each for its gravest reason alone."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from mailgate.model.config import Config
from mailgate.rules.promise import calendar_of
from mailgate.sla.calendar import before, working_time
from mailgate.sla.figures import Case, is_late

USUAL_SHARE = 75
CHASERS = 2


class Concern(StrEnum):
    """Why, the gravest first."""

    LATE = "late"
    AT_RISK = "at risk"
    WAITING = "waiting too long"
    UNASSIGNED = "unassigned"
    CHASED = "chased more than once"


def concerning(cases: Iterable[Case], now: datetime, config: Config) -> dict[Concern, list[Case]]:
    """The open ones of *cases* that have to be looked at, by reason; what is due first stands first."""
    found: dict[Concern, list[Case]] = {concern: [] for concern in Concern}
    for case in sorted(cases, key=lambda case: (case.due_at or case.received_at, case.ref)):
        reason = next((each for each, holds in _HOLDS.items() if holds(case, now, config)), None)
        if case.is_open and reason is not None:
            found[reason].append(case)
    return found


def is_at_risk(case: Case, now: datetime, config: Config) -> bool:
    """Whether so much of its working time has gone that the first rung of the ladder is reached; without one, 75%."""
    if case.due_at is None or case.stands_since is not None or case.due_at < now:
        return False
    shares = (rung.when.share for rung in config.service.escalation if not rung.when.is_late)
    left = 1 - min(shares, default=USUAL_SHARE) / 100
    calendar = calendar_of(case.team, config)
    allowed = max(timedelta(), working_time(case.received_at, case.due_at, calendar) - case.paused)
    return working_time(now, case.due_at, calendar) <= allowed * left


def _waits_too_long(case: Case, now: datetime, config: Config) -> bool:
    since = before(now, config.service.digests.waiting_too_long, calendar_of(case.team, config))
    return case.waiting_since is not None and case.waiting_since < since


_HOLDS: Mapping[Concern, Callable[[Case, datetime, Config], bool]] = {
    Concern.LATE: lambda case, now, config: is_late(case, now),
    Concern.AT_RISK: is_at_risk,
    Concern.WAITING: _waits_too_long,
    Concern.UNASSIGNED: lambda case, now, config: not case.assignee,
    Concern.CHASED: lambda case, now, config: len(case.chased) >= CHASERS,
}
