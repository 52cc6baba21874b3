"""The promise about one ticket: when its first answer and its end are due."""

from dataclasses import dataclass
from datetime import datetime

from mailgate.model.config import Calendar, SlaPolicy
from mailgate.sla.calendar import add_working_time, due, started, working_time

OFFICE = Calendar.model_validate({"hours": "Monday to Friday, 9am to 5pm", "holidays": "england-and-wales"})
"""Working time where the configuration names no calendar (docs/domain.md section 6)."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A running count: since when, and until when it should have had an answer and an end."""

    started_at: datetime
    first_reply_due: datetime
    due_at: datetime


def start(at: datetime, policy: SlaPolicy, calendar: Calendar, deadline: datetime | None = None) -> Clock:
    """The clock of a ticket that arrives *at*; ValueError where the policy asks for a deadline and there is none."""
    return Clock(
        started(at, calendar),
        due(at, policy.reply, calendar, deadline),
        due(at, policy.finish, calendar, deadline),
    )


def resumed(due_at: datetime, stopped_at: datetime, now: datetime, calendar: Calendar) -> datetime:
    """*due_at* of a clock that stood still from *stopped_at* until *now*: later by the working time that passed."""
    waited = working_time(stopped_at, now, calendar)
    return add_working_time(due_at, waited, calendar) if waited else due_at
