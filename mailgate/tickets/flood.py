"""Too many new requests from one sender, or from one place outside: one ticket collects what is too much (E136)."""

from datetime import datetime

from mailgate.model.config import Config
from mailgate.model.facts import Facts
from mailgate.model.reading import Reading
from mailgate.model.ticket import Draft

AN_HOUR_BY_SENDER, AN_HOUR_BY_DOMAIN = 20, 60


def why_too_many(reading: Reading, config: Config, facts: Facts) -> str:
    """Why a new request opens no ticket of its own; "" where it does. A verified sender may open any number."""
    if not reading.may_be_too_many:
        return ""
    if facts.opened_by_sender >= AN_HOUR_BY_SENDER:
        return f"its sender opened {AN_HOUR_BY_SENDER} tickets within an hour"
    if facts.opened_by_domain >= AN_HOUR_BY_DOMAIN and not config.is_ours(reading.sender_domain):
        return f"its sender's domain opened {AN_HOUR_BY_DOMAIN} tickets within an hour"
    return ""


def collecting(reading: Reading, config: Config, now: datetime) -> Draft:
    """The ticket that collects, for the team of the mailbox where the first of them came in."""
    mailbox = reading.mailbox or next(iter(config.service.mailboxes))
    team = config.service.mailboxes[mailbox].team
    subject = f"Too many mails from {reading.sender_domain}"
    return Draft(mailbox=mailbox, requester="", subject=subject, received_at=now, team=team, clock_started_at=now)
