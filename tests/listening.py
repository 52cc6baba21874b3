"""The real listener in a thread of the test, and a client that speaks to it line by line over a raw socket."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import uvloop

from mailgate.ingest.arriving import Spool
from mailgate.ingest.listener import Listener, encryption
from mailgate.ingest.session import SmtpSession
from mailgate.model.config import Config, Mailbox, Mode, Service
from mailgate.model.operator import Limits, Operator, Smtp
from mailgate.model.tally import Tally

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


def make_config(limits: Limits | None = None, **smtp: object) -> Config:
    door = Smtp.model_validate(smtp | ({"limits": limits} if limits else {}))
    return Config(version="test", service=SERVICE, operator=Operator(smtp=door))


class Running:
    """A listener that runs, and the port to reach it at."""

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.listener = listener
        self.port = port
        self._loop = loop

    def block(self, seconds: float) -> None:
        """Let the listener do nothing for so long."""
        self._loop.call_soon_threadsafe(time.sleep, seconds)

    def stop(self, grace_seconds: float = 5) -> None:
        asyncio.run_coroutine_threadsafe(self.listener.stop(grace_seconds), self._loop).result()


@contextmanager
def listening(
    spool: Spool,
    config: Config | None = None,
    *,
    session: type[SmtpSession] = SmtpSession,
    local: socket.socket | None = None,
    free_bytes: Callable[[], int] = lambda: 2**40,
    tally: Tally | None = None,
) -> Iterator[Running]:
    """A listener for *session* on a free port, and for LMTP on the Unix socket *local*."""
    config = config or make_config()
    tls = config.operator.smtp.tls
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener = Listener(
        config,
        spool,
        lambda: datetime.now(UTC),
        free_bytes=free_bytes,
        tls=encryption(tls) if tls else None,
        tally=tally,
    )
    starting = listener.start("127.0.0.1", 0, session=session)
    _, port = asyncio.run_coroutine_threadsafe(starting, loop).result()
    if local is not None:
        asyncio.run_coroutine_threadsafe(listener.start_local(local), loop).result()
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

    def __init__(self, port: int | Path) -> None:
        """Connected to a port of the loopback interface or to a Unix socket."""
        if isinstance(port, Path):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(20)
            self._socket.connect(str(port))
        else:
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

    def encrypt(self, context: ssl.SSLContext) -> None:
        """The handshake after STARTTLS; ssl.SSLError where it fails."""
        self._socket = context.wrap_socket(self._socket, server_hostname="mx.city.example")
        self._lines = self._socket.makefile("rb")

    def half_close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def _line(self) -> bytes:
        try:
            return self._lines.readline().rstrip(b"\r\n")
        except ConnectionResetError:
            return b""
