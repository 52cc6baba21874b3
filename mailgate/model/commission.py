"""One request to several units: what the store knows of it while its returns come in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailgate.model.ticket import Status, Ticket

COMMISSION = "commission"
"""What a rule starts whose ticket is the parent of one for each unit."""


class State(StrEnum):
    """How far a unit is; *late*: it answered, and after its time."""

    WAITED_FOR = "waited for"
    OUTSTANDING = "outstanding"
    RETURNED = "returned"
    NIL = "nil return"
    LATE = "late"
    LATE_NIL = "late nil return"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Child:
    """The ticket of one unit: how many returns it sent, and what the last one is, which counts."""

    ticket: Ticket
    returns: int = 0
    returned_at: datetime | None = None
    is_nil: bool = False
    is_late: bool = False

    def state(self, now: datetime) -> State:
        if self.returns:
            if self.is_late:
                return State.LATE_NIL if self.is_nil else State.LATE
            return State.NIL if self.is_nil else State.RETURNED
        if self.ticket.status is Status.CANCELLED:
            return State.CANCELLED
        is_over = not self.ticket.is_open or (self.ticket.due_at is not None and self.ticket.due_at <= now)
        return State.OUTSTANDING if is_over else State.WAITED_FOR


@dataclass(frozen=True, slots=True)
class Commission:
    """The *parent* ticket and those of the units, in the order in which they are asked.

    *version* is the number of the last consolidated return that was sent to be approved, 0 for none, *through* how many
    returns of units it holds; *approved* and *sent* are the last versions that a person approved, and that went out.
    """

    parent: Ticket
    children: tuple[Child, ...]
    version: int = 0
    through: int = 0
    approved: int = 0
    sent: int = 0

    @property
    def returns(self) -> int:
        """How many returns came in so far, changed ones too."""
        return sum(child.returns for child in self.children)

    def of_unit(self, unit: str) -> Child | None:
        return next((child for child in self.children if child.ticket.unit == unit), None)

    def of_ticket(self, ticket_id: int) -> Child | None:
        return next((child for child in self.children if child.ticket.id == ticket_id), None)

    def in_state(self, now: datetime, *states: State) -> Iterator[Child]:
        return (child for child in self.children if child.state(now) in states)


@dataclass(frozen=True, slots=True)
class Returned:
    """That a mail is a unit's return: of the ticket *child*."""

    child: Ticket
    is_nil: bool
    is_late: bool
