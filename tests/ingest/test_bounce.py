import pytest

from mailgate.ingest.bounce import Action
from mailgate.ingest.parse import parse
from mailgate.model.message import Kind

REPORT = (
    b"From: postmaster@mail.example\r\nSubject: x\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\n\r\nwords\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mail.example\r\n\r\n%s\r\n"
    b"--b\r\nContent-Type: %s\r\n\r\n%s\r\n--b--\r\n"
)
GONE = b"Final-Recipient: rfc822; Gone@mail.example\r\nAction: %s\r\nStatus: 5.1.1\r\n"
ORIGINAL = (
    b"From: us@council.example\r\nMessage-ID:\r\n <mg.7k3f99.4.a@tickets.council.example>\r\n\r\n"
    b"Message-ID: <not@this>\r\n"
)


@pytest.mark.parametrize(
    ("action", "kind", "recipients"),
    [
        (Action.FAILED, Kind.DSN_FAILED, ("gone@mail.example",)),
        (Action.DELAYED, Kind.DSN_DELAYED, ("gone@mail.example",)),
        (Action.DELIVERED, Kind.DSN_OK, ()),
    ],
)
def test_E94_the_facts_of_a_report(action: Action, kind: Kind, recipients: tuple[str, ...]) -> None:
    message = parse(REPORT % (GONE % action.encode(), b"message/rfc822", ORIGINAL))
    assert (message.kind, message.bounce_recipients) == (kind, recipients)


@pytest.mark.parametrize("part", [b"message/rfc822", b"text/rfc822-headers"])
def test_E94_the_id_of_the_mail_that_came_back_is_read_from_its_headers_alone(part: bytes) -> None:
    message = parse(REPORT % (GONE % b"failed", part, ORIGINAL))
    assert message.returned_ids == ("<mg.7k3f99.4.a@tickets.council.example>",)


def test_a_server_that_only_names_the_failed_recipients_is_understood() -> None:
    message = parse(
        b"From: mailer-daemon@x.example\r\nSubject: Mail delivery failed\r\nX-Failed-Recipients: a@y.example\r\n\r\nx"
    )
    assert (message.kind, message.bounce_recipients) == (Kind.DSN_FAILED, ("a@y.example",))


def test_a_status_that_is_none_is_not_shown() -> None:
    gone = b"Final-Recipient: rfc822; gone@mail.example\r\nAction: failed\r\nStatus: 5\0.1.1 or so\r\n"
    assert parse(REPORT % (gone, b"message/rfc822", ORIGINAL)).bounce_status == ""
