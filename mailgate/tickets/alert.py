"""An alert: a ticket for people about something that the gateway found wrong with itself."""

from collections.abc import Sequence
from datetime import datetime

from mailgate.model.config import Config, Mode
from mailgate.model.decision import Reply
from mailgate.model.people import Person
from mailgate.model.ticket import Draft
from mailgate.tickets.unreadable import readers


def team_of(config: Config) -> str:
    """Who is told: the team of ``defaults``, else that of the first mailbox."""
    return config.service.defaults.team or next(iter(config.service.mailboxes.values())).team


def draft(subject: str, config: Config, at: datetime) -> Draft:
    """The ticket. It needs a mailbox: the team's own live one, else another live one, else any."""
    team = team_of(config)
    boxes = config.service.mailboxes.items()
    best = max(boxes, key=lambda box: (box[1].mode is Mode.LIVE, box[1].team == team))[0]
    return Draft(mailbox=best, requester="", subject=subject, received_at=at, team=team, clock_started_at=at)


def replies(subject: str, detail: str, config: Config, members: Sequence[Person]) -> tuple[Reply, ...]:
    """One mail to the lead and to each member of the team."""
    fields = {"alert": subject, "detail": detail}
    team = team_of(config)
    return tuple(Reply("alert", to=address, fields=fields) for address in readers(team, members, config))
