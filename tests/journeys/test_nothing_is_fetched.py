"""Whatever a mail names, nothing is asked for it: the whole gateway, which may reach nobody (S62, S80)."""

import json
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.gateway import MAILBOX, ROOT, Gateway, gateway, wait_until

# Read by every Python that is started with its folder on the path. What is written in C may connect unseen: for that
# there is the server.
WATCHED = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen"):
        with open(os.environ["ASKED"], "a") as asked:
            print(event, arguments, file=asked)
        raise OSError("nobody can be reached")

sys.addaudithook(watch)
"""

NAMED = """\
<!DOCTYPE html [<!ENTITY x SYSTEM "{url}/entity"> <!ENTITY % y SYSTEM "{url}/parameter"> %y;]>
<html xmlns:xi="http://www.w3.org/2001/XInclude"><head><base href="{url}/">
<link rel="stylesheet" href="{url}/style.css"><link rel="prefetch" href="{url}/prefetch">
<meta http-equiv="refresh" content="0;url={url}/refresh">
<style>@import url({url}/import.css); body {{ background: url("{url}/css.png") }}</style>
<script src="{url}/script.js"></script></head>
<body background="{url}/body.png"><img src="{url}/pixel.gif" srcset="{url}/2x.gif 2x">
<p style="background-image:url({url}/inline.png)">&x; A warning letter, please: {url}/unfurled</p>
<svg><image href="{url}/svg.png"/><filter><feImage xlink:href="{url}/feimage"/></filter></svg>
<iframe src="{url}/frame"></iframe><object data="{url}/object"></object><embed src="{url}/embed">
<video poster="{url}/poster"><source src="{url}/video"></video><xi:include href="{url}/include"/>
<a href="{url}/link" ping="{url}/ping">here</a></body></html>
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/attached"/></svg>'
MAIL = """\
From: Ann <ann@justice.example>
To: <{mailbox}>
Subject: warning letter
Message-ID: <1@justice.example>
Disposition-Notification-To: ann@justice.example
Content-Location: {url}/location
Face: {url}/face
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

{html}
--b
Content-Type: image/svg+xml
Content-Disposition: attachment; filename="a.svg"

{svg}
--b
Content-Type: message/external-body; access-type=URL; URL="{url}/external"

Content-Type: text/plain

--b
Content-Type: message/external-body; access-type=anon-ftp; site="127.0.0.1"; name="x"

Content-Type: text/plain

--b--
"""


class Named:
    """A server that the mails name; *heard* is what it was asked."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:{1}".format(*self._socket.getsockname())
        self.heard: list[bytes] = []

    def listen(self) -> None:
        try:
            while True:
                with self._socket.accept()[0] as connection:
                    connection.settimeout(1)
                    self.heard.append(connection.recv(1000))
        except OSError:  # it is closed
            return

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def named() -> Iterator[Named]:
    server = Named()
    listening = Thread(target=server.listen)
    listening.start()
    try:
        yield server
    finally:
        server.close()
        listening.join(10)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that can reach nobody, neither by address nor by name."""
    (tmp_path / "sitecustomize.py").write_text(WATCHED)
    with gateway(tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}", ASKED=str(tmp_path / "asked")) as running:
        yield running


def asked(running: Gateway) -> str:
    file = running.folder / "asked"
    return file.read_text() if file.exists() else ""


def sent(running: Gateway, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", running.port, timeout=20) as client:
        client.sendmail("ann@justice.example", MAILBOX, raw)


def test_S62_nothing_that_a_mail_names_is_ever_asked_for(alone: Gateway) -> None:
    with named() as server:
        parts = {"html": NAMED.format(url=server.url), "svg": SVG.format(url=server.url)}
        raw = MAIL.format(mailbox=MAILBOX, url=server.url, **parts).encode()
        file = alone.folder / "1.eml"
        file.write_bytes(raw)
        sent(alone, raw)
        wait_until(alone.is_idle)
        assert len(alone.rows("SELECT ref FROM tickets")) == 1
        assert alone.acknowledgements()
        for words in ("parse", "parse --html", "explain"):
            assert alone.command(*words.split(), str(file)).returncode == 0
        assert asked(alone) == ""
        with socket.create_connection(server._socket.getsockname()) as ours:
            ours.sendall(b"ours")
        wait_until(lambda: server.heard)
        assert server.heard == [b"ours"]


def test_S62_whoever_asked_would_be_seen(alone: Gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        via = "smtp://127.0.0.1:{1}".format(*nobody.getsockname())
        alone.environment["MAILGATE_SEND__VIA"] = via
        assert alone.command("doctor").returncode == 1
    assert "socket.getaddrinfo" in asked(alone)


def test_S80_mail_is_taken_and_its_sender_known_while_nobody_outside_can_be_asked(alone: Gateway) -> None:
    people = alone.folder / "people.yml"
    people.write_text("- {address: dev@justice.example, name: Dev Patel, role: agent, team: enforcement-hub}\n")
    imported = alone.command("people", "import", str(people))
    assert imported.returncode == 0, imported.stderr
    raw = MAIL.format(mailbox=MAILBOX, url="http://127.0.0.1:9", html="<p>A warning letter</p>", svg="").encode()
    sent(alone, raw.replace(b"ann@", b"dev@"))
    wait_until(alone.is_idle)
    shown = json.loads(alone.command("ticket", "list", "--json").stdout)
    assert [ticket["requester"] for ticket in shown] == ["dev@justice.example"]
    assert "Dev Patel" in alone.command("people", "list").stdout.decode()
    assert asked(alone) == ""
