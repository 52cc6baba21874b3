"""One mail of each message with made-up values, the same each time: to look at before anybody gets one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mailgate.errors import Refused
from mailgate.model.config import Config, Writing
from mailgate.model.decision import Reply
from mailgate.model.facts import Listed, Listing
from mailgate.model.sending import Audience
from mailgate.model.ticket import Status, Ticket
from mailgate.notify.fields import SUMMARIES, About, mailtos
from mailgate.notify.labels import mail_label, team_label
from mailgate.tickets.token import Keys

KEYS = Keys("sample", {"sample": bytes(32)})
LISTS = frozenset({"worklist", "open_requests", "found"})
_AT = datetime(2027, 1, 11, 10, 30, tzinfo=UTC)
_DUE_AT = datetime(2027, 1, 14, 17, 0, tzinfo=UTC)
_LATER = "2027-01-25T17:00:00+00:00"

_REQUEST = {
    "asked_by": "sam.porter@example.org",
    "words": "Good morning,\nPlease see to this by Thursday.",
    "facts": "room: 12",
    "guidance": "Look whether it was done before.\nTell who asked when it will be done.",
}
_LEVEL = {"level": "red (North)", "review_on": "2027-01-25"}
_TICKET = Ticket(
    id=1,
    ref="MG-7K3F-99",
    mailbox="",
    status=Status.OPEN,
    requester="sam.porter@example.org",
    received_at=_AT,
    due_at=_DUE_AT,
    assignee="alex.reed@example.org",
)
_SAID: Mapping[str, Mapping[str, str]] = {
    "on_hold": {"waiting_for": "third party", "until": "2027-01-25"},
    "done": {"reopen_by": _LATER},
    "cancelled": {"reopen_by": _LATER},
    "paused": _LEVEL,
    "declined": _LEVEL,
    **dict.fromkeys(
        ("proposed", "confirmed", "review"), _LEVEL | {"why": "Two of five are away", "orders": "#level North"}
    ),
    "daily": {"whose": "Service desk", "day": "2027-01-11", "open_count": "31", "late_count": "2", "new_count": "14"}
    | {"finished_count": "17", "quarantined_count": "1", "seal": "4021:" + ".".join(["5e3c91d7"] * 8)},
    "weekly": {"whose": "Northern region", "day": "2027-01-10", "new_count": "116", "finished_count": "109"}
    | {"share": "84%", "hours": "5.5", "open_count": "31", "late_count": "2", "duplicate_count": "9"}
    | {"chaser_count": "21"},
    "question": {"asks": "Which of the two hearings is it for?"},
    "status": {"status": "open"},
    "assigned": _REQUEST,
    "new": _REQUEST,
    "news": _REQUEST,
    "absence": {"who": "alex.reed@example.org", "until": "2027-01-25", "handed": "3"},
    "worklist": {"whose": "Your"},
    "gathered": {"references": "MG-7K3F-99 MG-8L4G-12 MG-9M5H-25"},
    "answer": {"written": "The form is in the post.\nIt will be with you tomorrow."},
    "changed": {"did": "priority: urgent"},
    "refused": {"why": "it answers a mail that went to somebody else"},
    "confirm": {"why": "they are OFFICIAL-SENSITIVE, and would leave our organisation"},
    "at_risk": {"promise": "finished", "assignee": "sam.porter@example.org", "priority": "high"},
    "breached": {"promise": "first reply", "assignee": "sam.porter@example.org", "priority": "high"},
    "deadlines": {
        "overdue": "MG-7K3F-99: first reply by 14 January 2027 at 5pm, nobody yet",
        "soon": "MG-8L4G-12: finished by 15 January 2027 at 10am, sam.porter@example.org",
    },
    "commission": {"unit": "North", "words": "Please tell us how many.\nUse the form."},
    "commission_reminder": {"unit": "North"},
    "commission_changed": {"unit": "North"},
    "return_taken": {"unit": "North", "nil": "yes"},
    "compiled": {"version": "2", "outstanding": "West"},
    "commission_return": {"version": "2", "outstanding": "West"},
    "alert": {"alert": "a mailbox is quieter than usual", "detail": "No mail came for three hours."},
}


_BUTTONS = mailtos(
    "tickets@example.org", "Re: [MG-7K3F-99]", {f"{name}_mail": f"#{name} " for name in ("assign", "extend", "ask")}
)
_LINES: Mapping[str, Sequence[Mapping[str, str]]] = {
    "late_ones": (
        {"reference": "MG-7K3F-99", "words": "Request; A123456; due 8 January 2027 at 5pm; nobody has it", **_BUTTONS},
        {"reference": "MG-8L4G-12", "words": "Request; due 11 January 2027 at 9am; chased 3 times", **_BUTTONS},
    ),
}
_RETURNS = {
    "returns": (
        {
            "unit": "North",
            "state": "returned",
            "when": "13/1/2027",
            "words": "Number: 14",
            "files": "North - a.xlsx",
        },
        {"unit": "South", "state": "nil return", "when": "14/1/2027", "words": "Nil return", "files": "-"},
        {"unit": "West", "state": "outstanding", "when": "-", "words": "-", "files": "-"},
    ),
}
_ROWS: Mapping[str, Mapping[str, Sequence[Mapping[str, str]]]] = {
    **dict.fromkeys(("compiled", "commission_return"), _RETURNS),
    "daily": {
        **_LINES,
        "risky_ones": ({"reference": "MG-9M5H-25", "words": "Check; due 11 January 2027 at 1pm", **_BUTTONS},),
        "commissions": ({"reference": "MG-2Q8R-44", "words": "2 of 3 units have answered; overdue: West"},),
        "long_waits": ({"reference": "MG-2P6J-31", "words": "Letter; waiting since 4 January 2027", **_BUTTONS},),
    },
    "news": {"doubtful": ({"who": "jo.hill@example.com", "words": "I have the key.", "about": "mail 17"},)},
    "weekly": {
        **_LINES,
        "by_category": tuple(
            dict(zip(("name", "new", "new_bar", "finished", "hours", "share", "share_bar"), row, strict=True))
            for row in (
                ("Court", "42", "45", "40", "5.5", "93%", "56"),
                ("Custody", "18", "19", "21", "2", "100%", "60"),
                ("Enforcement", "56", "60", "48", "7.5", "71%", "43"),
            )
        ),
        "by_unit": tuple(
            dict(zip(("name", "new", "new_bar", "finished", "hours", "share", "share_bar"), row, strict=True))
            for row in (("North", "61", "60", "58", "5", "90%", "54"), ("South", "55", "54", "51", "6.5", "78%", "47"))
        ),
    },
}


def sample(message: str, audience: Audience, config: Config) -> tuple[Reply, About]:
    """A mail that says *message* to *audience*, with labels of *config*; Refused where it has no such reader."""
    service = config.service
    address, mailbox = next(iter(service.mailboxes.items()), ("help@example.org", None))
    category = (mailbox and mailbox.usually) or next(iter(service.categories), None)
    task = next(iter(service.categories[category].tasks), "other") if category else ""
    is_ours = audience in (Audience.TEAM, Audience.COLLEAGUES)
    reply = Reply(message, f"sam.porter@{_domain(audience, config)}", internal=is_ours, fields=_SAID.get(message, {}))
    reply = replace(reply, lists=_ROWS.get(message, {}))
    is_about_one = message not in SUMMARIES
    if message in LISTS:
        of_one = f"{category}.{task}" if category else None
        ticket = replace(_TICKET, mailbox=address, task=of_one, keys=("A123456",) if config.key_name else ())
        reply = replace(reply, listing=Listing((Listed(ticket, 1),), 2))
    return reply, About(
        ref=f"{service.reference}-7K3F-99" if is_about_one else "",
        serial=1,
        mailbox=address,
        at=_AT,
        received_at=_AT,
        cause="sample",
        due_at=_DUE_AT,
        task=mail_label(config, f"{category}.{task}") if category else "",
        key="A123456" if config.key_name else "",
        team=team_label(config, mailbox.team) if mailbox else "",
        missing=tuple(found.ask for found in service.information.values())[:2] or ("what you need",),
        to_team=audience is Audience.TEAM,
    )


def in_language(config: Config, language: Writing) -> Config:
    """*config* as if all its mailboxes wrote in *language*."""
    service = config.service
    boxes = {name: box.model_copy(update={"language": language}) for name, box in service.mailboxes.items()}
    return config.model_copy(update={"service": service.model_copy(update={"mailboxes": boxes})})


def _domain(audience: Audience, config: Config) -> str:
    if audience is Audience.PUBLIC:
        return "public.example"
    if audience is Audience.PARTNERS and not config.service.privacy.partners:
        raise Refused('There are no partners: name their domains under "privacy" of the configuration')
    domains = config.service.privacy.partners if audience is Audience.PARTNERS else config.service.domains
    return next(iter(domains), "example.org")
