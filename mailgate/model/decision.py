"""What was looked up about a mail, what should happen to it, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from mailgate.model.message import VERIFIED, Envelope, Message, Verdict
from mailgate.model.people import Person, Worker
from mailgate.model.sent_lately import SentLately
from mailgate.model.ticket import Change, Draft, Event, Ticket, Values

_NEWEST = 2**62  # behind every ticket there is


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


class Asking(StrEnum):
    """What a mail can ask to be listed: the sender's own work, the team's, what the sender waits for."""

    MINE = "mine"
    TEAM = "team"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Question:
    """A mail that asks for a list; *led* are the teams whose lead its sender is."""

    kind: Asking
    led: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One line of the trace: *stage* found *name* because of *words* at *where*; *effect* is what followed."""

    stage: str
    name: str
    words: str = ""
    where: str = ""
    effect: str = ""


Trace = tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A request of its own: *task* by the phrases of the list's item *text*."""

    task: str
    text: str


@dataclass(frozen=True, slots=True)
class Classified:
    """What a mail asks for by its words: *task* is "category.task", or None with *category* None where nothing tells.

    *items* are the requests of a mail that lists several, *around* the wording without them;
    *refused* are the tasks that the mail names only to say that it does not want them.
    """

    task: str | None
    category: str | None
    matches: Trace = ()
    items: tuple[Item, ...] = ()
    around: str = ""
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A claim carried by an address or a message id of ours, its MAC not yet checked (E223)."""

    ref: str
    serial: int
    purpose: str
    mac: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One mail understood by itself, before anything was looked up.

    *mailbox* is the configured mailbox it came to, None for an answer to ``send_from``.
    *subject* and *wording* are what counts: without prefixes, markings, quotes, signature,
    disclaimers. *keys* are the trusted values of the key identifier, *fields* all facts by
    their names in the configuration; *as_written* is a key that needs a person's eye.
    *loose_dates* are dates that are no one's in particular: any need for a date may have them.
    *fingerprint* is K2 of E150, *content* the same without the date, *refs* the references
    in the subject, canonical, *named* those in the words. *question* is the list that it asks for,
    *tells_absence*: it may say that its sender is away. *asked* is None until somebody works out what it asks for.
    """

    message: Message
    envelope: Envelope
    mailbox: str | None
    verdict: Verdict
    subject: str = ""
    wording: str = ""
    keys: tuple[str, ...] = ()
    fields: Values = field(default_factory=dict)
    as_written: str | None = None
    suggestion: str | None = None
    loose_dates: tuple[str, ...] = ()
    fingerprint: str = ""
    content: str = ""
    tokens: tuple[Token, ...] = ()
    refs: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    question: Question | None = None
    tells_absence: bool = False
    asked: Classified | None = None

    @property
    def sender(self) -> str:
        """The address of From, or "" where there is none."""
        return self.message.from_.address if self.message.from_ else ""

    @property
    def sender_domain(self) -> str:
        return self.sender.rpartition("@")[2]

    @property
    def may_be_too_many(self) -> bool:
        """Whether caps on new tickets hold for it (E136): not for verified senders, nor for files that are fed in."""
        return self.envelope.source != "file" and self.verdict not in VERIFIED and bool(self.sender)

    @property
    def locks(self) -> frozenset[str]:
        """What no other mail may be decided about at the same time: two mails that share one might be one request."""
        message = self.message
        ids = {message.message_id, *message.in_reply_to, *message.references[-10:]}
        claimed = (token.ref for token in self.tokens)
        return frozenset({*ids, *self.keys, *self.refs, *claimed, self.sender} - {""})


@dataclass(frozen=True, slots=True)
class Evidence:
    """That a mail belongs to *ticket*: *rank* after E120, *how* in words.

    *mailed_to* got the mail that it *answers*, a message of ours: number *serial* of its ticket, written at *sent_at*
    because of the mail with the ingest key *cause*. *part* is the ticket that it is evidence for where that was merged
    into *ticket* since (E128).
    """

    rank: int
    how: str
    ticket: Ticket
    mailed_to: str = ""
    answers: str = ""
    serial: int = 0
    sent_at: datetime | None = None
    cause: str = ""
    part: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that ran on a ticket: by whom, when, and the values it replaced, which ``undo`` brings back.

    *details* are what it says beside *do*, *serial* is the number of the mail that it answered.
    """

    do: str
    by: str
    at: datetime
    details: tuple[str | None, ...] = ()
    serial: int = 0
    before: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """A stored mail with the same Message-ID or content; *ticket* is where it went.

    *part*: the ticket that it went to, where that was merged into *ticket* since.
    """

    fingerprint: str
    ticket: Ticket | None
    part: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """The sender's mail that joined the ticket *ref* as the same request; *before* is the ticket as it was then."""

    mail_id: int
    ref: str
    reading: Reading
    before: Ticket


