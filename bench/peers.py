"""The servers that are compared: a private gateway and a private Postfix, on free ports of the loopback interface."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from mailgate.model.config import Config
from mailgate.settings import load as load_configuration
from tests.servers import free_port

REPOSITORY = Path(__file__).parent.parent
MAILGATE = [sys.executable, "-m", "mailgate"]
SLOW = [sys.executable, "-m", "bench.slow"]


def wait_until_listening(port: int, seconds: float = 20) -> None:
    """Return as soon as something accepts connections on *port*; RuntimeError after *seconds*."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on port {port}")


@dataclass(frozen=True)
class Gateway:
    """A running gateway with its own store; *pid* is the head of its process tree."""

    folder: Path
    port: int
    pid: int
    url: str | None = None

    @property
    def database(self) -> Path:
        return self.folder / "mailgate.db"

    def rows(self, question: str) -> int:
        """The number that *question* selects, read beside the running gateway."""
        if self.url:
            with create_engine(self.url, poolclass=NullPool).connect() as connected:
                return int(connected.execute(text(question)).scalar_one())
        import pysqlite3

        with pysqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            return int(connection.execute(question).fetchone()[0])


def configured() -> Config:
    """The shipped configuration, as the gateway reads it."""
    return load_configuration([REPOSITORY / "config"], {})


def environment(
    folder: Path, port: int, processes: int = 1, via: str | None = None, url: str | None = None
) -> dict[str, str]:
    """The environment of a gateway that keeps everything in *folder*, but for the database at *url* where there is one.

    Its replies are kept there too unless they go *via* a relay.
    """
    settings = {
        "MAILGATE_CONFIG": str(REPOSITORY / "config"),
        "MAILGATE_STORE__URL": url or f"sqlite:///{folder}/mailgate.db",
        "MAILGATE_STORE__RAW": f"{folder}/raw",
        "MAILGATE_KEYS": f"{folder}/keys",
        "MAILGATE_SEND__VIA": via or f"maildir:{folder}/outbox",
        "MAILGATE_SMTP__LISTEN": f"127.0.0.1:{port}",
        "MAILGATE_WEB__LISTEN": "127.0.0.1:0",
        "MAILGATE_WORKERS__PROCESSES": str(processes),
    }
    return os.environ | settings


@contextmanager
def gateway(
    folder: Path,
    roles: str,
    processes: int = 1,
    via: str | None = None,
    program: Sequence[str] = MAILGATE,
    url: str | None = None,
) -> Iterator[Gateway]:
    """``mailgate serve --role ROLES`` with its store in *folder* or at *url*, ended by its process id."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [*program, "serve", "--role", roles]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment(folder, port, processes, via, url), cwd=REPOSITORY, stdout=log, stderr=log
        )
    try:
        wait_until_listening(port)
        yield Gateway(folder, port, process.pid, url)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@dataclass
class Load:
    """A prepared client; ``send`` hands its mails to a server and returns mails a second."""

    process: subprocess.Popen[str]

    def send(self) -> tuple[float, int]:
        """Mails accepted a second, and how many were accepted."""
        answer = json.loads(self.process.communicate("go\n", timeout=300)[0].splitlines()[-1])
        return answer["accepted"] / answer["seconds"], answer["accepted"]


def load(port: int, sessions: int, count: int, seed: int, size: int = 0) -> Load:
    """A client process with its mails, of *size* bytes at least, made, waiting to be told to send."""
    command = [sys.executable, "-m", "bench.load", "127.0.0.1", str(port), str(sessions), str(count), str(seed)]
    command.append(f"--size={size}")
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    return Load(process)
