"""Single dialogues by swaks, a client of its own."""

import shutil
import subprocess

import pytest

from mailgate.ingest.listener import local_socket
from mailgate.ingest.lmtp import LmtpSession
from tests.certificates import make_certificate
from tests.fakes import MemorySpool
from tests.listening import listening, make_config

NO_MAILBOX = 24  # what swaks says when no recipient was accepted


def swaks(port: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    if shutil.which("swaks") is None:
        pytest.skip("swaks is not installed: make services")
    command = ["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", "ann@mail.example", "--helo", "me"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def spool():
    return MemorySpool()


def test_a_plain_dialogue(spool):
    with listening(spool) as running:
        heard = swaks(running.port, "--to", "help@city.example,second@city.example", "--header", "Subject: hello")
    assert heard.returncode == 0, heard.stdout
    assert "250 2.0.0 queued as" in heard.stdout
    assert spool.mails[0][0].recipients == ("help@city.example", "second@city.example")
    assert b"Subject: hello\r\n" in spool.mails[0][1]


def test_an_unknown_mailbox(spool):
    with listening(spool) as running:
        heard = swaks(running.port, "--to", "nobody@city.example")
    assert (heard.returncode, spool.mails) == (NO_MAILBOX, [])
    assert "550 5.1.1 no such mailbox" in heard.stdout


def test_a_pipelined_dialogue(spool):
    with listening(spool) as running:
        assert swaks(running.port, "--to", "help@city.example", "--pipeline").returncode == 0
    assert len(spool.mails) == 1


def test_an_encrypted_dialogue(spool, tmp_path):
    ours = make_certificate(tmp_path, "mx.city.example")
    config = make_config(tls={"certificate": str(ours.file), "key": str(ours.key), "required": True})
    with listening(spool, config) as running:
        assert "530 5.7.0" in swaks(running.port, "--to", "help@city.example").stdout
        heard = swaks(running.port, "--to", "help@city.example", "--tls")
    assert heard.returncode == 0, heard.stdout
    assert "TLS started" in heard.stdout
    assert len(spool.mails) == 1


def test_E19_lmtp_over_the_network_and_over_a_unix_socket(spool, tmp_path):
    path = tmp_path / "lmtp"
    with local_socket(path) as local, listening(spool, session=LmtpSession, local=local) as running:
        to = ("--protocol", "LMTP", "--to", "help@city.example,second@city.example")
        over_the_network = swaks(running.port, *to)
        assert over_the_network.stdout.count("250 2.0.0 queued as") == 2, over_the_network.stdout
        command = ["swaks", "--socket", str(path), "--from", "ann@mail.example", *to]
        over_the_socket = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert over_the_socket.stdout.count("250 2.0.0 queued as") == 2, over_the_socket.stdout
    assert len(spool.mails) == 2
