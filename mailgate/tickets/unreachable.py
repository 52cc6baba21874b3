"""A requester whose mail comes back: whoever works on the ticket hears of it, once (E142)."""

from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.model.facts import Evidence, Facts
from mailgate.tickets.unreadable import readers

MESSAGE, ACKNOWLEDGEMENT = "unreachable", "received"


def told(about: Evidence, facts: Facts, config: Config) -> tuple[Reply, ...]:
    """Mails to the person who has the ticket, else to the lead and the members of its team, once the requester is lost.

    Nobody hears of an acknowledgement that came back: forged senders would be told of by hundreds.
    """
    ticket = about.ticket
    if ticket.requester not in facts.lost or about.answers == ACKNOWLEDGEMENT or not ticket.is_open:
        return ()
    members = [person for person in facts.colleagues if person.team == ticket.team]
    found = [ticket.assignee] if ticket.assignee else readers(ticket.team or "", members, config)
    return tuple(Reply(MESSAGE, to=address) for address in found if address not in facts.lost)
