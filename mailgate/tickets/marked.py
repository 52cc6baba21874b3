"""Words under a protective marking that would leave the organisation: not without saying them once more (E208)."""

from mailgate.model.config import Config
from mailgate.model.facts import Evidence
from mailgate.model.reading import Reading
from mailgate.model.ticket import Ticket

CONFIRM = "confirm"
"""The message that asks for that: whatever its reader answers to it goes."""

WRITTEN = frozenset({"reply", "ask"})
"""The orders by which an agent's own words go to the requester."""


def highest(config: Config, *found: str) -> str:
    """The highest of some markings, each perhaps with a descriptor; "" where there is none."""
    return max(found, key=lambda marking: _rank(config, marking), default="")


def why_kept(ticket: Ticket, reading: Reading, evidence: Evidence, config: Config) -> str:
    """Why the words of an agent in this mail do not go to the requester of *ticket* for now; "" where they do."""
    if config.is_ours(ticket.requester.rpartition("@")[2]) or evidence.answers == CONFIRM:
        return ""
    marking = highest(config, ticket.marking, reading.message.marking)
    return f"they are {marking}, and would leave our organisation" if _rank(config, marking) > 0 else ""


def _rank(config: Config, marking: str) -> int:
    """The place of *marking* among those of the service, the lowest is 0; -1 where it is none of them."""
    return max((rank for rank, name in enumerate(config.service.markings) if marking.startswith(name)), default=-1)
