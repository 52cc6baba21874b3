"""What we say to the outside: a row of the outbox and one try at sending it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SendState(StrEnum):
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Outbound:
    """A composed mail: *content* is what goes over the wire, *cause* the id of the mail it answers.

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


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed row of the outbox: *token* proves that it is ours until *lease_until*."""

    id: int
    token: str
    attempts: int
    sender: str
    recipient: str
    message_id: str
    content: bytes
    lease_until: datetime
