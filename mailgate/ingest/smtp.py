"""One SMTP connection: lines in, replies out, time and patience limited, encrypted on request (docs/email.md E10).

aiosmtpd keeps the connection; the commands are our own, because the library's answers lack enhanced
status codes (E18), turn our failures into permanent ones (R1), refuse long lines (R4), read without
end (R5) and hold one object a line (R3).
"""

import asyncio
import logging
import secrets
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP

from mailgate import journal
from mailgate.ingest.arriving import Spool
from mailgate.ingest.policy import (
    BUSY,
    EXCHANGE_ONLINE,
    LINE_TOO_LONG,
    NOT_HERE,
    OUT_OF_PATIENCE,
    PUT_OFF,
    TOO_SLOW,
    PerMinute,
    is_among,
    is_certified,
    refused_command,
    row_of,
)
from mailgate.model.config import Config
from mailgate.model.tally import NoTally, Tally

logging.getLogger("mail.log").setLevel(logging.WARNING)  # the library writes addresses at INFO, whole mails below (R8)

LOCAL_PEER = "127.0.0.1"  # what a program that comes through a Unix socket counts as

Command = Callable[[Any, str], Awaitable[None]]


class Door:
    """What all sessions of a process share; *config* may be replaced while it runs.

    *free_bytes* says how much room there is for mail, *tls* how SMTP is encrypted where it can be.
    """

    def __init__(
        self,
        config: Config,
        spool: Spool,
        clock: Callable[[], datetime],
        *,
        free_bytes: Callable[[], int],
        tls: ssl.SSLContext | None = None,
        tally: Tally | None = None,
    ) -> None:
        self.config = config
        self.spool = spool
        self.clock = clock
        self.free_bytes = free_bytes
        self.tls = tls
        self.tally = tally or NoTally()
        self.hostname = socket.gethostname()
        self.closing = False
        self.sessions: set[Connection] = set()
        self.strangers: Counter[str] = Counter()
        self.mails_of, self.commands_of = PerMinute(), PerMinute()


