"""A folder on a mail server that is our queue, and how far each of its mails has come (docs/email.md E40, E43)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Folder:
    """What gives a UID its meaning: the account on its server, the folder, and the numbering in force (E45)."""

    account: str
    name: str
    uidvalidity: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One mail of the folder with this name; *message_id* is "" where it has none, *arrived_at* the server's time."""

    folder: str
    uid: int
    message_id: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a folder was looked through: by the numbering *uidvalidity* up to *uid*."""

    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail of ours in the folder of what was sent: number *serial* of the ticket *ref*, and its Message-ID there."""

    ref: str
    serial: int
    message_id: str


class Stage(StrEnum):
    UNREAD = "unread"  # the server did not hand it over; it is asked again
    STORED = "stored"  # it is in the spool
    TOO_LARGE = "too_large"  # its beginning is in the spool
    FILED = "filed"  # it has left the folder


@dataclass(frozen=True, slots=True)
class Known:
    """A mail of the folder that has a row and has not left. *attempts* and *retry_at* are those of an unread one.

    *decided*: what the spool holds of it is finished with, *in_quarantine*: without anybody understanding it.
    """

    uid: int
    stage: Stage
    attempts: int = 0
    retry_at: datetime | None = None
    decided: bool = False
    in_quarantine: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the server hands over: the *beginning* of a mail, and the *rest* as it is asked for (E50).

    *said_size* is what the server takes its size for, an estimate (Exchange). *rest* raises GiveUp where
    the server stops handing over (E52), TryLater where the connection breaks off.
    """

    beginning: bytes
    arrived_at: datetime | None
    said_size: int = 0
    rest: Iterable[bytes] = ()
