"""P3: SMTP in, ticket and acknowledgement stored, two processes, against Postfix's accept rate."""

import statistics
import tempfile
import time
from pathlib import Path

from bench.peers import Gateway, gateway, load
from bench.table import Row
from tests.postfix import postfix

ROUNDS, COUNT, SESSIONS = 3, 2000, 10
UNFINISHED = "SELECT count(*) FROM spool WHERE state = 'ready'"


def ingest_rate(running: Gateway, count: int, seed: int, sessions: int = SESSIONS) -> float:
    """Mails a second from the first one sent until the last one is decided and its answer queued."""
    before = running.rows("SELECT count(*) FROM spool")
    client = load(running.port, sessions, count, seed)
    begun = time.perf_counter()
    _, accepted = client.send()
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
            with gateway(Path(scratch) / f"{turn}", "smtp,worker", processes=2) as running:
                rate = ingest_rate(running, COUNT, seed=turn)
            peer_rate, _ = load(peer.port, SESSIONS, COUNT, seed=turn).send()
            ours.append(rate)
            theirs.append(peer_rate)
            ratios.append(rate / peer_rate)
    compared = f"{statistics.median(ours):.0f}/s with two processes, Postfix accepts {statistics.median(theirs):.0f}/s"
    return [Row("P3", "ingest, SQLite, 10 sessions", f"{statistics.median(ratios):.2f} x", "0.4 x", "0.8 x", compared)]
