"""The spool: the mails that are durable, and whose turn it is."""

import hashlib
import os
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, select, text, update

from mailgate.errors import TryLater
from mailgate.model.message import Envelope
from mailgate.store.columns import EPOCH, MOMENT, SECOND, Id
from mailgate.store.engine import Store, insert_all, insert_new
from mailgate.store.objects import Objects
from mailgate.store.tables import FRESH, TRIED, messages, raw_mails, spool

LARGEST_BATCH_BYTES = 16 * 1024**2  # of one commit, and of one claim, so that memory stays bounded
LOOKED_AT = 4  # mails for each that is claimed, to find some of different senders

# Made once: to make a statement takes as long as to run it.
_IDS: Any = bindparam("ids", expanding=True)
_KNOWN = (
    select(raw_mails.c.id)
    .where(raw_mails.c.key.in_(bindparam("keys", expanding=True)))
    .with_for_update(read=True, key_share=True)
)
_DUE = (
    select(spool.c.id, spool.c.size)
    .where(text(TRIED), spool.c.run_at <= MOMENT)
    .order_by(spool.c.run_at, spool.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_NEW = (
    select(spool.c.id, spool.c.size)
    .where(text(FRESH))
    .order_by(spool.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_WAITING = (
    select(spool.c.id, spool.c.size, raw_mails.c.sender)
    .join(raw_mails, raw_mails.c.id == spool.c.id)
    .where(text(FRESH))
    .order_by(spool.c.id)
    .limit(bindparam("most"))
)
_BUSY = (
    select(raw_mails.c.sender)
    .join(spool, spool.c.id == raw_mails.c.id)
    .where(text(TRIED), spool.c.token.is_not(None))
    .distinct()
)
_STILL_NEW = (
    select(spool.c.id, spool.c.size)
    .where(spool.c.id.in_(_IDS), text(FRESH))
    .order_by(spool.c.id)
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(spool)
    .where(spool.c.id.in_(_IDS))
    .values(
        token=bindparam("held_by"),
        run_at=MOMENT + bindparam("lease", type_=Id),
        attempts=case((spool.c.attempts == 0, 1), else_=spool.c.attempts) + bindparam("alone"),
    )
)
_TAKEN = (
    select(raw_mails, spool.c.attempts)
    .join(spool, spool.c.id == raw_mails.c.id)
    .where(raw_mails.c.id.in_(_IDS), spool.c.token == bindparam("held_by"))
    .order_by(raw_mails.c.id)
)
_END = (
    update(spool)
    .where(spool.c.id.in_(_IDS), spool.c.token == bindparam("held_by"), spool.c.state == "ready")
    .values({name: bindparam(f"new_{name}") for name in ("state", "finished_at", "reason", "error")} | {"token": None})
)

OURS = secrets.token_hex(4)  # what the tokens of this process, and of its children, begin with


@dataclass(frozen=True, slots=True)
class Stored:
    """The content of a large mail that is durable in ``store.raw`` already; its name begins with its ingest key."""

    name: str
    size: int

    @property
    def key(self) -> str:
        return self.name.partition("-")[0]


Content = bytes | Stored
Mail = tuple[str, Envelope, Content]


@dataclass(frozen=True, slots=True)
class Spooled:
    """A mail that is ours until its lease ends: *token* proves it.

    *attempts* is 1 for a mail that was only ever taken in company, else one more than how often it was taken
    alone, this time too, and neither finished nor given back.
    """

    id: int
    key: str
    envelope: Envelope
    attempts: int
    token: str
    content: bytes
    location: str | None
    objects: Objects

    @property
    def raw(self) -> bytes:
        """Its bytes; those of a large mail are read anew each time. Errors as of ``Objects.read``."""
        return self.content if self.location is None else self.objects.read(self.location)

    @property
    def deaths(self) -> int:
        """How often whoever had it, and nothing else, was not heard of again.

        In company any of the mails may have been the cause, or somebody's kill -9: that is no evidence
        against one of them. They come back one by one, so that a mail that kills dies alone, three times.
        """
        return max(0, self.attempts - 2)


def ingest_key(envelope: Envelope, raw: bytes) -> str:
    """What is the same for every retry of one delivery: sender, recipients and bytes (E13)."""
    digest = key_digest(envelope)
    digest.update(raw)
    return digest.hexdigest()


def key_digest(envelope: Envelope) -> "hashlib._Hash":
    """The digest of an ingest key before the mail's bytes."""
    digest = hashlib.sha256()
    for address in (envelope.sender, *sorted(envelope.recipients)):
        digest.update(address.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(b"\0")  # ends the list: no address is empty but the first
    return digest


def is_content_of(row: Any, content: bytes) -> bool:
    """Whether *content* is what came with the mail *row*, by the name of its object, which begins with its key."""
    said = (row.sender, *row.recipients)
    if any("\ufffd" in address for address in said):  # it came with what no database keeps: the key cannot be reckoned
        return True
    envelope = Envelope(row.sender, tuple(row.recipients), EPOCH)
    return bool(row.location.startswith(ingest_key(envelope, content)))


def put(tx: Connection, mails: Sequence[Mail]) -> set[str]:
    """Store *mails* that are not stored yet, each (key, envelope, raw); the keys of the new ones.

    Once it is committed all of them are durable, on the synchronous standby too where there is one. Those that were
    here may be on the primary alone: it crashed and came back, or somebody cancelled their commit. A commit waits for
    the standby only if it wrote something, so they are locked, which is written behind them.
    """
    by_key = {key: (envelope, raw) for key, envelope, raw in mails}
    arrived = [_arrived(key, envelope, raw) for key, (envelope, raw) in by_key.items()]
    new = tx.execute(insert_new(tx, raw_mails, raw_mails.c.id, raw_mails.c.key), arrived).all()
    insert_all(tx, spool, [_work(row.id, _size(by_key[row.key][1])) for row in new])
    stored = {row.key for row in new}
    if known := by_key.keys() - stored:
        tx.execute(_KNOWN, {"keys": sorted(known)})
    return stored


def _size(raw: Content) -> int:
    return raw.size if isinstance(raw, Stored) else len(raw)


def _arrived(key: str, envelope: Envelope, raw: Content) -> dict[str, object]:
    return {
        "key": key,
        "sender": envelope.sender,
        "recipients": envelope.recipients,
        "source": envelope.source,
        "peer": envelope.peer,
        "vouched": envelope.vouched,
        "silent": envelope.silent,
        "received_at": envelope.received_at,
        "content": b"" if isinstance(raw, Stored) else raw,
        "location": raw.name if isinstance(raw, Stored) else None,
    }


def _work(mail_id: int, size: int) -> dict[str, object]:
    return {"id": mail_id, "size": size, "state": "ready", "run_at": 0, "attempts": 0, "reason": "", "error": ""}


def claim(store: Store, limit: int, lease_seconds: float) -> tuple[Spooled, ...]:
    """Take mails to work on: one that was tried before, by itself so that a killer dies alone, else up to *limit*.

    Those who decide about mails of one sender wait for each other: as far as there is a choice, each of these is of
    another sender, with none of whose mails anybody is busy.
    """
    with store.read() as connection:
        if not connection.execute(_DUE).first() and not connection.execute(_NEW, {"most": 1}).first():
            return ()
    token = f"{tokens_of(os.getpid())}{secrets.token_hex(8)}"
    with store.write() as tx:
        ids = _within_bounds(tx.execute(_DUE).all() or _fresh(tx, limit))
        lease = round(lease_seconds * SECOND)
        tx.execute(_TAKE, {"ids": ids, "held_by": token, "lease": lease, "alone": 1 if len(ids) == 1 else 0})
    with store.read() as connection:
        taken = connection.execute(_TAKEN, {"ids": ids, "held_by": token}).all()
    return tuple(
        Spooled(row.id, row.key, _envelope(row), row.attempts, token, row.content, row.location, store.objects)
        for row in taken
    )


def _fresh(tx: Connection, limit: int) -> Sequence[Any]:
    waiting = tx.execute(_WAITING, {"most": LOOKED_AT * limit}).all()
    ids = chosen([(row.id, row.sender) for row in waiting], frozenset(tx.scalars(_BUSY)), limit)
    # Nothing is left of them where another node has chosen the same: then whatever nobody has.
    return tx.execute(_STILL_NEW, {"ids": ids}).all() or tx.execute(_NEW, {"most": limit}).all()


def chosen(waiting: Iterable[tuple[int, str]], busy: Collection[str], limit: int) -> list[int]:
    """Whose turn it is of the mails *waiting*, each (id, sender), the oldest first: *limit* at most.

    One of each sender who is not *busy*, as one transaction seldom takes more of them; where these are few, more of the
    same; where all are busy the oldest. Of whoever has no address nothing waits for another.
    """
    first, more, theirs = list[int](), list[int](), list[int]()
    seen = set[str]()
    for mail, sender in waiting:
        who = sender or f"nobody {mail}"
        (theirs if who in busy else more if who in seen else first).append(mail)
        seen.add(who)
    return sorted((first + more or theirs)[:limit])


def are_waiting(store: Store, count: int) -> bool:
    """Whether *count* mails or more that nobody has tried yet wait to be claimed."""
    with store.read() as connection:
        return len(connection.execute(_WAITING, {"most": count}).all()) == count


def tokens_of(pid: int) -> str:
    """How the tokens begin that one process of this machine gives out, now and never again."""
    return f"{OURS}.{pid}."


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
    _end(tx, spooled, "done", at)


def set_aside(tx: Connection, spooled: Spooled, reason: str, error: str, at: datetime) -> None:
    """Put a mail into quarantine: *reason* is a sentence for people, *error* the class of the error, never content."""
    _end(tx, [spooled], "quarantined", at, reason, error)


def _end(
    tx: Connection, spooled: Iterable[Spooled], state: str, at: datetime, reason: str = "", error: str = ""
) -> None:
    by_token: dict[str, list[int]] = {}
    for mail in spooled:
        by_token.setdefault(mail.token, []).append(mail.id)
    ending = {"new_state": state, "new_finished_at": at, "new_reason": reason, "new_error": error}
    for token, ids in by_token.items():
        if tx.execute(_END, {"ids": ids, "held_by": token, **ending}).rowcount != len(ids):
            raise TryLater("the lease of a mail ran out: another worker has it")


def release(store: Store, spooled: Iterable[Spooled], after_seconds: float, error: str = "") -> None:
    """Give mails back, to be tried again after *after_seconds*; those that are no longer ours stay as they are.

    It was nobody's fault: this time does not count as an attempt.
    """
    giving_back = (
        update(spool)
        .where(spool.c.id == bindparam("mail"), spool.c.token == bindparam("held_by"))
        .values(
            token=None,
            run_at=MOMENT + round(after_seconds * SECOND),
            attempts=case((spool.c.attempts > 1, spool.c.attempts - 1), else_=1),
            error=error,
        )
    )
    held = [{"mail": mail.id, "held_by": mail.token} for mail in spooled]
    if held:
        with store.write() as tx:
            tx.execute(giving_back, held)


def release_leases(store: Store) -> None:
    """At the start: mails whose worker is gone may be taken at once.

    Where nodes share the store, a lease that has not run out may belong to another node.
    """
    if not store.is_shared:  # leases that ran out are claimed as they are
        _release_tokens(store, "")


def release_leases_of(store: Store, pid: int) -> None:
    """When a process of ours is seen to be gone: what it had may be taken at once, behind what waits already."""
    _release_tokens(store, tokens_of(pid))


def _release_tokens(store: Store, beginning: str) -> None:
    held = text(TRIED) & spool.c.token.startswith(beginning, autoescape=True)
    with store.write() as tx:
        tx.execute(update(spool).where(held).values(token=None, run_at=MOMENT))


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
