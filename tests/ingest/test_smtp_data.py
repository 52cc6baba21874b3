"""What becomes of a whole mail at the SMTP door."""

import re
import time
from pathlib import Path

import pytest

from mailgate.errors import TryLater
from mailgate.model.operator import Limits
from tests.fakes import FileSpool, MemorySpool
from tests.listening import ENVELOPE, Dialogue, listening, make_config

PUT_OFF = rb"451 4.3.0 try again later \[[0-9a-f]{8}\]"
QUEUED = b"250 2.0.0 queued as 0000"


@pytest.fixture
def spool():
    return MemorySpool()


@pytest.fixture
def port(spool):
    with listening(spool, make_config(max_size=2_000_000, vouches=["127.0.0.0/8"])) as running:
        yield running.port


def at_data(port: int, envelope: bytes = ENVELOPE) -> Dialogue:
    """A client that has heard 354."""
    client = Dialogue(port)
    replies = client.say_all(*envelope.removesuffix(b"\r\n").split(b"\r\n"))
    assert replies[-1].startswith(b"354")
    return client


def delivered(port: int, text: bytes) -> bytes:
    with at_data(port) as client:
        client.send(text)
        return client.reply()


def wait_until(held) -> None:
    deadline = time.monotonic() + 10
    while not held() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert held()


def test_a_mail_is_stored_as_it_came_with_its_envelope(spool, port):
    assert delivered(port, b"Subject: hello\r\n\r\n..dot\r\n.x\r\n.\r\n").startswith(QUEUED)
    [(envelope, raw)] = spool.mails
    assert raw == b"Subject: hello\r\n\r\n.dot\r\nx\r\n"
    assert (envelope.sender, envelope.recipients) == ("ann@mail.example", ("help@city.example",))
    assert (envelope.peer, envelope.vouched, envelope.source) == ("127.0.0.1", True, "smtp")


def test_R7_the_null_sender_is_an_empty_string(spool, port):
    with at_data(port, ENVELOPE.replace(b"ann@mail.example", b"")) as client:
        assert client.say(b"x\r\n.").startswith(QUEUED)
    assert spool.mails[0][0].sender == ""


def test_a_mail_to_two_mailboxes_is_stored_once(spool, port):
    both = ENVELOPE.replace(b"DATA", b"RCPT TO:<Second+a@City.example>\r\nRCPT TO:<help@city.example>\r\nDATA")
    with at_data(port, both) as client:
        client.say(b"x\r\n.")
    assert [envelope.recipients for envelope, _ in spool.mails] == [("help@city.example", "Second+a@City.example")]


def test_one_connection_brings_many_mails(spool, port):
    with Dialogue(port) as client:
        for number in range(3):
            assert client.say_all(*ENVELOPE.split(b"\r\n")[:-1], b"%d\r\n." % number)[-1].startswith(QUEUED)
    assert [raw for _, raw in spool.mails] == [b"0\r\n", b"1\r\n", b"2\r\n"]


def test_E23_a_refused_recipient_in_a_pipeline_does_not_shift_the_replies(spool, port):
    with Dialogue(port) as client:
        client.send(ENVELOPE.replace(b"DATA", b"RCPT TO:<no@city.example>\r\nDATA") + b"x\r\n.\r\nNOOP\r\nQUIT\r\n")
        replies = [client.reply()[:3] for _ in range(8)]
    assert replies == [b"250", b"250", b"250", b"550", b"354", b"250", b"250", b"221"]
    assert len(spool.mails) == 1


def test_E23_after_refused_recipients_pipelined_data_is_refused(spool, port):
    with Dialogue(port) as client:
        client.send(ENVELOPE.replace(b"help@", b"nobody@") + b"NOOP\r\n")
        assert [client.reply()[:3] for _ in range(5)] == [b"250", b"250", b"550", b"503", b"250"]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r.\r", b"\n\n.\r\n", b"\r\n.\r"])
def test_S2_only_crlf_dot_crlf_ends_a_mail(spool, port, end):
    smuggled = b"one" + end + b"MAIL FROM:<evil@mail.example>\r\nRCPT TO:<help@city.example>\r\nDATA\r\ntwo\r\n.\r\n"
    with at_data(port) as client:
        client.send(smuggled + b"NOOP\r\n")
        assert client.reply().startswith(QUEUED)
        assert client.reply() == b"250 2.0.0 ok"
    assert len(spool.mails) == 1
    assert spool.mails[0][1].startswith(b"one" + end.replace(b"\r\n.", b"\r\n"))


