"""One mail while it comes in: a small one waits in memory, a larger one goes to the raw store as it comes (R3)."""

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Protocol

from mailgate.ingest.data import IncomingText, ReceivedFields
from mailgate.model.message import Envelope

LARGEST_IN_MEMORY = 256 * 1024


class Large(Protocol):
    """A mail on its way into the raw store."""

    def write(self, portion: bytes) -> None:
        """Blocks; TryLater where the portion cannot be kept."""

    def commit(self, envelope: Envelope) -> Future[str]:
        """As ``Spool.put``; *envelope* has the sender and recipients that it was begun with."""

    def discard(self) -> None:
        """Forget it, unless it was committed. Blocks."""


class Spool(Protocol):
    """Where mails become durable; the future holds the mail's key once its commit is done."""

    def put(self, envelope: Envelope, raw: bytes) -> Future[str]: ...

    def begin(self, envelope: Envelope) -> Large:
        """For a mail that is too large for memory. Blocks; TryLater."""


class Arriving:
    """Takes the chunks of one DATA command; *text* knows how much came. ``give_up`` unless it was committed."""

    def __init__(self, spool: Spool, envelope: Envelope, limit: int) -> None:
        self.text = IncomingText(limit)
        self.received = ReceivedFields()
        self.size = 0  # of what was given on
        self._spool = spool
        self._envelope = envelope
        self._small = b""
        self._large: Large | None = None
        self._failure: BaseException | None = None
        self._is_written = False
        self._over = False
        self._lock = Lock()  # the thread that writes may outlive the session that waited for it

    async def take(self, chunk: bytes) -> bytes | None:
        """Add *chunk*; None while the text goes on, else what followed the final dot in it."""
        rest = self.text.take(chunk)
        if self.text.is_too_big:
            self.give_up()
        elif self._is_written or self.text.waiting > LARGEST_IN_MEMORY:
            if rest is not None or self.text.waiting > LARGEST_IN_MEMORY:
                await self._write(self.text.portion())
        elif rest is not None:
            self._small = self.text.portion()
            self.size = len(self._small)
            self.received.take(self._small)
        return rest

    def commit(self, at: datetime) -> Future[str]:
        """Hand the whole mail, which came *at* that time, to the spool; raises why that is not possible."""
        if self._failure:
            raise self._failure
        envelope, large = replace(self._envelope, received_at=at), self._large
        self._large, self._is_written = None, False
        return large.commit(envelope) if large else self._spool.put(envelope, self._small)

    def give_up(self) -> None:
        """Forget what was written, and what may still be about to be."""
        if self._is_written:
            self._is_written = False
            asyncio.get_running_loop().run_in_executor(None, self._discard)

    async def _write(self, portion: bytes) -> None:
        """Off the event loop. What goes wrong is kept: the client is answered after its final dot."""
        self._is_written = True
        if self._failure is None:
            writing = asyncio.get_running_loop().run_in_executor(None, self._write_now, portion)
            await asyncio.wait([writing])
            self._failure = writing.exception()

    def _write_now(self, portion: bytes) -> None:
        with self._lock:
            if not self._over:
                self.received.take(portion)
                self.size += len(portion)
                self._large = self._large or self._spool.begin(self._envelope)
                self._large.write(portion)

    def _discard(self) -> None:
        with self._lock:
            self._over = True
            if self._large:
                self._large.discard()
