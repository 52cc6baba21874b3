"""S77: somebody with the database changes what happened, in any way there is, and ``db verify`` has to find it.

They know how hashes are chained, and make histories that fit; what they have not got is the key of the seals, nor the
last seal, which stands in the log.
"""

import hashlib
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from mailgate.model.operator import Operator
from mailgate.model.operator import Store as Place
from mailgate.model.ticket import Event
from mailgate.store.engine import Store, open_store
from mailgate.store.history import append
from mailgate.store.schema import upgrade
from mailgate.store.seals import seal_all
from mailgate.store.sqlite import library
from mailgate.store.tables import tickets
from mailgate.store.verification import Verification
from mailgate.tickets.seal import keys_from
from prove.filled import AT, fill
from prove.outcome import Outcome

KEYS = keys_from({"a": b"the key that nobody who has only the database has"})
SEALS = 4
Database = sqlite3.Connection
Tampering = Callable[[Database, random.Random], None]


def tamperings(folder: Path, seed: int, count: int, *, ticket_count: int = 12, spoilt: bool = False) -> Outcome:
    """*spoilt*: they have the key as well and seal anew, and nobody wrote a seal down."""
    clean, file = folder / "clean.db", folder / "mailgate.db"
    last = _made(clean, ticket_count)
    chance, found, problems = random.Random(seed), 0, list[str]()
    for number in range(count):
        shutil.copy(clean, file)
        name = "written anew" if spoilt else ""
        with closing(library().connect(str(file))) as database:
            database.execute("PRAGMA foreign_keys=OFF")
            while not _is_done(database, chance, name := name or chance.choice(sorted(WAYS))):
                name = ""
            if spoilt:
                database.executescript("UPDATE tickets SET sealed = 0; DELETE FROM seals; DELETE FROM sealed_heads")
        with closing(_opened(file)) as store:
            if spoilt:
                list(seal_all(store, KEYS, AT, SEALS))
            written_down = {} if spoilt else dict([last])
            if next(Verification(store, KEYS, written_down).findings(), None):
                found += 1
            else:
                problems.append(f"tampering {number} was not found: {name}")
    return Outcome({"tamperings": count, "found": found}, problems)


def _is_done(database: Database, chance: random.Random, name: str) -> bool:
    """Whether the database allowed the tampering: it keeps keys unique."""
    try:
        with database:
            WAYS[name](database, chance)
    except library().IntegrityError:
        return False
    return True


def _opened(file: Path) -> Store:
    return open_store(Operator(store=Place(url=f"sqlite:///{file}", raw=f"{file}.raw")))


def _made(file: Path, count: int) -> tuple[int, bytes]:
    """A store with histories that grew between seals; the last seal, as the log has it."""
    with closing(_opened(file)) as store:
        upgrade(store)
        fill(store, range(1, count + 1))
        made = list(seal_all(store, KEYS, AT, 1))
        for turn in range(1, SEALS):
            with store.write() as tx:
                for ticket_id in tx.scalars(tickets.select().with_only_columns(tickets.c.id)).all()[:: turn + 1]:
                    append(tx, ticket_id, [Event("noted", "x", {"turn": turn}, {"note": "y"})], AT)
            made += seal_all(store, KEYS, AT, 1)
        with store.read() as connection:
            assert list(Verification(store, KEYS).findings()) == []
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return made[-1].number, made[-1].seal


# ---------------------------------------------------------------- what they do


def _one(database: Database, chance: random.Random, query: str) -> Any:
    return chance.choice(database.execute(query).fetchall())


def _another(value: Any, chance: random.Random) -> Any:
    """Something else of the same kind."""
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 10**6))
    if isinstance(value, bytes):
        place = chance.randrange(len(value))
        return value[:place] + bytes([value[place] ^ 1 << chance.randrange(8)]) + value[place + 1 :]
    return value + chance.choice((" ", "x", "\u00a0"))


def _edit(table: str, columns: tuple[str, ...]) -> Tampering:
    def edit(database: Database, chance: random.Random) -> None:
        column = chance.choice(columns)
        row, old = _one(database, chance, f"SELECT rowid, {column} FROM {table}")
        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (_another(old, chance), row))

    return edit


def _remove(table: str) -> Tampering:
    def remove(database: Database, chance: random.Random) -> None:
        (row,) = _one(database, chance, f"SELECT rowid FROM {table}")
        database.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))

    return remove


def _swap(database: Database, chance: random.Random) -> None:
    ticket, count = _one(database, chance, "SELECT id, events FROM tickets")
    one, other = sorted(chance.sample(range(1, count + 1), 2))
    for old, new in ((one, -1), (other, one), (-1, other)):
        database.execute("UPDATE events SET serial = ? WHERE ticket_id = ? AND serial = ?", (new, ticket, old))


