"""Two whole gateways on one PostgreSQL, both with the role imap for one mailbox on a real Dovecot."""

import json
from urllib.request import urlopen

import psycopg
import pytest

from tests import servers
from tests.dovecot import dovecot
from tests.gateway import MAILBOX, ROOT, Gateway, wait_until

MAIL = (
    "From: ann@justice.example\r\nTo: {to}\r\nSubject: warning letter {n}\r\n"
    "Message-ID: <{n}@justice.example>\r\n\r\nPlease.\r\n"
)


def delivered(server, numbers):
    server.deliver(*(MAIL.format(to=MAILBOX, n=number).encode() for number in numbers))


def state(node):
    with urlopen(f"http://127.0.0.1:{node.web_port}/health", timeout=20) as answer:
        return json.load(answer)["imap"]["accounts"][MAILBOX]["state"]


def known(node):
    """How many nodes it knows of."""
    with urlopen(f"http://127.0.0.1:{node.web_port}/info", timeout=20) as answer:
        return len(json.load(answer)["nodes"])


def hinted(node):
    """Whether a node has told the others that there is mail."""
    url = node.environment["MAILGATE_STORE__URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT FROM pg_stat_activity WHERE query = 'NOTIFY mailgate_work'").rowcount == 1


@pytest.fixture
def nodes(tmp_path):
    with dovecot() as server, servers.postgresql() as url:
        account = server.account()
        (tmp_path / "imap").mkdir()
        (tmp_path / "imap" / "mailgate.yml").write_text(
            f"imap: [{{mailbox: {MAILBOX}, ssl: no, host: {account.host}, port: {account.port}, user: {account.user}, "
            f"secret_file: {account.secret_file}, poll_seconds: 1}}]\n"
        )
        shared = {
            "MAILGATE_STORE__URL": url.replace("postgresql:", "postgresql+psycopg:"),
            "MAILGATE_STORE__RAW": str(tmp_path / "raw"),
            "MAILGATE_KEYS": str(tmp_path / "keys"),
        }
        made = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            made.append(Gateway(tmp_path / name, **shared))
        try:
            for node in made:
                node.start("--config", str(ROOT / "config"), "--config", str(tmp_path / "imap"))
            yield server, made
        finally:
            for node in made:
                if node.process.poll() is None:
                    node.kill()


def test_one_of_two_nodes_reads_a_mailbox_and_the_other_takes_over(nodes):
    server, (first, second) = nodes
    delivered(server, range(30))
    wait_until(lambda: server.counts("INBOX", "Processed") == {"Processed": 30})
    wait_until(lambda: {state(first), state(second)} == {"reading", "elsewhere"})
    wait_until(lambda: (known(first), known(second)) == (2, 2))
    wait_until(lambda: hinted(first))
    reading, standing_by = (first, second) if state(first) == "reading" else (second, first)
    assert reading.stop() == 0
    assert known(standing_by) == 1
    delivered(server, range(30, 40))
    wait_until(lambda: server.counts("INBOX", "Processed") == {"Processed": 40})
    assert state(standing_by) == "reading"
