"""The histories that were deleted as a whole: themselves a chain, so that nobody deletes another one unnoticed.

hash(n) = SHA-256(hash(n-1) || canonical JSON of the record), from 32 zero bytes on, as in the history of a ticket.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from mailgate.store.columns import canonical, microseconds
from mailgate.store.history import GENESIS, Head
from mailgate.store.tables import forgotten

RECORDED = ("serial", "ticket_id", "ref", "events", "head", "at", "why")


@dataclass(frozen=True, slots=True)
class Deleted:
    """The history of a ticket that was deleted, and the end it had."""

    ticket_id: int
    ref: str
    head: Head


def add(tx: Connection, deleted: Sequence[Deleted], at: datetime, why: str) -> None:
    """Record deleted histories; *why* is what ended their keeping, never content."""
    before, rows = head(tx), []
    for each in deleted:
        row = {
            "serial": before.count + 1,
            "ticket_id": each.ticket_id,
            "ref": each.ref,
            "events": each.head.count,
            "head": each.head.hash,
            "at": microseconds(at),
            "why": why,
        }
        before = Head(before.count + 1, _hash(before.hash, row))
        rows.append({**row, "hash": before.hash})
    if rows:
        tx.execute(insert(forgotten), rows)


def head(connection: Connection) -> Head:
    """How many records there are, and the hash of the last: what a seal outside the store has to cover."""
    last = connection.execute(
        select(forgotten.c.serial, forgotten.c.hash).order_by(forgotten.c.serial.desc()).limit(1)
    ).first()
    return Head(last.serial, last.hash) if last else Head()


def of_tickets(connection: Connection, ticket_ids: Iterable[int]) -> dict[int, list[Head]]:
    """The ends of the histories of these tickets that were deleted, by ticket, the oldest first."""
    query = select(forgotten).where(forgotten.c.ticket_id.in_(sorted(ticket_ids))).order_by(forgotten.c.serial)
    found: dict[int, list[Head]] = {}
    for row in connection.execute(query):
        found.setdefault(row.ticket_id, []).append(Head(row.events, row.head))
    return found


def verify(connection: Connection) -> int | None:
    """The serial of the first record that is not what was written, None where all are."""
    expected = Head(0, GENESIS)
    for row in connection.execute(select(forgotten).order_by(forgotten.c.serial)):
        values = {name: row._mapping[name] for name in RECORDED}
        expected = Head(expected.count + 1, _hash(expected.hash, values))
        if (row.serial, row.hash) != (expected.count, expected.hash):
            return expected.count
    return None


def _hash(before: bytes, row: dict[str, Any]) -> bytes:
    return hashlib.sha256(before + canonical({**row, "head": bytes(row["head"]).hex()}).encode()).digest()
