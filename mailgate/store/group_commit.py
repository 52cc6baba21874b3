"""Making mails durable before anyone hears "250": one commit for all that wait, large mails in ``store.raw`` first."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from itertools import islice
from threading import RLock

from sqlalchemy import Connection, select

from mailgate.errors import TryLater
from mailgate.model.message import Envelope
from mailgate.store import spool
from mailgate.store.engine import Store
from mailgate.store.locks import Unreachable
from mailgate.store.objects import Incoming
from mailgate.store.spool import LARGEST_BATCH_BYTES, Content, Mail, Stored, ingest_key, key_digest
from mailgate.store.tables import raw_mails

LARGEST_BATCH = 256
STUCK_AFTER_SECONDS = 30.0
SHORTAGE = (MemoryError, RuntimeError)  # no memory; no thread to be had (F11)


@dataclass
class Putting:
    """A mail to be stored, and the promise of its key."""

    envelope: Envelope
    content: Content
    answer: "Future[str]"

    @cached_property
    def mail(self) -> Mail:
        key = self.content.key if isinstance(self.content, Stored) else ingest_key(self.envelope, self.content)
        return key, self.envelope, self.content

    @property
    def size(self) -> int:
        """The bytes of it that are in memory."""
        return len(self.content) if isinstance(self.content, bytes) else 0


class Large:
    """A large mail on its way into ``store.raw``, its key reckoned as it comes."""

    def __init__(self, group: "GroupCommit", envelope: Envelope, incoming: Incoming) -> None:
        self._group = group
        self._digest = key_digest(envelope)
        self._incoming = incoming
        self._size = 0

    def write(self, portion: bytes) -> None:
        self._digest.update(portion)
        self._size += len(portion)
        self._incoming.write(portion)

    def commit(self, envelope: Envelope) -> "Future[str]":
        """A promise of its key, as of ``GroupCommit.put``; *envelope* as ``begin`` had it."""
        return self._group.put_large(envelope, self)

    def discard(self) -> None:
        self._incoming.discard()

    def finish(self) -> Stored:
        """Make it durable. Its name has something of its own: a second copy is another object, not the first again."""
        name = f"{self._digest.hexdigest()}-{secrets.token_hex(8)}"
        self._incoming.finish(name)
        return Stored(name, self._size)


class GroupCommit:
    """Stores mails from many sessions, all that wait in one commit. It never answers before the commit.

    A large mail is an object in ``store.raw`` before its row. One that no row names in the end is removed; a crash,
    or a commit of which nobody knows whether it happened, leaves it to ``reconcile``.
    While a commit takes long, as one that waits for a standby that is away may, nothing more is taken on: those who are
    told to try later come back, and what waits for the commit must not grow with every time they do.
    *stored* is called after each commit.
    """

    def __init__(self, store: Store, stored: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._stored = stored
        self._waiting: deque[Putting] = deque()
        self._lock = RLock()
        self._turn: Future[None] = Future()
        self._open = True
        self._in_doubt = False
        self._committing_since: float | None = None
        self._files = ThreadPoolExecutor(4, thread_name_prefix="raw-store")
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self._commits = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._removals = ThreadPoolExecutor(1, thread_name_prefix="removal")

    def begin(self, envelope: Envelope) -> Large:
        """A large mail, to be written and then committed; TryLater."""
        return Large(self, envelope, self._store.objects.begin())

    def put(self, envelope: Envelope, raw: bytes) -> "Future[str]":
        """A promise of the mail's key, kept once it is durable; TryLater where it could not be stored."""
        return self._unless_refused(lambda answer: self._wait(envelope, raw, answer))

    def put_large(self, envelope: Envelope, large: Large) -> "Future[str]":
        def finish(answer: "Future[str]") -> None:
            self._files.submit(large.finish).add_done_callback(partial(self._finished, envelope, answer))

        answer = self._unless_refused(finish)
        if answer.done():
            large.discard()
        return answer

    def _unless_refused(self, begin: Callable[["Future[str]"], None]) -> "Future[str]":
        answer: Future[str] = Future()
        answer.set_running_or_notify_cancel()  # from here on nobody can cancel it: it may be stored already
        with self._lock:
            refusal = self._refusal()
            if refusal is None:
                begin(answer)
                return answer
        answer.set_exception(refusal)
        return answer

    def _refusal(self) -> TryLater | None:
        if not self._open:
            return TryLater("the gateway is shutting down")
        since = self._committing_since
        if since is not None and time.monotonic() - since > STUCK_AFTER_SECONDS:
            return TryLater("the store does not finish a commit: is its synchronous standby away?")
        return None

    def close(self) -> None:
        """Commit what waits, then end; what comes later is told to try later."""
        with self._lock:
            self._open = False
        for threads in (self._files, self._turns, self._commits, self._removals):
            threads.shutdown(wait=True)

    def _finished(self, envelope: Envelope, answer: "Future[str]", finishing: "Future[Stored]") -> None:
        error = finishing.exception()
        if error is None:
            self._wait(envelope, finishing.result(), answer)
        else:
            answer.set_exception(_later(error))

    def _wait(self, envelope: Envelope, content: Content, answer: "Future[str]") -> None:
        try:
            with self._lock:
                if not self._waiting or self._turn.done():  # done already: for want of memory it left some behind
                    self._turn = self._turns.submit(self._commit_what_waits)
                self._waiting.append(Putting(envelope, content, answer))
        except SHORTAGE as error:
            answer.set_exception(_later(error))

    def _commit_what_waits(self) -> None:
        while batch := self._filled([]):
            try:
                self._commit_batch(batch)
            except SHORTAGE as error:
                for putting in batch:
                    if not putting.answer.done():
                        putting.answer.set_exception(_later(error))

    def _commit_batch(self, batch: list[Putting]) -> None:
        self._in_doubt = False
        error = self._outcome(self._commit_together, batch)
        if error and len(batch) > 1 and not isinstance(error, Unreachable):
            # One of them may be the cause: each gets one more chance by itself.
            for one in batch:
                self._answer([one], self._outcome(self._commit, [one]))
        else:
            self._answer(batch, error)

    def _filled(self, batch: list[Putting]) -> list[Putting]:
        """*batch*, with as much more of what waits as one commit may have."""
        size = sum(putting.size for putting in batch)
        with self._lock:
            while self._waiting and len(batch) < LARGEST_BATCH:
                size += self._waiting[0].size
                if batch and size > LARGEST_BATCH_BYTES:
                    break
                batch.append(self._waiting.popleft())
        return batch

    def _outcome(self, commit: Callable[[list[Putting]], None], batch: list[Putting]) -> BaseException | None:
        """*commit* it; what went wrong is a value here, a bug of ours too: no session may wait for ever."""
        self._committing_since = time.monotonic()
        try:
            return self._commits.submit(commit, batch).exception()
        finally:
            self._committing_since = None

    def _commit_together(self, batch: list[Putting]) -> None:
        """Commit *batch*, with what came while it waited for its turn to write."""
        with self._store.write() as tx:
            self._put(tx, self._filled(batch))

    def _commit(self, batch: Sequence[Putting]) -> None:
        with self._store.write() as tx:
            self._put(tx, batch)

    def _put(self, tx: Connection, batch: Sequence[Putting]) -> None:
        spool.put(tx, [putting.mail for putting in batch])
        self._in_doubt = True  # from here on an error does not say that nothing was stored

    def _answer(self, batch: Sequence[Putting], error: BaseException | None) -> None:
        for putting in batch:
            if error is None:
                putting.answer.set_result(putting.mail[0])
            else:
                putting.answer.set_exception(_later(error))
        if error is None:
            self._stored()
        names = [putting.content.name for putting in batch if isinstance(putting.content, Stored)]
        if names and not (error and self._in_doubt):
            self._removals.submit(self._remove_unnamed, names)

    def _remove_unnamed(self, names: Sequence[str]) -> None:
        """Remove the objects of mails that were not stored, or had been stored before."""
        with suppress(TryLater), self._store.read() as connection:
            for name in unnamed(connection, names):
                self._store.objects.remove(name)


def _later(error: BaseException) -> TryLater:
    later = TryLater("the mail could not be stored for now")
    later.__cause__ = error
    return later


def unnamed(connection: Connection, names: Sequence[str]) -> list[str]:
    """Those objects that no row names."""
    keys = [name.partition("-")[0] for name in names]
    named = set(connection.scalars(select(raw_mails.c.location).where(raw_mails.c.key.in_(keys))))
    return [name for name in names if name not in named]


def orphans(store: Store, before: datetime) -> Iterator[str]:
    """The objects that were written *before* an instant, at least a day ago, and never got a row (``reconcile``)."""
    kept = (name for name, at in store.objects.kept() if at < before)
    while names := list(islice(kept, LARGEST_BATCH)):
        with store.read() as connection:
            yield from unnamed(connection, names)
