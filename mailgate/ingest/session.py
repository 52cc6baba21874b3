"""The SMTP dialogue: bytes and an envelope from a client, durable before it hears "250" (docs/email.md section 1)."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from mailgate import journal
from mailgate.errors import TryLater
from mailgate.ingest.arriving import Arriving
from mailgate.ingest.command import read_path
from mailgate.ingest.policy import (
    ENOUGH,
    LOOPED,
    MOST_RECEIVED,
    OUT_OF_PATIENCE,
    PUT_OFF,
    TOO_BIG,
    TOO_FAST,
    refused_recipient,
    refused_sender,
)
from mailgate.ingest.smtp import Command, Connection, Door, put_off
from mailgate.model.message import Envelope


class SmtpSession(Connection):
    """The commands of SMTP and what they have said about the next mail."""

    def __init__(self, door: Door, loop: asyncio.AbstractEventLoop, *, is_local: bool = False) -> None:
        super().__init__(door, loop, is_local=is_local)
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.utf8 = False
        self.mails = self.unknown_recipients = self.hurries = 0

    async def hello(self, name: str) -> None:
        await self._greet(name, (b"250 " + self.hostname.encode(),))

    async def extended_hello(self, name: str) -> None:
        size = str(self.door.config.operator.smtp.max_size).encode()
        extensions = (b"PIPELINING", b"SIZE " + size, b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES")
        offers_tls = self.tls is not None and not self.is_secure
        lines = (self.hostname.encode(), *extensions, *([b"STARTTLS"] if offers_tls else []))
        await self._greet(name, (*(b"250-" + line for line in lines[:-1]), b"250 " + lines[-1]))

    async def _greet(self, name: str, lines: tuple[bytes, ...]) -> None:
        if not name:
            return await self.bad_command(b"501 5.5.4 say who you are")
        self.introduced = True
        self.forget_mail()
        return await self.push(b"\r\n".join(lines))

    async def start_tls(self, argument: str) -> None:
        if self.tls is None:
            await self.bad_command(b"502 5.5.1 not implemented")
        elif argument:
            await self.bad_command(b"501 5.5.4 STARTTLS takes no argument")
        elif self.is_secure:
            await self.bad_command(b"503 5.5.1 this connection is encrypted already")
        else:
            self._writer.write(b"220 2.0.0 ready to start TLS\r\n")
            await self.encrypt(self.tls)

    async def mail(self, argument: str) -> None:
        path = read_path(argument, "FROM:")
        if not self.introduced:
            await self.bad_command(b"503 5.5.1 say EHLO first")
        elif self.sender is not None:
            await self.bad_command(b"503 5.5.1 one sender is enough")
        elif self.is_stranger and self.mails >= self.limits.messages_per_connection:
            self.send_off(ENOUGH)
        elif self.is_stranger and self._is_too_fast():
            await self._too_fast()
        elif (refusal := refused_sender(self.door.config, path, self.door.free_bytes())) is not None or path is None:
            await (self.bad_command if path is None else self.push)(refusal or PUT_OFF)
        else:
            self.sender, self.utf8 = path.address, "SMTPUTF8" in path.options
            self.mails += 1
            await self.push(b"250 2.1.0 ok")

    def _is_too_fast(self) -> bool:
        now, limits = self.loop.time(), self.limits
        return (
            self.door.mails_of.add(self.peer, now) > limits.messages_per_minute
            or self.door.commands_of.add(self.peer, now, 0) > limits.commands_per_minute
        )

    async def _too_fast(self) -> None:
        self.hurries += 1
        if self.hurries > 3:
            self.send_off(OUT_OF_PATIENCE)
        else:
            await self.push(TOO_FAST)

    async def recipient(self, argument: str) -> None:
        path = read_path(argument, "TO:")
        if self.sender is None:
            await self.bad_command(b"503 5.5.1 say MAIL first")
        elif path is None or not path.address:
            await self.bad_command(b"501 5.1.3 bad recipient address")
        elif path.options:
            await self.push(b"555 5.5.4 option not supported")
        elif not path.address.isascii() and not self.utf8:
            await self.push(b"553 5.6.7 such an address needs SMTPUTF8")
        elif len(self.recipients) >= self.limits.recipients:
            await self.push(b"452 4.5.3 too many recipients")
        elif (refusal := refused_recipient(self.door.config, path)) is not None:
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
            await self.bad_command(b"501 5.5.4 DATA takes no argument")
        elif not self.recipients:
            await self.bad_command(b"503 5.5.1 no valid recipient")
        else:
            await self.push(b"354 end with <CRLF>.<CRLF>")
            self.owed = self._outcomes_owed()
            arriving = Arriving(self.door.spool, self._envelope(), self.door.config.operator.smtp.max_size)
            try:
                if await self._arrived(arriving):
                    reply = TOO_BIG if arriving.text.is_too_big else await self._committed(arriving)
                    self.forget_mail()
                    await self.push_outcome(reply)
            finally:
                arriving.give_up()

    def _outcomes_owed(self) -> int:
        return 1

    def _envelope(self) -> Envelope:
        return Envelope(
            sender=self.sender or "",
            recipients=tuple(dict.fromkeys(self.recipients)),
            received_at=self.door.clock(),
            peer=self.peer,
            vouched=self.vouched,
        )

    async def _arrived(self, arriving: Arriving) -> bool:
        """Take everything up to the final dot; False where the client was cut off (R5, S5)."""
        limit = self.door.config.operator.smtp.max_size
        text, began = arriving.text, self.loop.time()
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
                self.send_off(b"\r\n".join([TOO_BIG] * self.owed))
                return False

    async def _committed(self, arriving: Arriving) -> bytes:
        """The reply to a whole mail. A client that leaves meanwhile does not stop the commit (R6, E14)."""
        if arriving.received.count > MOST_RECEIVED:
            return LOOPED
        door, size = self.door, arriving.size
        self.committing, began = True, self.loop.time()
        try:
            stored = asyncio.wrap_future(arriving.commit(door.clock()), loop=self.loop)
            key = await asyncio.shield(stored)
        except TryLater as error:
            return put_off(error, journal.mail_put_off)
        except asyncio.CancelledError:
            stored.add_done_callback(_note_unheard)
            raise
        finally:
            self.committing = False
        door.tally.accepted(size, self.loop.time() - began)
        journal.mail_accepted(key, size=size, recipients=len(set(self.recipients)))
        return b"250 2.0.0 queued as " + key[:16].encode("ascii")

    async def reset(self, argument: str) -> None:
        self.forget_mail()
        await self.push(b"250 2.0.0 ok")

    async def noop(self, argument: str) -> None:
        await self.push(b"250 2.0.0 ok")

    async def verify(self, argument: str) -> None:
        await self.push(b"252 2.5.0 send it and see")

    async def not_implemented(self, argument: str) -> None:
        await self.push(b"502 5.5.1 not implemented")

    async def quit(self, argument: str) -> None:
        self.send_off(b"221 2.0.0 bye")

    def forget_mail(self) -> None:
        self.sender, self.utf8 = None, False
        self.recipients.clear()

    commands: ClassVar[Mapping[bytes, Command]] = {
        b"HELO": hello,
        b"EHLO": extended_hello,
        b"STARTTLS": start_tls,
        b"MAIL": mail,
        b"RCPT": recipient,
        b"DATA": data,
        b"RSET": reset,
        b"NOOP": noop,
        b"VRFY": verify,
        b"EXPN": not_implemented,
        b"TURN": not_implemented,
        b"QUIT": quit,
    }


def _note_unheard(stored: "asyncio.Future[Any]") -> None:
    if not stored.cancelled() and stored.exception() is None:
        journal.reply_not_delivered(stored.result())
