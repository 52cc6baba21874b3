"""What a change does to the clocks of a ticket (docs/domain.md section 6).

A wait that ends moves them by the working time that passed; another service level times them anew from when the request
came, so that what is changed back is as it was. Every time that was promised before stays in the history.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from mailgate.model.config import Config
from mailgate.model.ticket import Change, Event, Status, Ticket
from mailgate.rules.promise import calendar_of, promised, service_level
from mailgate.sla.calendar import add_working_time, working_time
from mailgate.sla.clock import stands

RETIMED = "timed anew"

ORDERED = "an order"
"""Why times changed that a person set."""


def timed(change: Change, config: Config, now: datetime, trigger: str = ORDERED) -> Change:
    """*change* with what it does to the clocks; a time to finish that it states itself, by *trigger*, stays."""
    ticket = change.ticket
    status = change.status or ticket.status
    waiting_for = (change.waiting_for or ticket.waiting_for) if status is Status.WAITING else None
    moves = (status, waiting_for) != (ticket.status, ticket.waiting_for)
    waited = stood_for(ticket, config, now) if moves else timedelta()
    level = _level(change, config)
    because, first_reply_due, due_at = "", ticket.first_reply_due, ticket.due_at
    if level != ticket.sla_policy:
        because = f"service level {level}"
        first_reply_due, due_at = _promised(change, level, waited, config)
    elif waited:
        because = "the clock stood still"
        first_reply_due, due_at = (_later(at, waited, ticket, config) for at in (first_reply_due, due_at))
    if trigger != ORDERED or change.due_at is not None:
        because = trigger
    due_at = change.due_at or due_at
    if ticket.first_reply_at is not None:
        first_reply_due = ticket.first_reply_due
    is_new = (first_reply_due, due_at) != (ticket.first_reply_due, ticket.due_at)
    if not is_new and not moves and change.first_reply_at is None:
        return change
    return replace(
        change,
        sla_policy=level if level != ticket.sla_policy else change.sla_policy,
        first_reply_due=first_reply_due if first_reply_due != ticket.first_reply_due else None,
        due_at=due_at if due_at != ticket.due_at else None,
        paused_seconds=ticket.paused_seconds + int(waited.total_seconds()) if waited else change.paused_seconds,
        runs=not stands(status, waiting_for, config),
        events=(*change.events, *((_event(ticket, because or ORDERED, first_reply_due, due_at),) if is_new else ())),
    )


def stood_for(ticket: Ticket, config: Config, now: datetime) -> timedelta:
    """The working time, in whole seconds, for which the clocks of *ticket* have stood still now."""
    since = ticket.waiting_since if ticket.is_open else ticket.closed_at
    if since is None or not stands(ticket.status, ticket.waiting_for, config):
        return timedelta()
    waited = working_time(since, now, calendar_of(ticket.team, config))
    return timedelta(seconds=int(waited.total_seconds()))  # as its row keeps it, so that both always agree


def _level(change: Change, config: Config) -> str | None:
    """The service level after *change*: what its task or priority bring."""
    ticket = change.ticket
    if change.sla_policy is not None or (change.task is None and change.priority is None):
        return change.sla_policy or ticket.sla_policy
    return service_level(change.task or ticket.task, change.priority or ticket.priority, config)


def _promised(
    change: Change, level: str | None, waited: timedelta, config: Config
) -> tuple[datetime | None, datetime | None]:
    """What *level* promises from when the request came, later by all the time for which the clocks stood still."""
    ticket = change.ticket
    calendar = calendar_of(change.team or ticket.team, config)
    fields = ticket.fields if change.fields is None else change.fields
    clock, _ = promised(level, change.priority or ticket.priority, fields, ticket.received_at, calendar, config)
    if clock is None:
        return ticket.first_reply_due, ticket.due_at
    paused = timedelta(seconds=ticket.paused_seconds) + waited
    if not paused:
        return clock.first_reply_due, clock.due_at
    return add_working_time(clock.first_reply_due, paused, calendar), add_working_time(clock.due_at, paused, calendar)


def _later(at: datetime | None, waited: timedelta, ticket: Ticket, config: Config) -> datetime | None:
    return add_working_time(at, waited, calendar_of(ticket.team, config)) if at else None


def _event(ticket: Ticket, because: str, first_reply_due: datetime | None, due_at: datetime | None) -> Event:
    """The old times and the new ones."""
    times = {"first_reply_due": (ticket.first_reply_due, first_reply_due), "due_at": (ticket.due_at, due_at)}
    said = {name: {"was": _iso(was), "now": _iso(now)} for name, (was, now) in times.items() if was != now}
    return Event(RETIMED, "mailgate", {"because": because, **said})


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
