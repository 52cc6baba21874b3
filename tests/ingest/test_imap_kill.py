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


def canaries(running: Gateway, query: str) -> Counter:
    return Counter(int(str(text).partition("canary")[2].partition("x")[0]) for (text,) in running.rows(query))


def test_E43_a_gateway_that_is_killed_at_any_moment_makes_one_ticket_a_mail_and_files_each(tmp_path, server):
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
        wait_until(lambda: not server.counts("INBOX") and running.is_idle())
        assert running.stop() == 0
    finally:
        if running.process.poll() is None:
            running.kill()
    aside = canaries(running, "SELECT content FROM raw_mails JOIN spool USING (id) WHERE state = 'quarantined'")
    tickets = canaries(running, "SELECT subject FROM tickets WHERE requester <> ''")
    assert tickets + aside == Counter(range(MAILS))  # a mail is put aside whose handling was killed four times
    assert running.rows("SELECT count(*) FROM tickets WHERE requester = ''") == [(aside.total(),)]
    filed = server.counts("Processed", "Failed")
    assert (filed["Processed"], filed.get("Failed", 0)) == (tickets.total(), aside.total())
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
