"""A mail that the gateway could not understand: a ticket for the team, so that a person looks at it (G2).

What the mail says stays out of it: nobody knows what it says. Its bytes wait in quarantine.
"""

from collections.abc import Sequence
from datetime import datetime

from mailgate.model.config import Config
from mailgate.model.decision import Decision, NewTicket, Reply
from mailgate.model.message import Envelope, Message, Verdict
from mailgate.model.people import Person
from mailgate.model.reading import Match, Reading
from mailgate.model.ticket import Draft, Event

SUBJECT = "A mail that could not be read"


def reading(envelope: Envelope, config: Config) -> Reading:
    """All that is known about such a mail: where it came to."""
    return Reading(
        message=Message(message_id="", defects=("could not be read",)),
        envelope=envelope,
        mailbox=_mailbox(envelope, config),
        verdict=Verdict.NONE,
    )


def decision(found: Reading, why: str, config: Config, team_members: Sequence[Person], at: datetime) -> Decision:
    """Open a ticket for the team of its mailbox, and tell the lead and the members; nothing to the sender."""
    mailbox = found.mailbox or next(iter(config.service.mailboxes))
    team = config.service.mailboxes[mailbox].team
    draft = Draft(mailbox=mailbox, requester="", subject=SUBJECT, received_at=at, team=team, clock_started_at=at)
    return Decision(
        outcome=NewTicket((draft,)),
        config_version=config.version,
        trace=(Match("quarantine", "could not be read", effect=why),),
        events=(Event("could not be read", "mailgate", {"why": why}),),
        replies=tuple(Reply("unreadable", to=address) for address in readers(team, team_members, config)),
        silent_because="it could not be read",
    )


def team_of(found: Reading, config: Config) -> str:
    """The team that is told."""
    mailbox = found.mailbox or next(iter(config.service.mailboxes))
    return config.service.mailboxes[mailbox].team


def _mailbox(envelope: Envelope, config: Config) -> str | None:
    return next((name for address in envelope.recipients if (name := config.mailbox_of(address))), None)


def readers(team: str, members: Sequence[Person], config: Config) -> list[str]:
    """Lead and members, each once; never a mailbox of ours."""
    lead = config.service.teams[team].lead if team in config.service.teams else None
    if lead and "@" not in lead and config.service.domains:
        lead = f"{lead}@{config.service.domains[0]}"
    addresses = dict.fromkeys([*([lead.lower()] if lead else []), *(member.address for member in members)])
    return [address for address in addresses if "@" in address and not config.accepts(address)]
