"""P2 and P9: large mails, how fast they are accepted and how much memory they cost."""

import statistics
import tempfile
import time
from pathlib import Path

from bench.ingest import UNFINISHED
from bench.peers import Gateway, gateway, load
from bench.table import Row
from tests.postfix import postfix

ROUNDS, COUNT, SESSIONS, SIZE = 3, 150, 10, 1_000_000
LARGE = 25_000_000
LARGEST, AT_ONCE, MOST = 35 * 1024**2, 10, 400
APART = "not counted: the process that reads a large mail by itself"


def speed() -> list[Row]:
    ours, theirs, ratios = [], [], []
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch, postfix(None) as peer:
        for turn in range(ROUNDS):
            with gateway(Path(scratch) / f"{turn}", "smtp") as running:
                rate, accepted = load(running.port, SESSIONS, COUNT, turn, SIZE).send()
                stored = running.rows("SELECT count(*) FROM spool WHERE size > 900000")
                assert stored == accepted == COUNT, f"{accepted} accepted, {stored} stored"
            peer_rate, peer_accepted = load(peer.port, SESSIONS, COUNT, turn, SIZE).send()
            assert peer_accepted == COUNT
            ours.append(rate)
            theirs.append(peer_rate)
            ratios.append(rate / peer_rate)
    compared = f"{statistics.median(ours):.0f}/s, Postfix {statistics.median(theirs):.0f}/s; {COUNT} rows = mails"
    return [Row("P2", "accept of 1 MB mails", f"{statistics.median(ratios):.2f} x", "0.8 x", "1 x", compared)]


def memory() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch:
        with gateway(Path(scratch) / "one", "smtp,worker") as running:
            _sent(running, 50, 0)
            idle = _megabytes(running.pid, "VmRSS")
            one = _peak(running, 1, LARGE) - idle
        with gateway(Path(scratch) / "ten", "smtp,worker") as running:
            ten = _peak(running, AT_ONCE, LARGEST)
    times = one / (LARGE / 1e6)
    over = f"{one:.0f} MB over {idle:.0f} MB idle; {APART}"
    return [
        Row("P9", "peak memory of a 25 MB mail", f"{times:.1f} x", "4 x", "2 x", over),
        Row("P9", "ten mails of 35 MiB at once", f"{ten:.0f} MB", f"{MOST} MB", "", f"peak of the process; {APART}"),
    ]


def _peak(running: Gateway, count: int, size: int) -> float:
    """The largest the process ever was while *count* mails came at once and were decided."""
    Path(f"/proc/{running.pid}/clear_refs").write_text("5")
    _sent(running, count, size)
    return _megabytes(running.pid, "VmHWM")


def _sent(running: Gateway, count: int, size: int) -> None:
    _, accepted = load(running.port, AT_ONCE, count, seed=size + 1, size=size).send()
    assert accepted == count
    while running.rows(UNFINISHED):
        time.sleep(0.05)
    assert not running.rows("SELECT count(*) FROM spool WHERE state = 'quarantined'")


def _megabytes(pid: int, what: str) -> float:
    """A figure of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what + ":")) * 1024 / 1e6