@pytest.mark.parametrize("text", [b".\r\n", b"\r\n.\r\n"])
def test_an_empty_mail_is_taken(port, text):
    assert delivered(port, text).startswith(QUEUED)


def test_R4_lines_may_have_any_length(spool, port):
    assert delivered(port, b"a" * 1_500_000 + b"\r\n.\r\n").startswith(QUEUED)
    assert len(spool.mails[0][1]) == 1_500_002


def test_a_mail_arriving_byte_by_byte_is_the_same_mail(spool, port):
    with at_data(port) as client:
        for byte in b"..a\r\n.\r\nNOOP\r\n":
            client.send(bytes([byte]))
        assert client.reply().startswith(QUEUED)
        assert client.reply().startswith(b"250")
    assert spool.mails[0][1] == b".a\r\n"


@pytest.mark.parametrize(
    ("size", "expected"), [(2_000_000, QUEUED), (2_000_001, b"552 5.3.4"), (3_000_000, b"552 5.3.4")]
)
def test_E10_the_size_of_a_mail_counts_while_it_is_read(spool, port, size, expected):
    with at_data(port) as client:
        client.send(b"a" * (size - 2) + b"\r\n.\r\n")
        assert client.reply().startswith(expected)
        assert client.say(b"NOOP").startswith(b"250")
    assert len(spool.mails) == (expected == QUEUED)


def test_S6_a_mail_without_end_is_cut_off_at_twice_the_limit(spool, port):
    sent = 0
    with at_data(port) as client:
        try:
            while sent < 50_000_000:
                client.send(b"a" * 100_000)
                sent += 100_000
        except ConnectionError:
            pass
    assert sent < 50_000_000
    assert spool.mails == []


