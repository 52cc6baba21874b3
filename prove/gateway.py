"""``python -m prove.gateway``: starts gateways, each a fork of this process, which has everything imported already.

That is all a start saves here: each opens the store, migrates, checks, puts leases back and listens like
``mailgate serve``, whose ``main`` it runs. One line of JSON in, one out: {"start": environment}, {"wait": pid}.

What production has no switch for is set here. *hurried*: leases, back-off and pauses of seconds instead of minutes.
The rest spoils the gateway, for control runs that must fail.
"""

import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

import alembic.command
import alembic.ddl.postgresql  # noqa: F401 (so that no start waits for it)
import uvloop  # noqa: F401 (the same)
from sqlalchemy import Engine, event

from mailgate import app, gateway, jobs, journal, scheduler, supervise
from mailgate.cli import main, serve  # noqa: F401 (the same)
from mailgate.notify import compose, maildir, smtp  # noqa: F401 (the same)
from mailgate.store import leases, postgresql, sqlite, tables  # noqa: F401 (the same)
from mailgate.web import pages, server  # noqa: F401 (the same)
from mailgate.workers import delivery, intake, loop
from prove import failing

LEASE_SECONDS = 2.0
IMPATIENT_SECONDS = 0.25
ENDING = (signal.SIGTERM, signal.SIGINT)
GROUP_COMMIT: Any = vars(gateway)["GroupCommit"]


def hurried() -> None:
    """Work whose owner died is taken over after seconds, and what failed is tried again at once."""
    intake.LEASE_SECONDS = LEASE_SECONDS
    intake.RELEASED_FOR_SECONDS = 0.2
    maildir.Maildir.longest_seconds = LEASE_SECONDS / 2
    smtp.Relay.longest_seconds = LEASE_SECONDS / 2  # type: ignore[assignment, method-assign]
    vars(delivery)["DOUBT_PAUSE_SECONDS"] = 1.0
    pause_after = vars(delivery)["pause_after"]

    def soon(*arguments: Any) -> Any:
        pause = pause_after(*arguments)
        return None if pause is None else min(pause / 300, timedelta(seconds=1))

    vars(delivery)["pause_after"] = soon
    loop.LONGEST_PAUSE_SECONDS = 0.5
    supervise.SHORTEST_PAUSE_SECONDS = supervise.LONGEST_PAUSE_SECONDS = 0.05


def impatient() -> None:
    """The same within tenths of seconds: for sweeps of thousands of failures, each of which somebody waits for."""
    hurried()
    intake.LEASE_SECONDS = 2 * IMPATIENT_SECONDS
    maildir.Maildir.longest_seconds = IMPATIENT_SECONDS
    vars(loop)["run"] = partial(loop.run, poll_seconds=IMPATIENT_SECONDS)


def clustered() -> None:
    """Nodes that take over from each other within seconds, whose jobs of every minute come every second.

    They hold their mails for a moment, so that a fault finds some claimed: a few, as those come back one by one.
    """
    slow(0.1)
    intake.BATCH = 8
    leases.LEASE_SECONDS, leases.RENEWED_AFTER_SECONDS = LEASE_SECONDS, LEASE_SECONDS / 3
    postgresql.PATIENCE.update(
        connect_timeout=2, keepalives_idle=1, keepalives_interval=1, keepalives_count=1, tcp_user_timeout=1500
    )
    postgresql.SETTINGS.update(
        idle_in_transaction_session_timeout="3s",
        tcp_keepalives_idle="1",
        tcp_keepalives_interval="1",
        tcp_keepalives_count="1",
        tcp_user_timeout="1500",
    )
    trigger = vars(scheduler)["CronTrigger"]

    def often(*, hour: Any, minute: Any, timezone: Any) -> Any:
        return trigger(hour=hour, minute=minute, second="*" if minute == "*" else 0, timezone=timezone)

    vars(scheduler)["CronTrigger"] = often


def skewed() -> None:
    """The clock is SKEW_SECONDS ahead. (libfaketime 0.9.10 breaks time.sleep, or waiting for an event.)"""
    seconds = float(os.environ["SKEW_SECONDS"])
    now, wall = app.clock, time.time
    for module in (app, gateway, jobs):
        vars(module)["clock"] = lambda: now() + timedelta(seconds=seconds)
    vars(time)["time"] = lambda: wall() + seconds


