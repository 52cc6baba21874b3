"""The real listener in a thread of the test, and a client that speaks to it line by line over a raw socket."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

import uvloop

from mailgate.ingest.arriving import Spool
from mailgate.ingest.policy import Limits
from mailgate.ingest.smtp import Listener
from mailgate.model.config import Config, Mailbox, Mode, Operator, Service, Smtp

SERVICE = Service(
    domains=("city.example",),
    send_from="answers@city.example",
    mailboxes={
        "Help@city.example": Mailbox(team="desk"),
        "second@city.example": Mailbox(team="desk"),
        "closed@city.example": Mailbox(team="desk", mode=Mode.OFF),
    },
)
ENVELOPE = b"EHLO me\r\nMAIL FROM:<ann@mail.example>\r\nRCPT TO:<help@city.example>\r\nDATA\r\n"


def make_config(**smtp: object) -> Config:
    return Config(version="test", service=SERVICE, operator=Operator(smtp=Smtp.model_validate(smtp)))


class Running:
    """A listener that runs, and the port to reach it at."""

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.listener = listener
        self.port = port
        self._loop = loop

    def stop(self, grace_seconds: float = 5) -> None:
        asyncio.run_coroutine_threadsafe(self.listener.stop(grace_seconds), self._loop).result()


@contextmanager
def listening(spool: Spool, config: Config | None = None, limits: Limits | None = None) -> Iterator[Running]:
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener = Listener(config or make_config(), spool, lambda: datetime.now(UTC), limits)
    _, port = asyncio.run_coroutine_threadsafe(listener.start("127.0.0.1", 0), loop).result()
    running = Running(listener, loop, port)
    try:
        yield running
    finally:
        running.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Dialogue:
    """One SMTP connection, byte by byte."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._lines = self._socket.makefile("rb")
        self.banner = self.reply()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()
        self._socket.close()

    def send(self, text: bytes) -> None:
        self._socket.sendall(text)

    def reply(self) -> bytes:
        """The next reply without its line ends; b"" at the end of the connection."""
        lines = [self._line()]
        while lines[-1][3:4] == b"-":
            lines.append(self._line())
        return b"\n".join(lines)

    def say(self, text: bytes) -> bytes:
        self.send(text + b"\r\n")
        return self.reply()

    def say_all(self, *texts: bytes) -> list[bytes]:
        return [self.say(text) for text in texts]

    def half_close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def _line(self) -> bytes:
        try:
            return self._lines.readline().rstrip(b"\r\n")
        except ConnectionResetError:
            return b""
