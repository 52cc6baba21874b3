"""The promise about one ticket: when its first answer and its end are due."""

from dataclasses import dataclass
from datetime import datetime

from mailgate.model.config import Config
from mailgate.model.promises import Calendar, SlaPolicy
from mailgate.model.ticket import OPEN_STATUSES, Status, WaitingFor
from mailgate.sla.calendar import due, started

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


def stands(status: Status, waiting_for: WaitingFor | None, config: Config) -> bool:
    """Whether the clocks of such a ticket stand still: it is closed, or waits for somebody they stop for."""
    return status not in OPEN_STATUSES or waiting_for in config.service.defaults.clock_stops_for
