"""How much of us one client may use, and what is counted, against the real listener."""

import socket
import struct
import time

import pytest

from mailgate.errors import TryLater
from mailgate.ingest.command import read_path
from mailgate.ingest.policy import PerMinute, refused_sender, row_of, space_floor
from mailgate.model.operator import Limits
from tests.certificates import make_certificate, trusting
from tests.fakes import MemorySpool
from tests.listening import ENVELOPE, Dialogue, listening, make_config

MAIL = b"MAIL FROM:<ann@mail.example>"
TRANSACTION = (*ENVELOPE.split(b"\r\n")[1:-1], b"x\r\n.")
MIB = 1024**2


class Counting:
    """A tally in lists."""

    def __init__(self) -> None:
        self.mails: list[int] = []
        self.rows: list[str] = []
        self.open = 0
        self.most = 0

    def accepted(self, size: int, seconds: float) -> None:
        assert 0 <= seconds < 20
        self.mails.append(size)

    def refused(self, row: str) -> None:
        self.rows.append(row)

    def sessions(self, change: int) -> None:
        self.open += change
        self.most = max(self.most, self.open)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Of the listener, of the authority of its clients, of a client."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = make_certificate(folder, "authority")
    return make_certificate(folder, "mx.city.example"), authority, make_certificate(folder, "out.example", authority)


def config_for_strangers(certificates, limits: Limits):
    """No relays: whoever comes is let in by a certificate, and the limits hold for it."""
    ours, authority, _ = certificates
    tls = {"certificate": str(ours.file), "key": str(ours.key), "clients": "out.example"}
    return make_config(limits, relays=[], tls=tls | {"authorities": str(authority.file)})


def stranger(port: int, certificates) -> Dialogue:
    """A client that is no relay and has shown its certificate."""
    ours, _, client_certificate = certificates
    client = Dialogue(port)
    client.say_all(b"EHLO me", b"STARTTLS")
    client.encrypt(trusting(ours, client_certificate))
    client.say(b"EHLO me")
    return client


def test_E10_a_stranger_that_sends_too_fast_is_put_off_and_then_cut_off(certificates):
    config = config_for_strangers(certificates, Limits(messages_per_minute=1))
    with listening(MemorySpool(), config) as running, stranger(running.port, certificates) as client:
        assert client.say_all(*TRANSACTION)[-1].startswith(b"250 2.0.0 queued")
        assert client.say_all(MAIL, MAIL, MAIL) == [b"450 4.7.1 rate limit"] * 3
        assert client.say(MAIL) == b"421 4.7.0 too many errors"
        assert client.reply() == b""
        with stranger(running.port, certificates) as again:
            assert again.say(MAIL) == b"450 4.7.1 rate limit"


def test_E10_too_many_commands_count_at_the_next_mail(certificates):
    config = config_for_strangers(certificates, Limits(commands_per_minute=20))
    with listening(MemorySpool(), config) as running, stranger(running.port, certificates) as client:
        assert client.say(MAIL).startswith(b"250")
        assert client.say_all(*[b"RSET"] * 20)[-1].startswith(b"250")
        assert client.say(MAIL) == b"450 4.7.1 rate limit"


def test_E26_a_stranger_sends_so_many_messages_in_a_connection(certificates):
    config = config_for_strangers(certificates, Limits(messages_per_connection=2))
    with listening(MemorySpool(), config) as running, stranger(running.port, certificates) as client:
        assert [reply[:3] for reply in client.say_all(*TRANSACTION, *TRANSACTION)] == [
            b"250",
            b"250",
            b"354",
            b"250",
        ] * 2
        assert client.say(MAIL) == b"421 4.7.0 too many messages on one connection"
        assert client.reply() == b""


def test_the_session_of_a_stranger_ends(certificates):
    config = config_for_strangers(certificates, Limits(session_seconds=0.3))
    with listening(MemorySpool(), config) as running, stranger(running.port, certificates) as client:
        replies, deadline = [b"250"], time.monotonic() + 10
        while replies[-1].startswith(b"250") and time.monotonic() < deadline:
            replies.append(client.say(b"NOOP"))
            time.sleep(0.01)
        assert replies[-1] == b"421 4.4.2 timed out"


def test_no_limit_of_these_holds_for_a_relay():
    limits = Limits(
        **dict.fromkeys(("connections", "connections_per_peer", "messages_per_minute", "commands_per_minute"), 1),
        messages_per_connection=1,
        session_seconds=0.01,
    )
    with (
        listening(MemorySpool(), make_config(limits)) as running,
        Dialogue(running.port),
        Dialogue(running.port) as two,
    ):
        two.say(b"EHLO me")
        for _ in range(5):
            assert two.say_all(*TRANSACTION)[-1].startswith(b"250 2.0.0")
            time.sleep(0.01)