def own_clock() -> None:
    """Spoilt: leases are judged by the clock of the node that asks, not by the database's."""
    shared = "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)"  # of store/columns.py

    @event.listens_for(Engine, "before_cursor_execute", retval=True)
    def own(_: Any, __: Any, statement: str, parameters: Any, ___: Any, ____: Any) -> tuple[str, Any]:
        return statement.replace(shared, f"CAST({time.time() * 1_000_000:.0f} AS bigint)"), parameters


def early() -> None:
    """Spoilt: says 250 a moment before the commit."""
    put = GROUP_COMMIT.put

    def early_put(self: Any, *arguments: Any) -> "Future[str]":
        Timer(0.05, put, (self, *arguments)).start()
        answer: Future[str] = Future()
        answer.set_result(secrets.token_hex(32))
        return answer

    GROUP_COMMIT.put = early_put


def unsynced() -> None:
    """Spoilt: SQLite does not wait for the disk at a commit (R17)."""
    prepare = sqlite.SqliteStore._prepare

    def careless(self: Any, connection: Any, record: object) -> None:
        prepare(self, connection, record)
        connection.execute("PRAGMA synchronous=NORMAL")

    sqlite.SqliteStore._prepare = careless  # type: ignore[assignment, method-assign]
    sqlite.SqliteStore.check = lambda self: None  # type: ignore[method-assign]


def forgetful() -> None:
    """Spoilt: a mail that comes again is not recognised (E13)."""
    module = sys.modules[GROUP_COMMIT.__module__]
    vars(module)["ingest_key"] = lambda *_: secrets.token_hex(32)


def slow(seconds: float = 1.0) -> None:
    """A worker that holds its mails for a second before it decides."""
    settle = intake.Intake._settled_group

    def slowly(self: Any, *arguments: Any) -> Any:
        time.sleep(seconds)
        return settle(self, *arguments)

    intake.Intake._settled_group = slowly  # type: ignore[assignment, method-assign]


def clumsy() -> None:
    """What breaks quotes the mail it broke over: by a word in the subject, when it is taken, read, or in a thread."""
    read, take = intake.Intake._read, GROUP_COMMIT.put
    seen = [""]

    def clumsily(self: Any, mail: Any) -> Any:
        found = read(self, mail)
        seen[0] = f"{found.message.subject} {found.sender} {found.message.text}"
        if "stumble" in found.message.subject:
            raise ValueError(seen[0])
        if "crash" in found.message.subject:
            threading.Thread(target=fail).start()
            logging.getLogger("a library").error("%s", seen[0])
            warnings.warn(seen[0], stacklevel=1)
        return found

    def fail(*_: Any) -> Any:
        raise ValueError(seen[0])

    def topple(self: Any, envelope: Any, raw: bytes, *more: Any) -> "Future[str]":
        if b"topple" in raw:
            raise ValueError(raw, envelope)
        answer: Future[str] = take(self, envelope, raw, *more)
        return answer

    intake.Intake._read = clumsily  # type: ignore[method-assign]
    GROUP_COMMIT.put = topple
    vars(pages)["health"] = fail


def indiscreet() -> None:
    """Spoilt: the log says what an error says."""
    vars(journal)["why"] = repr
    vars(journal)["redacted"] = str


CHANGES: dict[str, Callable[[], None]] = {
    "hurried": hurried,
    "impatient": impatient,
    "clustered": clustered,
    "skewed": skewed,
    "own_clock": own_clock,
    "early": early,
    "unsynced": unsynced,
    "forgetful": forgetful,
    "slow": slow,
    "clumsy": clumsy,
    "indiscreet": indiscreet,
}


def start(environment: dict[str, str]) -> int:
    """The process id of a gateway with *environment*, whose CONTROL is the socket of ``failing`` if there is one."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(environment["FOLDER"])
        log = os.open(environment["LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((nothing, log, log)):
            os.dup2(source, target)
        if "CONTROL" in environment:
            failing.serve(Path(environment["CONTROL"]))
        sys.argv = ["mailgate", "serve"]
        main.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(status)


def serve_commands() -> None:
    for number in ENDING:  # they are for whoever gives the commands, who then ends what he began in good order
        signal.signal(number, signal.SIG_IGN)
    for change in sys.argv[1:]:
        CHANGES[change]()
    running: set[int] = set()
    try:
        _answer_commands(running)
    finally:  # whoever gave the commands is gone: nothing of it may stay
        for pid in running:
            os.killpg(pid, signal.SIGKILL)


def _answer_commands(running: set[int]) -> None:
    for line in sys.stdin:
        match json.loads(line):
            case {"start": environment}:
                answer = start(environment)
                running.add(answer)
            case {"wait": pid}:
                answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                running.discard(pid)
            case other:
                raise ValueError(other)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve_commands()