@dataclass(frozen=True, slots=True)
class Listed:
    """A ticket in a list; *serial* is the number of the last mail about it to the reader, 0 where there was none."""

    ticket: Ticket
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """Tickets in order of their due time, and how many *more* there are."""

    tickets: tuple[Listed, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What was looked up about one mail before it is decided.

    *same_id* is the stored mail with its Message-ID, *same_content* a mail of the same sender
    and content within seven days (E153). *evidence* is in order of rank. *same_case* are
    tickets with one of its keys that are open or were closed recently; *colleagues* are the
    members of the teams of the tickets in *evidence*. *acknowledged* counts automatic answers of the last day to
    its sender, *acknowledged_lately* those of the last hour, *acknowledged_just_now* those of the last ten minutes, and
    *acknowledged_to_strangers* those of the last minute to anybody not verified (E136).
    *opened_by_sender* and *opened_by_domain* are the new tickets of the last hour from its sender and from the sender's
    domain, *flood* the open ticket that collects what is too much of them.
    *is_own*: we sent a mail with its Message-ID. *came_back* are the readers of ours to whom it reports that a mail did
    not go, and *lost* those of them who count as unreachable by it (E142). *at_return_path*: it came to where failures
    of a mail of ours come (E141), where nobody writes by hand. *canary*: the valid token of a canary of ours.
    *outlived_keys* are the letters of the keys by which no order runs any more (E225).
    *workers* are the people to whom a new ticket can be given. *ordered* are the orders that ran on each ticket,
    by its id, of those that the mail may give an order to, the oldest first. *joined* is what
    the sender was told to be a duplicate by the mail of ours that this one answers. *listing* is what
    ``Reading.question`` asks for, where the sender may know it; *own_work* are the open tickets of one who may be away.
    *named* are the tickets whose references it says in its words. *sent_lately* are automatic mails of ours to its
    sender, the latest first, where there were several within the hour (E135).
    """

    now: datetime
    sender: Person | None = None
    same_id: Known | None = None
    same_content: Known | None = None
    evidence: tuple[Evidence, ...] = ()
    same_case: tuple[Ticket, ...] = ()
    colleagues: tuple[Person, ...] = ()
    acknowledged: int = 0
    acknowledged_lately: int = 0
    acknowledged_just_now: int = 0
    acknowledged_to_strangers: int = 0
    opened_by_sender: int = 0
    opened_by_domain: int = 0
    flood: Ticket | None = None
    answers_ours_automatically: bool = False
    is_own: bool = False
    came_back: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    at_return_path: bool = False
    canary: Token | None = None
    outlived_keys: frozenset[str] = frozenset()
    workers: tuple[Worker, ...] = ()
    ordered: Mapping[int, tuple[Ordered, ...]] = field(default_factory=dict)
    joined: Joined | None = None
    listing: Listing | None = None
    own_work: tuple[Ticket, ...] = ()
    sent_lately: tuple[SentLately, ...] = ()
    named: Mapping[str, Ticket] = field(default_factory=dict)

    def after_giving(self, given: Mapping[str, int]) -> "Facts":
        """The facts once so many more tickets were *given* to each address."""
        if not given:
            return self
        workers = (
            replace(
                worker,
                open_tickets=worker.open_tickets + given.get(worker.address, 0),
                last_ticket=_NEWEST if worker.address in given else worker.last_ticket,
            )
            for worker in self.workers
        )
        return replace(self, workers=tuple(workers))


@dataclass(frozen=True, slots=True)
class NewTicket:
    """Open *drafts*: the first is the mail's own, the others are further requests in it.

    *takes_along* is an earlier mail that belongs to the first from now on (E158). *collects*: the domain from which
    there is too much, which the ticket collects (E136).
    """

    drafts: tuple[Draft, ...]
    takes_along: int | None = None
    collects: str = ""


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
    """A command of an agent: *do* is its name in the configuration; *days* are working days."""

    do: str
    until: date | None = None
    days: int | None = None
    to: str | None = None
    reason: str | None = None
    note: str | None = None

    @property
    def details(self) -> tuple[str | None, ...]:
        """What tells two orders of the same name apart."""
        return (self.to, self.until.isoformat() if self.until else None)


@dataclass(frozen=True, slots=True)
class Command:
    ticket: Ticket
    order: Order


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
    """What should happen to one mail. *config_version* and *trace* explain it; *absence*: who is away by it.

    *holds_files*: what is attached is given to nobody until a person releases it. *part*: the merged ticket by way of
    which the mail came, which keeps it (E158).
    """

    outcome: Outcome
    config_version: str
    trace: Trace = ()
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    replies: tuple[Reply, ...] = ()
    silent_because: str = ""
    absence: Absence | None = None
    holds_files: bool = False
    part: Ticket | None = None

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
