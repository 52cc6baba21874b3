"""Postfix as the client: what a real MTA with a queue does with our answers."""

import smtplib
import time

from mailgate.errors import TryLater
from tests.fakes import MemorySpool
from tests.listening import listening
from tests.postfix import postfix

MAIL = (
    b"From: ann@mail.example\r\nTo: help@city.example\r\nSubject: %d\r\n\r\n.\r\n..two\r\n" + (b"x" * 70 + b"\r\n") * 40
)


def wait_until(holds) -> None:
    deadline = time.monotonic() + 30
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert holds()


def test_postfix_hands_over_every_mail_once_also_after_it_was_put_off():
    spool = MemorySpool()
    spool.failure = TryLater("not yet")
    with listening(spool) as running, postfix(relay_to=running.port) as server:
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            for number in range(20):
                client.sendmail("ann@mail.example", ["help@city.example", "second@city.example"], MAIL % number)
        wait_until(lambda: server.queued() == 20)
        spool.failure = None
        wait_until(lambda: server.queued() == 0)
    assert len(spool.mails) == 20
    for envelope, raw in spool.mails:
        assert envelope.recipients == ("help@city.example", "second@city.example")
        assert raw.partition(b"\r\n\r\n")[2] == b".\r\n..two\r\n" + (b"x" * 70 + b"\r\n") * 40
