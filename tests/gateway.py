"""The whole gateway as a process of its own, with the shipped example service and a store of the test's."""

import email
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path

from mailgate.store.sqlite import library
from tests.servers import free_port

ROOT = Path(__file__).parent.parent
MAILBOX = "northmere.enforcement@justice.example"


class Gateway:
    """``mailgate serve`` below *folder*; ``start`` again after ``kill`` or ``stop``."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port, self.web_port = free_port(), free_port()
        self.folder = folder
        self.outbox = folder / "outbox"
        self.database = folder / "mailgate.db"
        self.environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "MAILGATE_CONFIG": str(ROOT / "config"),
            "MAILGATE_SMTP__LISTEN": f"127.0.0.1:{self.port}",
            "MAILGATE_STORE__URL": f"sqlite:///{self.database}",
            "MAILGATE_SEND__VIA": f"maildir:{self.outbox}",
            "MAILGATE_KEYS": str(folder / "keys"),
            "MAILGATE_WEB__LISTEN": f"127.0.0.1:{self.web_port}",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, wait: bool = True) -> None:
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mailgate.cli.main", "serve", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            wait_until(self.is_listening)

    def follow(self, process: "subprocess.Popen[bytes]") -> None:
        """*process* is this gateway, started by something else."""
        self._process = process

    def is_listening(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the gateway ended: {self.log()[-2000:]}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    def kill(self) -> None:
        """SIGKILL for it and its children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """Run ``mailgate`` beside it, with the same settings."""
        whole = [sys.executable, "-m", "mailgate.cli.main", *arguments]
        return subprocess.run(whole, cwd=self.folder, env=self.environment, capture_output=True, timeout=60)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What SQLite says, by a connection of our own."""
        connection = library().connect(str(self.database))
        try:
            return list(connection.execute(query).fetchall())
        finally:
            connection.close()

    def let_time_pass(self) -> None:
        """What waits for its time, as somebody had a mail about its ticket a moment ago (E137), goes now."""
        connection = library().connect(str(self.database), timeout=30)
        with closing(connection), connection:
            connection.execute("UPDATE outbox SET run_at = 0 WHERE state = 'ready'")

    def is_idle(self) -> bool:
        """Whether every mail is decided and every answer sent, but those to staff that wait for their time (E137)."""
        now = time.time_ns() // 1000
        waiting = self.rows(
            "SELECT (SELECT count(*) FROM spool WHERE state = 'ready')"
            " + (SELECT count(*) FROM outbox WHERE state = 'sending'"
            f"    OR state = 'ready' AND (attempts > 0 OR run_at <= {now}))"
        )
        return waiting == [(0,)]

    def acknowledgements(self) -> list[Message]:
        """What its outbox folder holds for those who wrote to it."""
        mails = [email.message_from_bytes(path.read_bytes()) for path in sorted((self.outbox / "new").glob("*"))]
        return [mail for mail in mails if mail["Auto-Submitted"] == "auto-replied"]


@contextmanager
def gateway(folder: Path, *arguments: str, **settings: str) -> Iterator[Gateway]:
    running = Gateway(folder, **settings)
    running.start(*arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


def wait_until(holds, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
