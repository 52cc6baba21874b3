"""What was looked up about a mail before it is decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailgate.model.capacity import Levels
from mailgate.model.commission import Commission
from mailgate.model.people import Person, Worker
from mailgate.model.reading import Reading, Token
from mailgate.model.sent_lately import SentLately
from mailgate.model.ticket import Standing, Ticket

_NEWEST = 2**62  # behind every ticket there is


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

    *details* are what it says beside *do*, *serial* is the number of the mail that it answered, *mail* that of the mail
    to the ticket which it was about.
    """

    do: str
    by: str
    at: datetime
    details: tuple[str | None, ...] = ()
    serial: int = 0
    before: Mapping[str, str | None] = field(default_factory=dict)
    mail: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """A stored mail with the same Message-ID or content; *ticket* is where it went.

    *part*: the ticket that it went to, where that was merged into *ticket* since.
    """

    fingerprint: str
    ticket: Ticket | None
    part: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A stored mail, by its *number*, and the *ticket* that has it.

    *before* is that ticket as it was when the mail came; None where the mail opened it. *is_request*: it joined the
    ticket as the same request.
    """

    number: int
    reading: Reading
    ticket: Ticket
    before: Ticket | None = None
    is_request: bool = False
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A ticket in a list; *serial* is the number of the last mail about it to the reader, 0 where there was none.

    *is_own*: the reader works on it, and sees what the owning team does.
    """

    ticket: Ticket
    serial: int = 0
    is_own: bool = True


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
    *is_own*: we sent a mail with its Message-ID. *answers_list*: it answers a list of tickets to its sender.
    *came_back* are the readers of ours to whom it reports that a mail did not go, and *lost* those of them who count as
    unreachable by it (E142). *at_return_path*: it came to where failures of a mail of ours come (E141), where nobody
    writes by hand. *canary*: the valid token of a canary of ours.
    *outlived_keys* are the letters of the keys by which no order runs any more (E225).
    *workers* are the people to whom a new ticket can be given. *ordered* are the orders that ran on each ticket,
    by its id, of those that the mail may give an order to, the oldest first. *asked_again* is what the
    sender was told to be a duplicate by the mail of ours that this one answers, *posts* are mails that an order in it
    may be about, by their numbers, *answers* those that answered it before it came (E123). *listing* is what
    ``Reading.question`` asks for, where the sender may know it; *own_work* are the open tickets of one who may be away.
    *named* are the tickets whose references it says in its words, *parts* what was merged into each ticket, by its id,
    of those that it may give an order to. *sent_lately* are automatic mails of ours to its sender, the latest first,
    where there were several within the hour and it may answer one (E135). *levels* are the capacity levels in force,
    *commissions* are those that the tickets in *evidence* belong to, by the id of each ticket.
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
    answers_list: bool = False
    came_back: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    at_return_path: bool = False
    canary: Token | None = None
    outlived_keys: frozenset[str] = frozenset()
    workers: tuple[Worker, ...] = ()
    ordered: Mapping[int, tuple[Ordered, ...]] = field(default_factory=dict)
    asked_again: Post | None = None
    posts: Mapping[int, Post] = field(default_factory=dict)
    answers: tuple[Post, ...] = ()
    listing: Listing | None = None
    own_work: tuple[Ticket, ...] = ()
    sent_lately: tuple[SentLately, ...] = ()
    named: Mapping[str, Ticket] = field(default_factory=dict)
    levels: Levels = field(default_factory=Levels)
    parts: Mapping[int, tuple[Ticket, ...]] = field(default_factory=dict)
    commissions: Mapping[int, Commission] = field(default_factory=dict)

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
