"""LMTP: another greeting, one reply for each recipient, a Unix socket."""

import os
import re
import stat
import time

import pytest

from mailgate.errors import Refused, TryLater
from mailgate.ingest.listener import local_socket
from mailgate.ingest.lmtp import LmtpSession
from mailgate.model.operator import Limits
from tests.fakes import MemorySpool
from tests.listening import Dialogue, listening, make_config

MAIL = b"MAIL FROM:<ann@mail.example>"
HELP, SECOND, NOBODY = (b"RCPT TO:<%s@city.example>" % name for name in (b"help", b"second", b"nobody"))
QUEUED = rb"250 2\.0\.0 queued as [0-9a-f]{16}"
PUT_OFF = rb"451 4\.3\.0 try again later \[[0-9a-f]{8}\]"


@pytest.fixture
def spool():
    return MemorySpool()


@pytest.fixture
def port(spool):
    with listening(spool, make_config(max_size=1000), session=LmtpSession) as running:
        yield running.port


def outcomes(port, text: bytes, recipients=(HELP, SECOND, HELP)) -> list[bytes]:
    """What is heard after the final dot, until the answer to the next NOOP."""
    with Dialogue(port) as client:
        client.say_all(b"LHLO me", MAIL, *recipients, b"DATA")
        client.send(text + b"\r\n.\r\nNOOP\r\n")
        replies = [client.reply()]
        while replies[-1] not in (b"250 2.0.0 ok", b""):
            replies.append(client.reply())
        return replies


def test_lmtp_says_what_it_is_and_hears_lhlo_alone(port):
    with Dialogue(port) as client:
        assert client.banner.endswith(b"LMTP mailgate")
        assert client.say(b"HELO me").startswith(b"500 5.5.2")
        assert client.say(b"EHLO me").startswith(b"500 5.5.2")
        assert client.say(b"STARTTLS").startswith(b"500 5.5.2")
        assert client.say(MAIL).startswith(b"503 5.5.1")
        assert b"8BITMIME\n250-SMTPUTF8\n250 ENHANCEDSTATUSCODES" in client.say(b"LHLO me")
    with listening(MemorySpool()) as running, Dialogue(running.port) as client:
        assert client.say(b"LHLO me").startswith(b"500 5.5.2")


def test_E19_two_recipients_hear_two_replies(spool, port):
    replies = outcomes(port, b"x", (HELP, NOBODY, SECOND))
    assert [bool(re.fullmatch(QUEUED, reply)) for reply in replies] == [True, True, False]
    assert [envelope.recipients for envelope, _ in spool.mails] == [("help@city.example", "second@city.example")]


def test_R2_a_recipient_that_was_named_twice_hears_two_replies(spool, port):
    assert len(outcomes(port, b"x", (HELP, HELP))) == 3
    assert spool.mails[0][0].recipients == ("help@city.example",)


def test_S9_three_recipients_hear_three_replies_whatever_happens(spool, port, monkeypatch):
    cases = {
        "stored": (b"x", QUEUED),
        "too big": (b"x" * 1001, rb"552 5\.3\.4 message too big"),
        "routing loop": (b"Received: a\r\n" * 60 + b"Received:\r\n" * 41, rb"55[24] .*"),
        "long line": (b"x" * 900, QUEUED),
    }
    for text, expected in cases.values():
        *replies, noop = outcomes(port, text)
        assert [bool(re.fullmatch(expected, reply)) for reply in replies] == [True] * 3
        assert noop == b"250 2.0.0 ok"
    for failure in (TryLater("not now"), OSError(28, "No space"), ValueError("a bug")):
        spool.failure = failure
        *replies, noop = outcomes(port, b"x")
        assert [bool(re.fullmatch(PUT_OFF, reply)) for reply in replies] == [True] * 3
    monkeypatch.setattr(spool, "put", None)
    *replies, noop = outcomes(port, b"x")
    assert [bool(re.fullmatch(PUT_OFF, reply)) for reply in replies] == [True] * 3
    assert noop == b"250 2.0.0 ok"


def test_S9_three_recipients_hear_three_replies_to_a_routing_loop(spool):
    with listening(spool, session=LmtpSession) as running:
        *replies, _ = outcomes(running.port, b"Received: a\r\n" * 101)
    assert replies == [b"554 5.4.6 routing loop"] * 3


def test_S6_a_mail_without_end_hears_three_replies_too(port):
    with Dialogue(port) as client:
        client.say_all(b"LHLO me", MAIL, HELP, SECOND, HELP, b"DATA")
        client.send(b"x" * 3000)
        assert [client.reply() for _ in range(4)] == [b"552 5.3.4 message too big"] * 3 + [b""]


def test_after_a_mail_one_command_has_one_reply(port):
    with Dialogue(port) as client:
        client.say_all(b"LHLO me", MAIL, HELP, SECOND, b"DATA")
        client.send(b"x\r\n.\r\n")
        assert [client.reply()[:3] for _ in range(2)] == [b"250"] * 2
        assert client.say(b"DATA").startswith(b"503 5.5.1")
        assert client.say_all(MAIL, NOBODY, b"DATA")[1:] == [
            b"550 5.1.1 no such mailbox",
            b"503 5.5.1 no valid recipient",
        ]
        assert client.say(b"NOOP") == b"250 2.0.0 ok"


def test_E28_lmtp_over_the_network_is_for_relays():
    config = make_config(relays=["10.0.0.0/8"])
    with listening(MemorySpool(), config, session=LmtpSession) as running, Dialogue(running.port) as client:
        assert client.banner.startswith(b"554 5.7.1")


def test_E19_the_unix_socket_is_for_our_user_and_group(spool, tmp_path):
    path = tmp_path / "lmtp"
    with local_socket(path) as local, listening(spool, make_config(Limits(), relays=[]), local=local) as running:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        *replies, _ = outcomes(path, b"x")
        assert len(replies) == 3
        running.stop()
    assert not path.exists()
    assert len(spool.mails) == 1


def test_a_socket_left_behind_is_replaced_and_one_in_use_is_not(tmp_path):
    path = tmp_path / "lmtp"
    with local_socket(path) as local:
        os.link(path, tmp_path / "kept")
        with pytest.raises(Refused, match=r"lmtp cannot be listened on .*: change lmtp.listen"), local_socket(path):
            pass
        local.close()
        assert path.exists()
        with local_socket(path):
            assert path.exists()
    path.write_text("not a socket")
    with pytest.raises(Refused, match="cannot be listened on"), local_socket(path):
        pass
    assert path.read_text() == "not a socket"
    with pytest.raises(Refused, match="No such file"), local_socket(tmp_path / "no" / "lmtp"):
        pass


def test_an_unheard_commit_over_lmtp_is_kept(spool, tmp_path):
    spool.hold = True
    with listening(spool, session=LmtpSession) as running:
        with Dialogue(running.port) as client:
            client.say_all(b"LHLO me", MAIL, HELP, b"DATA")
            client.send(b"x\r\n.\r\n")
            deadline = time.monotonic() + 10
            while not spool._held and time.monotonic() < deadline:
                time.sleep(0.005)
        spool.commit()
    assert len(spool.mails) == 1
