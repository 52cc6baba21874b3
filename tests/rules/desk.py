"""A small service for the tests of the rules, and readings of mails to it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from mailgate.model.config import Config, Service
from mailgate.model.facts import Facts
from mailgate.model.message import Address, Envelope, Message, Verdict
from mailgate.model.people import Person
from mailgate.model.reading import Reading
from mailgate.model.ticket import Draft
from mailgate.rules.extract import extract
from mailgate.rules.request import asked_for, has_old_subject, requests

MONDAY = datetime(2026, 12, 7, 9, 30, tzinfo=UTC)
COURTS = "courts@service.example"
UNIT = "unit.two@service.example"

SERVICE: Mapping[str, Any] = {
    "send_from": "tickets@gate.service.example",
    "domains": ["service.example"],
    "defaults": {"calendar": "office", "priority": "normal", "team": "front-desk"},
    "text": {
        "asks": ["please", "could you", "could we", "could it"],
        "asides": ["I have"],
        "refusals": {"before": ["please do not", "do not send"], "after": ["not needed"]},
    },
    "identifiers": {
        "crn": {"label": "CRN", "pattern": "[A-Z] ?[0-9]{3} ?[0-9]{3}", "key": True, "not_after": "Staff no"},
        "prison-number": {"pattern": "[A-Z][0-9]{4}[A-Z]{2}"},
        "pnc-number": {"pattern": "([0-9]{2}|[0-9]{4})/[0-9]{1,7}[A-Z]", "check": "pnc"},
        "event-number": {"after": ["event", "ev", "E"], "pattern": "[1-9][0-9]?", "belongs_to": "crn"},
    },
    "calendars": {
        "office": {"hours": "Monday to Friday, 9am to 5pm", "holidays": "england-and-wales"},
        "long": {"hours": "Monday to Friday, 8am to 8pm", "holidays": "england-and-wales"},
    },
    "sla": {
        "immediate": {"reply": "30 working minutes", "finish": "2 working hours"},
        "urgent": {"reply": "1 working hour", "finish": "4 working hours"},
        "next-day": {"reply": "4 working hours", "finish": "1 working day"},
        "standard": {"reply": "4 working hours", "finish": "2 working days"},
        "by-deadline": {"reply": "1 working day", "finish": "the deadline in the mail"},
    },
    "priorities": {"urgent": "urgent", "high": "next-day", "normal": "standard"},
    "teams": {
        "court-team": {"lead": "kim"},
        "front-desk": {"lead": "lee"},
        "unit-one": {"units": ["Unit One"]},
        "unit-two": {"units": ["Unit Two"], "calendar": "long"},
    },
    "mailboxes": {COURTS: {"team": "court-team", "usually": "court"}, UNIT: {"team": "unit-two"}},
    "information": {
        "crn": "the CRN",
        "court": {"ask": "the court", "pattern": r"\b(Magistrates|Crown Court)\b"},
        "hearing-date": {"ask": "the date of the hearing", "date": True, "lead": ["hearing", "listed"]},
        "missed-date": {"ask": "the date missed", "date": True},
        "failure-dates": {"ask": "the dates of both failures", "date": True, "count": 2},
        "date-of-birth": {"ask": "the date of birth", "date": True, "lead": ["DOB", "born"], "ago": "14 years"},
        "deadline": {"ask": "when you need it by", "date": True, "lead": ["by", "deadline"]},
        "reason": {"ask": "the reason", "words": ["no reason given", "sick note"]},
        "practitioner": "the name of the practitioner",
    },
    "categories": {
        "court": {
            "team": "court-team",
            "needs": ["crn"],
            "priority": "high",
            "tasks": {
                "report": {"recognise": ["pre-sentence report", "PSR"], "needs": ["court", "hearing-date"]},
                "result": {"recognise": ["court result", "sentenced to"]},
                "warrant": {"recognise": ["warrant"], "priority": "urgent", "needs": ["reason"]},
                "appeal": {"recognise": ["appeal"], "sla": "immediate", "needs": ["practitioner"]},
            },
        },
        "letters": {
            "needs": ["crn", "event-number"],
            "tasks": {
                "warning": {"recognise": ["warning letter", "first warning"], "needs": ["missed-date"]},
                "breach": {"recognise": ["breach papers"], "needs": ["failure-dates"]},
                "withdraw": {"recognise": ["rescind the warning"]},
            },
        },
        "figures": {
            "needs": ["crn"],
            "tasks": {
                "return": {"recognise": ["data call"], "without": ["crn"], "needs": ["deadline"], "sla": "by-deadline"}
            },
        },
    },
}


@cache
def _config(version: str) -> Config:
    return Config(version=version, service=Service.model_validate(SERVICE))


def make_config(**changes: Any) -> Config:
    """The service above; *changes* replace whole sections."""
    if not changes:
        return _config("desk")
    return Config(version=f"desk {changes!r}", service=Service.model_validate({**SERVICE, **changes}))


def make_reading(
    text: str = "",
    subject: str = "",
    mailbox: str | None = COURTS,
    sender: str = "dara@service.example",
    config: Config | None = None,
    at: datetime = MONDAY,
    **message: Any,
) -> Reading:
    """A mail as it was read, with the facts in it."""
    mail = Message(message_id="<1@service.example>", subject=subject, from_=Address(sender), date=at, **message)
    to = (mailbox or "tickets@gate.service.example",)
    bare = subject.removeprefix("RE: ")
    reading = Reading(mail, Envelope(sender, to, at), mailbox, Verdict.INTERNAL, subject=bare, wording=text)
    found = extract(bare, text, has_old_subject(reading), config or make_config(), at)
    return replace(
        reading,
        keys=found.keys,
        fields=found.fields,
        as_written=found.as_written,
        suggestion=found.suggestion,
        loose_dates=tuple(date.value for date in found.dates),
    )


def make_drafts(
    text: str, subject: str = "", config: Config | None = None, sender: Person | None = None, **reading: Any
) -> tuple[Draft, ...]:
    """The tickets that a mail opens."""
    config = config or make_config()
    mail = make_reading(text, subject, config=config, **reading)
    return requests(asked_for(mail, config), mail, config, Facts(now=mail.envelope.received_at, sender=sender))[0]
