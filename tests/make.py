"""Values for tests: whole nouns with sensible content, of which a test states only what it is about."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mailgate.model.config import Config
from mailgate.model.facts import Facts
from mailgate.model.message import Address, Envelope, Message, Verdict
from mailgate.model.people import Person
from mailgate.model.reading import Reading
from mailgate.model.ticket import Draft, Status, Ticket

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday
ANN = "ann.other@council.example"  # the requester of make_ticket()
BEN = "ben.carter@council.example"  # her colleague
CLEO = Person("cleo.marsh@council.example", "Cleo Marsh", "agent", "Service Desk", team="desk")
DEV = Person("dev.patel@council.example", "Dev Patel", "agent", "Service Desk", team="desk")
STRANGER = "mallory@mail.example"
HELPDESK = "helpdesk@council.example"

SERVICE: Mapping[str, Any] = {
    "send_from": "tickets@gate.council.example",
    "domains": ["council.example"],
    "identifiers": {
        "asset": {"label": "asset tag", "pattern": "[A-Z][0-9]{5}", "key": True},
        "room": {"after": ["room"], "pattern": "[0-9]{1,3}"},
    },
    "markings": ["OFFICIAL", "OFFICIAL-SENSITIVE"],
    "calendars": {"office": {"hours": "Monday to Friday, 9am to 5pm", "holidays": "england-and-wales"}},
    "sla": {
        "standard": {"reply": "4 working hours", "finish": "2 working days"},
        "urgent": {"reply": "1 working hour", "finish": "4 working hours"},
    },
    "priorities": {"normal": "standard", "high": "urgent"},
    "defaults": {"calendar": "office", "priority": "normal", "team": "desk"},
    "teams": {"desk": {"lead": "lena.brook"}, "field-team": {"lead": "omar.finch", "label": "Field Engineers"}},
    "mailboxes": {HELPDESK: {"team": "desk", "usually": "hardware"}},
    "information": {
        "asset": "the asset tag",
        "room": "the room",
        "visit": {"ask": "the day of the visit", "date": True},
        "site": {"ask": "the site", "words": ["Town Hall", "Depot"]},
    },
    "categories": {
        "hardware": {
            "needs": ["asset"],
            "tasks": {
                "repair": {"recognise": ["repair", "broken screen", "does not start"], "needs": ["room"]},
                "stock": {"recognise": ["stock list"], "without": ["asset"]},
            },
        },
        "network": {"team": "field-team", "tasks": {"cable": {"recognise": ["new cable", "wall socket"]}}},
    },
    "commands": {
        "done": ["done", "all done", "completed", "#done"],
        "take": ["I'll take it", "I'll pick this up", "mine", "#take"],
        "waiting": ["on hold", "waiting for", "waiting on", "not done yet", "#waiting"],
        "move": ["not ours", "wrong team", "one for", "move to", "#move"],
        "assign": ["assign to", "can you pass to", "take this one please", "#assign"],
        "undo": ["undo", "that was wrong", "#undo"],
        "more": ["#due", "#note"],
        "cancel": ["no longer needed", "please ignore my", "cancel this", "#cancel"],
    },
    "small_talk": {
        "thanks": ["thank you", "thanks", "ta", "much appreciated"],
        "chasers": ["any update", "any news", "just chasing", "has this been done", "where are we with"],
    },
}


def make_config(**changes: Any) -> Config:
    """The IT help desk of a council; *changes* replace keys of its service."""
    service = {**SERVICE, **changes}
    version = hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest()
    return Config.model_validate({"version": version, "service": service})


def make_message(
    reply_text: str = "The screen is broken.", *, sender: str = ANN, name: str = "", **more: Any
) -> Message:
    """A person's mail from *sender*, sent five minutes before ``NOW``."""
    values: dict[str, Any] = {
        "message_id": "<one@council.example>",
        "subject": "Broken screen",
        "from_": Address(sender, name),
        "to": (Address(HELPDESK),),
        "date": NOW - timedelta(minutes=5),
        "text": reply_text,
        "reply_text": reply_text,
    }
    return Message(**{**values, **more})


def make_envelope(sender: str = ANN, **more: Any) -> Envelope:
    return Envelope(**{"sender": sender, "recipients": (HELPDESK,), "received_at": NOW, "peer": "127.0.0.1", **more})


def make_reading(wording: str = "The screen is broken.", *, message: Message | None = None, **more: Any) -> Reading:
    """What a verified colleague's mail says; *message* defaults to one that says just *wording*."""
    message = message or make_message(wording)
    sender = message.from_.address if message.from_ else ""
    values: dict[str, Any] = {
        "message": message,
        "envelope": make_envelope(sender),
        "mailbox": HELPDESK,
        "verdict": Verdict.INTERNAL if sender.endswith("@council.example") else Verdict.NONE,
        "subject": message.subject,
        "wording": wording,
    }
    return Reading(**{**values, **more})


def make_ticket(ref: str = "MG-7K3F-99", **more: Any) -> Ticket:
    """Ann's open repair, with the service desk since an hour before ``NOW``."""
    values: dict[str, Any] = {
        "id": 1,
        "ref": ref,
        "mailbox": HELPDESK,
        "status": "open",
        "requester": ANN,
        "received_at": NOW - timedelta(hours=1),
        "category": "hardware",
        "task": "hardware.repair",
        "priority": "normal",
        "team": "desk",
        "keys": ("A12345",),
    }
    values |= more
    values["status"] = Status(values["status"])
    values.setdefault("participants", frozenset({values["requester"]}))
    return Ticket(**values)


def make_draft(**more: Any) -> Draft:
    """A repair of the same machine as ``make_ticket()``, asked for by Ben."""
    values: dict[str, Any] = {
        "mailbox": HELPDESK,
        "requester": BEN,
        "subject": "Broken screen",
        "received_at": NOW,
        "category": "hardware",
        "task": "hardware.repair",
        "priority": "normal",
        "team": "desk",
        "keys": ("A12345",),
    }
    return Draft(**{**values, **more})


def make_facts(**more: Any) -> Facts:
    return Facts(**{"now": NOW, **more})
