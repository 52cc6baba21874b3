"""What a template may show: a closed list of fields, and their values for one mail.

A message has the common fields and its own; nothing else can reach a mail. Every field is
ours: a reference, a date, a word of `labels.py` or a label of the configuration. What somebody
wrote in a mail is never among them. Who may see which field is in `privacy.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from mailgate.model.config import Config, Language
from mailgate.model.decision import Reply
from mailgate.model.outbound import SendState
from mailgate.model.ticket import Status, WaitingFor
from mailgate.notify.dates import in_words, zone_of
from mailgate.notify.headers import clean
from mailgate.notify.labels import STATUSES, WAITING_FOR, translated

LAYOUT = "layout"

COMMON = frozenset(
    {"reference", "received_on", "reply_by", "late", "team_name", "mailbox", "internal", "task", "key", "key_label"}
)
OWN: Mapping[str, frozenset[str]] = {
    "received": frozenset(),
    "more_needed": frozenset({"missing"}),
    "on_hold": frozenset({"waiting_for", "until"}),
    "done": frozenset({"completed_on", "reopen_by"}),
    "cancelled": frozenset({"completed_on", "reopen_by"}),
    "reopened": frozenset(),
    "follow_up": frozenset(),
    "duplicate": frozenset({"asks", "done_on"}),
    "paused": frozenset({"review_on"}),
    "declined": frozenset(),
    "commission": frozenset(),
    "unreadable": frozenset(),
    "unreachable": frozenset(),
    "alert": frozenset({"alert", "detail"}),
    "gathered": frozenset({"references"}),
    "at_risk": frozenset({"promise", "assignee", "priority"}),
    "breached": frozenset({"promise", "assignee", "priority"}),
    "deadlines": frozenset({"overdue", "soon"}),
    "status": frozenset({"status", "waiting_for", "until"}),
    LAYOUT: frozenset({"subject", "marking", "markers", "language"}),
}
"""The fields of each message besides the common ones; `Reply.fields` fills all but "missing"."""

NEVER_EMPTY = frozenset({"reference", "received_on", "team_name", "mailbox", "completed_on", "alert", "detail"})
"""The fields that always have a value; a template shows any other only inside an "if"."""
SWITCHES = frozenset({"internal", "late"})
LISTS = frozenset({"missing", "references", "overdue", "soon"})

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class About:
    """What a mail is about, and what it answers.

    *at* is now; *mailbox* the functional address of the ticket, *task* and *team* their labels,
    *key* the value that names the case, *missing* the `ask` sentences, *answers* the Message-ID
    of the mail answered and *references* what that mail carried. *to_team*: the reader belongs
    to the owning team. *restricted*: the ticket is shown to that team alone. *automatic* is False
    for what a person wrote and we relay.
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
    restricted: bool = False
    automatic: bool = True
    state: SendState = SendState.READY


def message_of(template: str) -> str:
    """The message of a *template*: "received" of "cy/received"."""
    return template.rpartition("/")[2]


def key_field(key_name: str | None) -> str:
    """The name by which a template shows the identifier that names a case: Jinja reads a hyphen as minus."""
    return (key_name or "").replace("-", "_") or "key"


def allowed(message: str, key_name: str | None) -> frozenset[str]:
    """The fields that the template of *message* may use."""
    return COMMON | OWN[message] | {key_field(key_name)}


def values(reply: Reply, about: About, config: Config, language: Language, signed: str) -> Values:
    """Every field of the message, whoever reads it; *signed* is who we are where no team is known.

    Raises ValueError where `Reply.fields` holds no ISO date or no word of the model.
    """
    zone = zone_of(config)

    def said(words: str) -> str:
        return translated(clean(words), language, config)

    own = {name: _own(name, reply, about, language, zone) for name in OWN[reply.message]}
    if "missing" in own:
        own["missing"] = [said(sentence) for sentence in about.missing]
    key = clean(about.key)
    identifier = config.service.identifiers.get(config.key_name or "")
    return own | {
        "reference": about.ref,
        "received_on": in_words(about.received_at, zone, language),
        "reply_by": in_words(about.due_at, zone, language) if about.due_at else "",
        "late": about.due_at is not None and about.due_at < about.at,
        "team_name": said(about.team) or signed,
        "mailbox": clean(about.mailbox),
        "internal": reply.internal,
        "task": said(about.task),
        key_field(config.key_name): key,
        "key": key,
        "key_label": said((identifier.label if identifier else None) or config.key_name or "") if key else "",
    }


def _own(name: str, reply: Reply, about: About, language: Language, zone: ZoneInfo) -> object:
    said = reply.fields.get(name, "")
    if name == "references":
        return clean(said).split()
    if name in ("overdue", "soon"):
        return [clean(line) for line in said.splitlines()]
    if name in ("alert", "detail", "asks", "promise", "assignee", "priority"):
        return clean(said)
    if name == "status":
        return STATUSES[language][Status(said)] if said else ""
    if name == "waiting_for":
        return WAITING_FOR[language][WaitingFor(said)] if said else ""
    if name == "completed_on" and not said:
        return in_words(about.at, zone, language)
    return in_words(_instant(said), zone, language) if said else ""


def _instant(said: str) -> date:
    return datetime.fromisoformat(said) if len(said) > len("2027-01-14") else date.fromisoformat(said)