def _cut_off(database: Database, chance: random.Random) -> None:
    """The last events are gone, and the ticket knows nothing of them."""
    ticket, count = _one(database, chance, "SELECT id, events FROM tickets")
    left = chance.randrange(1, count)
    database.execute("DELETE FROM events WHERE ticket_id = ? AND serial > ?", (ticket, left))
    _settle(database, chance, ticket)


def _write_anew(database: Database, chance: random.Random) -> None:
    """From some event on something else happened, with hashes that fit."""
    ticket, ref, count = _one(database, chance, "SELECT id, ref, events FROM tickets")
    first = chance.randrange(1, count + 1)
    what = chance.choice(("closed", "noted by another", "assigned"))
    database.execute("UPDATE events SET what = ? WHERE ticket_id = ? AND serial = ?", (what, ticket, first))
    _chain(database, ticket, ref)
    _settle(database, chance, ticket)


def _leave_out(database: Database, chance: random.Random) -> None:
    """One event never happened: those after it move up, with hashes that fit."""
    ticket, ref, count = _one(database, chance, "SELECT id, ref, events FROM tickets")
    serial = chance.randrange(1, count + 1)
    database.execute("DELETE FROM events WHERE ticket_id = ? AND serial = ?", (ticket, serial))
    for each in range(serial + 1, count + 1):
        database.execute("UPDATE events SET serial = ? WHERE ticket_id = ? AND serial = ?", (each - 1, ticket, each))
    _chain(database, ticket, ref)
    _settle(database, chance, ticket)


def _take_away(database: Database, chance: random.Random) -> None:
    """A ticket never was."""
    (ticket,) = _one(database, chance, "SELECT id FROM tickets")
    for statement in ("DELETE FROM events WHERE ticket_id = ?", "DELETE FROM tickets WHERE id = ?"):
        database.execute(statement, (ticket,))
    if chance.random() < 0.5:
        database.execute("DELETE FROM sealed_heads WHERE ticket_id = ?", (ticket,))


def _cut_off_seals(database: Database, chance: random.Random) -> None:
    """The last seals are gone, and the history after them was written anew."""
    left = chance.randrange(0, SEALS)
    database.execute("DELETE FROM seals WHERE number > ?", (left,))
    database.execute("DELETE FROM sealed_heads WHERE seal > ?", (left,))
    database.execute(
        "UPDATE tickets SET sealed = coalesce((SELECT max(events) FROM sealed_heads WHERE ticket_id = tickets.id), 0)"
    )


def _chain(database: Database, ticket: int, ref: str) -> None:
    """The hashes of a history, worked out as docs/reliability.md says, without mailgate."""
    before = bytes(32)
    query = "SELECT serial, at, what, data, personal_hash FROM events WHERE ticket_id = ? ORDER BY serial"
    for serial, at, what, data, personal in database.execute(query, (ticket,)).fetchall():
        event = {"ticket": ref, "serial": serial, "at": at, "what": what, "data": data, "personal": personal.hex()}
        before = hashlib.sha256(before + json.dumps(event, sort_keys=True, separators=(",", ":")).encode()).digest()
        database.execute("UPDATE events SET hash = ? WHERE ticket_id = ? AND serial = ?", (before, ticket, serial))


def _settle(database: Database, chance: random.Random, ticket: int) -> None:
    """The ticket says of its history what is there; now and then it also counts as sealed so far."""
    count, head = database.execute(
        "SELECT serial, hash FROM events WHERE ticket_id = ? ORDER BY serial DESC LIMIT 1", (ticket,)
    ).fetchone() or (0, bytes(32))
    database.execute("UPDATE tickets SET events = ?, head = ? WHERE id = ?", (count, head, ticket))
    if chance.random() < 0.5:
        database.execute("UPDATE tickets SET sealed = ? WHERE id = ?", (count, ticket))


EVENT = ("ticket_id", "serial", "at", "what", "data", "actor", "personal", "salt", "personal_hash", "hash")
WAYS: dict[str, Tampering] = {
    "an event changed": _edit("events", EVENT),
    "an event deleted": _remove("events"),
    "events in another order": _swap,
    "the end cut off": _cut_off,
    "written anew": _write_anew,
    "an event left out": _leave_out,
    "a ticket taken away": _take_away,
    "a ticket changed": _edit("tickets", ("events", "head", "sealed", "ref")),
    "a seal changed": _edit("seals", ("number", "at", "key", "tickets", "forgotten", "seal")),
    "a seal deleted": _remove("seals"),
    "what a seal covers changed": _edit("sealed_heads", ("seal", "ticket_id", "events", "mac")),
    "what a seal covers deleted": _remove("sealed_heads"),
    "the last seals cut off": _cut_off_seals,
}
