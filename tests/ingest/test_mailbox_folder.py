from datetime import UTC, datetime, timedelta

import pytest

from mailgate.ingest.mailbox_folder import (
    MOST_A_CYCLE,
    destination,
    envelope_of,
    excerpt,
    header_of,
    is_placeholder,
    pause_seconds,
    plan,
    retry_after,
)
from mailgate.ingest.parse import parse
from mailgate.model.folder import Fetched, Known, Stage
from mailgate.model.operator import ImapAccount
from tests.make import HELPDESK, NOW

ACCOUNT = ImapAccount(mailbox=HELPDESK, host="mail.council.example", user="u", secret_file="s")
HOUR = timedelta(hours=1)


def test_E40_every_listed_mail_without_a_row_is_fetched_oldest_first():
    found = plan([9, 3, 7], [Known(7, Stage.STORED)], NOW)
    assert (found.fetch, found.gone) == ((3, 9), ())


def test_E51_at_most_500_are_fetched_in_one_cycle():
    assert plan(range(1, 6001), [], NOW).fetch == tuple(range(1, MOST_A_CYCLE + 1))


def test_E43_what_left_the_folder_is_gone_whoever_moved_it():
    rows = [Known(1, Stage.STORED, decided=True), Known(2, Stage.UNREAD, retry_at=NOW), Known(3, Stage.STORED)]
    assert plan([3], rows, NOW).gone == (1, 2)


@pytest.mark.parametrize(("due", "fetched"), [(NOW, (1,)), (NOW + HOUR, ())])
def test_E53_an_unread_mail_is_asked_for_when_it_is_due(due, fetched):
    assert plan([1], [Known(1, Stage.UNREAD, 1, due)], NOW).fetch == fetched


@pytest.mark.parametrize(
    ("row", "folder"),
    [
        (Known(1, Stage.STORED), None),
        (Known(1, Stage.TOO_LARGE), None),
        (Known(1, Stage.UNREAD), None),
        (Known(1, Stage.STORED, decided=True), "Processed"),
        (Known(1, Stage.TOO_LARGE, decided=True), "TooLarge"),
        (Known(1, Stage.STORED, decided=True, in_quarantine=True), "Failed"),
        (Known(1, Stage.TOO_LARGE, decided=True, in_quarantine=True), "Failed"),
    ],
)
def test_E44_a_mail_stays_until_it_is_decided_and_then_has_one_place(row, folder):
    assert destination(row) == folder


def test_E53_five_retries_take_an_hour():
    pauses = [retry_after(attempts) for attempts in range(1, 7)]
    assert pauses[-1] is None
    assert sum(pauses[:-1], timedelta()) == HOUR


def test_E49_a_broken_connection_is_tried_again_with_full_jitter():
    assert [pause_seconds(failures, 1.0, refused=False) for failures in (1, 2, 3, 9, 99)] == [2, 4, 8, 300, 300]
    assert pause_seconds(9, 0.5, refused=False) == 150


def test_E57_what_is_refused_does_not_hammer_the_login():
    assert [pause_seconds(failures, 0.0, refused=True) for failures in (1, 2, 9)] == [30, 60, 900]


def fetched(raw: bytes, arrived_at: datetime | None = None) -> Fetched:
    return Fetched(raw, arrived_at)


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        (b"Return-Path: <Jo@Mail.example>\r\nFrom: <other@mail.example>", "jo@mail.example"),
        (b"Return-Path: <>\r\nFrom: <other@mail.example>", ""),
        (b"From: Jo <jo@mail.example>", "jo@mail.example"),
        (b"Subject: nobody", ""),
    ],
)
def test_the_sender_of_the_envelope_is_the_return_path_else_from(header, sender):
    raw = header + b"\r\n\r\nReturn-Path: <body@mail.example>\r\n"
    envelope = envelope_of(header_of(raw), fetched(raw), ACCOUNT, NOW)
    assert (envelope.sender, envelope.recipients, envelope.source) == (sender, (HELPDESK,), "imap")


@pytest.mark.parametrize(("arrived", "expected"), [(NOW - HOUR, NOW - HOUR), (NOW + HOUR, NOW), (None, NOW)])
def test_E80_a_mail_arrived_when_its_server_took_it_but_never_in_the_future(arrived, expected):
    envelope = envelope_of(header_of(b"Subject: x\r\n\r\n"), fetched(b"", arrived), ACCOUNT, NOW.astimezone(UTC))
    assert envelope.received_at == expected


@pytest.mark.parametrize(
    ("settings", "believed"),
    [
        ({}, False),
        ({"vouches": True}, True),
        ({"auth": "xoauth2", "tenant": "t", "client_id": "c"}, True),
        ({"auth": "xoauth2", "tenant": "t", "client_id": "c", "vouches": False}, False),
    ],
)
def test_E180_only_exchange_online_is_believed_unless_the_operator_says_so(settings, believed):
    account = ImapAccount(mailbox=HELPDESK, host="h", user="u", secret_file="s", **settings)
    envelope = envelope_of(header_of(b"Subject: x\r\n\r\n"), fetched(b""), account, NOW)
    assert envelope.vouched is believed


def test_E53_exchanges_excuse_is_recognised_by_the_header_alone():
    excuse = b"Subject: Retrieval using the IMAP4 protocol failed for the following message: 752\r\n\r\n"
    assert is_placeholder(header_of(excuse))
    assert not is_placeholder(header_of(b"Subject: Re: x\r\n\r\n" + excuse))


def test_E50_an_excerpt_keeps_the_header_and_the_text():
    raw = (
        b"From: jo@mail.example\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\nReferences: <a@x>\r\n"
        b" <b@x>\r\nContent-Type: multipart/mixed;\r\n boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; "
        b"charset=iso-8859-1\r\n\r\ncaf\xe9\r\n--b\r\nContent-Type: image/png\r\n\r\n\x89PNG"
    )
    message = parse(excerpt(Fetched(raw, None), 40 * 1024**2))
    assert (message.subject, message.message_id, message.references) == ("grüße", "<1@x>", ("<a@x>", "<b@x>"))
    assert message.text.startswith("[This mail is larger than 40 MiB")
    assert "café" in message.text
    assert message.attachments == ()


def test_E50_an_excerpt_of_a_header_without_end_is_still_a_mail():
    message = parse(excerpt(Fetched(b"Subject: x\r\nX-Long: " + b"y" * 1024**2, None), 1))
    assert message.subject == "x"
