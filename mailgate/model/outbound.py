"""What we say to the outside: a row of the outbox and one try at sending it."""

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How it goes out: our own mail, or an e-mail or a text message by GOV.UK Notify."""

    MAIL = "mail"
    NOTIFY = "notify"
    TEXT = "text"


class Doubt(StrEnum):
    """What is done about a mail that may have gone unnoticed: sending it twice leaves one; the other side can be asked;
    neither, so that it is sent once more, with the same Message-ID, and then left to a person (E140)."""

    HARMLESS = "harmless"
    ASK = "ask"
    ONCE_MORE = "once more"


@dataclass(frozen=True, slots=True)
class Pace:
    """At most one in *seconds* on the average, up to *burst* at once; ways with the same *name* share it."""

    name: str
    seconds: float
    burst: int


class SendState(StrEnum):
    """*held*: nothing automatic goes out for a while (E136). *gathering*: several are going to be told in one mail."""

    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OBSERVED = "observed"
    HELD = "held"
    GATHERING = "gathering"


ENDED = frozenset({SendState.SENT, SendState.FAILED, SendState.CANCELLED})
"""States in which nothing is sent any more, unless a person asks for it."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """A composed mail: *content* is what goes over the wire, *cause* the id of the mail it answers.

    For GOV.UK Notify *content* is a JSON object of values, and *message* names the template by its key.

    *serial* counts the mails of one ticket; (ticket, message, recipient, cause) is unique, so
    that deciding the same mail twice sends it once.
    """

    message: str
    recipient: str
    sender: str
    subject: str
    message_id: str
    content: bytes
    cause: str
    serial: int
    automatic: bool = True
    state: SendState = SendState.READY
    way: Way = Way.MAIL


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed row of the outbox: *token* proves that it is ours until its lease ends.

    *doubts* counts what happened since it may have gone unnoticed; *is_outdated*: nobody wants to know it any more.
    """

    id: int
    token: str
    attempts: int
    sender: str
    recipient: str
    message_id: str
    content: bytes
    message: str = ""
    way: Way = Way.MAIL
    doubts: int = 0
    automatic: bool = False
    is_outdated: bool = False
