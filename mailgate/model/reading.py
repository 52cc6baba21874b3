"""What a mail says by itself, and what is found in it: nothing was looked up yet."""

from dataclasses import dataclass, field
from enum import StrEnum

from mailgate.model.message import VERIFIED, Envelope, Kind, Message, Verdict
from mailgate.model.ticket import Values


class Asking(StrEnum):
    """What a mail can ask to be listed: the sender's own work, the team's, what the sender waits for, what it names."""

    MINE = "mine"
    TEAM = "team"
    STATUS = "status"
    FIND = "find"


@dataclass(frozen=True, slots=True)
class Question:
    """A mail that asks for a list; *led* are the teams whose lead its sender is.

    *sought* are the words to find, of which *refs* are references and *key* may be the number of a case; *roles* are
    those of the directory that see more than one team.
    """

    kind: Asking
    led: tuple[str, ...] = ()
    sought: str = ""
    refs: tuple[str, ...] = ()
    key: str = ""
    roles: frozenset[str] = frozenset()


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
    *tells_absence*: it may say that its sender is away. *number* is what the store knows the mail by, *names_mail* the
    number of another one that an order in it is about; 0 where there is none. *asked* is None until somebody works out
    what it asks for. *is_new*: a colleague proved to have sent it, and nothing in it says that it
    answers anything.
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
    number: int = 0
    names_mail: int = 0
    asked: Classified | None = None
    is_new: bool = False

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
    def is_request_alone(self) -> bool:
        """Whether it is about nothing but itself: what else its sender asks for meanwhile makes no difference to it."""
        refers = self.refs or self.named or self.tokens or self.question is not None or self.tells_absence
        return self.is_new and not refers and self.message.kind is Kind.HUMAN

    @property
    def locks(self) -> frozenset[str]:
        """What no other mail may be decided about at the same time: two mails that share one might be one request."""
        message = self.message
        ids = {message.message_id, *message.in_reply_to, *message.references[-10:]}
        claimed = (token.ref for token in self.tokens)
        return frozenset({*ids, *self.keys, *self.refs, *claimed, self.sender} - {""})
