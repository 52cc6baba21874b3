"""Setting a capacity level by mail: who may, what such a mail says, and how it is asked back.

A level hangs on no ticket. So a mail that sets one runs where it answers a mail of ours to its sender (E186); any other
opens a ticket that waits for the sender, whose mail has a button that gives the same order in answer to it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from mailgate.model.capacity import NewLevel
from mailgate.model.config import Config
from mailgate.model.decision import Order, Reply
from mailgate.model.facts import Facts
from mailgate.model.reading import Reading
from mailgate.model.ticket import Change, Draft, Status, Ticket, WaitingFor
from mailgate.tickets import alert, answer
from mailgate.tickets.orders import LEVEL_AT, Ambiguous

STARTS = "capacity level"
"""What a ticket is for that asks back."""
ASKED, SET, REVIEW = "proposed", "confirmed", "review"
"""The messages that ask back, that say it is set, and that it is to be looked at again."""


def may_set(reading: Reading, config: Config, facts: Facts) -> bool:
    """Whether the directory gives the sender a role that sets levels."""
    sender = facts.sender
    return (
        sender is not None
        and sender.address == reading.sender
        and sender.role.casefold() in config.service.capacity.roles
    )


def asking(reading: Reading, config: Config, now: datetime) -> Draft:
    """The ticket that waits until its sender says again what is to be set."""
    draft = alert.draft("Capacity level", config, now)
    return replace(
        draft,
        mailbox=reading.mailbox or draft.mailbox,
        requester=reading.sender,
        received_at=reading.envelope.received_at,
        status=Status.WAITING,
        waiting_for=WaitingFor.REQUESTER,
        starts=STARTS,
        clock_started_at=None,
    )


def asked_back(order: Order | Ambiguous, reading: Reading, config: Config) -> Reply:
    if isinstance(order, Ambiguous):
        return answer.to(reading.sender, "refused", config, {"why": order.why})
    return answer.to(reading.sender, ASKED, config, _said_of(order))


def is_set(order: Order, reading: Reading, config: Config) -> Reply:
    return answer.to(reading.sender, SET, config, _said_of(order))


def ended(ticket: Ticket, now: datetime) -> tuple[Change, ...]:
    """A ticket that asked back is done with the answer; any other stays as it is."""
    is_done = ticket.starts == STARTS and ticket.is_open
    return (Change(ticket, status=Status.DONE, closed_at=now),) if is_done else ()


def ordered(order: Order, reading: Reading) -> NewLevel:
    """What a whole *order* sets."""
    unit, _, name = (order.to or "").partition(LEVEL_AT)
    assert order.until is not None  # orders.py reads none without
    return NewLevel(unit, name, order.reason or "", order.until, reading.sender)


def _said_of(order: Order) -> Mapping[str, str]:
    unit, _, name = (order.to or "").partition(LEVEL_AT)
    assert order.until is not None
    return said_of_order(unit, name, order.until, order.reason or "")


def said_of_order(unit: str, name: str, review_on: date, reason: str) -> Mapping[str, str]:
    """What a mail says of a level, and the line that gives the same order again."""
    return {
        "level": f"{name} ({unit})",
        "review_on": review_on.isoformat(),
        "why": reason,
        "orders": f"#level {unit} {name}, review {review_on.day} {review_on:%B %Y} because {reason}",
    }