def test_E10_of_25_strangers_at_a_time_20_are_heard():
    with listening(MemorySpool(), make_config(relays=[])) as running:
        clients = [Dialogue(running.port) for _ in range(25)]
        assert [client.banner[:9] for client in clients] == [b"554 5.7.1"] * 20 + [b"421 4.3.2"] * 5
        for client in clients:
            client.__exit__()


def test_E28_who_leaves_at_once_is_not_taken_for_a_relay():
    """A peer that has reset its connection has no address any more."""
    spool, tally = MemorySpool(), Counting()
    with listening(spool, make_config(relays=[]), tally=tally) as running:
        running.block(0.3)
        for _ in range(10):  # all of it before the listener looks
            with socket.create_connection(("127.0.0.1", running.port)) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.sendall(ENVELOPE + b"x\r\n.\r\n")
        with Dialogue(running.port) as last:
            assert last.banner == b"554 5.7.1 not accepted here"
    assert (tally.rows, spool.mails) == (["peer"] * 11, [])


def test_what_happens_in_a_minute_counts_by_peer():
    counted = PerMinute()
    assert [counted.add("a", second) for second in (0, 10, 59)] == [1, 2, 3]
    assert counted.add("b", 59) == 1
    assert counted.add("a", 60) == 1
    assert counted.add("a", 61, 0) == 1


@pytest.mark.parametrize(
    ("free", "declared", "expected"),
    [
        (512 * MIB, b"", b"250 2.1.0 ok"),
        (512 * MIB - 1, b"", b"452 4.3.1 insufficient system storage"),
        (522 * MIB, b" SIZE=%d" % (10 * MIB), b"250 2.1.0 ok"),
        (522 * MIB - 1, b" SIZE=%d" % (10 * MIB), b"452 4.3.1 insufficient system storage"),
        (0, b" SIZE=%d" % (50 * MIB), b"552 5.3.4 message too big"),
    ],
)
def test_E10_no_mail_is_taken_where_it_would_not_fit(free, declared, expected):
    with listening(MemorySpool(), free_bytes=lambda: free) as running, Dialogue(running.port) as client:
        assert client.say_all(b"EHLO me", MAIL + declared)[1] == expected


def test_intake_comes_back_with_the_space():
    free = [0]
    with listening(MemorySpool(), free_bytes=lambda: free[0]) as running, Dialogue(running.port) as client:
        assert client.say_all(b"EHLO me", MAIL)[1].startswith(b"452 4.3.1")
        free[0] = 2**40
        assert client.say_all(*TRANSACTION)[-1].startswith(b"250 2.0.0")


def test_the_floor_is_one_and_a_half_of_the_largest_mail_and_512_mib_at_least():
    assert space_floor(make_config()) == 512 * MIB
    assert space_floor(make_config(max_size=400 * MIB)) == 600 * MIB


def test_E10_the_first_line_of_the_table_that_applies_wins():
    config = make_config(max_size=1000)
    path = read_path("FROM:<änn@mail.example> SIZE=2000 RET=FULL", "FROM:")
    assert refused_sender(config, path, 0)[:9] == b"552 5.3.4"
    assert refused_sender(config, None, 0)[:9] == b"452 4.3.1"
    assert refused_sender(config, None, 2**40)[:9] == b"501 5.1.7"


def test_E240_sessions_accepts_and_refusals_are_counted_by_row():
    spool, tally = MemorySpool(), Counting()
    with listening(spool, make_config(max_size=1000), tally=tally) as running:
        with Dialogue(running.port) as client:
            client.say_all(b"FROB", b"EHLO me", MAIL, b"RCPT TO:<no@city.example>", b"RCPT TO:<a@b.example>", b"RSET")
            client.say_all(*TRANSACTION)
            spool.failure = TryLater("not now")
            client.say_all(*TRANSACTION)
            client.say_all(MAIL + b" SIZE=2000")
            client.say_all(*TRANSACTION[:-1], b"x" * 2000 + b"\r\n.", b"QUIT")
            client.reply()
        deadline = time.monotonic() + 10
        while tally.open and time.monotonic() < deadline:
            time.sleep(0.005)
    assert (tally.mails, tally.open, tally.most) == ([3], 0, 1)
    assert tally.rows == ["command", "mailbox", "relay", "failure", "size", "size"]


def test_every_reply_of_the_table_has_its_row():
    assert row_of(b"452 4.5.3 too many recipients") == "recipients"
    assert row_of(b"451 4.3.0 try again later [0123abcd]") == "failure"
    assert row_of(b"500 5.5.2 command not recognised") == "command"
