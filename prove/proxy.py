"""A TCP proxy on loopback that does to the traffic what bad networks do."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers import free_port

DOT = b"\r\n.\r\n"


@dataclass
class Faults:
    """What is wrong with the network now. Values may be changed while it runs.

    *frozen*: nothing goes through. *delay_seconds* before each piece. *one_by_one*: single bytes.
    *is_reply_lost*: asked with each whole mail, True for a connection that is cut before its reply arrives.
    """

    frozen: bool = False
    delay_seconds: float = 0.0
    one_by_one: bool = False
    is_reply_lost: Callable[[bytes], bool] = field(default=lambda _: False)
    replies_lost: int = 0


class Proxy:
    """Listens on *port* in a thread of its own and hands everything on to *target*."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.faults = Faults()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def cut(self) -> None:
        """Break every connection there is; what was frozen is lost."""
        self._loop.call_soon_threadsafe(self._abort)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._abort()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=1)

    def _abort(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(self.faults)
        self._open |= {writer, onward}
        both = (self._pump(reader, onward, link.sent), self._pump(onward_reader, writer, link.answered))
        try:
            await asyncio.gather(*both)
        except OSError:
            pass  # one side is gone: so is the other
        finally:
            self._open -= {writer, onward}
            writer.transport.abort()
            onward.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: Callable[[bytes], bool]
    ) -> None:
        while piece := await reader.read(65536):
            while self.faults.frozen and not writer.is_closing():
                await asyncio.sleep(0.01)
            if self.faults.delay_seconds:
                await asyncio.sleep(self.faults.delay_seconds)
            if not passes(piece):
                raise ConnectionAbortedError
            for part in [piece[n : n + 1] for n in range(len(piece))] if self.faults.one_by_one else [piece]:
                writer.write(part)
                await writer.drain()
                if self.faults.one_by_one:
                    await asyncio.sleep(0)
        raise ConnectionAbortedError


class Link:
    """What passes on one connection: notices the end of each mail, and the reply to it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._sent = bytearray()
        self._loses = False

    def sent(self, piece: bytes) -> bool:
        self._sent += piece
        if self._sent.endswith(DOT):
            self._loses = self._faults.is_reply_lost(bytes(self._sent))
            self._sent.clear()
        return True

    def answered(self, piece: bytes) -> bool:
        if self._loses:
            self._faults.replies_lost += 1
        return not self._loses
