"""What somebody writes about a case comes back to nobody: real mails, decided and answered as the gateway does it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailgate.decide import decide
from mailgate.ingest.parse import parse
from mailgate.model.facts import Facts
from mailgate.model.message import Envelope
from mailgate.notify.compose import prepare, render
from mailgate.notify.files import read_templates
from mailgate.notify.samples import KEYS
from mailgate.settings import load, template_folders
from mailgate.understand import read
from mailgate.workers.about import abouts

CONFIG = load([Path(__file__).parent.parent.parent / "config"], {})
CONTEXT = prepare(CONFIG, KEYS, "loop", read_templates(CONFIG, template_folders(CONFIG)))
ENFORCEMENT = "northmere.enforcement@justice.example"
NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
CRN, LABEL = "X123456", "Warning letter"
NEVER = ("Smith", "12/03/1985", "A1234BC", "2012/0052494Q", "burglary", "14 Acacia", "heroin", "MAPPA", "X999999")
MAIL = """\
From: Dara Okafor <{sender}>
To: {to}
Subject: John SMITH dob 12/03/1985 warning letter CRN {crn}
Message-ID: <1@mail.example>
Date: Tue, 1 Dec 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

{marking}

Please send a warning letter to John Smith, born 12/03/1985, CRN {crn}, event 2, who did not attend on 30/11/2026.
Prison number A1234BC, PNC 2012/0052494Q. Burglary, heroin, MAPPA level 2, lives at 14 Acacia Avenue. Not X999999.
"""


def answers_to(sender: str, marking: str = "", mail: str = MAIL, to: str = ENFORCEMENT) -> list[str]:
    """Everything that the sender of the mail reads of us: subject, text and HTML in one."""
    raw = mail.format(sender=sender, to=to, crn=CRN, marking=marking).encode()
    envelope = Envelope(sender, (to,), NOW, peer="127.0.0.1", vouched=True)
    reading = read(parse(raw, CONFIG.service.text, CONFIG.service.markings), envelope, CONFIG)
    decision = decide(reading, CONFIG, Facts(NOW))
    found = abouts(decision, reading, ["MG-7K3F-99"], CONFIG, "key", NOW)
    return ["\n".join(render(reply, about, CONTEXT)) for reply, about in found if reply.to == sender]


@pytest.mark.parametrize(
    ("sender", "sees"),
    [
        ("dara.okafor@justice.example", {CRN, LABEL}),
        ("dara.okafor@town.example.gov.uk", {LABEL}),
        ("dara.okafor@mail.example", set()),
    ],
    ids=["colleague", "partner", "public"],
)
def test_an_answer_says_of_a_case_what_its_reader_may_see(sender: str, sees: set[str]) -> None:
    (answer,) = answers_to(sender)
    assert "MG-7K3F-99" in answer
    assert {words for words in (CRN, LABEL) if words in answer} == sees
    assert [words for words in NEVER if words.lower() in answer.lower()] == []


def test_an_answer_about_a_ticket_that_is_shown_to_its_team_alone_says_nothing_of_the_case() -> None:
    (answer,) = answers_to("dara.okafor@justice.example", "OFFICIAL-SENSITIVE")
    assert answer.startswith("[MG-7K3F-99]")
    assert [words for words in (CRN, LABEL, *NEVER) if words.lower() in answer.lower()] == []


def test_a_key_that_cannot_be_right_is_asked_for_whatever_the_mail_is_about() -> None:
    mail = "From: {sender}\nTo: {to}\nSubject: Mr Smith\nMessage-ID: <2@mail.example>\n\nPlease look at X1234567.\n"
    (answer,) = answers_to("dara.okafor@justice.example", mail=mail, to="aldermoor.pod1@justice.example")
    assert "We need more information" in answer
    assert "the CRN" in answer
    assert "X1234567" not in answer
