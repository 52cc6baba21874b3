"""Every row of the reply table E10 by its name, over raw sockets; what else a reply may be is in the other files."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from mailgate import journal
from mailgate.errors import TryLater
from mailgate.ingest.policy import ROWS, row_of
from mailgate.model.operator import Limits
from tests.certificates import make_certificate
from tests.fakes import MemorySpool
from tests.listening import Dialogue, listening, make_config

HELLO = b"EHLO me"
MAIL = b"MAIL FROM:<ann@mail.example>"
HELP = b"RCPT TO:<help@city.example>"
TEXT = b"x\r\n."
WAIT = None  # say nothing, hear something


@dataclass(frozen=True)
class Row:
    """What is said, under which circumstances, and the last thing that is heard; *closes*: nothing comes after it."""

    lines: tuple[bytes | None, ...]
    expected: bytes
    smtp: dict[str, Any] = field(default_factory=dict)
    free_bytes: int = 2**40
    failure: Exception | None = None
    others: int = 0
    closes: bool = False


TABLE = {
    "too many connections": Row(
        (), b"421 4.3.2 try again later", {"relays": [], "limits": Limits(connections=2)}, others=2, closes=True
    ),
    "peer not in relay allow-list": Row((), b"554 5.7.1 not accepted here", {"relays": []}),
    "then only QUIT": Row((b"NOOP",), b"554 5.7.1 not accepted here", {"relays": []}),
    "TLS required": Row((HELLO, MAIL), b"530 5.7.0 Must issue a STARTTLS command first", {"tls": "required"}),
    "declared SIZE over limit": Row((HELLO, MAIL + b" SIZE=1001"), b"552 5.3.4 message too big"),
    "spool below free-space floor": Row(
        (HELLO, MAIL), b"452 4.3.1 insufficient system storage", free_bytes=512 * 1024**2 - 1
    ),
    "SIZE would not fit": Row(
        (HELLO, MAIL + b" SIZE=2"), b"452 4.3.1 insufficient system storage", free_bytes=512 * 1024**2 + 1
    ),
    "bad sender syntax": Row((HELLO, b"MAIL FROM:<ann@@mail.example>"), b"501 5.1.7 bad sender address"),
    "bad recipient syntax": Row((HELLO, MAIL, b"RCPT TO:<help@>"), b"501 5.1.3 bad recipient address"),
    "non-ASCII sender without SMTPUTF8": Row(
        (HELLO, "MAIL FROM:<änn@mail.example>".encode()), b"553 5.6.7 such an address needs SMTPUTF8"
    ),
    "non-ASCII recipient without SMTPUTF8": Row(
        (HELLO, MAIL, "RCPT TO:<hälp@city.example>".encode()), b"553 5.6.7 such an address needs SMTPUTF8"
    ),
    "recipient domain not ours": Row((HELLO, MAIL, b"RCPT TO:<a@b.example>"), b"550 5.7.1 relaying denied"),
    "mailbox unknown": Row((HELLO, MAIL, b"RCPT TO:<no@city.example>"), b"550 5.1.1 no such mailbox"),
    "mailbox disabled": Row((HELLO, MAIL, b"RCPT TO:<closed@city.example>"), b"550 5.2.1 mailbox disabled"),
    "more than 100 recipients": Row((HELLO, MAIL, *[HELP] * 101), b"452 4.5.3 too many recipients"),
    "no accepted recipient": Row((HELLO, MAIL, b"DATA"), b"503 5.5.1 no valid recipient"),
    "actual size over limit": Row((HELLO, MAIL, HELP, b"DATA", b"x" * 999 + TEXT), b"552 5.3.4 message too big"),
    "more than 100 Received fields": Row(
        (HELLO, MAIL, HELP, b"DATA", b"Received:\r\n" * 101 + b"\r\n."),
        b"554 5.4.6 routing loop",
        {"max_size": 2000},
    ),
    "failure of the spool": Row(
        (HELLO, MAIL, HELP, b"DATA", TEXT), b"451 4.3.0 try again later", failure=TryLater("not now")
    ),
    "any exception": Row((HELLO, MAIL, HELP, b"DATA", TEXT), b"451 4.3.0 try again later", failure=KeyError("a bug")),
    "stored durably": Row((HELLO, MAIL, HELP, b"DATA", TEXT), b"250 2.0.0 queued as "),
    "idle timeout": Row((WAIT,), b"421 4.4.2 timed out", {"limits": Limits(idle_seconds=0.05)}, closes=True),
    "data timeout": Row(
        (HELLO, MAIL, HELP, b"DATA", WAIT),
        b"421 4.4.2 timed out",
        {"limits": Limits(data_grace_seconds=0.05)},
        closes=True,
    ),
    "10 bad commands": Row((b"FROB",) * 10, b"421 4.7.0 too many errors", closes=True),
    "20 unknown recipients": Row(
        (HELLO, MAIL, *[b"RCPT TO:<no@city.example>"] * 21), b"421 4.7.0 too many errors", closes=True
    ),
    "VRFY": Row((b"VRFY help",), b"252 2.5.0 send it and see"),
    "EXPN": Row((b"EXPN all",), b"502 5.5.1 not implemented"),
    "TURN": Row((b"TURN",), b"502 5.5.1 not implemented"),
}


@pytest.mark.parametrize("name", TABLE)
def test_E10_row(name, tmp_path):
    row, spool = TABLE[name], MemorySpool()
    spool.failure = row.failure
    smtp = {"max_size": 1000} | row.smtp
    if smtp.get("tls"):
        ours = make_certificate(tmp_path, "mx.city.example")
        smtp["tls"] = {"certificate": str(ours.file), "key": str(ours.key), "required": True}
    with listening(spool, make_config(**smtp), free_bytes=lambda: row.free_bytes) as running:
        others = [Dialogue(running.port) for _ in range(row.others)]
        with Dialogue(running.port) as client:
            heard = [client.banner, *(client.reply() if line is WAIT else client.say(line) for line in row.lines)]
            assert heard[-1].startswith(row.expected)
            assert not row.closes or client.reply() == b""
        for other in others:
            other.__exit__()
    assert len(spool.mails) == (name == "stored durably")


def test_E10_has_no_row_that_is_not_tried():
    tried = {row_of(row.expected) for row in TABLE.values()}
    assert set(ROWS.values()) - tried == {"rate"}  # needs a stranger with a certificate: test_smtp_limits.py


def test_R8_no_log_names_an_address_or_quotes_a_mail(caplog, capsys, monkeypatch):
    journal.configure()
    monkeypatch.setattr(journal, "_log", structlog.get_logger())  # the other one may be somebody's who only warns
    with caplog.at_level("DEBUG"), listening(MemorySpool()) as running, Dialogue(running.port) as client:
        client.say_all(HELLO, MAIL, b"RCPT TO:<nobody@city.example>", HELP, b"DATA")
        client.say(b"Subject: secret\r\n\r\nhidden\r\n.")
        client.say_all(b"MAIL FROM:<x\r@mail.example>", b"QUIT")
    told = caplog.text + "".join(capsys.readouterr())
    assert "mail accepted" in told
    assert not [word for word in ("mail.example", "city.example", "nobody", "secret", "hidden") if word in told]
