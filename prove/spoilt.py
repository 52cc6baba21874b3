"""Gateways that were broken on purpose, each in one way that F10 has to find out (docs/reliability.md)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from sqlalchemy import text

from mailgate.model.ticket import Change
from mailgate.store import apply, facts, spool
from mailgate.store.history import Head, chained
from mailgate.store.sqlite import SqliteStore
from mailgate.tickets import answer, commands, duplicate, effects, lifecycle
from mailgate.workers import delivery, intake

Broken = AbstractContextManager[None]


@contextmanager
def instead(owner: Any, name: str, does: Callable[..., Any]) -> Iterator[None]:
    """*does* in the place of *name* of *owner*."""
    real = getattr(owner, name)
    setattr(owner, name, does)
    try:
        yield
    finally:
        setattr(owner, name, real)


def _lost_by_a_crash(store: Any, *values: Any, _claim: Any = spool.claim) -> Any:
    """A claim that counts as an end: who dies with it has lost it."""
    claimed = _claim(store, *values)
    with store.write() as tx:
        tx.execute(text("UPDATE spool SET state = 'done' WHERE token IS NOT NULL"))
    return claimed


@contextmanager
def _lost() -> Iterator[None]:
    with instead(intake, "claim", _lost_by_a_crash), instead(spool, "finish", lambda *_: None):
        yield


def _half_a_decision(store: Any, connection: Any) -> Iterator[Any]:
    """A transaction that ends with what was written so far, however it ends."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield connection
    finally:
        connection.exec_driver_sql("COMMIT")


def _undone(ticket: Any, *_: Any) -> Any:
    return Change(ticket, status=ticket.status)


def _still_closed(ticket: Any, happened: Any, _after: Any = lifecycle.after) -> Any:
    return _after(ticket, happened) if ticket.is_open else ticket.status


def _forgetful(ref: str, head: Head, happened: Any, at: Any) -> Any:
    """A history without what people wrote."""
    return chained(ref, head, [event for event in happened if event.what != "follow-up"], at)


def _never_sent(store: Any, results: Any, now: Any) -> None:
    """What was sent is to be sent again."""
    with store.write() as tx:
        tx.execute(text("UPDATE outbox SET state = 'ready', token = NULL WHERE attempts < 2"))


BREAKAGES: Mapping[str, Callable[[], Broken]] = {
    "the look-up of copies finds nothing": partial(instead, duplicate, "same_mail", lambda *_: (None, ())),
    "the look-up of what is sent again finds nothing": partial(instead, duplicate, "resent", lambda *_: (None, ())),
    "answers do not follow a merge": partial(instead, facts, "of_whole", lambda evidence, _: evidence),
    "a merge forgets what it is part of": partial(instead, effects, "merged", lambda change, whole: change),
    "a split leaves it where it was": partial(instead, effects, "apart", _undone),
    "undo does nothing": partial(instead, effects, "_undone", _undone),
    "an order runs twice": partial(instead, commands, "may_repeat", lambda *_: ""),
    "an answer does not reopen": partial(instead, lifecycle, "after", _still_closed),
    "nobody is acknowledged": partial(instead, answer, "acknowledgements", lambda *_: ()),
    "a crash loses the mail": _lost,
    "a crash leaves the mail with who is gone": partial(instead, spool, "release_leases_of", lambda *_: None),
    "a crash leaves half a decision": partial(instead, SqliteStore, "writing", contextmanager(_half_a_decision)),
    "what people wrote is not in the history": partial(instead, apply, "chained", _forgetful),
    "what was sent is sent again": partial(instead, delivery, "record", _never_sent),
}
"""What is broken, and what breaks it."""
