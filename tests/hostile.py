"""Clients that would keep a server from its work (docs/reliability.md S4-S6), all at once, in a thread of their own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

IDLE, DRIPPING = 500, 20
LINE_ENDS = b"\r\n" * (16 * 1024**2)
PORTION = 65536
SECOND = 1.0

Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Crowd:
    """What the clients have seen so far; *idle* and *dripping* count those that are still connected."""

    port: int
    mailbox: str
    idle: int = 0
    dripping: int = 0
    line_ends: list[bytes] = field(default_factory=list)
    endless: list[bytes] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether all are connected, and those that send much have done so once."""
        return bool(self.idle == IDLE and self.dripping == DRIPPING and self.line_ends and self.endless)

    async def attack(self, stop: asyncio.Event) -> None:
        everybody = [self._stays_idle() for _ in range(IDLE)] + [self._drips() for _ in range(DRIPPING)]
        everybody += [self._again(self._sends_line_ends), self._again(self._never_ends)]
        self._running = [asyncio.ensure_future(client) for client in everybody]
        await stop.wait()

    async def _stays_idle(self) -> None:
        reader, writer = await self._connected()
        self.idle += 1
        await reader.read()
        self.idle -= 1
        writer.close()

    async def _drips(self) -> None:
        reader, writer = await self._at_data()
        self.dripping += 1
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(SECOND)
        self.dripping -= 1

    async def _again(self, act: Callable[[], Awaitable[None]]) -> None:
        while True:  # until it is cancelled
            await act()

    async def _sends_line_ends(self) -> None:
        reader, writer = await self._at_data()
        number = b"Subject: %d\r\n" % len(self.line_ends)
        self.line_ends.append(await _outcome(reader, writer, [number, LINE_ENDS, b"x\r\n.\r\n"]))

    async def _never_ends(self) -> None:
        reader, writer = await self._at_data()
        self.endless.append(await _outcome(reader, writer, (b"x" * PORTION for _ in range(2**20))))

    async def _connected(self) -> Opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert (await reader.readline()).startswith(b"220")
        return reader, writer

    async def _at_data(self) -> Opened:
        reader, writer = await self._connected()
        for command in (b"EHLO me", b"MAIL FROM:<ann@mail.example>", b"RCPT TO:<%s>" % self.mailbox.encode(), b"DATA"):
            writer.write(command + b"\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass
        return reader, writer


async def _outcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, portions: Iterable[bytes]) -> bytes:
    """The reply to a mail of *portions*, also where it comes before the last of them."""
    answer = asyncio.ensure_future(reader.readline())
    with suppress(ConnectionError):
        for portion in portions:
            writer.write(portion)
            await writer.drain()
            if answer.done():
                break
    try:
        return await answer
    except ConnectionError:
        return b""
    finally:
        writer.close()


@contextmanager
def crowd(port: int, mailbox: str) -> Iterator[Crowd]:
    """The clients, at work until the block ends; wait until they are complete."""
    found, stop = Crowd(port, mailbox), asyncio.Event()
    with asyncio.Runner() as runner:  # it cancels whoever is still at work
        loop = runner.get_loop()
        thread = threading.Thread(target=runner.run, args=(found.attack(stop),))
        thread.start()
        try:
            yield found
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
