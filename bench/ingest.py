"""P3, P5 and P11: SMTP in, ticket and acknowledgement stored; against Postfix, a process fewer, and a slower disk."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.peers import SLOW, Gateway, Load, gateway, load
from bench.table import Row
from tests.postfix import postfix

ROUNDS, COUNT, SESSIONS, MANY_SESSIONS = 3, 2000, 10, 50
ROLES = "smtp,worker"
UNFINISHED = "SELECT count(*) FROM spool WHERE state = 'ready'"


def ingest_rate(
    running: Gateway, count: int, seed: int, sessions: int = SESSIONS, others: Sequence[Gateway] = ()
) -> float:
    """Mails a second from the first one sent until the last one is decided and its answer queued.

    With *others* on the same store each gets its share of the mails and of the sessions.
    """
    nodes = (running, *others)
    before = running.rows("SELECT count(*) FROM spool")
    clients = [
        load(node.port, sessions // len(nodes), count // len(nodes), seed + 1000 * number)
        for number, node in enumerate(nodes)
    ]
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(clients)) as sending:
        accepted = sum(each for _, each in sending.map(Load.send, clients))
    while running.rows(UNFINISHED):
        time.sleep(0.02)
    seconds = time.perf_counter() - begun
    stored = running.rows("SELECT count(*) FROM spool") - before
    assert stored == accepted == count, f"{accepted} accepted, {stored} stored"
    assert not running.rows("SELECT count(*) FROM spool WHERE state = 'quarantined'")
    return count / seconds


def measure() -> list[Row]:
    ours, theirs, ratios = [], [], []
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch, postfix(None) as peer:
        for turn in range(ROUNDS):
            with gateway(Path(scratch) / f"{turn}", ROLES, processes=2) as running:
                rate = ingest_rate(running, COUNT, seed=turn)
            peer_rate, _ = load(peer.port, SESSIONS, COUNT, seed=turn).send()
            ours.append(rate)
            theirs.append(peer_rate)
            ratios.append(rate / peer_rate)
    compared = f"{statistics.median(ours):.0f}/s with two processes, Postfix accepts {statistics.median(theirs):.0f}/s"
    return [Row("P3", "ingest, SQLite, 10 sessions", f"{statistics.median(ratios):.2f} x", "0.4 x", "0.8 x", compared)]


def processes() -> list[Row]:
    two, one, ratio = in_turn(
        lambda folder, turn: _rate(folder, turn, SESSIONS, processes=2),
        lambda folder, turn: _rate(folder, turn, SESSIONS),
    )
    compared = f"{two:.0f}/s with two, {one:.0f}/s with one; the load takes its share of the same cores"
    return [Row("P5", "ingest with two processes", f"{ratio:.2f} x", "1.4 x", "1.8 x", compared)]


def slow_commits() -> list[Row]:
    slow, usual, ratio = in_turn(
        lambda folder, turn: _rate(folder, turn, MANY_SESSIONS, program=SLOW),
        lambda folder, turn: _rate(folder, turn, MANY_SESSIONS),
    )
    compared = f"{slow:.0f}/s, {usual:.0f}/s without, one process; every commit sleeps while it holds the write lock"
    return [
        Row("P11", "ingest with 5 ms added to each commit, 50 sessions", f"{ratio:.2f} x", "0.6 x", "0.85 x", compared)
    ]


def _rate(folder: Path, turn: int, sessions: int, **settings: Any) -> float:
    with gateway(folder, ROLES, **settings) as running:
        return ingest_rate(running, COUNT, seed=turn, sessions=sessions)


def in_turn(a: Callable[[Path, int], float], b: Callable[[Path, int], float]) -> tuple[float, float, float]:
    """The medians of *a*, of *b*, and of what *a* is of *b* within a round; each is given a folder and the round."""
    rates = []
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch:
        for turn in range(ROUNDS):
            rates.append((a(Path(scratch) / f"a{turn}", turn), b(Path(scratch) / f"b{turn}", turn)))
    first, second = zip(*rates, strict=True)
    return statistics.median(first), statistics.median(second), statistics.median(x / y for x, y in rates)
