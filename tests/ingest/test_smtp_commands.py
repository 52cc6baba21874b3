"""The reply table E10, over raw sockets against the real listener."""

import pytest

from mailgate.model.operator import Limits
from tests.fakes import MemorySpool
from tests.listening import Dialogue, listening, make_config

HELLO = b"EHLO me"
MAIL = b"MAIL FROM:<ann@mail.example>"
RCPT = b"RCPT TO:<help@city.example>"


@pytest.fixture(scope="module")
def port():
    with listening(MemorySpool(), make_config(max_size=1000)) as running:
        yield running.port


def last_reply(port: int, *lines: bytes) -> bytes:
    with Dialogue(port) as client:
        return [client.banner, *client.say_all(*lines)][-1]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((b"HELO me",), b"250 "),
        ((b"EHLO",), b"501 5.5.4"),
        ((MAIL,), b"503 5.5.1"),
        ((HELLO, MAIL), b"250 2.1.0"),
        ((HELLO, b"mail from:<>"), b"250 2.1.0"),
        ((HELLO, b"MAIL FROM: <ann@mail.example> BODY=8BITMIME SIZE=1000"), b"250 2.1.0"),
        ((HELLO, MAIL, MAIL), b"503 5.5.1"),
        ((HELLO, MAIL + b" SIZE=1001"), b"552 5.3.4"),
        ((HELLO, MAIL + b" SIZE=many"), b"555 5.5.4"),
        ((HELLO, MAIL + b" RET=HDRS"), b"555 5.5.4"),
        ((HELLO, b"MAIL ann@mail.example"), b"501 5.1.7"),
        ((HELLO, b"MAIL FROM:<ann>"), b"501 5.1.7"),
        ((HELLO, "MAIL FROM:<änn@mail.example>".encode()), b"553 5.6.7"),
        ((HELLO, "MAIL FROM:<änn@mail.example> SMTPUTF8".encode()), b"250 2.1.0"),
        ((HELLO, RCPT), b"503 5.5.1"),
        ((HELLO, MAIL, RCPT), b"250 2.1.5"),
        ((HELLO, MAIL, b"RCPT TO:<HELP@City.Example>"), b"250 2.1.5"),
        ((HELLO, MAIL, b"RCPT TO:<help+7k3f99-4-at2jh5xleiw7uiral@city.example>"), b"250 2.1.5"),
        ((HELLO, MAIL, b"RCPT TO:<answers+anything@city.example>"), b"250 2.1.5"),
        ((HELLO, MAIL, b"RCPT TO:<nobody@city.example>"), b"550 5.1.1 no such mailbox"),
        ((HELLO, MAIL, b"RCPT TO:<closed@city.example>"), b"550 5.2.1"),
        ((HELLO, MAIL, b"RCPT TO:<help@elsewhere.example>"), b"550 5.7.1 relaying denied"),
        ((HELLO, MAIL, b"RCPT TO:<>"), b"501 5.1.3"),
        ((HELLO, MAIL, RCPT + b" NOTIFY=NEVER"), b"555 5.5.4"),
        ((HELLO, MAIL, b"RCPT TO:<" + b"a" * 1000 + b"@city.example>"), b"500 5.5.2"),
        ((HELLO, MAIL, b"RCPT TO:<" + b"a" * 300 + b"@city.example>"), b"550 5.1.1"),
        ((HELLO, MAIL, b"DATA"), b"503 5.5.1"),
        ((HELLO, MAIL, RCPT, b"DATA now"), b"501 5.5.4"),
        ((HELLO, MAIL, RCPT, b"DATA"), b"354"),
        ((HELLO, MAIL, RCPT, b"RSET", b"DATA"), b"503 5.5.1"),
        ((b"NOOP",), b"250 2.0.0"),
        ((b"VRFY help",), b"252 2.5.0"),
        ((b"EXPN all",), b"502 5.5.1"),
        ((b"TURN",), b"502 5.5.1"),
        ((b"FROB",), b"500 5.5.2"),
        ((b"",), b"500 5.5.2"),
        ((b"\xff\xfe",), b"500 5.5.2"),
        ((b"NOOP " + b"x" * 600,), b"500 5.5.2"),
        ((b"NOOP " + b"x" * 200_000,), b"500 5.5.2"),
        ((b"NOOP " + b"x" * 2_000_000, b"NOOP"), b"250 2.0.0"),
        ((b"QUIT",), b"221 2.0.0"),
    ],
)
def test_E10_reply(port, lines, expected):
    assert last_reply(port, *lines).startswith(expected)


