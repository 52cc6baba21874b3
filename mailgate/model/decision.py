"""What should happen to a mail, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from mailgate.model.capacity import NewLevel
from mailgate.model.commission import Returned
from mailgate.model.facts import Listing, Post
from mailgate.model.reading import Trace
from mailgate.model.ticket import Change, Draft, Event, Ticket, Values


class Action(StrEnum):
    NEW_TICKET = "new_ticket"
    FOLLOW_UP = "follow_up"
    DUPLICATE = "duplicate"
    COMMAND = "command"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    IGNORE = "ignore"


class Intent(StrEnum):
    """What a follow-up is for."""

    CHASER = "chaser"
    THANKS = "thanks"
    ANSWERS_QUESTION = "answers_question"
    REOPEN = "reopen"
    THIRD_PARTY_REPLY = "third_party_reply"
    COMMISSION_RETURN = "commission_return"
    EXTENSION_REQUEST = "extension_request"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class NewTicket:
    """Open *drafts*: the first is the mail's own, the others are further requests in it.

    *takes_along* is an earlier mail that asked for the first, and belongs to it from now on (E158). *collects*: the
    domain from which there is too much, which the ticket collects (E136). *awaits* are the Message-IDs of mails that it
    answers and that did not come yet, *parts* are tickets that become part of the first (E123).
    """

    drafts: tuple[Draft, ...]
    takes_along: Post | None = None
    collects: str = ""
    awaits: tuple[str, ...] = ()
    parts: tuple[Ticket, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    ticket: Ticket
    intent: Intent
    answers: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same request as *of*; *of* is None where the first copy opened no ticket."""

    of: Ticket | None


@dataclass(frozen=True, slots=True)
class Order:
    """A command of an agent: *do* is its name in the configuration; *days* are working days.

    *mail* is the number of the mail to the ticket that it is about, 0 where it is about all of the ticket.
    """

    do: str
    until: date | None = None
    days: int | None = None
    to: str | None = None
    reason: str | None = None
    note: str | None = None
    mail: int = 0

    @property
    def details(self) -> tuple[str | None, ...]:
        """What tells two orders of the same name apart."""
        return (self.to, self.until.isoformat() if self.until else None, *([f"mail {self.mail}"] if self.mail else []))


@dataclass(frozen=True, slots=True)
class Command:
    """An order about *ticket*; *opens* is what it makes of one of its mails."""

    ticket: Ticket
    order: Order
    opens: NewTicket | None = None


@dataclass(frozen=True, slots=True)
class AutoReply:
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Bounce:
    ticket: Ticket | None = None
    failed_recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Ignore:
    reason: str
    ticket: Ticket | None = None
    intent: Intent | None = None


Outcome = NewTicket | FollowUp | Duplicate | Command | AutoReply | Bounce | Ignore

ACTIONS: Mapping[type, Action] = {
    NewTicket: Action.NEW_TICKET,
    FollowUp: Action.FOLLOW_UP,
    Duplicate: Action.DUPLICATE,
    Command: Action.COMMAND,
    AutoReply: Action.AUTO_REPLY,
    Bounce: Action.BOUNCE,
    Ignore: Action.IGNORE,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One mail to send: *message* is its name under ``messages``, *draft* the index of the new ticket it is about.

    *internal*: its reader is one of our organisation (docs/domain.md section 9). *fields* are
    further values for its template, *lists* the rows of what it goes through, *listing* the tickets that it lists,
    *ticket* what it is about where that is not the ticket of the mail.
    """

    message: str
    to: str
    internal: bool = True
    draft: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    listing: Listing | None = None
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """That somebody of the directory is away through the day *until*; None: back again."""

    address: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What should happen to one mail. *config_version* and *trace* explain it; *absence*: who is away by it, *level*:
    which capacity level it sets.

    *holds_files*: what is attached is given to nobody until a person releases it. *part*: the merged ticket by way of
    which the mail came, which keeps it (E158). *is_doubtful*: its sender takes no part in the ticket that it is posted
    to, or that the new one is linked to (E121). *returned*: it is a unit's return to a commission.
    """

    outcome: Outcome
    config_version: str
    trace: Trace = ()
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    replies: tuple[Reply, ...] = ()
    silent_because: str = ""
    absence: Absence | None = None
    level: NewLevel | None = None
    holds_files: bool = False
    part: Ticket | None = None
    is_doubtful: bool = False
    returned: Returned | None = None

    @property
    def opens(self) -> NewTicket | None:
        """The new tickets, if any."""
        outcome = self.outcome
        return outcome.opens if isinstance(outcome, Command) else outcome if isinstance(outcome, NewTicket) else None

    @property
    def drafts(self) -> tuple[Draft, ...]:
        return self.opens.drafts if self.opens else ()

    @property
    def action(self) -> Action:
        return ACTIONS[type(self.outcome)]

    @property
    def ticket(self) -> Ticket | None:
        """The existing ticket it joins, if any."""
        match self.outcome:
            case Duplicate(of=ticket) | FollowUp(ticket=ticket) | Command(ticket=ticket):
                return ticket
            case AutoReply(ticket=ticket) | Bounce(ticket=ticket) | Ignore(ticket=ticket):
                return ticket
        return None
