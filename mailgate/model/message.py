"""What arrived: the envelope the transport stated and the mail as it was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

Day = date  # a message has a field of that name


class Kind(StrEnum):
    """What kind of mail it is (E130-E133 and the table of E93)."""

    HUMAN = "human"
    AUTO_REPLY = "auto_reply"
    LIST = "list"
    DSN_FAILED = "dsn_failed"
    DSN_DELAYED = "dsn_delayed"
    DSN_OK = "dsn_ok"
    MDN = "mdn"
    ARF = "arf"
    RECALL = "recall"
    CALENDAR = "calendar"
    OWN_LOOP = "own_loop"
    PLACEHOLDER = "placeholder"
    JOURNAL = "journal"


BOUNCES = frozenset({Kind.DSN_FAILED, Kind.DSN_DELAYED})


class Verdict(StrEnum):
    """How far the sender is proved to be who it says (E180)."""

    INTERNAL = "internal"
    PASS = "pass"
    NONE = "none"
    FAIL = "fail"


VERIFIED = frozenset({Verdict.INTERNAL, Verdict.PASS})

NOTIFY = "notifications.service.gov.uk"
"""Where the mails of GOV.UK Notify come from. Nobody reads answers there, and nothing in them says so."""

NOT_FETCHED = "imap, not fetched"
"""The source of an envelope whose mail its server did not hand over: only a note of it is there (E53)."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the transport said about one mail.

    *sender* is "" for the null reverse-path (E17). *recipients* keep the spelling of the
    transport. *vouched*: the peer is one whose word about our own domains counts. *silent*:
    everything is done but nothing is sent (a person fed it with ``ingest``).
    """

    sender: str
    recipients: tuple[str, ...]
    received_at: datetime
    source: str = "smtp"
    peer: str = ""
    vouched: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address in lower case, with its display name."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A leaf of the mail that is not its body; *part* is its number in walking order."""

    filename: str
    content_type: str
    size: int
    sha256: str
    part: int
    inline: bool = False


class Fate(StrEnum):
    """What became of a line of the body when the reply was taken out of it (E100-E110)."""

    REPLY = "reply"
    HISTORY = "history"
    ATTRIBUTION = "attribution"
    HEADING = "heading"
    SIGNATURE = "signature"
    FOOTER = "footer"
    DISCLAIMER = "disclaimer"
    MARKING = "marking"


class Span(NamedTuple):
    """Whole lines with one fate: where they begin and end in the body."""

    start: int
    end: int
    fate: Fate


@dataclass(frozen=True, slots=True)
class Message:
    """One parsed mail; never changes.

    Message ids carry their angle brackets. *text* is the whole body as text; *reply_text*
    is what the sender newly wrote, without quoted history, signature and disclaimers;
    *quoted* is the history that was cut off; *layer* is the rule that found it, and *spans* say what became
    of each part of the body (of *text_from_html* where there is one, else of *text*). *struck* holds what was
    struck out: it stands in none of the texts, and a number in it is withdrawn. *away_until*: the day that an
    absence notice names. *returned_ids* and *returned_to*: the ids of a mail that came back, and the addresses
    that answers to it were to go to. *headers* holds the header values that later stages read, by lower-case
    name, decoded and on one line, as tuples in order.
    """

    message_id: str
    subject: str = ""
    from_: Address | None = None
    from_ok: bool = True
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[str, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    text: str = ""
    text_from_html: str = ""
    struck: tuple[str, ...] = ()
    reply_text: str = ""
    quoted: str = ""
    signature: str = ""
    is_forward: bool = False
    layer: str = "none"
    confidence: str = "high"
    spans: tuple[Span, ...] = ()
    kind: Kind = Kind.HUMAN
    kind_why: str = ""
    marking: str = ""
    away_until: Day | None = None
    bounce_recipients: tuple[str, ...] = ()
    bounce_status: str = ""
    returned_ids: tuple[str, ...] = ()
    returned_to: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defects: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """The first value of the header *name*, or ""."""
        values = self.headers.get(name)
        return values[0] if values else ""

    @property
    def return_path(self) -> str:
        """Who sent it where no transport says so: Return-Path, which may be empty, else From."""
        if "return-path" in self.headers:
            return self.header("return-path").strip(" <>").lower()
        return self.from_.address if self.from_ else ""

    @property
    def is_auto_reply(self) -> bool:
        return self.kind is Kind.AUTO_REPLY

    @property
    def is_bounce(self) -> bool:
        return self.kind in BOUNCES

    @property
    def is_lasting_failure(self) -> bool:
        """Whether it says that mail will never arrive (E142): not so where a mailbox is full or a policy in the way."""
        return self.kind is Kind.DSN_FAILED and not self.bounce_status.startswith(("4.", "5.2.2", "5.7."))
