"""S4-S6: how long a client waits for its 250 while others would keep the gateway from its work, and while none does."""

import asyncio
import tempfile
import time
from pathlib import Path

from bench.load import greeted, handed_over, prepared
from bench.peers import configured, gateway
from bench.table import Row
from tests.hostile import DRIPPING, IDLE, crowd

COUNT = 100
PATIENCE_SECONDS = 120
CROWD = f"{IDLE} idle, {DRIPPING} at a byte a second, 32 MiB of line ends and endless DATA over and over"


def measure() -> list[Row]:
    mailbox = next(iter(configured().service.mailboxes))
    with (
        tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch,
        gateway(Path(scratch), "smtp,worker") as running,
    ):
        alone = asyncio.run(_seconds(running.port, seed=1))
        with crowd(running.port, mailbox) as hostile:
            until = time.monotonic() + PATIENCE_SECONDS
            while not hostile.is_complete and time.monotonic() < until:
                time.sleep(0.05)
            among = asyncio.run(_seconds(running.port, seed=2))
            assert (hostile.idle, hostile.dripping) == (IDLE, DRIPPING)
        stored = running.rows("SELECT count(*) FROM spool WHERE size < 1000000")
        assert stored == 2 * COUNT, f"{stored} stored"
    later = max(among) - max(alone)
    compared = f"the longest of {COUNT} mails {max(among):.2f} s, alone {max(alone):.2f} s; {CROWD}"
    return [Row("S4-S6", "delay of others by hostile clients", f"{later:.2f} s", "1 s", "", compared)]


async def _seconds(port: int, seed: int) -> list[float]:
    """How long each mail took from MAIL to the 250, one after the other on one connection."""
    connection, taken = await greeted("127.0.0.1", port), []
    for mail in prepared(COUNT, seed):
        begun = time.perf_counter()
        assert (await handed_over(connection, mail)).startswith(b"250")
        taken.append(time.perf_counter() - begun)
    connection[1].close()
    return taken