class Connection(SMTP):
    """One connection. A stranger is a peer that is not among our relays: most limits are for strangers.

    *is_local*: it came through a Unix socket, which only our user and our group may open.
    """

    line_length_limit = 65536  # how much the library's reader buffers; no limit on lines (R4)
    offers_tls: ClassVar[bool] = True
    protocol: ClassVar[bytes] = b"ESMTP"
    commands: ClassVar[Mapping[bytes, Command]] = {}

    def __init__(self, door: Door, loop: asyncio.AbstractEventLoop, *, is_local: bool = False) -> None:
        self.limits = door.config.operator.smtp.limits
        super().__init__(
            None, hostname=door.hostname, enable_SMTPUTF8=True, loop=loop, timeout=self.limits.idle_seconds
        )
        self.door = door
        self.tls = door.tls if self.offers_tls else None
        self.is_local = is_local
        self.peer = LOCAL_PEER if is_local else ""
        self.began = loop.time()
        self.is_stranger = self.is_secure = self.vouched = False
        self.may_send = self.may_prove = self.must_secure = False
        self.committing = False
        self.introduced = False
        self.owed = 1
        self.bad_commands = 0

    def __dir__(self) -> list[str]:
        """Nothing: for every connection the library searches all names for its commands, which are not used here."""
        return []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peername = transport.get_extra_info("peername")
        if isinstance(peername, tuple):  # it is none where the peer has left already: a stranger
            self.peer = peername[0]
        smtp = self.door.config.operator.smtp
        self.is_stranger = not self.is_local and not is_among(self.peer, smtp.relays)
        self.vouched = is_among(self.peer, smtp.vouches)
        self.may_send = not self.is_stranger
        self.may_prove = self.tls is not None and smtp.tls is not None and bool(smtp.tls.clients)
        self.must_secure = self.tls is not None and smtp.tls is not None and smtp.tls.required
        if self.is_stranger:
            self.door.strangers[self.peer] += 1
        self.door.sessions.add(self)
        self.door.tally.sessions(1)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self not in self.door.sessions:
            return
        self.door.sessions.discard(self)
        self.door.tally.sessions(-1)
        if self.is_stranger:
            self.door.strangers[self.peer] -= 1
            self.door.strangers += Counter()  # forgets peers that have left
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """A client that has said its last word still hears ours; the library would stop at once (R6)."""
        return asyncio.StreamReaderProtocol.eof_received(self)

    def _timeout_cb(self) -> None:
        if self.committing:
            self._reset_timeout()
        else:
            self.send_off(TOO_SLOW)

    def _await_command(self) -> None:
        """From now on the next command is due; a stranger has so long for all that it does (section 8)."""
        left = self.limits.session_seconds - (self.loop.time() - self.began) if self.is_stranger else float("inf")
        self._reset_timeout(max(0.001, min(self.limits.idle_seconds, left)))

    def send_off(self, reply: bytes) -> None:
        """Say *reply* and hang up; what was written before still reaches the client."""
        if self.transport is not None and not self.transport.is_closing():
            self._write(reply)
            self.transport.close()

    async def push(self, status: str | bytes) -> None:
        self._write(status.encode("ascii", "replace") if isinstance(status, str) else status)
        await self._writer.drain()

    def _write(self, reply: bytes) -> None:
        if reply[0] in b"45":
            self.door.tally.refused(row_of(reply))
        self._writer.write(reply + b"\r\n")

    async def push_outcome(self, reply: bytes) -> None:
        """What became of a mail: as often as the client expects it (E19)."""
        owed, self.owed = self.owed, 1
        await self.push(b"\r\n".join([reply] * owed))

    async def _handle_client(self) -> None:
        """The commands of one client, until it leaves or is sent off."""
        refusal = self._refusal_at_the_door()
        if refusal == BUSY:
            return self.send_off(BUSY)
        await self.push(refusal or b"220 " + self.hostname.encode() + b" " + self.protocol + b" mailgate")
        while self.transport is not None and not self.transport.is_closing():
            try:
                self._await_command()
                line = await self._command_line()
                if line is not None:
                    await self._answer(line)
                if self.door.closing:
                    self.send_off(BUSY)
            except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
                self._writer.close()
                return None
            except Exception as error:  # noqa: BLE001 - a door to hostile bytes: our bug must not refuse a mail (R1)
                self.forget_mail()
                await self.push_outcome(put_off(error, journal.smtp_failed))
        return None

    def _refusal_at_the_door(self) -> bytes | None:
        if self.door.closing:
            return BUSY
        if not self.is_stranger:
            return None
        strangers, limits = self.door.strangers, self.limits
        if strangers[self.peer] > limits.connections_per_peer or strangers.total() > limits.connections:
            return BUSY
        return None if self.may_prove else NOT_HERE

    async def _command_line(self) -> bytes | None:
        """The next command; None after one that was far too long to be kept, which has its answer already."""
        is_too_long = False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                await self._reader.read(error.consumed)
                is_too_long = True
            else:
                break
        if is_too_long:
            await self.bad_command(LINE_TOO_LONG)
            return None
        return line.rstrip(b"\r\n")

    async def _answer(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        limit = self.limits.command_bytes + (36 if verb == b"MAIL" else 0)  # SIZE and SMTPUTF8 add that much
        if self.is_stranger:
            self.door.commands_of.add(self.peer, self.loop.time())
        if (refusal := self._refused_command(verb)) is not None:
            await self.bad_command(refusal)
        elif len(line) + 2 > limit:
            await self.bad_command(LINE_TOO_LONG)
        elif (command := self.commands.get(verb)) is None:
            await self.bad_command(b"500 5.5.2 command not recognised")
        else:
            await command(self, argument.strip(b" ").decode("utf-8", "surrogateescape"))

    def _refused_command(self, verb: bytes) -> bytes | None:
        if self.may_send and (self.is_secure or not self.must_secure):
            return None
        return refused_command(
            verb,
            may_send=self.may_send,
            may_prove=self.may_prove,
            is_secure=self.is_secure,
            must_secure=self.must_secure,
        )

    async def bad_command(self, reply: bytes) -> None:
        self.bad_commands += 1
        if self.bad_commands >= self.limits.bad_commands:
            self.send_off(OUT_OF_PATIENCE)
        else:
            await self.push(reply)

    def forget_mail(self) -> None:
        """What was said about the next mail does not hold any more."""

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on and forget all that was said before (RFC 3207 section 4.2)."""
        assert self.transport is not None
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # S3; no byte can arrive before start_tls waits
        try:
            transport = await self.loop.start_tls(self.transport, self, context, server_side=True)  # type: ignore[arg-type]
        except OSError as error:
            transport = None
            self.connection_lost(error)
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        self.transport = self._reader._transport = self._writer._transport = transport  # type: ignore[attr-defined]
        self._over_ssl = True
        self.is_secure, self.introduced = True, False
        self.forget_mail()
        smtp, certificate = self.door.config.operator.smtp, transport.get_extra_info("peercert")
        if smtp.tls is not None and is_certified(certificate, smtp.tls.clients):
            self.may_send = True
            is_exchange = smtp.tenant is not None and is_certified(certificate, EXCHANGE_ONLINE)
            self.vouched = self.vouched or is_exchange  # E181: each of its mails still has to bear our tenant's number


def put_off(error: BaseException, tell: Callable[[BaseException, str], None]) -> bytes:
    """A failure of ours as the client hears it: not why, but under which number the log says why (R1, E10)."""
    number = secrets.token_hex(4)
    tell(error, number)
    return PUT_OFF + b" [" + number.encode() + b"]"
