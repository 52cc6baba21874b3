"""Out of office, and until when; receipts and recalls (E93's table, E131)."""

from datetime import date

import pytest

from mailgate.ingest.absence import away_until
from mailgate.ingest.parse import parse
from mailgate.model.message import Kind, Message

WRITTEN = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("I am out of the office until 3 December.", date(2026, 12, 3)),
        (
            "I'm away, returning to the office on Monday 7th December 2026. Call on 1 December.",
            date(2026, 12, 7),
        ),
        ("I will be back on 4 January", date(2027, 1, 4)),
        ("On annual leave from 23 to 27 November", date(2026, 11, 27)),
        ("Ich bin bis 3.12.2026 nicht im Haus und am 4.12.2026 wieder da", date(2026, 12, 3)),
        ("Je suis absente jusqu'au 03/12/2026.", date(2026, 12, 3)),
        ("I was away until 1 November 2026", None),
        ("I no longer work here. Please write to the team.", None),
        ("I work Monday to Wednesday.", None),
    ],
)
def test_E131_an_absence_notice_says_until_when(words: str, day: date | None) -> None:
    assert away_until("Automatic reply: x", words, "", WRITTEN) == day


def test_E131_the_date_may_stand_in_the_subject_or_in_apples_header() -> None:
    assert away_until("Away until December 5th", "x", "", WRITTEN) == date(2026, 12, 5)
    criteria = "{kind=VACATION,startDate=2026-11-20T15:00:00Z,endDate=2026-12-10T14:59:59Z}"
    assert away_until("Auto reply: x", "x", criteria, WRITTEN) == date(2026, 12, 10)


def mail(subject: str, text: str, **headers: str) -> Message:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"Subject: {subject}", "From: a@x.example", "Date: Sat, 21 Nov 2026 10:15:00 +0000", *lines]
    return parse("\r\n".join([*head, "", text]).encode())


def test_E131_only_a_notice_has_such_a_date() -> None:
    words = "I am away until 3 December."
    assert mail("Automatic reply: x", words).away_until == date(2026, 12, 3)
    assert mail("My leave", words).away_until is None


def test_E131_apples_servers_say_vacation() -> None:
    assert mail("Nyaan", "Sleeping.", X_Apple_Action="VACATION").kind is Kind.AUTO_REPLY
    assert mail("Nyaan", "Sleeping.", X_Apple_Action="JUNK").kind is Kind.HUMAN


def test_E93_a_receipt_whose_report_was_taken_away_is_known_by_outlooks_words() -> None:
    receipt = (
        "Your message\r\n\r\n   To: Desk\r\n   Subject: x\r\n   Sent: 21 November 2026\r\n\r\nwas read on Saturday"
    )
    assert mail("Read: x", receipt).kind is Kind.MDN
    assert mail("Not read: x", "Your message was deleted without being read on Saturday").kind is Kind.MDN
    assert mail("Read: x", "I have read it. Your message was read to the board.").kind is Kind.HUMAN


def test_E93_a_recall_is_one_by_its_words_and_its_subject() -> None:
    assert mail("Recall: x", "Ann would like to recall the message, x.").kind is Kind.RECALL
    assert mail("Recall: custody", "Please recall him to custody.").kind is Kind.HUMAN
