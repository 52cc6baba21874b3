"""The whole gateway reading a real Dovecot's folder, killed again and again (T2, E43)."""

import random
import shutil
import time
from collections import Counter

import pytest

from tests.dovecot import Dovecot, dovecot
from tests.gateway import MAILBOX, ROOT, Gateway, wait_until

MAILS = 40
KILLS = 8
SEED = 20261122
MORE = """
imap:
  - mailbox: {mailbox}
    host: 127.0.0.1
    port: {port}
    ssl: no
    user: {user}
    secret_file: {folder}/secret
    poll_seconds: 1
"""


def mail(number: int) -> bytes:
    return (
        f"From: <person{number}@justice.example>\r\nTo: <{MAILBOX}>\r\nSubject: Request canary{number}x\r\n"
        f"Message-ID: <canary{number}x@justice.example>\r\n\r\nPlease help me with matter number {number}.\r\n"
    ).encode()


@pytest.fixture
def server():
    with dovecot() as running:
        yield running


def gateway(folder, server: Dovecot, **settings: str) -> Gateway:
    config = folder / "config"
    shutil.copytree(ROOT / "config", config)
    (folder / "secret").write_text("test\n")
    values = {"mailbox": MAILBOX, "port": server.port, "user": server.user, "folder": folder}
    with open(config / "mailgate.yml", "a") as file:
        file.write(MORE.format(**values))
    return Gateway(folder, MAILGATE_CONFIG=str(config), **settings)


def subjects(running: Gateway, table: str) -> Counter:
    return Counter(subject for (subject,) in running.rows(f"SELECT subject FROM {table}"))


def test_E43_a_gateway_that_is_killed_at_any_moment_makes_one_ticket_a_mail_and_files_it(tmp_path, server):
    chance = random.Random(SEED)
    running = gateway(tmp_path, server)
    server.deliver(*map(mail, range(MAILS // 2)))
    try:
        for number in range(KILLS):
            running.start()
            server.deliver(*map(mail, range(MAILS // 2 + number, MAILS // 2 + number + 1)))
            time.sleep(chance.uniform(0.0, 0.4))
            running.kill()
        running.start()
        server.deliver(*map(mail, range(MAILS // 2 + KILLS, MAILS)))
        wait_until(lambda: server.counts("INBOX", "Processed") == {"Processed": MAILS} and running.is_idle(), 25)
        assert running.stop() == 0
    finally:
        if running.process.poll() is None:
            running.kill()
    expected = Counter({f"Request canary{number}x": 1 for number in range(MAILS)})
    assert subjects(running, "tickets") == expected
    assert running.rows("SELECT DISTINCT stage FROM imap_mails") == [("filed",)]
    assert server.user not in running.log()
    assert MAILBOX not in running.log()


def test_E58_several_processes_open_one_connection_a_mailbox(tmp_path, server):
    running = gateway(tmp_path, server, MAILGATE_WORKERS__PROCESSES="2")
    server.deliver(mail(1))
    try:
        running.start()
        wait_until(lambda: server.counts("INBOX", "Processed") == {"Processed": 1})
        assert running.log().count("mailbox opened") == 1
        assert running.stop() == 0
    finally:
        if running.process.poll() is None:
            running.kill()
