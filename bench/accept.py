"""P1: mails accepted durably, against Postfix, sessions that keep their connection."""

import statistics
import tempfile
from pathlib import Path

from bench.peers import gateway, load
from bench.table import Row
from tests.postfix import postfix

ROUNDS, COUNT = 3, 2000


def measure() -> list[Row]:
    return [_measured(sessions) for sessions in (10, 50)]


def _measured(sessions: int) -> Row:
    ours, theirs, ratios = [], [], []
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch, postfix(None) as peer:
        for turn in range(ROUNDS):
            with gateway(Path(scratch) / f"{turn}", "smtp") as ours_running:
                rate, accepted = load(ours_running.port, sessions, COUNT, seed=turn).send()
                stored = ours_running.rows("SELECT count(*) FROM spool")
                assert stored == accepted == COUNT, f"{accepted} accepted, {stored} stored"
            peer_rate, peer_accepted = load(peer.port, sessions, COUNT, seed=turn).send()
            assert peer_accepted == COUNT
            ours.append(rate)
            theirs.append(peer_rate)
            ratios.append(rate / peer_rate)
    compared = f"{statistics.median(ours):.0f}/s, Postfix {statistics.median(theirs):.0f}/s; {COUNT} rows = mails"
    return Row(
        "P1", f"durable accept, {sessions} sessions", f"{statistics.median(ratios):.2f} x", "1.0 x", "2 x", compared
    )
