"""Every condition and every outcome that a rule may have, once with effect and once without, by what decides mail.

The shipped rules are those of the example that the language was made for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailgate.decide import decide
from mailgate.model.config import Config
from mailgate.model.decision import NewTicket
from mailgate.model.facts import Facts
from mailgate.model.message import Address, Attachment, Envelope, Message
from mailgate.model.people import Person
from mailgate.model.ticket import Draft
from mailgate.model.work import Then
from mailgate.rules.conditions import CONDITIONS
from mailgate.settings import load
from mailgate.understand import read
from tests.rules.desk import COURTS, UNIT, make_config

MONDAY = datetime(2026, 12, 7, 9, 30, tzinfo=UTC)
DARA, OUTSIDER = "dara@service.example", "clerk@courts.example"
HEAD = Person(DARA, "Dara", role="head of PDU")
PDF = Attachment("order.pdf", "application/pdf", 9000, "a" * 64, 2)
LOGO = Attachment("logo.png", "image/png", 900, "b" * 64, 2, inline=True)
HELD = "hold until a person releases them"


@dataclass(frozen=True)
class Mail:
    """A mail as somebody sends it; by default one for a pre-sentence report that says all it needs to."""

    text: str = "Please prepare a PSR for X372915, Crown Court, hearing on 9 December 2026."
    subject: str = "Pre-sentence report"
    sender: str = DARA
    to: str = COURTS
    vouched: bool = True
    person: Person | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def drafts(mail: Mail, config: Config) -> tuple[Draft, ...]:
    """The tickets that the mail opens."""
    message = Message(
        message_id="<1@mail.example>",
        subject=mail.subject,
        from_=Address(mail.sender),
        to=(Address(mail.to),),
        date=MONDAY,
        text=mail.text,
        reply_text=mail.text,
        **mail.more,
    )
    envelope = Envelope(mail.sender, (mail.to,), MONDAY, vouched=mail.vouched)
    decision = decide(read(message, envelope, config), config, Facts(MONDAY, sender=mail.person))
    assert isinstance(decision.outcome, NewTicket)
    return decision.outcome.drafts


def fits(when: Mapping[str, Any], mail: Mail) -> bool:
    first = {"name": "first", "when": {"crn": "X372915"}, "then": {"tag": "known"}}
    rule = {"name": "it", "when": when, "then": {"tag": "fits"}}
    return "fits" in drafts(mail, make_config(rules=[first, rule]))[0].tags


SENT = Mail()
TOMORROW = replace(SENT, text=SENT.text.replace("9 December", "8 December"))
LATER = replace(SENT, text=SENT.text.replace("9 December", "10 December"))
RESULT = Mail("X372915 was sentenced to a fine.", "Court result")
WITH_FILE, WITH_LOGO = replace(SENT, more={"attachments": (PDF,)}), replace(SENT, more={"attachments": (LOGO,)})

WHEN: list[tuple[dict[str, Any], Mail, Mail]] = [
    ({"from": DARA}, SENT, replace(SENT, sender=OUTSIDER)),
    ({"from": "*@courts.example"}, replace(SENT, sender=OUTSIDER), SENT),
    ({"from": "anyone outside service.example"}, replace(SENT, sender=OUTSIDER), SENT),
    ({"from": "anyone outside service.example"}, replace(SENT, vouched=False), SENT),  # who only claims to be one of us
    ({"to": COURTS}, SENT, replace(SENT, to=UNIT)),
    ({"sender_role": ["Head of PDU", "director"]}, replace(SENT, person=HEAD), SENT),
    ({"sender_role": "head of PDU"}, replace(SENT, person=HEAD), replace(SENT, person=HEAD, vouched=False)),
    ({"marking": "SECRET"}, replace(SENT, more={"marking": "SECRET [PERSONAL]"}), replace(SENT, more={"marking": "S"})),
    ({"task": ["court.report", "court.warrant"]}, SENT, RESULT),
    ({"category": "court"}, SENT, Mail("Please send a warning letter for X372915, event 2.", "Letter")),
    ({"priority": "high"}, SENT, Mail("Warrant for X372915.", "Warrant")),
    ({"tag": "known"}, SENT, replace(SENT, text="Please prepare a PSR for A123456.")),
    ({"subject": "pre sentence reports"}, SENT, RESULT),
    ({"subject": "/^pre-/"}, SENT, replace(SENT, subject="A pre-sentence report")),
    ({"body": ["nothing", "crown court"]}, SENT, RESULT),
    ({"header": {"X-Priority": "1"}}, replace(SENT, more={"headers": {"x-priority": ("1",)}}), SENT),
    ({"attachment": "yes"}, WITH_FILE, WITH_LOGO),
    ({"attachment": "no"}, WITH_LOGO, WITH_FILE),
    ({"attachment": ["*.docx", "pdf"]}, WITH_FILE, WITH_LOGO),
    ({"attachment": "application/*"}, WITH_FILE, SENT),
    ({"has": ["court", "hearing-date"]}, SENT, RESULT),
    ({"court": "crown court"}, SENT, replace(SENT, text=SENT.text.replace("Crown Court", "Magistrates"))),
    ({"event-number": "2"}, replace(SENT, text=f"{SENT.text} Event 2."), replace(SENT, text=f"{SENT.text} Event 3.")),
    ({"reason": "no"}, SENT, replace(SENT, text=f"{SENT.text} No reason given.")),
    ({"hearing-date": "yes"}, SENT, RESULT),
    ({"hearing-date": "within 1 day"}, TOMORROW, SENT),
    ({"hearing-date": "within 2 working days"}, SENT, LATER),
    ({"hearing-date": "within 1 week"}, SENT, replace(SENT, text=SENT.text.replace("9 December", "15 December"))),
    ({"hearing-date": "within 1 calendar month"}, SENT, replace(SENT, text=SENT.text.replace("9 Dec", "8 Jan"))),
    ({"all": [{"task": "court.report"}, {"has": "court"}]}, SENT, RESULT),
    ({"any": [{"task": "court.result"}, {"subject": "report"}]}, SENT, Mail("Warrant for X372915.", "Warrant")),
    ({"not": {"subject": "report"}}, RESULT, SENT),
    ({"not": [{"subject": "report"}, {"from": OUTSIDER}]}, RESULT, replace(RESULT, sender=OUTSIDER)),
    ({"task": "court.report", "from": DARA}, SENT, replace(SENT, sender=OUTSIDER)),
]


@pytest.mark.parametrize(("when", "fitting", "other"), WHEN)
def test_a_condition_lets_one_mail_through_and_not_the_other(when: dict[str, Any], fitting: Mail, other: Mail) -> None:
    assert fits(when, fitting)
    assert not fits(when, other)


def test_every_condition_is_among_them() -> None:
    assert set(CONDITIONS) <= {name for when, _, _ in WHEN for name in when}


THEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("task", {"task": "letters.breach"}, {"category": "letters", "task": "letters.breach", "sla_policy": "standard"}),
    ("priority", {"priority": "urgent"}, {"priority": "urgent", "sla_policy": "urgent"}),
    ("priority", {"priority": "at least urgent"}, {"priority": "urgent"}),
    ("tag", {"tag": ["court day", "now"]}, {"tags": ("court day", "now")}),
    ("show_to", {"show_to": "the owning team only"}, {"show_to": "the owning team only"}),
    ("attachments", {"attachments": HELD}, {"attachments": HELD}),
    ("start", {"start": "commission"}, {"starts": "commission"}),
    ("stop", {"stop": "yes", "tag": "first"}, {"tags": ("first",)}),
]


@pytest.mark.parametrize(("name", "then", "expected"), THEN)
def test_an_outcome_changes_the_ticket_where_its_rule_fits_and_not_elsewhere(
    name: str, then: dict[str, Any], expected: dict[str, Any]
) -> None:
    last = [{"name": "last", "when": {"category": "court"}, "then": {"tag": "last"}}] if name == "stop" else []
    config = make_config(rules=[{"name": "it", "when": {"task": "court.report"}, "then": then}, *last])
    bare = make_config(rules=last)
    (changed,), (same,), (before,) = drafts(SENT, config), drafts(RESULT, config), drafts(RESULT, bare)
    assert {key: getattr(changed, key) for key in expected} == expected
    assert same == before
    assert changed != drafts(SENT, bare)[0]


def test_every_outcome_is_among_them() -> None:
    assert {name for name, _, _ in THEN} == set(Then.model_fields)


# ------------------------------------------------------------------ the rules that ship

SHIPPED = load([Path(__file__).parent.parent.parent / "config"], {})
ENFORCEMENT, CUSTODY = "northmere.enforcement@justice.example", "northmere.custody@justice.example"
COMMISSIONS = "northmere.commissions@justice.example"
PRIYA, ROWAN, CLERK = "priya@justice.example", "rowan@hq.justice.example", "clerk@town.example.gov.uk"
LETTER = Mail("Please send a warning letter for X123456, event 2, missed 3 December.", "Letter", PRIYA, ENFORCEMENT)
HEARING = "Please list the breach hearing for X123456, event 2, at Northmere Magistrates' Court on {} December 2026."
RELEASE = "X123456 is being released on {} December 2026 from HMP Dunmoor. Please book the release appointment."
RETURN = "Commission: please send your return by 18 December 2026."
MANAGER = Person(PRIYA, "Priya", role="Head of PDU")


@pytest.mark.parametrize(
    ("rule", "fitting", "other", "expected"),
    [
        (
            "Hearing within two working days",
            replace(LETTER, text=HEARING.format(9)),
            replace(LETTER, text=HEARING.format(10)),
            {"priority": "urgent"},
        ),
        (
            "Release tomorrow or sooner",
            Mail(RELEASE.format(8), "Release", PRIYA, CUSTODY),
            Mail(RELEASE.format(9), "Release", PRIYA, CUSTODY),
            {"priority": "urgent"},
        ),
        (
            "From Heads of PDU and above",
            Mail("Please upload the GP note for X123456, event 2.", "GP note", PRIYA, ENFORCEMENT, person=MANAGER),
            Mail("Please upload the GP note for X123456, event 2.", "GP note", PRIYA, ENFORCEMENT),
            {"priority": "high"},
        ),
        (
            "Marked OFFICIAL-SENSITIVE",
            replace(LETTER, more={"marking": "OFFICIAL-SENSITIVE [PERSONAL]"}),
            replace(LETTER, more={"marking": "OFFICIAL"}),
            {"show_to": "the owning team only"},
        ),
        (
            "From outside the service",
            replace(LETTER, sender=CLERK),
            LETTER,
            {"tags": ("external",), "attachments": HELD},
        ),
        (
            "HQ commissions",
            Mail(RETURN, "Housing", ROWAN, COMMISSIONS),
            Mail(RETURN, "Housing", PRIYA, COMMISSIONS),
            {"starts": "commission"},
        ),
    ],
)
def test_a_shipped_rule_fits_what_it_is_for(rule: str, fitting: Mail, other: Mail, expected: dict[str, Any]) -> None:
    assert rule in [each.name for each in SHIPPED.service.rules]
    (changed, *_), (same,) = drafts(fitting, SHIPPED), drafts(other, SHIPPED)  # a commission asks units as well
    assert {name: getattr(changed, name) for name in expected} == expected
    assert all(getattr(same, name) != value for name, value in expected.items())