def memory(what: str) -> int:
    """A figure of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) * 1024


def test_S4_millions_of_empty_lines_never_stand_in_memory(tmp_path):
    """The library's own reader took 88 times their size (R3)."""
    size, empty = 32 * 1024**2, b"\r\n" * 32768
    with listening(FileSpool(tmp_path), make_config()) as running, at_data(running.port) as client:
        before = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
        for _ in range(size // len(empty)):
            client.send(empty)
        client.send(b".\r\n")
        assert client.reply().startswith(QUEUED)
        rise = memory("VmHWM") - before
    assert rise < 16 * 1024**2
    assert (tmp_path / "large").stat().st_size == size


def test_R3_a_mail_that_cannot_be_written_is_put_off_after_its_final_dot(spool, port):
    spool.no_room = TryLater("the disk is full: /secret/path")
    with at_data(port) as client:
        client.send(b"MAIL FROM:<x@mail.example>\r\n" * 30_000 + b".\r\n")
        assert re.fullmatch(PUT_OFF, client.reply())
        assert client.say(b"NOOP").startswith(b"250")
        spool.no_room = None
        assert client.say_all(*ENVELOPE.split(b"\r\n")[1:-1], b"x\r\n.")[-1].startswith(QUEUED)
    assert [raw for _, raw in spool.mails] == [b"x\r\n"]


@pytest.mark.parametrize("size", [100, 1_000_000, 2_500_000])
def test_G1_of_a_mail_that_is_not_taken_nothing_stays(spool, size):
    with listening(spool, make_config(max_size=2_000_000)) as running:
        with at_data(running.port) as client:
            client.send(b"a" * size)
            if size > 2_000_000:
                client.send(b"\r\n.\r\n")
                assert client.reply().startswith(b"552")
        wait_until(lambda: not running.listener.sessions)
        wait_until(lambda: not any(large.content for large in spool.large))
    assert spool.mails == []


@pytest.mark.parametrize(("lines", "expected"), [(100, QUEUED), (101, b"554 5.4.6 routing loop")])
def test_E10_more_than_100_received_fields_are_a_loop(port, lines, expected):
    assert delivered(port, b"RECEIVED: by a\r\n" * lines + b"\r\nReceived: in the text\r\n.\r\n").startswith(expected)


@pytest.mark.parametrize(
    "failure", [TryLater("the disk is full: /secret/path"), OSError(28, "No space"), ValueError("x")]
)
def test_S8_every_failure_of_ours_is_put_off_without_a_reason(spool, port, failure):
    spool.failure = failure
    with at_data(port) as client:
        assert re.fullmatch(PUT_OFF, client.say(b"x\r\n."))
        spool.failure = None
        assert client.say_all(*ENVELOPE.split(b"\r\n")[1:-1], b"x\r\n.")[-1].startswith(QUEUED)


def test_S8_a_spool_that_raises_at_once_is_put_off_too(spool, port, monkeypatch):
    monkeypatch.setattr(spool, "put", None)
    assert re.fullmatch(PUT_OFF, delivered(port, b"x\r\n.\r\n"))


def test_R6_a_client_that_leaves_before_the_reply_does_not_stop_the_commit(spool, port):
    spool.hold = True
    with at_data(port) as client:
        client.send(b"x\r\n.\r\n")
        wait_until(lambda: spool._held)
    spool.commit()
    assert len(spool.mails) == 1


def test_R6_a_client_that_half_closes_still_hears_the_reply(port):
    with at_data(port) as client:
        client.send(b"x\r\n.\r\n")
        client.half_close()
        assert client.reply().startswith(QUEUED)


def test_G1_a_connection_lost_before_the_dot_leaves_nothing(spool):
    with listening(spool) as running:
        with at_data(running.port) as client:
            client.send(b"half a mail\r\n")
        wait_until(lambda: not running.listener.sessions)
    assert spool.mails == []


def test_shutdown_finishes_open_commits_and_puts_the_others_off(spool):
    spool.hold = True
    with listening(spool) as running, at_data(running.port) as waiting, Dialogue(running.port) as idle:
        waiting.send(b"x\r\n.\r\n")
        wait_until(lambda: spool._held)
        running.stop(grace_seconds=0)
        assert idle.reply() == b"421 4.3.2 try again later"
        spool.commit()
        assert waiting.reply().startswith(QUEUED)


def test_S5_a_client_that_drips_is_cut_at_the_deadline(spool):
    limits = Limits(data_grace_seconds=0.2, data_bytes_per_second=20_000)
    with listening(spool, make_config(limits)) as running, at_data(running.port) as client:
        client.send(b"a")
        assert client.reply() == b"421 4.4.2 timed out"
    assert spool.mails == []


def test_S5_the_time_for_a_mail_follows_its_size():
    limits = Limits()
    assert limits.seconds_left(0, 0) == 60
    assert limits.seconds_left(2_000_000, 100) == 60
    assert limits.seconds_left(10**9, 1790) == 10
    assert limits.seconds_left(10**9, 0) == 300


def test_E16_a_client_that_drips_lives_longer_than_a_silent_one(spool):
    with listening(spool, make_config(Limits(idle_seconds=0.4))) as running, at_data(running.port) as client:
        for _ in range(10):
            time.sleep(0.1)
            client.send(b"line\r\n")
        assert client.say(b".").startswith(QUEUED)


def test_E16_a_mail_takes_no_longer_than_its_total(spool):
    limits = Limits(data_seconds=0.3, idle_seconds=5)
    with listening(spool, make_config(limits)) as running, at_data(running.port) as client:
        began = time.monotonic()
        try:
            while time.monotonic() - began < 10:
                client.send(b"x" * 100_000)
                time.sleep(0.01)
        except ConnectionError:
            pass
        assert 0.2 < time.monotonic() - began < 5
    assert spool.mails == []


def test_S5_others_are_served_while_one_drips(spool, port):
    with at_data(port) as slow:
        for _ in range(5):
            slow.send(b"x")
            began = time.monotonic()
            assert delivered(port, b"x\r\n.\r\n").startswith(QUEUED)
            assert time.monotonic() - began < 1


def test_a_session_that_was_in_a_commit_at_shutdown_hears_its_250_and_then_421(spool):
    spool.hold = True
    with listening(spool) as running, at_data(running.port) as client:
        client.send(b"x\r\n.\r\n")
        wait_until(lambda: spool._held)
        running.stop(grace_seconds=0)
        spool.commit()
        assert client.reply().startswith(QUEUED)
        assert client.reply() == b"421 4.3.2 try again later"
        assert client.reply() == b""


def test_a_commit_that_takes_longer_than_a_client_may_be_silent_is_waited_for(spool):
    spool.hold = True
    with listening(spool, make_config(Limits(idle_seconds=0.05))) as running, at_data(running.port) as client:
        client.send(b"x\r\n.\r\n")
        wait_until(lambda: spool._held)
        time.sleep(0.3)
        spool.commit()
        assert client.reply().startswith(QUEUED)
