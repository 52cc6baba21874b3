"""What may happen to a ticket, what it becomes, and what its requester is told."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from mailgate.model.ticket import Status, Ticket, WaitingFor


class Happened(StrEnum):
    """What moves a ticket; replies are a person's, never an automatic mail's (E128)."""

    TAKEN = "taken"
    DONE = "done"
    PUT_ON_HOLD = "put on hold"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    REQUESTER_REPLIED = "requester replied"
    THIRD_PARTY_REPLIED = "third party replied"


MOVES: Mapping[tuple[Status, Happened], Status] = {
    (Status.NEW, Happened.TAKEN): Status.OPEN,
    (Status.NEW, Happened.DONE): Status.DONE,
    (Status.NEW, Happened.PUT_ON_HOLD): Status.WAITING,
    (Status.NEW, Happened.CANCELLED): Status.CANCELLED,
    (Status.NEW, Happened.REQUESTER_REPLIED): Status.NEW,
    (Status.NEW, Happened.THIRD_PARTY_REPLIED): Status.NEW,
    (Status.OPEN, Happened.TAKEN): Status.OPEN,
    (Status.OPEN, Happened.DONE): Status.DONE,
    (Status.OPEN, Happened.PUT_ON_HOLD): Status.WAITING,
    (Status.OPEN, Happened.CANCELLED): Status.CANCELLED,
    (Status.OPEN, Happened.REQUESTER_REPLIED): Status.OPEN,
    (Status.OPEN, Happened.THIRD_PARTY_REPLIED): Status.OPEN,
    (Status.WAITING, Happened.TAKEN): Status.WAITING,
    (Status.WAITING, Happened.DONE): Status.DONE,
    (Status.WAITING, Happened.PUT_ON_HOLD): Status.WAITING,
    (Status.WAITING, Happened.CANCELLED): Status.CANCELLED,
    (Status.WAITING, Happened.REQUESTER_REPLIED): Status.OPEN,
    (Status.WAITING, Happened.THIRD_PARTY_REPLIED): Status.OPEN,
    (Status.DONE, Happened.REOPENED): Status.OPEN,
    (Status.DONE, Happened.REQUESTER_REPLIED): Status.OPEN,
    (Status.CANCELLED, Happened.REOPENED): Status.OPEN,
    (Status.CANCELLED, Happened.REQUESTER_REPLIED): Status.OPEN,
}

# whose reply ends which wait: what the requester adds does not bring the police's answer
_ENDS: Mapping[Happened, WaitingFor] = {
    Happened.REQUESTER_REPLIED: WaitingFor.REQUESTER,
    Happened.THIRD_PARTY_REPLIED: WaitingFor.THIRD_PARTY,
}

_TOLD: Mapping[Status, str] = {Status.WAITING: "on_hold", Status.DONE: "done", Status.CANCELLED: "cancelled"}


def after(ticket: Ticket, happened: Happened) -> Status | None:
    """What *ticket* becomes; its own status where nothing moves; None where this cannot happen to it.

    Who takes what a capacity level paused has time for it: that goes on.
    """
    if happened is Happened.TAKEN and ticket.waiting_for is WaitingFor.CAPACITY:
        return Status.OPEN
    waits_for_another = ticket.waiting_for not in (None, _ENDS.get(happened))
    if ticket.status is Status.WAITING and happened in _ENDS and waits_for_another:
        return ticket.status
    return MOVES.get((ticket.status, happened))


def told(before: Status, now: Status) -> str:
    """The name of the message that tells the requester of the change, or "" where there is none to tell."""
    if before is now:
        return ""
    if before in (Status.DONE, Status.CANCELLED) and now is Status.OPEN:
        return "reopened"
    return _TOLD.get(now, "")


def reopens(ticket: Ticket, since: datetime) -> bool:
    """Whether a person's reply reopens this closed *ticket*; otherwise it opens a new one, linked to it (E128).

    *since* is ``reopen_within`` before now, in working time.
    """
    return not ticket.is_open and (ticket.closed_at is None or ticket.closed_at >= since)
