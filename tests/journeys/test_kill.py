"""Killed at any moment, the gateway loses nothing it said 250 to, and does nothing twice (F1, G1-G5).

An independent ledger notes what each client heard. A mail is retried until it is taken, as an MTA
does; whoever heard nothing after the final dot sends the very same mail again.
"""

import os
import random
import smtplib
import threading
import time
from collections import Counter
from itertools import count
from pathlib import Path

from tests.gateway import MAILBOX, Gateway, wait_until

KILLS = 20
CLIENTS = 8
SEED = 20261122


class Ledger:
    """Canary and what was heard about it, synced to disk before the client goes on."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "a")  # noqa: SIM115 (open as long as the test)
        self._lock = threading.Lock()
        self.heard: dict[int, list[str]] = {}

    def note(self, canary: int, code: str) -> None:
        with self._lock:
            self.heard.setdefault(canary, []).append(code)
            self._file.write(f"{canary} {code}\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def taken(self) -> set[int]:
        return {canary for canary, codes in self.heard.items() if "250" in codes}


def address(canary: int) -> str:
    return f"person{canary}@justice.example"


def text(canary: int) -> str:
    """Every tenth is large: its content is a file."""
    filling = "Nobody reads so much of it.\n" * 12_000 if canary % 10 == 0 else ""
    return (
        f"From: <{address(canary)}>\nTo: <{MAILBOX}>\nSubject: Request canary{canary}x\n"
        f"Message-ID: <canary{canary}x@justice.example>\n\nPlease help me with matter number {canary}.\n{filling}"
    )


class Client(threading.Thread):
    """Sends one mail after the other, each until it is taken; keeps its connection while that lasts."""

    def __init__(self, port: int, ledger: Ledger, canaries: "count[int]", stop: threading.Event) -> None:
        super().__init__()
        self._port, self._ledger, self._canaries, self._stop_event = port, ledger, canaries, stop
        self._connection: smtplib.SMTP | None = None

    def run(self) -> None:
        while not self._stop_event.is_set():
            canary = next(self._canaries)
            while (code := self._try(canary)) != "250":
                time.sleep(0.05)
            self._ledger.note(canary, code)
            time.sleep(0.05)

    def _try(self, canary: int) -> str:
        try:
            self._connection = self._connection or smtplib.SMTP("127.0.0.1", self._port, timeout=20)
            self._connection.sendmail(address(canary), [MAILBOX], text(canary))
        except smtplib.SMTPResponseException as error:
            code = str(error.smtp_code)
        except (OSError, smtplib.SMTPException):
            code = "lost"
        else:
            return "250"
        self._connection = None
        self._ledger.note(canary, code)
        return code


def canaries_in(rows: list[tuple[object, ...]]) -> Counter[int]:
    return Counter(int(str(subject).partition("canary")[2].partition("x")[0]) for (subject,) in rows)


def test_F1_twenty_kills_lose_nothing_and_do_nothing_twice(tmp_path):
    chance = random.Random(SEED)
    gateway, ledger, stop, canaries = Gateway(tmp_path), Ledger(tmp_path / "ledger"), threading.Event(), count(1)
    clients = [Client(gateway.port, ledger, canaries, stop) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for number in range(KILLS):
            gateway.start(wait=number % 4 != 3)  # every fourth is killed while it starts
            time.sleep(chance.uniform(0.005, 0.5))
            gateway.kill()
        gateway.start()
        stop.set()
        for client in clients:
            client.join(30)
        wait_until(gateway.is_idle)
        assert gateway.stop() == 0
    finally:
        stop.set()
        if gateway.process.poll() is None:
            gateway.kill()
    taken, sent = ledger.taken(), set(ledger.heard)
    messages = canaries_in(gateway.rows("SELECT subject FROM messages WHERE ticket_id IS NOT NULL"))
    tickets = canaries_in(gateway.rows("SELECT subject FROM tickets WHERE requester <> ''"))
    aside = canaries_in(gateway.rows("SELECT content FROM raw_mails JOIN spool USING (id) WHERE state = 'quarantined'"))
    replies = Counter(reply["To"] for reply in gateway.acknowledgements())
    named = {location for (location,) in gateway.rows("SELECT location FROM raw_mails WHERE location IS NOT NULL")}
    files = {file.name for file in (tmp_path / "var" / "raw").iterdir()}
    assert len(taken) > KILLS
    assert named
    assert named <= {name for name in files if not name.endswith(".part")} == files
    assert any("lost" in codes for codes in ledger.heard.values())
    assert gateway.rows("SELECT count(*) FROM spool WHERE state = 'ready'") == [(0,)]
    assert taken <= set(messages | aside) <= sent
    assert set((messages + aside).values()) == {1}
    assert tickets == messages
    assert replies == Counter(f"<{address(canary)}>" for canary in messages)
    assert gateway.rows("SELECT count(*) FROM tickets WHERE requester = ''") == [(len(aside),)]
