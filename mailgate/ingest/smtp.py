"""The SMTP listener: bytes and an envelope from a socket, durable before anyone hears "250" (docs/email.md section 1).

aiosmtpd keeps the connection; the commands are our own, because the library's answers lack enhanced
status codes (E18), turn our failures into permanent ones (R1), refuse long lines (R4), read without
end (R5) and hold one object a line (R3).
"""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from aiosmtpd.smtp import SMTP

from mailgate import journal
from mailgate.errors import TryLater
from mailgate.ingest.arriving import Arriving, Spool
from mailgate.ingest.command import read_path
from mailgate.ingest.policy import (
    BUSY,
    NOT_HERE,
    OUT_OF_PATIENCE,
    PUT_OFF,
    TOO_BIG,
    TOO_SLOW,
    Limits,
    is_among,
    refused_recipient,
    refused_sender,
)
from mailgate.model.config import Config
from mailgate.model.message import Envelope

logging.getLogger("mail.log").setLevel(logging.WARNING)  # the library writes addresses at INFO, whole mails below (R8)


class Listener:
    """Accepts connections and hands every mail to *spool*; *config* may be replaced while it runs."""

    def __init__(
        self, config: Config, spool: Spool, clock: Callable[[], datetime], limits: Limits | None = None
    ) -> None:
        self.config = config
        self.spool = spool
        self.clock = clock
        self.limits = limits or Limits()
        self.hostname = socket.gethostname()
        self.closing = False
        self.sessions: set[SmtpSession] = set()
        self.strangers: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, *, shared_port: bool = False) -> tuple[str, int]:
        """Listen; *shared_port*: other processes listen there too. The address in use; OSError where it cannot."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SmtpSession(self, loop), host, port, reuse_port=shared_port or None, backlog=1024
        )
        bound = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def stop(self, grace_seconds: float = 10) -> None:
        """Finish the commits that are under way, send everybody else off with 421."""
        self.closing = True
        if self._server:
            self._server.close()
        for session in list(self.sessions):
            if not session.committing:
                session.send_off(BUSY)
        deadline = asyncio.get_running_loop().time() + grace_seconds
        while self.sessions and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)


class SmtpSession(SMTP):
    """One connection."""

    line_length_limit = 65536  # how much the library's reader buffers; no limit on lines (R4)

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            None, hostname=listener.hostname, enable_SMTPUTF8=True, loop=loop, timeout=listener.limits.idle_seconds
        )
        self.listener = listener
        self.limits = listener.limits
        self.peer = ""
        self.is_stranger = False
        self.vouched = False
        self.committing = False
        self.introduced = False
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.utf8 = False
        self.bad_commands = 0
        self.unknown_recipients = 0

    def __dir__(self) -> list[str]:
        """Nothing: for every connection the library searches all names for its commands, which are not used here."""
        return []

    # ---- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peername = transport.get_extra_info("peername")
        self.peer = peername[0] if isinstance(peername, tuple) and peername else ""
        smtp = self.listener.config.operator.smtp
        self.is_stranger = not is_among(self.peer, smtp.relays)
        self.vouched = is_among(self.peer, smtp.vouches)
        if self.is_stranger:
            self.listener.strangers[self.peer] += 1
        self.listener.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self.listener.sessions:
            self.listener.sessions.discard(self)
            if self.is_stranger:
                self.listener.strangers[self.peer] -= 1
                self.listener.strangers += Counter()  # forgets peers that have left
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """A client that has said its last word still hears ours; the library would stop at once (R6)."""
        return asyncio.StreamReaderProtocol.eof_received(self)

    def _timeout_cb(self) -> None:
        self.send_off(TOO_SLOW)

    def send_off(self, reply: bytes) -> None:
        """Say *reply* and hang up; what was written before still reaches the client."""
        if self.transport is not None and not self.transport.is_closing():
            self._writer.write(reply + b"\r\n")
            self.transport.close()

    async def push(self, status: str | bytes) -> None:
        reply = status.encode("ascii", "replace") if isinstance(status, str) else status
        self._writer.write(reply + b"\r\n")
        await self._writer.drain()

    async def _handle_client(self) -> None:
        """The commands of one client, until it leaves or is sent off."""
        refusal = self._refusal_at_the_door()
        if refusal == BUSY:
            return self.send_off(BUSY)
        await self.push(refusal or f"220 {self.hostname} ESMTP mailgate")
        while self.transport is not None and not self.transport.is_closing():
            try:
                line = await self._command_line()
                if line is not None:
                    self._reset_timeout()
                    await self._answer(line, refused=refusal is not None)
            except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
                self._writer.close()
                return None
            except Exception as error:  # noqa: BLE001 - a door to hostile bytes: our bug must not refuse a mail (R1)
                journal.smtp_failed(error)
                self._forget_mail()
                await self.push(PUT_OFF)
        return None

    def _refusal_at_the_door(self) -> bytes | None:
        if self.listener.closing:
            return BUSY
        if not self.is_stranger:
            return None
        strangers, limits = self.listener.strangers, self.limits
        if strangers[self.peer] > limits.strangers_per_peer or strangers.total() > limits.strangers:
            return BUSY
        return NOT_HERE

    async def _command_line(self) -> bytes | None:
        """The next command; None after one that was far too long to be kept."""
        try:
            return (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
        except asyncio.LimitOverrunError as error:
            await self._reader.read(error.consumed)
            await self._bad_command(b"500 5.5.2 line too long")
            return None

    async def _answer(self, line: bytes, *, refused: bool) -> None:
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        command = COMMANDS.get(verb)
        limit = self.limits.command_bytes + (36 if verb == b"MAIL" else 0)  # SIZE and SMTPUTF8 add that much
        if refused and verb != b"QUIT":
            await self._bad_command(NOT_HERE)
        elif len(line) + 2 > limit:
            await self._bad_command(b"500 5.5.2 line too long")
        elif command is None:
            await self._bad_command(b"500 5.5.2 command not recognised")
        else:
            await command(self, argument.strip(b" ").decode("utf-8", "surrogateescape"))

    async def _bad_command(self, reply: bytes) -> None:
        self.bad_commands += 1
        if self.bad_commands >= self.limits.bad_commands:
            self.send_off(OUT_OF_PATIENCE)
        else:
            await self.push(reply)

    # ---- the commands

    async def hello(self, name: str) -> None:
        await self._greet(name, (b"250 " + self.hostname.encode(),))

    async def extended_hello(self, name: str) -> None:
        size = str(self.listener.config.operator.smtp.max_size).encode()
        extensions = (b"PIPELINING", b"SIZE " + size, b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES")
        lines = (self.hostname.encode(), *extensions)
        await self._greet(name, (*(b"250-" + line for line in lines[:-1]), b"250 " + lines[-1]))

    async def _greet(self, name: str, lines: tuple[bytes, ...]) -> None:
        if not name:
            return await self._bad_command(b"501 5.5.4 say who you are")
        self.introduced = True
        self._forget_mail()
        return await self.push(b"\r\n".join(lines))

    async def mail(self, argument: str) -> None:
        path = read_path(argument, "FROM:")
        if not self.introduced:
            await self._bad_command(b"503 5.5.1 say EHLO first")
        elif self.sender is not None:
            await self._bad_command(b"503 5.5.1 one sender is enough")
        elif path is None:
            await self._bad_command(b"501 5.1.7 bad sender address")
        elif (refusal := refused_sender(self.listener.config, path)) is not None:
            await self.push(refusal)
        else:
            self.sender, self.utf8 = path.address, "SMTPUTF8" in path.options
            await self.push(b"250 2.1.0 ok")

    async def recipient(self, argument: str) -> None:
        path = read_path(argument, "TO:")
        if self.sender is None:
            await self._bad_command(b"503 5.5.1 say MAIL first")
        elif path is None or not path.address:
            await self._bad_command(b"501 5.1.3 bad recipient address")
        elif path.options:
            await self.push(b"555 5.5.4 option not supported")
        elif not path.address.isascii() and not self.utf8:
            await self.push(b"553 5.6.7 such an address needs SMTPUTF8")
        elif len(self.recipients) >= self.limits.recipients:
            await self.push(b"452 4.5.3 too many recipients")
        elif (refusal := refused_recipient(self.listener.config, path)) is not None:
            await self._unknown_recipient(refusal)
        else:
            self.recipients.append(path.address)
            await self.push(b"250 2.1.5 ok")

    async def _unknown_recipient(self, refusal: bytes) -> None:
        self.unknown_recipients += 1
        if self.unknown_recipients > self.limits.unknown_recipients:
            self.send_off(OUT_OF_PATIENCE)
        else:
            await self.push(refusal)

    async def data(self, argument: str) -> None:
        if argument:
            await self._bad_command(b"501 5.5.4 DATA takes no argument")
        elif not self.recipients:
            await self._bad_command(b"503 5.5.1 no valid recipient")
        else:
            await self.push(b"354 end with <CRLF>.<CRLF>")
            arriving = Arriving(self.listener.spool, self._envelope(), self.listener.config.operator.smtp.max_size)
            try:
                if await self._arrived(arriving):
                    reply = TOO_BIG if arriving.text.is_too_big else await self._committed(arriving)
                    self._forget_mail()
                    await self.push(reply)
            finally:
                arriving.give_up()

    def _envelope(self) -> Envelope:
        return Envelope(
            sender=self.sender or "",
            recipients=tuple(dict.fromkeys(self.recipients)),
            received_at=self.listener.clock(),
            peer=self.peer,
            vouched=self.vouched,
        )

    async def _arrived(self, arriving: Arriving) -> bool:
        """Take everything up to the final dot; False where the client was cut off (R5, S5)."""
        text, began = arriving.text, self.loop.time()
        limit = self.listener.config.operator.smtp.max_size
        while True:
            self._reset_timeout(max(0.001, self.limits.seconds_left(text.size, self.loop.time() - began)))
            chunk = await self._reader.read(262144)
            if not chunk:
                raise ConnectionResetError
            rest = await arriving.take(chunk)
            if rest is not None:
                self._reader._buffer[:0] = rest  # type: ignore[attr-defined]  # pipelined commands, read next
                self._reset_timeout()
                return True
            if text.size > 2 * limit:
                self.send_off(TOO_BIG)
                return False

    async def _committed(self, arriving: Arriving) -> bytes:
        """The reply to a whole mail. A client that leaves meanwhile does not stop the commit (R6, E14)."""
        if arriving.received.count > self.limits.received_lines:
            return b"554 5.4.6 routing loop"
        self.committing = True
        try:
            stored = asyncio.wrap_future(arriving.commit(self.listener.clock()), loop=self.loop)
            key = await asyncio.shield(stored)
        except TryLater as error:
            journal.mail_put_off(error)
            return PUT_OFF
        except asyncio.CancelledError:
            stored.add_done_callback(_note_unheard)
            raise
        finally:
            self.committing = False
        journal.mail_accepted(key, size=arriving.text.size, recipients=len(set(self.recipients)))
        return b"250 2.0.0 queued as " + key[:16].encode("ascii")

    async def reset(self, argument: str) -> None:
        self._forget_mail()
        await self.push(b"250 2.0.0 ok")

    async def noop(self, argument: str) -> None:
        await self.push(b"250 2.0.0 ok")

    async def verify(self, argument: str) -> None:
        await self.push(b"252 2.5.0 send it and see")

    async def not_implemented(self, argument: str) -> None:
        await self.push(b"502 5.5.1 not implemented")

    async def quit(self, argument: str) -> None:
        self.send_off(b"221 2.0.0 bye")

    def _forget_mail(self) -> None:
        self.sender, self.utf8 = None, False
        self.recipients.clear()


COMMANDS: Mapping[bytes, Callable[[SmtpSession, str], Awaitable[None]]] = {
    b"HELO": SmtpSession.hello,
    b"EHLO": SmtpSession.extended_hello,
    b"MAIL": SmtpSession.mail,
    b"RCPT": SmtpSession.recipient,
    b"DATA": SmtpSession.data,
    b"RSET": SmtpSession.reset,
    b"NOOP": SmtpSession.noop,
    b"VRFY": SmtpSession.verify,
    b"EXPN": SmtpSession.not_implemented,
    b"TURN": SmtpSession.not_implemented,
    b"QUIT": SmtpSession.quit,
}


def _note_unheard(stored: "asyncio.Future[Any]") -> None:
    if not stored.cancelled() and stored.exception() is None:
        journal.reply_not_delivered(stored.result())
