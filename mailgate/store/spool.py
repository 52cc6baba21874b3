"""The spool: raw mail, durable before anyone hears "250", and whose turn it is."""

import hashlib
import secrets
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, insert, select, text, update

from mailgate.errors import Refused, TryLater
from mailgate.model.message import Envelope
from mailgate.store.columns import SECOND
from mailgate.store.engine import Store, insert_new
from mailgate.store.locks import Unreachable
from mailgate.store.tables import FRESH, QUARANTINED, TRIED, messages, raw_mails, spool

LARGEST_BATCH = 256
LARGEST_BATCH_BYTES = 16 * 1024**2  # of one commit, and of one claim, so that memory stays bounded

Mail = tuple[str, Envelope, bytes]
Putting = tuple[Envelope, bytes, "Future[str]"]


@dataclass(frozen=True, slots=True)
class Spooled:
    """A mail that is ours until its lease ends: *token* proves it. *attempts* counts this one too."""

    id: int
    key: str
    envelope: Envelope
    raw: bytes
    attempts: int
    token: str


def ingest_key(envelope: Envelope, raw: bytes) -> str:
    """What is the same for every retry of one delivery: sender, recipients and bytes (E13)."""
    digest = hashlib.sha256()
    for address in (envelope.sender, *sorted(envelope.recipients)):
        digest.update(address.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(b"\0")  # ends the list: no address is empty but the first
    digest.update(raw)
    return digest.hexdigest()


def put(tx: Connection, mails: Sequence[Mail]) -> set[str]:
    """Store *mails* that are not stored yet, each (key, envelope, raw); the keys of the new ones."""
    by_key = {key: (envelope, raw) for key, envelope, raw in mails}
    arrived = [_arrived(key, envelope, raw) for key, (envelope, raw) in by_key.items()]
    storing = insert_new(tx, raw_mails).returning(raw_mails.c.id, raw_mails.c.key)
    new = tx.execute(storing, arrived).all()
    if new:
        tx.execute(insert(spool), [_work(row.id, len(by_key[row.key][1])) for row in new])
    return {row.key for row in new}


def _arrived(key: str, envelope: Envelope, raw: bytes) -> dict[str, object]:
    return {
        "key": key,
        "sender": envelope.sender,
        "recipients": envelope.recipients,
        "source": envelope.source,
        "peer": envelope.peer,
        "vouched": envelope.vouched,
        "silent": envelope.silent,
        "received_at": envelope.received_at,
        "content": raw,
    }


def _work(mail_id: int, size: int) -> dict[str, object]:
    return {"id": mail_id, "size": size, "state": "ready", "run_at": 0, "attempts": 0, "reason": "", "error": ""}


class GroupCommit:
    """Stores mails from many sessions, all that wait in one commit. It never answers before the commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Putting] = deque()
        self._lock = Lock()
        self._open = True
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="group-commit")
        self._commits = ThreadPoolExecutor(1, thread_name_prefix="commit")

    def put(self, envelope: Envelope, raw: bytes) -> "Future[str]":
        """A promise of the mail's key, kept once it is durable; TryLater where it could not be stored."""
        answer: Future[str] = Future()
        answer.set_running_or_notify_cancel()  # from here on nobody can cancel it: it may be stored already
        with self._lock:
            if self._open:
                self._waiting.append((envelope, raw, answer))
                if len(self._waiting) == 1:
                    self._turns.submit(self._commit_what_waits)
                return answer
        answer.set_exception(TryLater("the gateway is shutting down"))
        return answer

    def close(self) -> None:
        """Commit what waits, then end; what comes later is told to try later."""
        with self._lock:
            self._open = False
        self._turns.shutdown(wait=True)
        self._commits.shutdown(wait=True)

    def _commit_what_waits(self) -> None:
        while batch := self._take():
            keyed = [(ingest_key(envelope, raw), envelope, raw) for envelope, raw, _ in batch]
            answers = [answer for *_, answer in batch]
            error = self._store_all(keyed)
            if error and len(batch) > 1 and not isinstance(error, Unreachable):
                # One of them may be the cause: each gets one more chance by itself.
                for mail, answer in zip(keyed, answers, strict=True):
                    _answer([mail], [answer], self._store_all([mail]))
            else:
                _answer(keyed, answers, error)

    def _take(self) -> list["Putting"]:
        batch: list[Putting] = []
        size = 0
        with self._lock:
            while self._waiting and len(batch) < LARGEST_BATCH:
                size += len(self._waiting[0][1])
                if batch and size > LARGEST_BATCH_BYTES:
                    break
                batch.append(self._waiting.popleft())
        return batch

    def _store_all(self, mails: Sequence[Mail]) -> BaseException | None:
        """Commit *mails*; what went wrong is a value here, a bug of ours too: no session may wait for ever."""
        return self._commits.submit(self._commit, mails).exception()

    def _commit(self, mails: Sequence[Mail]) -> None:
        with self._store.write() as tx:
            put(tx, mails)


def _answer(mails: Sequence[Mail], answers: Sequence["Future[str]"], error: BaseException | None) -> None:
    for (key, *_), answer in zip(mails, answers, strict=True):
        if error is None:
            answer.set_result(key)
        else:
            later = TryLater("the mail could not be stored for now")
            later.__cause__ = error
            answer.set_exception(later)


def claim(store: Store, limit: int, lease_seconds: float) -> tuple[Spooled, ...]:
    """Take mails to work on: one that was tried before, by itself so that a killer dies alone, else up to *limit*."""
    with store.read() as connection:
        if not connection.execute(_tried(store)).first() and not connection.execute(_fresh(1)).first():
            return ()
    token = secrets.token_hex(8)
    with store.write() as tx:
        rows = tx.execute(_tried(store)).all() or tx.execute(_fresh(limit)).all()
        ids = _within_bounds(rows)
        tx.execute(
            update(spool)
            .where(spool.c.id.in_(ids))
            .values(token=token, run_at=store.moment() + round(lease_seconds * SECOND), attempts=spool.c.attempts + 1)
        )
    with store.read() as connection:
        return _claimed(connection, ids, token)


def _tried(store: Store) -> Select[int, int]:
    return (
        select(spool.c.id, spool.c.size)
        .where(text(TRIED), spool.c.run_at <= store.moment())
        .order_by(spool.c.run_at, spool.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _fresh(limit: int) -> Select[int, int]:
    found = select(spool.c.id, spool.c.size).where(text(FRESH)).order_by(spool.c.id).limit(limit)
    return found.with_for_update(skip_locked=True)


def _within_bounds(rows: Sequence[Any]) -> list[int]:
    """The ids of as many *rows* as fit into memory, the first in any case."""
    ids: list[int] = []
    total = 0
    for row in rows:
        total += row.size
        if ids and total > LARGEST_BATCH_BYTES:
            break
        ids.append(row.id)
    return ids


def _claimed(connection: Connection, ids: Sequence[int], token: str) -> tuple[Spooled, ...]:
    query = (
        select(raw_mails, spool.c.attempts)
        .join(spool, spool.c.id == raw_mails.c.id)
        .where(raw_mails.c.id.in_(ids), spool.c.token == token)
        .order_by(raw_mails.c.id)
    )
    return tuple(
        Spooled(row.id, row.key, _envelope(row), row.content, row.attempts, token) for row in connection.execute(query)
    )


def _envelope(row: Any) -> Envelope:
    return Envelope(
        sender=row.sender,
        recipients=tuple(row.recipients),
        received_at=row.received_at,
        source=row.source,
        peer=row.peer,
        vouched=row.vouched,
        silent=row.silent,
    )


def finish(tx: Connection, spooled: Iterable[Spooled], at: datetime) -> None:
    """Mark *spooled* as done; TryLater, so that all is rolled back, where one of them is no longer ours."""
    _end(tx, spooled, {"state": "done", "finished_at": at})


def set_aside(tx: Connection, spooled: Spooled, reason: str, error: str, at: datetime) -> None:
    """Put a mail into quarantine: *reason* is a sentence for people, *error* the class of the error, never content."""
    _end(tx, [spooled], {"state": "quarantined", "finished_at": at, "reason": reason, "error": error})


def _end(tx: Connection, spooled: Iterable[Spooled], values: dict[str, Any]) -> None:
    by_token: dict[str, list[int]] = {}
    for mail in spooled:
        by_token.setdefault(mail.token, []).append(mail.id)
    for token, ids in by_token.items():
        ours = (spool.c.token == token) & (spool.c.state == "ready") & spool.c.id.in_(ids)
        if tx.execute(update(spool).where(ours).values(token=None, **values)).rowcount != len(ids):
            raise TryLater("the lease of a mail ran out: another worker has it")


def release(store: Store, spooled: Iterable[Spooled], after_seconds: float, error: str = "") -> None:
    """Give mails back, to be tried again after *after_seconds*; those that are no longer ours stay as they are."""
    giving_back = (
        update(spool)
        .where(spool.c.id == bindparam("mail"), spool.c.token == bindparam("held_by"))
        .values(token=None, run_at=store.moment() + round(after_seconds * SECOND), error=error)
    )
    held = [{"mail": mail.id, "held_by": mail.token} for mail in spooled]
    if held:
        with store.write() as tx:
            tx.execute(giving_back, held)


def release_leases(store: Store) -> None:
    """At the start: mails whose worker is gone may be taken at once.

    Where nodes share the store, a lease that has not run out may belong to another node.
    """
    if store.is_shared:
        return  # leases that ran out are claimed as they are
    with store.write() as tx:
        tx.execute(update(spool).where(text(TRIED), spool.c.token.is_not(None)).values(token=None, run_at=0))


def waiting(connection: Connection) -> int:
    """How many mails are not decided yet."""
    counting = select(func.count()).select_from(spool)
    fresh, tried = (connection.execute(counting.where(text(rows))).scalar_one() for rows in (FRESH, TRIED))
    return fresh + tried


def outcomes(connection: Connection, keys: Iterable[str]) -> list[str]:
    """What became of each of the mails with these ingest keys: an action, "quarantine" or "waiting"."""
    became = case(
        (spool.c.state == "quarantined", "quarantine"), (spool.c.state == "ready", "waiting"), else_=messages.c.action
    )
    query = select(became).select_from(raw_mails).join(spool, spool.c.id == raw_mails.c.id)
    query = query.outerjoin(messages, messages.c.id == raw_mails.c.id).where(raw_mails.c.key.in_(sorted(keys)))
    return list(connection.scalars(query))


def quarantined(connection: Connection) -> list[dict[str, Any]]:
    """What waits in quarantine for a person, the oldest first."""
    query = (
        select(spool, raw_mails.c.sender, raw_mails.c.recipients, raw_mails.c.received_at)
        .join(raw_mails, raw_mails.c.id == spool.c.id)
        .where(text(QUARANTINED))
        .order_by(spool.c.id)
    )
    return [
        {
            "id": row.id,
            "reason": row.reason,
            "error": row.error,
            "attempts": row.attempts,
            "sender": row.sender,
            "recipients": row.recipients,
            "received_at": row.received_at.isoformat(),
            "quarantined_at": row.finished_at.isoformat(),
            "size": row.size,
        }
        for row in connection.execute(query)
    ]


def quarantined_mail(connection: Connection, mail_id: int) -> bytes:
    """The bytes of a mail in quarantine; Refused where there is none."""
    query = select(raw_mails.c.content).join(spool, spool.c.id == raw_mails.c.id)
    content = connection.execute(query.where(text(QUARANTINED), spool.c.id == mail_id)).scalar()
    if content is None:
        raise Refused(f"there is no mail {mail_id} in quarantine: see mailgate quarantine list")
    return bytes(content)
