"""Whoever keeps the gateway busy keeps nobody else out: the installed command, over a real socket."""

from collections.abc import Iterator

from tests.gateway import MAILBOX, gateway, wait_until
from tests.hostile import DRIPPING, IDLE, crowd
from tests.listening import Dialogue

MAILS = 20


def test_S4_S5_S6_a_normal_client_is_answered_while_hostile_ones_are_at_work(tmp_path):
    with gateway(tmp_path) as running:
        with crowd(running.port, MAILBOX) as hostile:
            wait_until(lambda: hostile.is_complete)
            replies = list(said_to(running.port))
            assert (hostile.idle, hostile.dripping) == (IDLE, DRIPPING)
        assert {reply[:16] for reply in replies} == {b"250 2.0.0 queued"}
        assert {reply[:9] for reply in hostile.line_ends} == {b"250 2.0.0"}
        assert {reply[:9] for reply in hostile.endless} <= {b"552 5.3.4", b""}
        assert running.rows("SELECT count(*) FROM spool WHERE size < 1000") == [(MAILS,)]


def said_to(port: int) -> Iterator[bytes]:
    """The last reply to each of the mails of a client that keeps to the rules."""
    recipient = b"RCPT TO:<%s>" % MAILBOX.encode()
    with Dialogue(port) as client:
        client.say(b"EHLO me")
        for number in range(MAILS):
            mail = b"Subject: a question\r\n\r\nNumber %d\r\n." % number
            yield client.say_all(b"MAIL FROM:<ann@mail.example>", recipient, b"DATA", mail)[-1]
