"""What a template may show: a closed list of fields, and their values for one mail.

A message has the common fields and its own; nothing else can reach a mail. Every field is
ours: a reference, a date, a word of `labels.py` or a label of the configuration. What somebody
wrote in a mail is never among them. Who may see which field is in `privacy.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from mailgate.model.config import Config
from mailgate.model.decision import Reply
from mailgate.model.facts import Listed
from mailgate.model.outbound import SendState
from mailgate.model.sending import Language
from mailgate.model.ticket import Status, WaitingFor
from mailgate.notify.dates import in_words, zone_of
from mailgate.notify.headers import clean
from mailgate.notify.labels import STATUSES, WAITING_FOR, mail_label, translated

LAYOUT = "layout"

COMMON = frozenset(
    {"reference", "received_on", "reply_by", "late", "team_name", "mailbox", "internal", "task", "key", "key_label"}
)
BUTTONS: Mapping[str, str] = {
    "done_mail": "#done",
    "take_mail": "#take",
    "waiting_mail": "#waiting ",
    "not_ours_mail": "#move ",
    "undo_mail": "#undo",
    "back_mail": "#back ",
    "approve_mail": "#approve",
    "reply_mail": "",
}
"""Fields that follow "mailto:" in a link: each opens a mail to us with such words in it (E203, E205)."""
ASSIGNMENT = frozenset({*BUTTONS, "words", "facts", "guidance", "asked_by", "doubtful", "beware"})
LEVEL = frozenset({"level", "review_on"})
"""The capacity level that a request is subject to, and when that is looked at again."""
DOUBTS: Mapping[str, str] = {
    "accept_mail": "#accept",
    "add_mail": "#add",
    "separate_mail": "#separate",
    "discard_mail": "#discard",
}
"""The same about one mail, or about the ticket that a new one claims to be for: each row of ``doubtful`` has them."""
DOUBTFUL = "doubtful"
LINES = ("late_ones", "risky_ones", "long_waits", "unowned", "chased_often")
"""The lists of requests in a summary; each line has a reference, words and the buttons."""
GROUPS = ("by_category", "by_unit")
RETURNS = "returns"
COMMISSIONS = "commissions"
ROWS: Mapping[str, frozenset[str]] = {
    RETURNS: frozenset({"unit", "state", "when", "words", "files"}),
    COMMISSIONS: frozenset({"reference", "words"}),
    **dict.fromkeys(LINES, frozenset({"reference", "words", "assign_mail", "extend_mail", "ask_mail"})),
    **dict.fromkeys(GROUPS, frozenset({"name", "new", "new_bar", "finished", "hours", "share", "share_bar"})),
    DOUBTFUL: frozenset({"who", "words", "about", *DOUBTS}),
}
"""What a template goes through, and what each row of it has, as ``each.reference``."""
SUMMARIES = frozenset({"daily", "weekly", "review"})
"""The messages that are about no ticket in particular."""
COUNTS = frozenset({"open_count", "late_count", "new_count", "finished_count", "share", "hours", "more_count"}) | {
    *("duplicate_count", "chaser_count", "quarantined_count", "undelivered_count"),
}
"""The numbers of a summary, in words; empty where there is nothing to count."""
OWN: Mapping[str, frozenset[str]] = {
    "received": LEVEL,
    "more_needed": LEVEL | {"missing"},
    "on_hold": frozenset({"waiting_for", "until"}),
    "done": frozenset({"completed_on", "reopen_by"}),
    "cancelled": frozenset({"completed_on", "reopen_by"}),
    "reopened": frozenset(),
    "follow_up": frozenset(),
    "duplicate": frozenset({"asks", "done_on"}),
    "paused": LEVEL | {"missing"},
    "declined": LEVEL,
    "commission": frozenset({"unit", "words"}),
    "commission_reminder": frozenset({"unit"}),
    "commission_changed": frozenset({"unit", "status"}),
    "return_taken": frozenset({"unit", "nil"}),
    "compiled": frozenset({"version", "outstanding", "left_out", RETURNS, "approve_mail", "reply_mail"}),
    "commission_return": frozenset({"version", "outstanding", "left_out", RETURNS}),
    "unreadable": frozenset(),
    "unreachable": frozenset(),
    "alert": frozenset({"alert", "detail"}),
    "gathered": frozenset({"references"}),
    "assigned": ASSIGNMENT | LEVEL,
    "new": ASSIGNMENT | LEVEL,
    "news": frozenset({"words", "doubtful", "beware", *BUTTONS}),
    "changed": frozenset({"did", "undo_mail"}),
    "refused": frozenset({"why"}),
    "confirm": frozenset({"why"}),
    "answer": frozenset({"written"}),
    "absence": frozenset({"who", "until", "handed", "back_mail"}),
    "worklist": frozenset({"whose", "tickets", "more"}),
    "open_requests": frozenset({"tickets", "more"}),
    "found": frozenset({"tickets", "more"}),
    "at_risk": frozenset({"promise", "assignee", "priority"}),
    "breached": frozenset({"promise", "assignee", "priority"}),
    "deadlines": frozenset({"overdue", "soon"}),
    "question": frozenset({"asks"}),
    "daily": frozenset({"day", "whose", "levels", "seal", *COUNTS, *LINES, COMMISSIONS}),
    "weekly": frozenset({"day", "whose", "levels", *COUNTS, *GROUPS, "late_ones"}),
    "status": frozenset({"status", "waiting_for", "until"}) | LEVEL,
    **dict.fromkeys(("proposed", "confirmed", "review"), LEVEL | {"why", "level_mail"}),
    LAYOUT: frozenset({"subject", "marking", "markers", "language"}),
}
"""The fields of each message besides the common ones; `Reply.fields` fills all but "missing"."""

NEVER_EMPTY = frozenset(
    {
        "reference",
        "received_on",
        "team_name",
        "mailbox",
        "completed_on",
        "alert",
        "detail",
        "did",
        "why",
        "whose",
        "day",
        "level_mail",
        "unit",
        "version",
        *BUTTONS,
    }
)
"""The fields that always have a value; a template shows any other only inside an "if"."""
SWITCHES = frozenset({"internal", "late"})
LINES_OF_TEXT = frozenset({"words", "facts", "guidance", "written"})
LISTS = frozenset({"missing", "references", "overdue", "soon"}) | LINES_OF_TEXT
TICKETS = "tickets"
OF_TICKETS = frozenset({"reference", "received_on", "reply_by", "late", "status", "waiting_for", "taken_by"}) | {
    *("task", "key", "key_label", "level"),
    *(name for name in BUTTONS if name not in ("undo_mail", "back_mail", "approve_mail")),
}
"""What each of the *tickets* in a list shows, as ``each.reference``."""

TO_UNITS = frozenset({"commission", "commission_reminder", "commission_changed"})
"""The messages to the units that a commission asks: what each is asked is its own work."""
TO_TEAM = TO_UNITS | {
    *("absence", "worklist", "found", "assigned", "new", "news", "changed", "refused", "confirm", "compiled"),
    *("proposed", "confirmed"),
}
"""The messages to the people who do the work, who may see what a request says."""
IN_ENGLISH = (TO_TEAM - TO_UNITS - {"found"}) | SUMMARIES | {"alert", "at_risk", "breached", "deadlines"}
"""What only we read; the rest is in Welsh as well."""

_AS_SAID = frozenset(
    {"who", "handed", "whose", "more", "alert", "detail", "asked_by", "why", "did", "asks", "beware"}
) | {
    *("unit", "nil", "version", "outstanding", "left_out"),
    *("promise", "assignee", "priority", "level", "levels", "seal", *COUNTS),
}

Values = dict[str, object]

AnswersTo = Callable[[str, str, int], str]
"""The address of answers, with the token of a mail, by the mailbox, the reference and the number of that mail."""


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


def values(
    reply: Reply, about: About, config: Config, language: Language, signed: str, answers_to: AnswersTo
) -> Values:
    """Every field of the message, whoever reads it.

    *signed* is who we are where no team is known, *answers_to* tells where answers to a mail come.

    Raises ValueError where `Reply.fields` holds no ISO date or no word of the model.
    """
    zone = zone_of(config)

    def said(words: str) -> str:
        return translated(clean(words), language, config)

    address = answers_to(about.mailbox, about.ref, about.serial) if about.ref else ""
    orders = {**BUTTONS, "back_mail": f"#back {clean(reply.fields.get('who', ''))}"}
    used = OWN[reply.message] & orders.keys()
    links = mailtos(address, f"Re: [{about.ref}]", {name: orders[name] for name in used})
    if "level_mail" in OWN[reply.message]:
        again = answers_to(about.mailbox, about.ref, about.serial)
        links |= mailtos(again, "Capacity level", {"level_mail": clean(reply.fields.get("orders", ""))})
    own: Values = {name: links.get(name) or _own(name, reply, about, language, zone) for name in OWN[reply.message]}
    own |= {name: _rows(reply.lists.get(name, ())) for name in ROWS if name in own}
    if DOUBTFUL in own:
        own[DOUBTFUL] = [_doubt(row, address, about.ref) for row in reply.lists.get(DOUBTFUL, ())]
    if TICKETS in own and reply.listing is not None:
        own[TICKETS] = [_listed(each, about, config, language, answers_to) for each in reply.listing.tickets]
        own["more"] = reply.listing.more or ""
    if "missing" in own:
        own["missing"] = [said(sentence) for sentence in about.missing]
    return own | {
        "reference": about.ref,
        "received_on": in_words(about.received_at, zone, language),
        "reply_by": in_words(about.due_at, zone, language) if about.due_at else "",
        "late": about.due_at is not None and about.due_at < about.at,
        "team_name": said(about.team) or signed,
        "mailbox": clean(about.mailbox),
        "internal": reply.internal,
        "task": said(about.task),
        **_key_values(about.key, language, config),
    }


def _key_values(key: str, language: Language, config: Config) -> Values:
    key, identifier = clean(key), config.service.identifiers.get(config.key_name or "")
    label = (identifier.label if identifier else None) or config.key_name or ""
    shown = translated(clean(label), language, config) if key else ""
    return {key_field(config.key_name): key, "key": key, "key_label": shown}


def _rows(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [{name: clean(said) for name, said in row.items()} for row in rows]


def _doubt(row: Mapping[str, str], address: str, ref: str) -> Values:
    """What a mail in doubt says, and the buttons by which its reader ends the doubt."""
    about, words = clean(row["about"]), row.get("words", "").splitlines()
    links = mailtos(address, f"Re: [{ref}]", {name: f"{mark} {about}" for name, mark in DOUBTS.items()})
    who = clean(row.get("who", ""))
    return {"about": about, "who": who, "words": [line for each in words if (line := clean(each))], **links}


def _own(name: str, reply: Reply, about: About, language: Language, zone: ZoneInfo) -> object:
    said = reply.fields.get(name, "")
    if name == "references":
        return clean(said).split()
    if name in LINES_OF_TEXT:
        return [line for each in said.splitlines() if (line := clean(each))]
    if name == TICKETS:
        return []
    if name in ("overdue", "soon"):
        return [clean(line) for line in said.splitlines()]
    if name in _AS_SAID:
        return clean(said)
    if name == "status":
        return STATUSES[language][Status(said)] if said else ""
    if name == "waiting_for":
        return WAITING_FOR[language][WaitingFor(said)] if said else ""
    if name == "completed_on" and not said:
        return in_words(about.at, zone, language)
    return in_words(_instant(said), zone, language) if said else ""


def _listed(listed: Listed, about: About, config: Config, language: Language, answers_to: AnswersTo) -> Values:
    """One ticket of a list. Its buttons answer the last mail about it to the reader; without one there are none."""
    ticket, zone = listed.ticket, zone_of(config)
    address = answers_to(ticket.mailbox, ticket.ref, listed.serial) if listed.serial else ""
    links = mailtos(address, f"Re: [{ticket.ref}]", BUTTONS) if address else dict.fromkeys(BUTTONS, "")
    return links | {
        "reference": ticket.ref,
        "received_on": in_words(ticket.received_at, zone, language),
        "reply_by": in_words(ticket.due_at, zone, language) if ticket.due_at else "",
        "late": ticket.due_at is not None and ticket.due_at < about.at,
        "status": STATUSES[language][ticket.status],
        "waiting_for": WAITING_FOR[language][ticket.waiting_for] if ticket.waiting_for else "",
        "level": str(ticket.level or ""),
        "taken_by": clean(ticket.assignee or ""),
        "task": translated(clean(mail_label(config, ticket.task)), language, config),
        **_key_values(ticket.keys[0] if ticket.keys else "", language, config),
        "restricted": bool(ticket.show_to),
        "own": listed.is_own,
    }


def mailtos(address: str, subject: str, bodies: Mapping[str, str]) -> dict[str, str]:
    """What follows "mailto:" in links that open a mail, for each name the one with its body (RFC 6068, E205)."""
    opens = f"{quote(address, safe='@')}?subject={quote(subject, safe='')}"
    return {name: f"{opens}&body={quote(body, safe='')}" if body else opens for name, body in bodies.items()}


def _instant(said: str) -> date:
    return datetime.fromisoformat(said) if len(said) > len("2027-01-14") else date.fromisoformat(said)
