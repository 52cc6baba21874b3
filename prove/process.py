"""A gateway that a recipe starts, breaks and starts again."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prove.check import Reader
from tests.servers import free_port

ROOT = Path(__file__).parent.parent
STARTED_WITHIN_SECONDS = 60.0
QUIET_WITHIN_SECONDS = 240.0
ENDED_WITHIN_SECONDS = 60.0


class Starter:
    """The process of ``prove.gateway``: gateways are its children. *changes* are names of its CHANGES.

    *within*: the command that it is started by, such as "ip netns exec NAME".
    """

    def __init__(self, *changes: str, within: Sequence[str] = (), **environment: str) -> None:
        self._process = subprocess.Popen(
            [*within, sys.executable, "-m", "prove.gateway", *changes],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **command: Any) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("prove.gateway ended: see above")
        return int(json.loads(answer))

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(ENDED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise TimeoutError("prove.gateway did not end") from None


@contextmanager
def starter(*changes: str, within: Sequence[str] = (), **environment: str) -> Iterator[Starter]:
    starting = Starter(*changes, within=within, **environment)
    try:
        yield starting
    finally:
        starting.close()


class Gateway:
    """One gateway with its store (unless *url* names another) and Maildir below *folder*, listening on *host*."""

    def __init__(
        self,
        starter: Starter,
        folder: Path,
        url: str = "",
        log: Path | None = None,
        host: str = "127.0.0.1",
        **settings: str,
    ) -> None:
        self.host, self.port = host, free_port()
        self.log = log or folder / "log"
        self.move_to(folder, url)
        self.pid = 0
        self._starter = starter
        self._settings = settings

    def move_to(self, folder: Path, url: str = "") -> None:
        """From the next start on its files are in *folder*."""
        self.folder = folder
        self.reader = Reader(url or f"sqlite:///{folder / 'mailgate.db'}")

    def environment(self) -> dict[str, str]:
        ours = {
            "MAILGATE_CONFIG": str(ROOT / "config"),
            "MAILGATE_SMTP__LISTEN": f"{self.host}:{self.port}",
            "MAILGATE_WEB__LISTEN": "127.0.0.1:0",
            "MAILGATE_STORE__URL": self.reader.url,
            "MAILGATE_STORE__RAW": str(self.folder / "raw"),
            "MAILGATE_SEND__VIA": f"maildir:{self.folder / 'outbox'}",
            "MAILGATE_KEYS": str(self.folder / "keys"),
            "FOLDER": str(self.log.parent),
            "LOG": str(self.log),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILGATE_")}
        return inherited | ours | self._settings

    def start(self, *, wait: bool = True) -> None:
        self.pid = self._starter.ask(start=self.environment())
        if wait:
            wait_until(self.is_listening, STARTED_WITHIN_SECONDS, "the gateway does not listen")

    def is_listening(self) -> bool:
        if not is_running(self.pid):
            raise RuntimeError(f"the gateway ended: {self.log.read_text()[-2000:]}")
        try:
            with socket.create_connection((self.host, self.port), timeout=5) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    def children(self) -> list[int]:
        """The process ids of its workers."""
        try:
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except OSError:
            return []

    def kill_a_child(self, chance: random.Random) -> bool:
        """SIGKILL for one of its workers that is alive; False where none died of it."""
        alive = [child for child in self.children() if is_running(child)]
        if not alive:
            return False
        try:
            os.kill(chance.choice(alive), signal.SIGKILL)
        except ProcessLookupError:
            return False  # it ended meanwhile
        return True

    def kill(self) -> None:
        """SIGKILL for it and its children."""
        if self.pid:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                os.kill(self.pid, signal.SIGKILL)  # it has not made its group yet
            self._starter.ask(wait=self.pid)
            self.pid = 0

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        pid, self.pid = self.pid, 0
        return self._starter.ask(wait=pid)

    def wait_until_quiet(self, seconds: float = QUIET_WITHIN_SECONDS) -> list[str]:
        """Nothing, or the sentence that says what still waits after *seconds*."""
        try:
            wait_until(self.reader.is_idle, seconds, "")
        except TimeoutError:
            return [f"work was still waiting after {seconds:g} seconds"]
        return []


@contextmanager
def gateway(
    starter: Starter,
    folder: Path,
    url: str = "",
    log: Path | None = None,
    host: str = "127.0.0.1",
    **settings: str,
) -> Iterator[Gateway]:
    """A gateway that is not started yet; whatever happens, it has ended afterwards."""
    made = Gateway(starter, folder, url, log, host, **settings)
    try:
        yield made
    finally:
        made.kill()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.01)