def test_E18_every_extension_offered_is_one_we_keep(port):
    offered = last_reply(port, HELLO).split(b"\n")[1:]
    assert [line[4:] for line in offered] == [
        b"PIPELINING",
        b"SIZE 1000",
        b"8BITMIME",
        b"SMTPUTF8",
        b"ENHANCEDSTATUSCODES",
    ]


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        (b"<help@evil.example>", b"550 5.7.1"),
        (b"<help%evil.example@city.example>", b"550 5.1.1"),
        (b"<help@evil.example@city.example>", b"501 5.1.3"),
        (b"<@city.example:help@evil.example>", b"550 5.7.1"),
        (b"<@evil.example:help@city.example>", b"550 5.7.1"),
        (b'<"help@evil.example"@city.example>', b"550 5.1.1"),
        (b"<evil.example!help@city.example>", b"550 5.1.1"),
        (b"<help@[127.0.0.1]>", b"550 5.7.1"),
        (b"<help>", b"501 5.1.3"),
        (b"<help@city.example><ann@evil.example>", b"501 5.1.3"),
    ],
)
def test_S1_nothing_is_relayed(port, recipient, expected):
    assert last_reply(port, HELLO, MAIL, b"RCPT TO:" + recipient).startswith(expected)


@pytest.mark.parametrize("control", [b"\r", b"\x00", b"\x1b", b"\x7f", b"\t", "\u2028".encode(), b"\xff"])
def test_S10_control_characters_in_addresses_are_refused(port, control):
    with Dialogue(port) as client:
        client.say(HELLO)
        assert client.say(b"MAIL FROM:<a" + control + b"b@mail.example> SMTPUTF8").startswith(b"501 5.1.7")
        client.say(MAIL + b" SMTPUTF8")
        assert client.say(b"RCPT TO:<help+" + control + b"@city.example>").startswith(b"501 5.1.3")


def test_E10_the_101st_recipient_is_put_off(port):
    with Dialogue(port) as client:
        client.say_all(HELLO, MAIL)
        replies = client.say_all(*[b"RCPT TO:<help+%d@city.example>" % number for number in range(101)])
    assert {reply[:9] for reply in replies[:100]} == {b"250 2.1.5"}
    assert replies[100] == b"452 4.5.3 too many recipients"


def test_S7_the_21st_unknown_recipient_ends_the_connection(port):
    with Dialogue(port) as client:
        client.say_all(HELLO, MAIL)
        replies = client.say_all(*[b"RCPT TO:<name%d@city.example>" % number for number in range(21)])
        assert set(replies[:20]) == {b"550 5.1.1 no such mailbox"}
        assert replies[20].startswith(b"421 4.7.0")
        assert client.reply() == b""


def test_S7_one_unknown_name_is_like_another_and_vrfy_tells_nothing(port):
    with Dialogue(port) as client:
        client.say_all(HELLO, MAIL)
        names = [b"helq", b"a", b"root", b"x" * 200, b"help.", b"answer"]
        assert {client.say(b"RCPT TO:<%s@city.example>" % name) for name in names} == {b"550 5.1.1 no such mailbox"}
        assert client.say(b"VRFY help@city.example") == client.say(b"VRFY nobody@city.example")
        assert client.say(b"EXPN help") == client.say(b"EXPN nobody")


def test_E10_the_tenth_bad_command_ends_the_connection(port):
    with Dialogue(port) as client:
        replies = client.say_all(*[b"FROB"] * 10)
        assert replies[9].startswith(b"421 4.7.0")
        assert client.reply() == b""


def test_E28_a_peer_that_is_no_relay_hears_554_and_may_only_quit():
    with listening(MemorySpool(), make_config(relays=["10.0.0.0/8"])) as running, Dialogue(running.port) as client:
        assert client.banner == b"554 5.7.1 not accepted here"
        assert client.say(b"EHLO me") == b"554 5.7.1 not accepted here"
        assert client.say(b"QUIT").startswith(b"221")


def test_E26_strangers_who_open_too_many_connections_are_put_off():
    with listening(MemorySpool(), make_config(Limits(connections_per_peer=2), relays=[])) as running:
        with Dialogue(running.port) as one, Dialogue(running.port) as two, Dialogue(running.port) as three:
            banners = [one.banner, two.banner, three.banner]
            two.say(b"QUIT")
        assert [banner[:3] for banner in banners] == [b"554", b"554", b"421"]


def test_S5_five_hundred_idle_relays_keep_nobody_out():
    with listening(MemorySpool()) as running:
        idle = [Dialogue(running.port) for _ in range(500)]
        assert last_reply(running.port, HELLO).startswith(b"250")
        for client in idle:
            client.__exit__()


def test_S5_a_silent_client_is_told_and_cut_off():
    with listening(MemorySpool(), make_config(Limits(idle_seconds=0.05))) as running, Dialogue(running.port) as client:
        assert client.reply() == b"421 4.4.2 timed out"
        assert client.reply() == b""


def test_S11_proxy_and_xclient_lines_are_refused(port):
    assert last_reply(port, b"PROXY TCP4 10.0.0.1 10.0.0.2 25 25").startswith(b"500")
    assert last_reply(port, HELLO, b"XCLIENT ADDR=10.0.0.1").startswith(b"500")
