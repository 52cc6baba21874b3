"""A whole gateway whose PostgreSQL stands behind PgBouncer in transaction mode."""

import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from prove.check import Reader
from prove.sending import Flaky
from tests import servers
from tests.gateway import MAILBOX, Gateway, gateway, wait_until
from tests.pgbouncer import pgbouncer

MAIL = "From: p{n}@justice.example\r\nTo: {to}\r\nSubject: warning letter {n}\r\nMessage-ID: <{n}@x>\r\n\r\nPlease.\r\n"
MAILS, SENDERS = 60, 6
SETTINGS = ("statement_timeout = '120s'", "lock_timeout = '20s'", "idle_in_transaction_session_timeout = '30s'")


@pytest.fixture(scope="module")
def database() -> Iterator[tuple[str, Reader]]:
    """The URL behind the pooler, and a reader past it."""
    with servers.postgresql() as url, pgbouncer(url) as pooled:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            for setting in SETTINGS:  # as docs/operations.md says
                connection.execute(f"ALTER ROLE mailgate SET {setting}")
        yield pooled, Reader(url)


@pytest.fixture
def relay() -> Iterator[Flaky]:
    with Flaky(seed=1, fails=0.0) as relay:
        yield relay


@pytest.fixture
def running(tmp_path: Path, database: tuple[str, Reader], relay: Flaky) -> Iterator[Gateway]:
    settings = {"STORE__URL": database[0], "SEND__VIA": f"smtp://127.0.0.1:{relay.port}", "WORKERS__PROCESSES": "2"}
    with gateway(tmp_path, **{f"MAILGATE_{name}": value for name, value in settings.items()}) as running:
        yield running


def send(port: int, numbers: range) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        for n in numbers:
            client.sendmail(f"p{n}@justice.example", [MAILBOX], MAIL.format(n=n, to=MAILBOX).encode())


def test_mail_becomes_tickets_and_answers_behind_a_pooler(
    running: Gateway, database: tuple[str, Reader], relay: Flaky
) -> None:
    reader = database[1]
    with ThreadPoolExecutor(SENDERS) as threads:
        list(threads.map(lambda first: send(running.port, range(first, MAILS, SENDERS)), range(SENDERS)))
    wait_until(reader.is_idle)
    assert reader.rows("SELECT count(*) FROM tickets") == [(MAILS,)]
    answers = reader.rows("SELECT message_id FROM outbox_mails WHERE automatic")
    assert [relay.copies[name] for (name,) in answers] == [1] * MAILS
    wait_until(lambda: reader.rows("SELECT count(*) FROM leases WHERE holder <> ''") != [(0,)])
    for command in (["ticket", "list"], ["capacity", "show"], ["outbox", "list"]):
        done = running.command(*command)
        assert done.returncode == 0, done.stderr
    told = running.command("doctor").stdout.decode().splitlines()
    unwell = [line for line in told if "\tstore" in line and not line.startswith("ok")]
    assert [line.split("\t")[1] for line in unwell] == ["store synchronous_standby_names"]
    assert running.stop() == 0
    assert '"level": "error"' not in running.log()
