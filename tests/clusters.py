"""Two PostgreSQL on loopback, of which one follows the other by a proxy: what a fail-over needs (F7)."""

import os
import random
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from prove.proxy import Proxy
from tests.servers import SETTINGS, as_postgres, found_postgresql

WITHIN_SECONDS = 60.0
STEADY_PORTS = range(20_000, 32_000)  # below those of outgoing connections, which may take one while its server is away
FOLLOWING = {
    "wal_level": "replica",
    "wal_keep_size": "128MB",
    "hot_standby": "on",
    "max_wal_senders": "10",
    "wal_retrieve_retry_interval": "100ms",
    "wal_receiver_status_interval": "1s",
}
SYNCHRONOUS = "ANY 1 (standby)"


class Cluster:
    """One of the two, with its files in *data*."""

    def __init__(self, programs: Path, data: Path) -> None:
        self.port = _steady_port()
        self._programs, self._data = programs, data

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://mailgate@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        self._run(
            "initdb", "--no-sync", "-D", self._data, "-U", "mailgate", "-A", "trust", "-E", "UTF8", "--locale=C", "-k"
        )
        with open(self._data / "postgresql.conf", "a") as file:  # where pg_rewind finds it as well
            file.writelines(f"{name} = '{value}'\n" for name, value in (SETTINGS | FOLLOWING).items())

    def copy(self, source: "Cluster") -> None:
        self._run("pg_basebackup", "--no-sync", "-D", self._data, "-d", source.conninfo(), "-X", "stream", "-c", "fast")

    def rewind(self, source: "Cluster") -> None:
        """Throw away what only this one has: it becomes what *source* was when they parted, and some pages of it."""
        source.execute("CHECKPOINT")  # until then it does not say that it has a timeline of its own
        self._run("pg_rewind", "--no-sync", "-D", self._data, f"--source-server={source.conninfo()}")

    def follow(self, port: int) -> None:
        """From its next start on it is a standby of the server at *port*."""
        conninfo = f"host=127.0.0.1 port={port} user=mailgate application_name=standby"
        for name, words in (("postgresql.auto.conf", f"primary_conninfo = '{conninfo}'\n"), ("standby.signal", "")):
            (self._data / name).write_text(words)
            if os.geteuid() == 0:
                shutil.chown(self._data / name, "postgres", "postgres")

    def start(self) -> None:
        options = f"-c unix_socket_directories= -p {self.port}"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", self._data.parent / "log", "-o", options)

    def stop(self) -> None:
        with suppress(RuntimeError):  # it does not run
            self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def kill(self) -> None:
        """SIGKILL for it and its children; none is left afterwards."""
        lock = self._data / "postmaster.pid"
        server = int(lock.read_text().split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for pid in (server, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(_is_running(pid) for pid in (server, *map(int, children))))
        lock.unlink()  # else the next one to start would wait until somebody has buried them

    def crash(self) -> None:
        """It comes back with all that it had written."""
        self.kill()
        self.start()

    def execute(self, query: str) -> list[tuple[Any, ...]]:
        import psycopg

        with closing(psycopg.connect(self.conninfo(), autocommit=True)) as connection:
            done = connection.execute(query)
            return done.fetchall() if done.description else []

    def set(self, name: str, value: str) -> None:
        """Change a setting of the server; afterwards every session knows of it."""
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")
        wait_until(lambda: self.execute(f"SELECT current_setting('{name}')") == [(value,)])

    def conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=mailgate dbname=postgres connect_timeout=10"

    def _run(self, program: str, *arguments: object) -> None:
        as_postgres(self._programs / program, *arguments)


class Pair:
    """The *primary*, and the *standby*, whose *proxy* all of its WAL goes through.

    While it has a standby the primary waits for it at every commit, unless it is *asynchronous*; alone it does not,
    as under Patroni's ``synchronous_mode``.
    """

    def __init__(self, primary: Cluster, standby: Cluster, proxies: ExitStack, *, asynchronous: bool) -> None:
        self.primary, self.standby = primary, standby
        self._proxies, self._asynchronous = proxies, asynchronous
        primary.make()
        primary.start()
        self._link()
        standby.copy(primary)
        self._join()

    @property
    def url(self) -> str:
        """For gateways: both, of which they take whichever may be written."""
        first, second = sorted((self.primary.port, self.standby.port))
        hosts = f"host=127.0.0.1:{first}&host=127.0.0.1:{second}"
        return f"postgresql+psycopg://mailgate@/postgres?{hosts}&target_session_attrs=read-write"

    def freeze(self) -> None:
        self.proxy.faults.frozen = True

    def thaw(self) -> None:
        self.proxy.faults.frozen = False

    def fail_over(self) -> None:
        """The primary is gone, with whatever of its WAL is still on its way; the standby takes over."""
        self.primary.kill()
        self.proxy.cut()
        self.primary, self.standby = self.standby, self.primary
        self.primary.execute("SELECT pg_promote()")

    def rejoin(self) -> None:
        """The one that was killed becomes the standby."""
        self._proxies.close()
        self._link()
        self.standby.rewind(self.primary)
        self._join()

    def _link(self) -> None:
        self.proxy = self._proxies.enter_context(Proxy(self.primary.port))

    def _join(self) -> None:
        """Afterwards no commit is only on the primary, unless it is asynchronous."""
        self.standby.follow(self.proxy.port)
        self.standby.start()
        wait_until(
            lambda: self.primary.execute("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'") == [(1,)]
        )
        if not self._asynchronous:
            self.primary.set("synchronous_standby_names", SYNCHRONOUS)
            self._wait_for("sync_state = 'quorum'")
        ((now,),) = self.primary.execute("SELECT pg_current_wal_lsn()")
        self._wait_for(f"flush_lsn >= '{now}'")

    def _wait_for(self, condition: str) -> None:
        wait_until(lambda: self.primary.execute(f"SELECT 1 FROM pg_stat_replication WHERE {condition}") == [(1,)])


@contextmanager
def pair(*, asynchronous: bool = False) -> Iterator[Pair]:
    """A fresh primary and its standby; skips where PostgreSQL is not installed."""
    programs = found_postgresql()
    folder = Path(tempfile.mkdtemp(prefix="mailgate-pair-"))
    try:
        for name in ("a", "b"):
            (folder / name).mkdir()
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            for each in (folder, folder / "a", folder / "b"):
                shutil.chown(each, "postgres", "postgres")
        first, second = (Cluster(programs, folder / name / "data") for name in ("a", "b"))
        with ExitStack() as proxies:
            try:
                yield Pair(first, second, proxies, asynchronous=asynchronous)
            finally:
                first.stop()
                second.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(holds: Callable[[], bool], seconds: float = WITHIN_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("PostgreSQL was not ready in time")
        time.sleep(0.02)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _steady_port() -> int:
    for port in random.sample(STEADY_PORTS, 100):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")
