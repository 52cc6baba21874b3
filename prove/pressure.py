"""F11: too few descriptors, files that may not grow, too little memory, and a worker that stood still."""

import os
import random
import resource
import signal
import socket
import time
from pathlib import Path

from prove.check import problems
from prove.full import put_off
from prove.gateway import LEASE_SECONDS
from prove.ledger import Ledger, Load
from prove.outcome import Outcome
from prove.process import Gateway, gateway, is_running, starter, wait_until

LIMITS = {"nofile": resource.RLIMIT_NOFILE, "fsize": resource.RLIMIT_FSIZE, "as": resource.RLIMIT_AS}
LEASE_IS_GONE = "the lease of a mail ran out"
CROWD = {"nofile": 100}  # connections that are kept open
NOTICED_WITHIN_SECONDS = 30.0
BACK_WITHIN_SECONDS = 10.0


def limited(folder: Path, seed: int, limit: str, seconds: float, *, spoilt: bool = False) -> Outcome:
    """The running gateway is given less of *limit* than it needs, for *seconds*; then it must recover by itself.

    Where it ends meanwhile it is started again, as systemd would, and has too little again.
    """
    ledger, ended = Ledger(folder / "ledger"), 0
    changes = ["hurried", *(["early"] if spoilt else [])]
    with starter(*changes) as starting, gateway(starting, folder) as running:
        running.start()
        load = Load(running.port, ledger, large_every=5).start()
        wait_until(lambda: bool(ledger.taken()), BACK_WITHIN_SECONDS, "no mail was taken")
        usual = _give_too_little(limit, running)
        crowd = [socket.create_connection(("127.0.0.1", running.port), 5) for _ in range(CROWD.get(limit, 0))]
        began = time.monotonic()
        while not _is_enough(time.monotonic() - began, seconds, bool(crowd) or _put_off_or_lost(ledger) > 0):
            time.sleep(0.1)
            if _is_revived(running):
                ended += 1
                _give_too_little(limit, running)
        suffered = _put_off_or_lost(ledger) + _left_out(crowd)
        ended += _is_revived(running)
        resource.prlimit(running.pid, LIMITS[limit], usual)
        taken = len(ledger.taken())
        wait_until(
            lambda: not _is_revived(running) and len(ledger.taken()) > taken,
            BACK_WITHIN_SECONDS,
            "intake did not come back",
        )
        load.stop()
        found = running.wait_until_quiet()
        if running.stop() != 0:
            found.append("the gateway did not end by itself")
        found += problems(ledger, running.reader, folder, load.bytes_of)
    ledger.close()
    if not suffered:
        found.append(f"nobody noticed the limit on {limit}")
    return Outcome({"mails": len(ledger.taken()), "put off or lost": suffered, "times it ended": ended}, found)


def _is_enough(passed: float, seconds: float, is_noticed: bool) -> bool:
    """At least *seconds*, and until somebody notices, but not for ever."""
    return passed > seconds and (is_noticed or passed > seconds + NOTICED_WITHIN_SECONDS)


def _is_revived(running: Gateway) -> bool:
    """Whether the gateway had ended and was started again."""
    if is_running(running.pid):
        return False
    running.kill()
    running.start()
    return True


def _give_too_little(limit: str, running: Gateway) -> tuple[int, int]:
    """What it had before."""
    usual = resource.prlimit(running.pid, LIMITS[limit])
    resource.prlimit(running.pid, LIMITS[limit], (_too_little(limit, running), usual[1]))
    return usual


def _put_off_or_lost(ledger: Ledger) -> int:
    return put_off(ledger) + sum("lost" in codes for codes in list(ledger.heard.values()))


def _left_out(crowd: list[socket.socket]) -> int:
    """How many connections of *crowd* were not greeted; closes them."""
    left_out = 0
    for one in crowd:
        one.setblocking(False)
        try:
            left_out += not one.recv(3)
        except OSError:
            left_out += 1
        one.close()
    return left_out


def _too_little(limit: str, running: Gateway) -> int:
    if limit == "nofile":
        return 64
    if limit == "fsize":
        return (running.folder / "mailgate.db-wal").stat().st_size + 200_000
    pages = int(Path(f"/proc/{running.pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize() + 500_000


def stopped(folder: Path, seed: int, times: int, *, spoilt: bool = False) -> Outcome:
    """Stop one of two workers for longer than its lease, then let it go on: it must find its lease gone.

    *spoilt*: let it go on before its lease ends, so that it finds it, and we must notice that nothing was gone.
    """
    chance, ledger, noticed = random.Random(seed), Ledger(folder / "ledger"), 0
    with (
        starter("hurried", "slow") as starting,
        gateway(starting, folder, MAILGATE_WORKERS__PROCESSES="2") as running,
    ):
        running.start()
        wait_until(lambda: len(running.children()) == 2, 10, "there are not two workers")
        load = Load(running.port, ledger, rate=20.0, patience_seconds=120.0).start()
        for _ in range(times):
            before = running.log.read_text().count(LEASE_IS_GONE)
            for _ in range(10):
                time.sleep(chance.uniform(0.3, 1.0))
                worker = chance.choice(running.children())
                os.kill(worker, signal.SIGSTOP)
                time.sleep(LEASE_SECONDS / 10 if spoilt else 2 * LEASE_SECONDS)
                os.kill(worker, signal.SIGCONT)
                time.sleep(1.5)
                if running.log.read_text().count(LEASE_IS_GONE) > before:
                    noticed += 1
                    break
                if spoilt:
                    break
        load.stop()
        found = running.wait_until_quiet()
        running.stop()
        found += problems(ledger, running.reader, folder, load.bytes_of)
    ledger.close()
    if noticed < times:
        found.append(f"a worker that stood still found its lease gone {noticed} times of {times}")
    return Outcome({"mails": len(ledger.taken()), "leases gone": noticed}, found)
