"""What a template may show, and to whom: the privacy table as code (docs/domain.md section 9).

A message has the common fields and its own; nothing else can reach a mail. Every field is
ours: a reference, a date, a word of this file or a label of the configuration. What somebody
wrote in a mail is never among them. The case's key and the task are for our own organisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from mailgate.model.decision import Reply
from mailgate.model.outbound import SendState
from mailgate.model.ticket import Status, WaitingFor
from mailgate.notify.dates import in_words
from mailgate.notify.headers import clean

LAYOUT = "layout"
NEUTRAL_TASK = "request"

COMMON = frozenset(
    {"reference", "received_on", "reply_by", "late", "team_name", "mailbox", "internal", "task", "key", "key_label"}
)
BUTTONS: Mapping[str, str] = {
    "done_mail": "#done",
    "take_mail": "#take",
    "waiting_mail": "#waiting ",
    "not_ours_mail": "#move ",
    "undo_mail": "#undo",
    "reply_mail": "",
}
"""Fields that follow "mailto:" in a link: each opens a mail to us with such words in it (E203, E205)."""
_LISTS = frozenset({"words", "facts", "guidance"})
ASSIGNMENT = frozenset({*_LISTS, *BUTTONS, "asked_by"})
OWN: Mapping[str, frozenset[str]] = {
    "received": frozenset(),
    "more_needed": frozenset({"missing"}),
    "on_hold": frozenset({"waiting_for", "until"}),
    "done": frozenset({"completed_on", "reopen_by"}),
    "cancelled": frozenset({"completed_on", "reopen_by"}),
    "reopened": frozenset(),
    "follow_up": frozenset(),
    "duplicate": frozenset(),
    "paused": frozenset({"review_on"}),
    "declined": frozenset(),
    "commission": frozenset(),
    "unreadable": frozenset(),
    "alert": frozenset({"alert", "detail"}),
    "gathered": frozenset({"references"}),
    "assigned": ASSIGNMENT,
    "new": ASSIGNMENT,
    "news": frozenset({"words", *BUTTONS}),
    "changed": frozenset({"did", "undo_mail"}),
    "refused": frozenset({"why"}),
    "answer": frozenset({"words"}),
    "status": frozenset({"status", "waiting_for", "until"}),
    LAYOUT: frozenset({"subject", "marking", "marker"}),
}
"""The fields of each message besides the common ones; `Reply.fields` fills all but "missing"."""

_STATUSES = {
    Status.NEW: "received, not started yet",
    Status.OPEN: "in progress",
    Status.WAITING: "on hold",
    Status.DONE: "done",
    Status.CANCELLED: "cancelled",
}
_WAITING_FOR = {
    WaitingFor.REQUESTER: "your reply",
    WaitingFor.THIRD_PARTY: "somebody outside our team",
    WaitingFor.CAPACITY: "staff to become available",
}

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class About:
    """What a mail is about, and what it answers.

    *at* is now; *mailbox* the functional address of the ticket, *task* and *team* their labels,
    *key* the value that names the case, *missing* the `ask` sentences, *answers* the Message-ID
    of the mail answered and *references* what that mail carried. *to_team*: the reader belongs
    to the owning team. *automatic* is False for what a person wrote and we relay. *reply_to* is where
    answers come, with the token of this mail; ``compose`` knows it.
    """

    ref: str
    serial: int
    mailbox: str
    at: datetime
    received_at: datetime
    cause: str
    due_at: datetime | None = None
    task: str = ""
    key: str = ""
    team: str = ""
    marking: str = ""
    missing: tuple[str, ...] = ()
    answers: str = ""
    references: tuple[str, ...] = ()
    to_team: bool = False
    automatic: bool = True
    state: SendState = SendState.READY
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """The identifier that names a case: the *field* by which a template shows it, and its *label*."""

    field: str = "key"
    label: str = ""


def field_name(identifier: str) -> str:
    """The name by which a template shows *identifier*: Jinja reads a hyphen as minus."""
    return identifier.replace("-", "_") or "key"


def allowed(message: str, key_name: str) -> frozenset[str]:
    """The fields that the template of *message* may use."""
    return COMMON | OWN[message] | {field_name(key_name)}


def values(reply: Reply, about: About, case: Case, signed: str, zone: ZoneInfo) -> Values:
    """Every field of the message for its reader; *signed* is who we are where no team is known.

    Raises ValueError where `Reply.fields` holds no ISO date or no word of the model.
    """
    own = {name: _own(name, reply, about, zone) for name in OWN[reply.message]}
    return own | {
        "reference": about.ref,
        "received_on": in_words(about.received_at, zone),
        "reply_by": in_words(about.due_at, zone) if about.due_at else "",
        "late": about.due_at is not None and about.due_at < about.at,
        "team_name": clean(about.team) or signed,
        "mailbox": clean(about.mailbox),
        "internal": reply.internal,
        "task": clean(about.task) if reply.internal else NEUTRAL_TASK,
        **_key_values(clean(about.key) if reply.internal else "", case),
    }


def subject_values(known: Values, reply: Reply, about: About, case: Case) -> Values:
    """The fields of the subject line, in which the key stands for the owning team alone."""
    return known if reply.internal and about.to_team else known | _key_values("", case)


def _key_values(key: str, case: Case) -> Values:
    return {case.field: key, "key": key, "key_label": case.label if key else ""}


def _own(name: str, reply: Reply, about: About, zone: ZoneInfo) -> object:
    said = reply.fields.get(name, "")
    if name == "missing":
        return [clean(sentence) for sentence in about.missing]
    if name == "references":
        return clean(said).split()
    if name in _LISTS:
        return [line for each in said.splitlines() if (line := clean(each))]
    if name in ("alert", "detail", "asked_by", "why", "did"):
        return clean(said)
    if name in BUTTONS:
        return mailto(about.reply_to, f"Re: [{about.ref}]", BUTTONS[name])
    if name == "status":
        return _STATUSES[Status(said)] if said else ""
    if name == "waiting_for":
        return _WAITING_FOR[WaitingFor(said)] if said else ""
    if name == "completed_on" and not said:
        return in_words(about.at, zone)
    return in_words(_instant(said), zone) if said else ""


def mailto(address: str, subject: str, body: str) -> str:
    """What follows "mailto:" in a link that opens a mail (RFC 6068, E205)."""
    asked = {"subject": subject, "body": body} if body else {"subject": subject}
    return f"{quote(address, safe='@')}?{urlencode(asked, quote_via=quote)}"


def _instant(said: str) -> date:
    return datetime.fromisoformat(said) if len(said) > len("2027-01-14") else date.fromisoformat(said)
