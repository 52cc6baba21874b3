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
from prove.process import Gateway, gateway, starter, wait_until

LIMITS = {"nofile": resource.RLIMIT_NOFILE, "fsize": resource.RLIMIT_FSIZE, "as": resource.RLIMIT_AS}
LEASE_IS_GONE = "the lease of a mail ran out"
BACK_WITHIN_SECONDS = 10.0


def limited(folder: Path, seed: int, limit: str, seconds: float, *, spoilt: bool = False) -> Outcome:
    """The running gateway is given less of *limit* than it needs, for *seconds*; then it must recover by itself."""
    ledger = Ledger(folder / "ledger")
    changes = ["hurried", *(["early"] if spoilt else [])]
    with starter(*changes) as starting, gateway(starting, folder) as running:
        running.start()
        load = Load(running.port, ledger, large_every=5).start()
        time.sleep(0.5)
        before = resource.prlimit(running.pid, LIMITS[limit])
        resource.prlimit(running.pid, LIMITS[limit], (_too_little(limit, running), before[1]))
        left_out = _crowd(running.port, 100 if limit == "nofile" else 0, seconds)
        suffered = put_off(ledger) + sum("lost" in codes for codes in list(ledger.heard.values())) + left_out
        resource.prlimit(running.pid, LIMITS[limit], before)
        taken = len(ledger.taken())
        wait_until(lambda: len(ledger.taken()) > taken, BACK_WITHIN_SECONDS, "intake did not come back")
        load.stop()
        found = running.wait_until_quiet()
        if running.stop() != 0:
            found.append("the gateway did not end by itself")
        found += problems(ledger, running.reader, folder, load.bytes_of)
    ledger.close()
    if not suffered:
        found.append(f"nobody noticed the limit on {limit}")
    return Outcome({"mails": len(ledger.taken()), "put off or lost": suffered}, found)


def _crowd(port: int, size: int, seconds: float) -> int:
    """Keep *size* connections open for *seconds*; how many of them were not greeted."""
    crowd = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(size)]
    time.sleep(seconds)
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
    for line in Path(f"/proc/{running.pid}/status").read_text().splitlines():
        if line.startswith("VmSize"):
            return int(line.split()[1]) * 1024 + 500_000
    raise RuntimeError("the gateway is gone")


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
