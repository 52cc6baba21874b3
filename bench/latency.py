"""P14: from the 250 for a mail to its acknowledgement at the relay, at a quarter of the ingest rate."""

import asyncio
import re
import tempfile
import time
from itertools import count
from pathlib import Path

from bench.ingest import ingest_rate
from bench.load import Ready, greeted, handed_over, prepared
from bench.peers import Gateway, gateway
from bench.table import Row
from tests.servers import free_port

COUNT, SESSIONS = 500, 8
UNSENT = "SELECT count(*) FROM outbox WHERE state IN ('ready', 'sending')"
_MESSAGE_ID = re.compile(rb"(?im)^Message-ID:\s*(<[^>]+>)")
_IN_REPLY_TO = re.compile(rb"(?im)^In-Reply-To:\s*(<[^>]+>)")

Times = dict[bytes, float]


def measure() -> list[Row]:
    relay = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="mailgate-bench-") as scratch,
        gateway(Path(scratch), "smtp,worker", processes=2, via=f"smtp://127.0.0.1:{relay}") as running,
    ):
        rate, seconds = asyncio.run(_measured(running, relay))
    seconds.sort()
    last, half = seconds[int(len(seconds) * 0.99)], seconds[len(seconds) // 2]
    compared = f"{len(seconds)} acknowledgements, {rate:.0f} mails a second; median {half:.2f} s"
    return [Row("P14", "250 to acknowledgement at the relay, p99", f"{last:.2f} s", "1 s", "0.2 s", compared)]


async def _measured(running: Gateway, port: int) -> tuple[float, list[float]]:
    """A quarter of the ingest rate, and how long each acknowledgement took at that rate."""
    relay = _Relay()
    async with await asyncio.start_server(relay.serve, "127.0.0.1", port):
        rate = await asyncio.to_thread(ingest_rate, running, COUNT, 1) / 4
        await _all_sent(running)
        accepted = await _sent_at(rate, running.port)
        await _all_sent(running)
        await relay.close()
    return rate, [relay.answered[mail] - at for mail, at in accepted.items() if mail in relay.answered]


async def _all_sent(running: Gateway) -> None:
    while running.rows(UNSENT):
        await asyncio.sleep(0.1)


async def _sent_at(rate: float, port: int) -> Times:
    """When the gateway said 250 to each mail, by its Message-ID; the mails begin *rate* a second."""
    accepted: Times = {}
    ready, turns, begun = prepared(COUNT, seed=2), count(), time.perf_counter()

    async def session() -> None:
        connection = await greeted("127.0.0.1", port)
        while ready:
            mail = ready.popleft()
            await asyncio.sleep(max(0.0, begun + next(turns) / rate - time.perf_counter()))
            assert (await handed_over(connection, mail)).startswith(b"250")
            accepted[_id_in(mail)] = time.perf_counter()
        connection[1].close()

    await asyncio.gather(*(session() for _ in range(SESSIONS)))
    return accepted


def _id_in(mail: Ready) -> bytes:
    found = _MESSAGE_ID.search(mail[1])
    assert found
    return found[1]


class _Relay:
    """A relay that notes when it has a mail, by the id of the mail it answers, and keeps nothing."""

    def __init__(self) -> None:
        self.answered: Times = {}
        self._open: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        writer.write(b"220 relay.example\r\n")
        while command := (await reader.readline())[:4].upper():
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                if found := _IN_REPLY_TO.search(data):
                    self.answered[found[1]] = time.perf_counter()
            writer.write(b"250 well\r\n")

    async def close(self) -> None:
        for writer in self._open:
            writer.close()
            await writer.wait_closed()
