"""Fingerprints (E150): the same mail by any road, and what makes two."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailgate.model.message import Address, Attachment, Message
from mailgate.tickets.fingerprint import content, fingerprint
from tests.make import NOW, make_message

MAIL = make_message("Please repair A12345.", subject="Broken screen", quoted="On Monday we wrote")
FORM = Attachment("form.pdf", "application/pdf", 900, "a" * 64, 2)
LOGO = Attachment("logo.png", "image/png", 900, "b" * 64, 3)


def fingerprint_of(mail: Message) -> str:
    return fingerprint(mail, content(mail))


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "<other@council.example>"},
        {"subject": "RE: [EXTERNAL]  Broken screen"},
        {"reply_text": "please  repair\nA12345. "},
        {"text": "CAUTION: from outside\nPlease repair A12345."},
        {"attachments": (LOGO,)},
        {"from_": Address(MAIL.from_.address, "Ann")} if MAIL.from_ else {},
    ],
)
def test_E150_what_a_road_changes_does_not_count(change: dict[str, Any]) -> None:
    assert fingerprint_of(replace(MAIL, **change)) == fingerprint_of(MAIL)


@pytest.mark.parametrize(
    "change",
    [
        {"from_": Address("ben.carter@council.example")},
        {"from_": None},
        {"subject": "RE: [MG-7K3F-99] Broken screen"},
        {"reply_text": "Please repair A12346."},
        {"quoted": "On Tuesday we wrote"},
        {"in_reply_to": ("<done.1@council.example>",)},  # "Thanks!" for one ticket, and for another
        {"attachments": (FORM,)},
    ],
)
def test_E150_what_makes_another_mail(change: dict[str, Any]) -> None:
    assert fingerprint_of(replace(MAIL, **change)) != fingerprint_of(MAIL)


@pytest.mark.parametrize("date", [NOW + timedelta(days=1), None])
def test_E153_the_date_counts_for_the_mail_but_not_for_its_content(date: Any) -> None:
    again = replace(MAIL, message_id="<again@council.example>", date=date)
    assert fingerprint_of(again) != fingerprint_of(MAIL)
    assert content(again) == content(MAIL)


def test_the_order_of_attachments_does_not_count() -> None:
    other = replace(FORM, sha256="c" * 64)
    assert fingerprint_of(replace(MAIL, attachments=(FORM, other))) == fingerprint_of(
        replace(MAIL, attachments=(other, FORM))
    )


def test_E81_a_mail_of_broken_characters_has_a_fingerprint_of() -> None:
    assert len(fingerprint_of(replace(MAIL, reply_text="\udcff"))) == 64
