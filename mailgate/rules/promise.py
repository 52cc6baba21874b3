"""What is promised to a request: its service level, and until when that means an answer and an end."""

from collections.abc import Callable
from datetime import datetime, timedelta

from mailgate.model.config import Config
from mailgate.model.promises import Calendar, SlaPolicy
from mailgate.model.reading import Match, Trace
from mailgate.model.spans import Span, Unit
from mailgate.model.ticket import Values
from mailgate.sla.calendar import closing_time, due, instant, working_time
from mailgate.sla.clock import OFFICE, Clock, start

_DEADLINE = "deadline"


def priority_of(task: str | None, config: Config) -> str | None:
    """The priority that *task* brings by itself."""
    if task is None:
        return config.service.defaults.priority
    category, entry = config.task(task)
    return entry.priority or category.priority or config.service.defaults.priority


def service_level(task: str | None, priority: str | None, config: Config) -> str | None:
    """The task's own, which outlives a change of priority, or the priority's."""
    own = config.task(task)[1].sla if task else None
    return own or config.service.priorities.get(priority or "")


def calendar_of(team: str | None, config: Config) -> Calendar:
    """When *team* works: its own calendar, else the default one."""
    service = config.service
    own = service.teams[team].calendar if team and team in service.teams else None
    return service.calendars.get(own or service.defaults.calendar or "", OFFICE)


def calendars(config: Config) -> Callable[[str], Calendar]:
    """``calendar_of`` by the name of a team, "" for none."""
    return lambda team: calendar_of(team, config)


def promised(
    level: str | None, priority: str | None, fields: Values, at: datetime, calendar: Calendar, config: Config
) -> tuple[Clock | None, Trace]:
    """The promise of the service *level* to a request that came *at*, and where its deadline came from.

    One that asks for the deadline in the mail where *fields* state none promises what *priority* does.
    """
    policy = config.service.sla.get(level or "")
    if policy is None:
        return None, ()
    if Unit.DEADLINE not in (policy.reply.unit, policy.finish.unit):
        return start(at, policy, calendar), ()
    deadline = _deadline(fields, at, calendar)
    if deadline is not None:
        why = Match("sla", level or "", words=deadline.isoformat(), effect="the deadline in the mail")
        return start(at, policy, calendar, deadline), (why,)
    usual = config.service.sla.get(config.service.priorities.get(priority or "", ""))
    why = Match("sla", level or "", effect=f"no deadline in the mail: as priority {priority} until there is one")
    return (_usual_clock(at, usual, calendar), (why,))


def longer(
    level: str | None,
    priority: str | None,
    fields: Values,
    at: datetime,
    calendar: Calendar,
    config: Config,
    times: int,
) -> timedelta:
    """By how much working time the end moves where it may take *times* as long; a deadline in the mail stays."""
    usual, _ = promised(level, priority, fields, at, calendar, config)
    policy = config.service.sla.get(level or "")
    if usual is None or policy is None or policy.finish.unit is Unit.DEADLINE:
        return timedelta()
    finish = Span(policy.finish.count * times, policy.finish.unit)
    return working_time(usual.due_at, due(at, finish, calendar), calendar)


def _usual_clock(at: datetime, policy: SlaPolicy | None, calendar: Calendar) -> Clock | None:
    """The promise that the priority brings; none where that too is the deadline in the mail."""
    if policy is None or Unit.DEADLINE in (policy.reply.unit, policy.finish.unit):
        return None
    return start(at, policy, calendar)


def _deadline(fields: Values, at: datetime, calendar: Calendar) -> datetime | None:
    """The first deadline that the mail states, at its time of day or at the close of that day."""
    stated_dates = [datetime.fromisoformat(value) for value in fields.get(_DEADLINE, ())]
    timed = [value for value in fields.get(_DEADLINE, ()) if "T" in value]
    if not stated_dates:
        return None
    first = min(stated_dates).date()
    hour = next((datetime.fromisoformat(value).time() for value in timed if value.startswith(first.isoformat())), None)
    due = instant(first, hour, calendar) if hour is not None else closing_time(first, calendar)
    return max(due, at)
