"""The history of a ticket: events chained by hashes, so that nobody changes it unnoticed.

hash(n) = SHA-256(hash(n-1) || canonical JSON of the event), from 32 zero bytes on. Personal
values enter only as SHA-256(salt || canonical JSON of them): erasing them and their salt
leaves the chain valid (docs/reliability.md section 7).
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from mailgate.errors import Refused
from mailgate.model.ticket import Event
from mailgate.store.columns import canonical, microseconds, storable
from mailgate.store.engine import insert_all
from mailgate.store.tables import events, tickets

GENESIS = bytes(32)
# What happens to a ticket brings something to it that is to be forgotten again (store/retention.py).
LENGTHEN = (
    update(tickets)
    .where(tickets.c.id == bindparam("ticket"))
    .values(events=bindparam("count"), head=bindparam("hash"), changed_at=bindparam("now"), forgotten=0)
)
_WANTED: Any = bindparam("wanted", expanding=True)
ENDS = (
    select(tickets.c.id, tickets.c.ref, tickets.c.events, tickets.c.head)
    .where(tickets.c.id.in_(_WANTED))
    .order_by(tickets.c.id)
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a ticket's history: how many events it has, and the hash of the last."""

    count: int = 0
    hash: bytes = GENESIS


def chained(ref: str, head: Head, happened: Iterable[Event], at: datetime) -> tuple[list[dict[str, Any]], Head]:
    """The rows that add what *happened* to the history of *ref*, without the ticket's id, and the head after them."""
    rows = []
    for event in happened:
        serial, salt, actor = head.count + 1, os.urandom(16), storable(event.actor)
        data, personal = canonical(dict(event.data)), canonical(dict(event.personal))
        personal_hash = _personal_hash(salt, actor, personal)
        digest = _hash(head.hash, ref, serial, microseconds(at), event.what, data, personal_hash)
        row = {
            "serial": serial,
            "at": microseconds(at),
            "what": event.what,
            "data": data,
            "actor": actor,
            "personal": personal,
            "salt": salt,
            "personal_hash": personal_hash,
            "hash": digest,
        }
        head = Head(serial, digest)
        rows.append(row)
    return rows, head


def append(tx: Connection, ticket_id: int, happened: Iterable[Event], at: datetime) -> None:
    """Add what *happened* to the history of one ticket."""
    append_each(tx, {ticket_id: happened}, at)


def append_each(tx: Connection, happened: Mapping[int, Iterable[Event]], at: datetime) -> None:
    """The same for many tickets, by their ids."""
    added, ends = [], []
    for ticket in tx.execute(ENDS, {"wanted": sorted(happened)}).all():
        rows, head = chained(ticket.ref, Head(ticket.events, ticket.head), happened[ticket.id], at)
        added += [{"ticket_id": ticket.id, **row} for row in rows]
        ends.append({"ticket": ticket.id, "count": head.count, "hash": head.hash, "now": at})
    if added:
        insert_all(tx, events, added)
        tx.execute(LENGTHEN, ends)


def verify(connection: Connection, ref: str) -> int | None:
    """The serial of the first event of *ref* that is not what was written, None where all are.

    Where events at the end are missing it is the serial of the first of them.
    """
    columns = (tickets.c.id, tickets.c.events, tickets.c.head)
    ticket = connection.execute(select(*columns).where(tickets.c.ref == ref)).first()
    if ticket is None:
        raise Refused(f"there is no ticket {ref}")
    head = Head()
    for row in connection.execute(select(events).where(events.c.ticket_id == ticket.id).order_by(events.c.serial)):
        following = followed(head, ref, row)
        if following is None:
            return head.count + 1
        head = following
    return None if head == Head(ticket.events, ticket.head) else min(head.count, ticket.events) + 1


def followed(head: Head, ref: str, row: Any) -> Head | None:
    """The head after *row* of ``events``, where that is what was written after *head*; else None."""
    serial = head.count + 1
    expected = _hash(head.hash, ref, serial, row.at, row.what, row.data, row.personal_hash)
    if row.serial != serial or row.hash != expected or not _is_genuine(row):
        return None
    return Head(serial, expected)


def _hash(before: bytes, ref: str, serial: int, at: int, what: str, data: str, personal_hash: bytes) -> bytes:
    event = {"ticket": ref, "serial": serial, "at": at, "what": what, "data": data, "personal": personal_hash.hex()}
    return hashlib.sha256(before + canonical(event).encode()).digest()


def _personal_hash(salt: bytes, actor: str, personal: str) -> bytes:
    return hashlib.sha256(salt + canonical([actor, personal]).encode()).digest()


def _is_genuine(row: Any) -> bool:
    """Whether the personal values are the ones that were written, or were erased with their salt."""
    if row.salt is None:
        return row.actor is None and row.personal is None
    return bool(row.personal_hash == _personal_hash(row.salt, row.actor, row.personal))
