"""The case: what a ticket is, who takes part in it and what happened to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from mailgate.model.capacity import Effect, Level

Values = Mapping[str, tuple[str, ...]]


ORDERED = "command"
"""What the event of an order is called."""

NOBODY = ""
"""The assignee of a change that takes a ticket away from whoever has it."""

APART = 0
"""What a change merges a ticket into that is to be one of its own again."""

UNLINKED = ""
"""What a change links a ticket to that nothing more is claimed of."""


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"


OPEN_STATUSES = frozenset({Status.NEW, Status.OPEN, Status.WAITING})


class WaitingFor(StrEnum):
    REQUESTER = "requester"
    THIRD_PARTY = "third party"
    CAPACITY = "capacity"


class FileState(StrEnum):
    """What becomes of a file that a rule holds back."""

    HELD = "held"
    RELEASED = "released"
    DISCARDED = "discarded"


class Standing(StrEnum):
    """What becomes of a mail to a ticket by somebody who took no part in it (E121); of all others nobody asks."""

    DOUBTFUL = "doubtful"
    ACCEPTED = "accepted"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the store knows it.

    *ref* is what people see, "MG-7K3F-99". *keys* are the values of the key identifier (the
    CRNs), the first one first; *fields* are all facts the mails stated, by their names in the
    configuration. *participants* are the addresses that may post (E121): the requester,
    *watchers*, and whoever we mailed. *opening_id* is the Message-ID of the mail that opened it.
    *paused_seconds* is the working time for which its clocks stood still, but for a wait that still lasts.
    *merged_into* is the id of the ticket that it is part of by an order (E158), *linked_to* the reference of one that
    it follows, or that its mail only claims to belong to. *level* is the capacity level that slows or pauses it.
    *parent* is the id of the commission that asks *unit*, where it is what that unit is asked.
    """

    id: int
    ref: str
    mailbox: str
    status: Status
    requester: str
    received_at: datetime
    subject: str = ""
    opening_id: str = ""
    waiting_for: WaitingFor | None = None
    waiting_since: datetime | None = None
    category: str | None = None
    task: str | None = None
    priority: str | None = None
    team: str | None = None
    assignee: str | None = None
    sla_policy: str | None = None
    keys: tuple[str, ...] = ()
    fields: Values = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    marking: str = ""
    show_to: str | None = None
    starts: str | None = None
    first_reply_due: datetime | None = None
    first_reply_at: datetime | None = None
    due_at: datetime | None = None
    paused_seconds: int = 0
    closed_at: datetime | None = None
    merged_into: int | None = None
    level: Level | None = None
    linked_to: str | None = None
    parent: int | None = None
    unit: str = ""
    participants: frozenset[str] = frozenset()
    watchers: frozenset[str] = frozenset()
    last_serial: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


@dataclass(frozen=True, slots=True)
class Held:
    """That *level* slows, pauses or declines a ticket, and what that undoes: *status*, *waiting_for* and *due_before*.

    *due_after* is the time to finish that it set, once the clocks had stood still for *paused_seconds*; *message* is
    what the requester of a new one hears, "" for nothing of its own.
    """

    level: Level
    effect: Effect
    status: Status
    waiting_for: WaitingFor | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    paused_seconds: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket that is about to be opened: everything but its reference.

    *show_to*, *attachments* and *starts* are what a rule said under ``show_to``, ``attachments`` and
    ``start``. *clock_started_at* is None while the clock stands still. *held*: what a capacity level does to it.
    *unit*: who is asked by way of it, the first ticket of the same mail being the commission.
    """

    mailbox: str
    requester: str
    subject: str
    received_at: datetime
    status: Status = Status.NEW
    waiting_for: WaitingFor | None = None
    category: str | None = None
    task: str | None = None
    priority: str | None = None
    team: str | None = None
    assignee: str | None = None
    sla_policy: str | None = None
    keys: tuple[str, ...] = ()
    fields: Values = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    marking: str = ""
    tags: tuple[str, ...] = ()
    show_to: str | None = None
    attachments: str | None = None
    starts: str | None = None
    first_reply_due: datetime | None = None
    due_at: datetime | None = None
    clock_started_at: datetime | None = None
    watchers: tuple[str, ...] = ()
    linked_to: str | None = None
    held: Held | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to an existing ticket; None leaves a value as it is.

    *watcher* joins those who take part, *added* does so without waiting for it, *leaver* leaves them. *runs*: whether
    the clocks run from now on. *merged_into* is the id of the ticket that it is part of from now on, or ``APART``,
    *linked_to* is ``UNLINKED`` or a reference. *standing* is that of one of its mails, by the mail's number.
    *events* are for the history beside those of the mail that belongs to the ticket.
    """

    ticket: Ticket
    status: Status | None = None
    waiting_for: WaitingFor | None = None
    assignee: str | None = None
    category: str | None = None
    task: str | None = None
    priority: str | None = None
    team: str | None = None
    sla_policy: str | None = None
    keys: tuple[str, ...] | None = None
    fields: Values | None = None
    missing: tuple[str, ...] | None = None
    first_reply_due: datetime | None = None
    first_reply_at: datetime | None = None
    due_at: datetime | None = None
    paused_seconds: int | None = None
    runs: bool | None = None
    closed_at: datetime | None = None
    merged_into: int | None = None
    linked_to: str | None = None
    standing: tuple[int, Standing] | None = None
    watcher: str | None = None
    added: str | None = None
    leaver: str | None = None
    events: "tuple[Event, ...]" = ()

    @property
    def after(self) -> Ticket:
        """The ticket as this leaves it, as far as people are told of it."""
        ticket = self.ticket
        return replace(
            ticket,
            status=self.status or ticket.status,
            waiting_for=self.waiting_for,
            assignee=(ticket.assignee if self.assignee is None else self.assignee) or None,
            category=self.category or ticket.category,
            task=self.task or ticket.task,
            priority=self.priority or ticket.priority,
            team=self.team or ticket.team,
            keys=ticket.keys if self.keys is None else self.keys,
            fields=ticket.fields if self.fields is None else self.fields,
            missing=ticket.missing if self.missing is None else self.missing,
            due_at=self.due_at or ticket.due_at,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a ticket's history, which is only ever added to.

    *data* holds no personal value (references, statuses, names of the configuration);
    what is personal stands in *personal* and enters the hash chain only salted and hashed.
    """

    what: str
    actor: str
    data: Mapping[str, object] = field(default_factory=dict)
    personal: Mapping[str, object] = field(default_factory=dict)
